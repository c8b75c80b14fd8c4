"""Every component on pages of their own, in light and dark: full, empty, wrong, disabled, overlong."""
