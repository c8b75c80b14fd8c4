"""The form in which conditions are put together: what was sent, and what the page draws of it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhike.kernel.actor import Actor
from zhike.ui.lists.conditions import Group, Match, Test
from zhike.ui.lists.criteria import FIGURES, Choices, Criterion, Operator, operators_of

# w2.field, w2.op, w2.value; within a group w2.0.field and w2.match; wmatch for the whole.
PARAMETER = re.compile(r"w(?:match|(\d{1,2})(?:\.(\d{1,2}))?\.(field|op|value|match))\Z")


@dataclass
class Draft:
    """A test on its way: any part may be missing yet."""

    field: str = ""
    operator: str = ""
    values: list[str] = dataclasses.field(default_factory=list)


@dataclass
class DraftGroup:
    match: Match = "all"
    parts: list[Draft | DraftGroup] = dataclasses.field(default_factory=list)


def is_ours(parameter: str) -> bool:
    return PARAMETER.match(parameter) is not None or parameter in ("build", "add", "drop")


def drafted(group: Group) -> DraftGroup:
    """The form as it opens on conditions that hold; an empty row to begin with."""
    parts = [
        drafted(part)
        if isinstance(part, Group)
        else Draft(part.field, part.operator, list(part.values))
        for part in group.parts
    ]
    return DraftGroup(group.match, parts or [Draft()])


def sent(params: QueryDict) -> DraftGroup:
    """What the person has put together so far, with the row just added or taken away."""
    draft = DraftGroup(_match(params.get("wmatch", "")))
    rows: dict[int, Draft | DraftGroup] = {}
    for name in params:
        fit = PARAMETER.match(name)
        if fit is None or fit[1] is None:
            continue
        at, inner, part = int(fit[1]), fit[2], fit[3]
        alone = inner is None and part != "match"
        row = rows.setdefault(at, Draft() if alone else DraftGroup())
        _put(row, inner, part, params.getlist(name))
    draft.parts = [rows[at] for at in sorted(rows)]
    _drop(draft, params.get("drop", ""))
    _add(draft, params.get("add", ""))
    return draft


def finished(draft: DraftGroup) -> Group:
    """What can be asked of it: rows without field, operator or value are not asked."""
    parts: list[Test | Group] = []
    for part in draft.parts:
        if isinstance(part, DraftGroup):
            group = finished(part)
            if group.parts:
                parts.append(group)
        elif part.field and part.operator:
            parts.append(Test(part.field, part.operator, tuple(v for v in part.values if v)))
    return Group(draft.match, tuple(parts))


@dataclass(frozen=True)
class Line:
    """One row of the form: its place, what may be chosen in it, what is."""

    place: str
    criteria: Sequence[tuple[str | Promise, Sequence[Criterion]]]
    criterion: Criterion | None = None
    operators: Sequence[Operator] = ()
    operator: Operator | None = None
    choices: Choices = ()
    values: Sequence[str] = ()

    @property
    def input(self) -> Literal["", "text", "number", "date", "choices", "figure"]:
        """Which input the value is given in; a figure is text, for 50万 is one."""
        if self.criterion is None or self.operator is None or not self.operator.takes:
            return ""
        if self.operator.takes == "days":
            return "number"
        if self.criterion.kind in FIGURES:
            return "figure"
        return {"choice": "choices", "date": "date", "moment": "date"}.get(
            self.criterion.kind, "text"
        )  # type: ignore[return-value]

    @property
    def unit(self) -> str | Promise:
        """What stands behind the input."""
        if self.criterion is None or self.input not in ("figure", "number"):
            return ""
        return {"money": _("yuan"), "share": "%"}.get(self.criterion.kind, self.criterion.unit)

    @property
    def fields(self) -> list[str]:
        """The value of each single input."""
        wanted = 2 if self.operator is not None and self.operator.takes == "two" else 1
        return [*self.values, *[""] * wanted][:wanted]


@dataclass(frozen=True)
class Box:
    """A group of the form."""

    place: str
    match: Match
    lines: Sequence[Line | Box]

    is_box = True


def drawn(draft: DraftGroup, known: Mapping[str, Criterion], actor: Actor) -> Box:
    """The form as the page draws it."""
    sections: dict[str | Promise, list[Criterion]] = {}
    for each in known.values():
        sections.setdefault(each.group, []).append(each)
    offered = list(sections.items())

    def line(part: Draft, place: str) -> Line:
        criterion = known.get(part.field)
        if criterion is None:
            return Line(place, offered)
        operators = operators_of(criterion)
        operator = next((each for each in operators if each.name == part.operator), operators[0])
        choices = criterion.choices(actor) if criterion.choices else ()
        return Line(place, offered, criterion, operators, operator, choices, part.values)

    def box(part: DraftGroup, place: str) -> Box:
        return Box(
            place,
            part.match,
            [
                box(each, f"{place}{n}.")
                if isinstance(each, DraftGroup)
                else line(each, f"{place}{n}.")
                for n, each in enumerate(part.parts)
            ],
        )

    return box(draft, "w")


def _match(text: str) -> Match:
    return "any" if text == "any" else "all"


def _put(row: Any, inner: str | None, part: str, values: list[str]) -> None:
    if inner is not None and isinstance(row, DraftGroup):
        while len(row.parts) <= int(inner):
            row.parts.append(Draft())
        row = row.parts[int(inner)]
    if part == "match":
        if isinstance(row, DraftGroup):
            row.match = _match(values[-1])
    elif isinstance(row, Draft):
        if part == "field":
            row.field = values[-1]
        elif part == "op":
            row.operator = values[-1]
        else:
            row.values = values


def _places(text: str) -> Iterator[int]:
    return (int(each) for each in re.findall(r"\d+", text)[:2])


def _drop(draft: DraftGroup, text: str) -> None:
    inside, (*above, last) = draft, [*_places(text)] or [-1]
    for at in above:
        if at < len(inside.parts) and isinstance(found := inside.parts[at], DraftGroup):
            inside = found
    if 0 <= last < len(inside.parts):
        del inside.parts[last]


def _add(draft: DraftGroup, text: str) -> None:
    """`test`, `group`, or `test w2.` for a row within a group."""
    kind, _space, place = text.partition(" ")
    inside = draft
    for at in _places(place):
        if at < len(inside.parts) and isinstance(found := inside.parts[at], DraftGroup):
            inside = found
    if kind == "test":
        inside.parts.append(Draft())
    elif kind == "group":
        inside.parts.append(DraftGroup("any", [Draft(), Draft()]))
