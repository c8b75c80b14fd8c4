"""A look before a merge, a split, or a record taken out: the deed itself, rolled back, so that they cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext as _

from zhike.customers.models import Identifier, Merge, Party
from zhike.customers.services.hanging import hanging
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.masterdata.models import Pair, SourceRecord
from zhike.masterdata.services.pairs import between
from zhike.masterdata.services.reviewing import merge_customers, split_customer
from zhike.masterdata.services.surviving import WORDS
from zhike.masterdata.services.taking import take_record

Look = TypeVar("Look")


@dataclass(frozen=True)
class FieldChange:
    """A field that another word will stand in, whose and why; values as they are kept."""

    field: str
    label: str
    before: Any
    after: Any
    source: str
    why: str


@dataclass(frozen=True)
class MergePreview:
    """Rows that move and that are set aside, by what they are; fields that change; what speaks against it."""

    moved: Mapping[str, int]
    left: Mapping[str, int]
    fields: tuple[FieldChange, ...]
    contradictions: tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """One customer of two: its fields as they are kept, rows by what they are, its agreements."""

    name: str
    words: Mapping[str, Any]
    rows: Mapping[str, int]
    agreements: tuple[int, ...]


@dataclass(frozen=True)
class SplitPreview:
    """What stays and what goes, fields that change in the one that stays, documents both claim and it keeps."""

    stays: Side
    goes: Side
    fields: tuple[FieldChange, ...]
    kept: tuple[str, ...] = ()


def preview_merge(*, actor: Actor, absorbed: Party, into: Party) -> MergePreview:
    """What a merge would do."""

    def look() -> MergePreview:
        before = Party.objects.get(pk=into.pk)
        against = contradictions(absorbed, into)
        merge = merge_customers(actor=actor, absorbed=absorbed, into=into, reason=_("preview"))
        after = Party.objects.get(pk=into.pk)
        return MergePreview(
            _counted({place: len(ids) for place, ids in merge.moved.items()}),
            _counted(merge.left),
            _changes(before, after),
            against,
        )

    return _tried(look)


def preview_split(
    *, actor: Actor, merge: Merge, along: Mapping[str, Collection[int]] | None = None
) -> SplitPreview:
    """What a split would do."""

    def look() -> SplitPreview:
        before = Party.objects.get(pk=merge.root_id)
        party = split_customer(actor=actor, merge=merge, reason=_("preview"), along=along)
        return _parted(before, party)

    return _tried(look)


def preview_take(
    *, actor: Actor, record: SourceRecord, agreements: Collection[int]
) -> SplitPreview:
    """What taking the record out would do."""

    def look() -> SplitPreview:
        before = Party.objects.get(pk=record.party_id)
        said = record.identifying()
        party = take_record(actor=actor, record=record, agreements=agreements, reason=_("preview"))
        has = set(party.identifiers.values_list("kind", flat=True))
        kept = [
            kind.label for kind in Identifier.Kind if said.get(kind.value) and kind.value not in has
        ]
        return _parted(before, party, tuple(map(str, kept)))

    return _tried(look)


def _parted(before: Party, party: Party, kept: tuple[str, ...] = ()) -> SplitPreview:
    after = Party.objects.get(pk=before.pk)
    goes = Party.objects.get(pk=party.pk)
    return SplitPreview(_side(after), _side(goes), _changes(before, after), kept)


def _side(party: Party) -> Side:
    rows = {
        each.place: each.model._default_manager.filter(**{each.column: party.pk}).count()
        for each in hanging()
        if not each.single
    }
    words = {name: getattr(party, name) for name in WORDS}
    return Side(
        party.name,
        {name: value for name, value in words.items() if value not in (None, "", False)},
        dict(sorted(_counted({place: count for place, count in rows.items() if count}).items())),
        tuple(party.agreements.order_by("opened_on", "pk").values_list("pk", flat=True)),
    )


def contradictions(one: Party, other: Party) -> tuple[str, ...]:
    """What speaks against their being one: documents, birth dates or sexes that differ, somebody's word."""
    found = []
    for kind in (Identifier.Kind.RESIDENT_ID, Identifier.Kind.CREDIT_CODE):
        held = [
            {
                bytes(each)
                for each in party.identifiers.filter(kind=kind).values_list("blind", flat=True)
            }
            for party in (one, other)
        ]
        if all(held) and held[0] != held[1]:
            found.append(_("Their documents differ: %(kind)s.") % {"kind": kind.label})
    if one.birth_on and other.birth_on and one.birth_on != other.birth_on:
        found.append(_("Their birth dates differ."))
    if one.sex and other.sex and one.sex != other.sex:
        found.append(_("Their sexes differ."))
    records = (SourceRecord.objects.filter(party=each).values("pk") for each in (one, other))
    apart = between(*records).filter(state=Pair.State.DIFFERENT).order_by("-decided_at").first()
    if apart is not None:
        found.append(_("%(name)s judged them to be different.") % {"name": apart.decided_by})
    return tuple(found)


class _Looked(Exception):
    """Ends a transaction that was only for looking."""


def _tried(look: Callable[[], Look]) -> Look:
    found = []
    try:
        # What the services just made is of nobody's sight yet.
        with wall.lowered(), transaction.atomic():
            found.append(look())
            raise _Looked
    except _Looked:
        return found[0]


def _counted(places: Mapping[str, int]) -> dict[str, int]:
    """What kind of row → how many, for places "table.column" or tables."""
    names = {model._meta.db_table: str(model._meta.verbose_name) for model in apps.get_models()}
    found: dict[str, int] = {}
    for place, count in places.items():
        name = names[place.partition(".")[0]]
        found[name] = found.get(name, 0) + count
    return found


def _changes(before: Party, after: Party) -> tuple[FieldChange, ...]:
    found = []
    for name in WORDS:
        field: Any = Party._meta.get_field(name)
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            stamp = after.provenance.get(name, {})
            found.append(
                FieldChange(
                    name,
                    str(field.verbose_name),
                    old,
                    new,
                    stamp.get("source", ""),
                    stamp.get("why", "only"),
                )
            )
    return tuple(found)
