"""A tree: branches that open and close, each line a link with what there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True)
class Branch:
    """One line and those below it. Give `icon` by keyword: so the sprite's build finds its name."""

    label: str
    url: str = ""
    note: Text = ""
    icon: str = ""
    branches: Sequence[Branch] = ()
    opened: bool = False
    current: bool = False
    fetch: str = ""
    """Where the lines below are fetched when it is opened for the first time: `{% tree %}`'s `<li>`s."""
