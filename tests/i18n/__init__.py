"""Every message of the screens, in every language of the screens."""
