"""What the address bar says about a list, and the addresses that say it otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict

from zhike.ui.lists import builder
from zhike.ui.tables import Column

SIZES = (20, 50, 100, 200)


def address(params: QueryDict, **changes: str | None) -> str:
    """The same list with some parameters set anew or (None) taken away; always its first page."""
    new = params.copy()
    new.pop("cursor", None)
    for name, value in changes.items():
        new.pop(name, None)
        if value:
            new[name] = value
    return "?" + new.urlencode(safe=".,|()-:")


@dataclass(frozen=True)
class Pill:
    """Something that narrows the list, in words, and the address without it."""

    words: str
    without: str


@dataclass(frozen=True)
class Choice:
    """One way to set a thing of the list."""

    label: str
    address: str
    on: bool = False
    id: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Pick:
    """A button that opens its choices."""

    name: str
    label: str
    choices: tuple[Choice, ...]

    @property
    def chosen(self) -> int:
        return sum(each.on for each in self.choices)


def columns_of(
    columns: Sequence[Column], params: QueryDict
) -> tuple[tuple[Column, ...], list[str]]:
    """The columns the address chooses, in its order, and those it names that are not there."""
    asked = [name for name in params.get("cols", "").split(",") if name]
    known = {column.name: column for column in columns}
    gone = [name for name in asked if name not in known]
    chosen = tuple(known[name] for name in dict.fromkeys(asked) if name in known)
    return chosen or tuple(each for each in columns if not each.optional), gone


def chosen_first(columns: Sequence[Column], chosen: Sequence[Column]) -> list[tuple[Column, bool]]:
    """Every column with whether it is chosen; the chosen ones in their order."""
    names = {column.name for column in chosen}
    return [
        *((column, True) for column in chosen),
        *((column, False) for column in columns if column.name not in names),
    ]


def size_of(params: QueryDict, otherwise: int) -> int:
    text = params.get("size", "")
    return int(text) if text in map(str, SIZES) else otherwise


def settled(params: QueryDict, column_names: Sequence[str], where: str | None) -> QueryDict | None:
    """The address that a form of the list asks for: its own fields become `cols`, `sort` and `where`.

    None where no form was sent.
    """
    if "columns" not in params and "build" not in params:
        return None
    new = params.copy()
    for name in list(new):
        if name in ("cursor", "columns", "col", "then", "reset") or builder.is_ours(name):
            del new[name]
    if "columns" in params:
        _columns_form(params, new, column_names)
    if "build" in params:
        new.pop("where", None)
        if where:
            new["where"] = where
    return new


def _columns_form(params: QueryDict, new: QueryDict, column_names: Sequence[str]) -> None:
    new.pop("cols", None)
    new.pop("sort", None)
    if "reset" in params:
        return
    columns = [name for name in params.getlist("col") if name in column_names]
    if columns:
        new["cols"] = ",".join(columns)
    orders = dict.fromkeys(order for order in params.getlist("then") if order)
    if orders:
        new["sort"] = ",".join(orders)
