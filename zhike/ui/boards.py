"""A board: the rows of a list as cards in columns, one column a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True)
class BoardCard:
    """One row. `key` names it to whoever moves it; `facts` are (label, value), shown in this order.

    `badge` is (words, tone). `peek` is what htmx draws in the drawer when the title is clicked;
    `url` stays the address for a new tab.
    """

    key: str
    title: str
    url: str = ""
    facts: Sequence[tuple[Text, Any]] = ()
    badge: tuple[Text, str] | None = None
    peek: str = ""


@dataclass(frozen=True)
class BoardColumn:
    """One state: `count` and `total` are of all its rows, of which `cards` may be the first only."""

    key: str
    label: Text
    count: object
    cards: Sequence[BoardCard] = ()
    total: Text = ""
    tone: str = "secondary"
    more_url: str = ""
    """Where the rows are which do not stand here."""


@dataclass(frozen=True)
class Board:
    """`move_url` takes a POST of `card` and `column`, two keys, when a card is moved; "" for never."""

    columns: Sequence[BoardColumn]
    caption: Text = ""
    move_url: str = ""
