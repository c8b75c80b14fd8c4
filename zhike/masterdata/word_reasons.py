"""Words for what survived: why it stands, what a value is called, what was written since a merge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import (
    Address,
    ConsentEvent,
    ContactPoint,
    Identifier,
    Merge,
    Party,
    TimelineEntry,
)
from zhike.kernel.actor import Actor
from zhike.masterdata.survivorship import Criterion
from zhike.ui.format import NOTHING
from zhike.ui.views import visible

CRITERIA: Mapping[str, str | Promise] = {
    Criterion.TRUST: _("trust in its source"),
    Criterion.FRESH: _("newness"),
    Criterion.VERIFIED: _("checked by somebody"),
    Criterion.COMPLETE: _("saying more"),
}
WHY: Mapping[str, str | Promise] = {
    "pinned": _("somebody pinned it"),
    "only": _("the only word"),
    "agreed": _("all say the same"),
    "trust": _("its source is trusted more"),
    "fresh": _("it is newer"),
    "verified": _("somebody checked it"),
    "complete": _("it says more"),
    "first": _("its record is known longest"),
}
# What people write about a customer, and may have written about the wrong one of two.
WRITINGS: tuple[tuple[type[Model], str], ...] = (
    (TimelineEntry, "at"),
    (Identifier, "created_at"),
    (ContactPoint, "created_at"),
    (Address, "created_at"),
    (ConsentEvent, "created_at"),
)
MOST_WRITINGS = 50


@dataclass(frozen=True)
class Writing:
    """A row written for a customer since a merge; `name` is what a form calls it: its place and number."""

    place: str
    id: int
    kind: str
    words: str
    at: datetime

    @property
    def name(self) -> str:
        return f"{self.place}:{self.id}"


def valued(field: str, value: Any) -> str:
    """A field's value as people read it."""
    if value is None or value == "":
        return NOTHING
    model_field: Any = Party._meta.get_field(field)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, date):
        return value.isoformat()
    return str(dict(model_field.flatchoices).get(value, value))


def written_since(actor: Actor, merge: Merge) -> list[Writing]:
    """What the actor sees that was written for the root since the merge, the newest first."""
    return sorted(_written(actor, merge), key=lambda each: each.at, reverse=True)[:MOST_WRITINGS]


def _written(actor: Actor, merge: Merge) -> Iterator[Writing]:
    others = visible(Merge, actor).filter(root=merge.root_id, undone_at__isnull=True)
    homes: dict[str, set[int]] = {}
    for each in others:
        for place, ids in each.moved.items():
            homes.setdefault(place, set()).update(ids)
    for model, when in WRITINGS:
        place = f"{model._meta.db_table}.party_id"
        since = merge.at if when == "at" else merge.created_at
        rows = visible(model, actor).filter(party=merge.root_id, **{f"{when}__gt": since})
        for row in rows.order_by(f"-{when}")[:MOST_WRITINGS]:
            if row.id not in homes.get(place, ()):
                yield Writing(
                    place, row.id, str(model._meta.verbose_name), _words(row), getattr(row, when)
                )


def _words(row: Any) -> str:
    match row:
        case TimelineEntry():
            return str(row.title)
        case ConsentEvent():
            return f"{row.get_purpose_display()} · {row.get_channel_display()}"
        case _sealed:
            return f"{row.get_kind_display()} {row.masked}"
