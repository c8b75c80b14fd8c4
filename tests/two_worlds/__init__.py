"""What somebody is shown may not depend on what they may not see."""
