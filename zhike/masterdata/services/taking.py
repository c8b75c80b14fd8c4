"""A record that its key attached to the wrong customer is taken out into one of its own, with what came with it.

What came with a record: its words, and what its source says of the customer where no other record of that source is
there; where one is, a person says whose the agreements are. A value that another record says too stays and is the
new customer's besides, but for documents: these name one customer only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from zhike.customers.models import (
    Address,
    ContactPoint,
    Identifier,
    Merge,
    Party,
    Relation,
    TimelineEntry,
)
from zhike.customers.services import take_out
from zhike.customers.services.bulk import PartyRow, upsert_parties
from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_see, service
from zhike.masterdata.models import Pin, SourceRecord
from zhike.masterdata.services.pairs import PLACE, keep_apart
from zhike.masterdata.services.records import sealed_words
from zhike.masterdata.services.surviving import WRITER, survive
from zhike.products.models import Agreement, Holding


@dataclass(frozen=True)
class Home:
    """The party a record was written for: the customer it stands with, or one which that has absorbed.

    `moved` maps "table.column" to the rows at home with the absorbed one; without it, to those at home elsewhere.
    """

    id: int
    moved: Mapping[str, Collection[int]]
    absorbed: bool

    @classmethod
    def of(cls, record: SourceRecord) -> Home:
        guests: dict[str, set[int]] = {}
        for merge in Merge.objects.filter(root=record.party_id, undone_at__isnull=True):
            if record.pk in merge.moved.get(PLACE, ()):
                return cls(merge.absorbed, merge.moved, True)
            for place, ids in merge.moved.items():
                guests.setdefault(place, set()).update(ids)
        return cls(record.party_id, guests, False)

    def own(self, place: str, ids: Iterable[int]) -> list[int]:
        """Those of the rows that were written for it."""
        named = self.moved.get(place, ())
        return [id for id in ids if (id in named) == self.absorbed]


@dataclass(frozen=True)
class Came:
    """A record and the agreements at its home; `likely` are those that came with it.

    `alone` is no other record of its source there: then all that the source says came with it.
    """

    record: SourceRecord
    home: Home
    alone: bool
    agreements: tuple[int, ...]
    likely: frozenset[int]


def came_with(record: SourceRecord) -> Came | None:
    """What may be taken out with the record; None where it is all there is of its home, or what people entered."""
    if record.system.code == SourceRecord.BY_HAND:
        return None
    home = Home.of(record)
    beside = SourceRecord.objects.filter(party=record.party_id).exclude(pk=record.pk)
    systems = dict(beside.values_list("pk", "system_id"))
    others = home.own(PLACE, systems)
    if not others:
        return None
    alone = all(systems[id] != record.system_id for id in others)
    held = Agreement.objects.filter(party=record.party_id).order_by("opened_on", "pk")
    sources = dict(held.values_list("pk", "source"))
    agreements = tuple(home.own("products_agreement.party_id", sources))
    likely = frozenset(id for id in agreements if alone and sources[id] == record.system.code)
    return Came(record, home, alone, agreements, likely)


@service("customers.merge")
def take_record(
    *, actor: Actor, record: SourceRecord, agreements: Collection[int], reason: str
) -> Party:
    """The record is a customer of its own, with those agreements and all else that came with it; for good.

    Raises UserError where it cannot be taken out (it is all there is, or was entered here) and without a reason.
    """
    must_see(actor, record.party)
    rows = SourceRecord.objects.select_for_update(of=("self",)).select_related("party", "system")
    record = rows.get(pk=record.pk)
    came = came_with(record)
    if came is None:
        raise UserError(_("This record is all there is of its customer."), _("Reload the page."))
    if not set(agreements) <= set(came.agreements):
        raise UserError(_("An agreement is with another customer by now."), _("Reload the page."))
    party = record.party
    said = {
        name: record.values.get(name) or getattr(party, name) for name in ("name", "type", "stage")
    }
    new = take_out(
        actor=actor,
        party=party,
        home=came.home.id,
        fields=said,
        rows=_rows(came, agreements),
        since=record.created_at,
        reason=reason,
    )
    sealed = list(record.identifying().items())
    seen_on = record.observed_on or record.created_at.date()
    upsert_parties(
        actor=WRITER,
        source=record.system.code,
        rows=[PartyRow({}, sealed, seen_on, party_id=new.pk)],
    )
    survive([party.pk, new.pk])
    keep_apart(actor, [record], list(SourceRecord.objects.filter(party=party)), reason.strip())
    audit.record(actor, "masterdata.record.take", record, reason=reason.strip(), party_id=party.pk)
    return new


def _rows(came: Came, agreements: Collection[int]) -> dict[str, list[int]]:
    """Place ("table.column") → what goes with the record."""
    record = came.record
    party = record.party_id
    rows: dict[str, list[int]] = {
        PLACE: [record.pk],
        "masterdata_pin.party_id": _ids(Pin, party=party, record=record),
        "products_agreement.party_id": sorted(agreements),
        "products_holding.party_id": _ids(Holding, party=party, agreement__in=agreements),
    }
    said = set(sealed_words(record))
    for other in SourceRecord.objects.filter(party=party).exclude(pk=record.pk):
        said -= set(sealed_words(other))
    for model in (Identifier, ContactPoint, Address):
        held = model.objects.filter(party=party).values_list("pk", "kind", "blind")
        mine = [pk for pk, kind, blind in held if (model, kind, bytes(blind)) in said]
        rows[f"{model._meta.db_table}.party_id"] = mine
    if came.alone:
        for found, column in (
            (TimelineEntry, "party_id"),
            (Relation, "party_id"),
            (Relation, "other_id"),
            (Holding, "party_id"),
        ):
            place = f"{found._meta.db_table}.{column}"
            theirs = _ids(found, **{column: party, "source": record.system.code})
            rows[place] = sorted({*rows.get(place, ()), *came.home.own(place, theirs)})
    return rows


def _ids(model: type[Model], **which: Any) -> list[int]:
    return list(model._default_manager.filter(**which).order_by("pk").values_list("pk", flat=True))
