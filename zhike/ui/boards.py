"""A board: the rows of a list as cards in columns, one column a state; what moving a card does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry

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


@dataclass(frozen=True)
class Move:
    """Cards of the list `page` may be put into another column where it is a board by the grouping `by`.

    `form(row, column, data)` asks for what this step needs, None for nothing. `run(actor, row, column, params)` calls
    one service, which refuses by raising UserError. `undo(actor, row, was)` takes the step back to the column where
    the card was; `may_undo(was, column)` says for which steps it can.
    """

    id: str
    page: str
    by: str
    permission: str
    run: Callable[[Actor, Any, str, Mapping[str, Any]], object]
    form: Callable[[Any, str, Any], forms.Form | None] = lambda row, column, data: None
    undo: Callable[[Actor, Any, str], object] | None = None
    may_undo: Callable[[str, str], bool] = lambda was, column: False


moves: Registry[Move] = Registry("ui.moves")


def move_of(page: str, by: str, actor: Actor) -> Move | None:
    """How the actor may move cards of this board; None for not at all."""
    return next(
        (
            each
            for each in moves
            if (each.page, each.by) == (page, by) and actor.may(each.permission)
        ),
        None,
    )
