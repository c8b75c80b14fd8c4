"""The web of relations as a drawing: the customer in the middle, neighbours left and right, theirs further out.

Laid out on the server as lines and boxes with words on them, so that it prints, needs no script, and a
name is a link. The table beside it says the same to those who do not see the drawing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from zhike.customers.models import Party
from zhike.customers.queries.ties import RelationLine, Relations, relations_beyond
from zhike.kernel.actor import Actor

AT_MOST = 24
"""Neighbours that are drawn, the most important; the table has the rest."""
BEYOND_AT_MOST = 4
"""Neighbours of one neighbour that are drawn."""
ROW, NEAR, FAR, HALF = 52, 172, 344, 72
"""Units of the drawing: height of a row, distance of both rings, half the width of a box."""
WIDE = 576
"""Broader than this it is drawn no smaller and scrolls."""
FITS = 9
"""Full-width characters that fit into a box."""


@dataclass(frozen=True)
class Node:
    """A box at (x, y), its middle; without `party` it is somebody outside the reader's scope.

    `label` is the relation that leads to it: beside the line no word would have room.
    """

    x: int
    y: int
    party: Party | None
    text: str
    title: str
    label: str = ""

    @property
    def is_centre(self) -> bool:
        return not self.label


@dataclass(frozen=True)
class Tie:
    """A line between two boxes."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def middle(self) -> tuple[int, int]:
        return (self.x1 + self.x2) // 2, (self.y1 + self.y2) // 2


@dataclass(frozen=True)
class Web:
    """The drawing. `left` and `top` begin the view box of `width` × `height`; `more` are not drawn."""

    nodes: list[Node]
    ties: list[Tie]
    left: int
    top: int
    width: int
    height: int
    more: int

    @property
    def is_wide(self) -> bool:
        return self.width > WIDE


@dataclass(frozen=True)
class Beyond:
    """A neighbour of a neighbour."""

    label: str
    party: Party | None


def drawn(actor: Actor, party: Party, ties: Relations, day: date | None) -> Web | None:
    """The most important relations in force, two levels deep; None without any."""
    shown = ties.nearest(AT_MOST)
    ids = {line.other.pk for line in shown if line.other is not None}
    further: dict[int, list[Beyond]] = {}
    seen = {party.pk} | ties.others
    for pk, line in relations_beyond(actor, ids, seen, day):
        held = further.setdefault(pk, [])
        if len(held) < BEYOND_AT_MOST:
            held.append(Beyond(line.label, line.other))
    return laid_out(party, shown, further, len(ties.current) - len(shown)) if shown else None


def laid_out(
    party: Party,
    near: Sequence[RelationLine],
    further: dict[int, list[Beyond]],
    more: int = 0,
) -> Web:
    """Neighbours share the two sides by the room they need; each stands beside its own neighbours."""
    sides: tuple[list[RelationLine], list[RelationLine]] = ([], [])
    rows = [0, 0]
    for line in near:
        side = 1 if rows[1] <= rows[0] else 0
        sides[side].append(line)
        rows[side] += _rows(line, further)
    nodes = [Node(0, 0, party, _short(party.name), party.name)]
    ties: list[Tie] = []
    for side, way in ((0, -1), (1, 1)):
        y = -(rows[side] - 1) * ROW // 2
        for line in sides[side]:
            height = _rows(line, further)
            middle = y + (height - 1) * ROW // 2
            nodes.append(_node(way * NEAR, middle, line.other, line.label))
            ties.append(Tie(way * HALF, 0, way * (NEAR - HALF), middle))
            for each in further.get(line.other.pk, []) if line.other else []:
                nodes.append(_node(way * FAR, y, each.party, each.label))
                ties.append(Tie(way * (NEAR + HALF), middle, way * (FAR - HALF), y))
                y += ROW
            if not (line.other and further.get(line.other.pk)):
                y += ROW
    reach = (FAR if further else NEAR) + HALF + 8
    left = -reach if sides[0] else -HALF - 8
    height = max(2, *rows) * ROW + 16
    return Web(nodes, ties, left, -height // 2, reach - left, height, more)


def _rows(line: RelationLine, further: dict[int, list[Beyond]]) -> int:
    return max(1, len(further.get(line.other.pk, ()))) if line.other else 1


def _node(x: int, y: int, party: Party | None, label: str) -> Node:
    if party is None:
        outside = _("outside your scope")
        return Node(x, y, None, outside, outside, label)
    return Node(x, y, party, _short(party.name), party.name, label)


def _short(name: str) -> str:
    """As much of a name as fits into a box, measured in eighths of a full-width character."""
    room, kept = FITS * 8, ""
    for each in name:
        wide = unicodedata.east_asian_width(each) in "WF"
        room -= 8 if wide else 7 if each.isupper() else 5
        if room < 0:
            return f"{kept[:-1]}…"
        kept += each
    return kept
