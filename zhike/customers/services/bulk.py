"""Customers as source systems know them, many at once: the same rows a second time change nothing.

A row becomes a new party, is attached to the party that holds one of its documents, or belongs to the party it became
before. Which of several records' values stands is decided in a room above (`masterdata.survivorship`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import F, Q
from django.utils.translation import gettext_noop

from zhike.customers import identifiers, names
from zhike.customers.models import Address, ContactPoint, Identifier, Party, SealedValue
from zhike.kernel import crypto
from zhike.kernel.actor import Actor
from zhike.kernel.copying import copy_rows, new_ids, new_public_ids, update_rows
from zhike.kernel.prepared import Among
from zhike.kernel.services import service

# What a person entered in the CRM itself outranks every feed.
OWN_TRUST = 100
SEALED: Mapping[str, tuple[type[SealedValue], str, str]] = {
    # field → (table, kind of the row, normal form and blind index)
    **{kind: (Identifier, kind, kind) for kind in ("resident_id", "passport", "credit_code")},
    **{kind: (ContactPoint, kind, kind) for kind in ContactPoint.Kind.values},
    **{f"{kind}_address": (Address, kind, "address") for kind in Address.Kind.values},
}
# Database columns of Party that a source may fill.
OWNED = [
    "kind",
    "stage",
    "type",
    "name",
    "sex",
    "birth_on",
    "lunar_birthday",
    "occupation",
    "industry",
    "education",
    "marital_status",
    "employees_count",
    "unit_id",
    "since_on",
    "until_on",
    "note",
    "sample",
]
FILLED = {"sex": "", "lunar_birthday": False, "note": "", "sample": False} | dict.fromkeys(
    ("occupation", "industry", "education", "marital_status"), ""
)
NO_KEYS: tuple[str, list[str]] = ("", [])
Models = frozenset[type[SealedValue]]
# Where a record stands and how it began is the first source's word; a later feed does not move a customer.
KEPT = frozenset({"kind", "unit_id", "sample"})


class PartyRow(NamedTuple):
    """One record: `values` by column of Party, empty ones left out; `sealed` pairs of (field of SEALED, raw value).

    `party_id` is the party the record became before, None for a record not seen yet.
    """

    values: Mapping[str, Any]
    sealed: Sequence[tuple[str, str]]
    observed_on: date
    party_id: int | None = None


class PartyOutcome(NamedTuple):
    """`what` is created, attached, changed or unchanged; `left_out` the sealed fields not taken, each with why."""

    party_id: int
    what: str
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SurvivorRow:
    """What stands in a party: values by column as a record keeps them (days as text), provenance by field."""

    party_id: int
    values: Mapping[str, Any]
    provenance: Mapping[str, Mapping[str, Any]]


class _Value(NamedTuple):
    field: str
    model: type[SealedValue]
    kind: str
    normal: str
    blind: bytes
    tail: bytes


@dataclass(slots=True)
class _Work:
    """A row on its way: its plausible sealed values, what was left out, and the party it turned out to be."""

    row: PartyRow
    values: list[_Value]
    left_out: list[tuple[str, str]]
    party_id: int | None = None
    what: str = ""
    same_as: _Work | None = field(default=None, repr=False)


@service("masterdata.load")
def upsert_parties(
    *,
    actor: Actor,
    source: str,
    rows: Sequence[PartyRow],
    attach_by_contact: bool = False,
    trial: bool = False,
) -> list[PartyOutcome]:
    """Bring records in; answers one outcome a row, in their order.

    A party that is there already keeps its values: `write_survivors` brings what stands. With `attach_by_contact` a
    record without a document belongs to the one party with the same mobile and the same name, if there is exactly
    one. Sealed values are kept sealed from here on. A `trial`, which its caller rolls back, finds the same parties
    and leaves the same out, but writes only what later rows are recognised by: nothing sealed, nothing to search by.
    """
    works = _normalised(rows)
    _recognise(works, attach_by_contact)
    told_by = (Identifier, ContactPoint) if attach_by_contact else (Identifier,)
    only = Models(told_by) if trial else None
    _create(
        [work for work in works if work.party_id is None and work.same_as is None], source, only
    )
    for work in works:
        if work.same_as is not None:
            work.party_id, work.what = work.same_as.party_id, "attached"
    _correct([work for work in works if work.what != "created"], source, only)
    return [PartyOutcome(work.party_id or 0, work.what, tuple(work.left_out)) for work in works]


def _normalised(rows: Sequence[PartyRow]) -> list[_Work]:
    """The rows with their plausible sealed values in the order of SEALED, each field once."""
    works = [_Work(row, [], [], row.party_id) for row in rows]
    found: dict[str, list[tuple[_Work, str]]] = {name: [] for name in SEALED}
    for work in works:
        seen: set[str] = set()
        for name, raw in work.row.sealed:
            if name in seen:
                continue
            seen.add(name)
            try:
                found[name].append((work, identifiers.NORMAL_FORMS[SEALED[name][2]](raw)))
            except identifiers.Implausible as error:
                work.left_out.append((name, str(error)))
    for name, given in found.items():
        model, kind, form = SEALED[name]
        normals = [normal for _work, normal in given]
        blinds, tails = crypto.blind_indexes(form, normals), crypto.tail_indexes(form, normals)
        for (work, normal), blind, tail in zip(given, blinds, tails, strict=True):
            work.values.append(_Value(name, model, kind, normal, blind, tail))
    return works


def _documents(work: _Work) -> list[tuple[str, bytes]]:
    return [(value.kind, value.blind) for value in work.values if value.model is Identifier]


def _recognise(works: Sequence[_Work], attach_by_contact: bool) -> None:
    """Find the party of each record by its documents, in the database and within the rows."""
    blinds = {blind for work in works for _kind, blind in _documents(work)}
    owners: dict[tuple[str, bytes], int] = {
        (kind, bytes(blind)): party
        # Of several who claim it, whoever had it first: of a comprehension's keys the last one stands.
        for kind, blind, party in Identifier.objects.filter(Among(F("blind"), blinds))
        .order_by("-pk")
        .values_list("kind", "blind", "party_id")
    }
    first: dict[tuple[str, bytes], _Work] = {}
    known = _known_contacts(works) if attach_by_contact else {}
    for work in works:
        documents = _documents(work)
        if work.party_id is None:
            work.party_id = next((owners[each] for each in documents if each in owners), None)
            work.what = "attached" if work.party_id is not None else ""
        if work.party_id is None and not documents and attach_by_contact:
            work.party_id = known.get(_contact_key(work))
            work.what = "attached" if work.party_id is not None else ""
        if work.party_id is None:
            leader = next((first[each] for each in documents if each in first), None)
            if leader is None and not documents and attach_by_contact:
                leader = _same_contact(work, first)
            work.same_as = leader
        for each in documents:
            first.setdefault(each, work.same_as or work)


def _contact_key(work: _Work) -> tuple[bytes, str]:
    mobile = next((value.blind for value in work.values if value.field == "mobile"), b"")
    return mobile, names.folded(work.row.values.get("name", ""))


def _same_contact(work: _Work, first: dict[tuple[str, bytes], _Work]) -> _Work | None:
    """An earlier record of the same rows with this mobile and name; this one becomes the earlier one otherwise."""
    mobile, name = _contact_key(work)
    if not mobile:
        return None
    key = (f"contact:{name}", mobile)
    leader = first.setdefault(key, work)
    return None if leader is work else leader


def _known_contacts(works: Sequence[_Work]) -> dict[tuple[bytes, str], int]:
    """(mobile, folded name) → the party, where exactly one has both."""
    mobiles = {key[0] for work in works if (key := _contact_key(work))[0]}
    found: dict[tuple[bytes, str], set[int]] = {}
    points = ContactPoint.objects.filter(
        Among(F("blind"), mobiles), kind=ContactPoint.Kind.MOBILE
    ).values_list("blind", "party__name", "party_id")
    for blind, name, party in points:
        found.setdefault((bytes(blind), names.folded(name)), set()).add(party)
    return {key: parties.pop() for key, parties in found.items() if len(parties) == 1}


def _create(works: Sequence[_Work], source: str, only: Models | None) -> None:
    """Make parties. `only`: it is a trial, of whose sealed values those are told by."""
    if not works:
        return
    ids = new_ids(Party, len(works))
    rows = []
    for id, public_id, work in zip(ids, new_public_ids(len(works)), works, strict=True):
        work.party_id, work.what = id, "created"
        values: dict[str, Any] = {**FILLED, **work.row.values}
        person = values["kind"] == Party.Kind.PERSON
        name: str = values["name"]
        provenance = _provenance(tuple(work.row.values), source, work.row.observed_on)
        rows.append(
            (
                id,
                public_id,
                *(values.get(column) for column in OWNED),
                *(names.keys(name, person=person) if only is None else NO_KEYS),
                provenance,
            )
        )
    copy_rows(
        Party,
        ("id", "public_id", *OWNED, "name_key", "search_tokens", "provenance"),
        rows,
    )
    taken: set[tuple[str, bytes]] = set()
    for work in works:
        work.values = list(_free(work, taken))
    _add_sealed([(work, value) for work in works for value in work.values], source, only)


def _free(work: _Work, taken: set[tuple[str, bytes]]) -> Iterable[_Value]:
    """The values a party may have: a document named by an earlier record stays with that one."""
    for value in work.values:
        if value.model is Identifier:
            if (value.kind, value.blind) in taken:
                work.left_out.append(
                    (value.field, gettext_noop("it belongs to another customer already"))
                )
                continue
            taken.add((value.kind, value.blind))
        yield value


@lru_cache(maxsize=4096)
def _provenance(fields: tuple[str, ...], source: str, on: date) -> str:
    stamp = {"source": source, "on": on.isoformat()}
    return json.dumps({_field_name(name): stamp for name in fields})


def _field_name(column: str) -> str:
    return "unit" if column == "unit_id" else column


def _add_sealed(pairs: Sequence[tuple[_Work, _Value]], source: str, only: Models | None) -> None:
    rows: dict[type[SealedValue], list[tuple[Any, ...]]] = {
        Identifier: [],
        ContactPoint: [],
        Address: [],
    }
    places = {model: f"{model._meta.db_table}.sealed:" for model in rows}
    if only is not None:
        pairs = [(work, value) for work, value in pairs if value.model in only]
    public_ids = new_public_ids(len(pairs))
    sealed = (
        crypto.encrypt_each(
            (value.normal, places[value.model] + public_id)
            for public_id, (_work, value) in zip(public_ids, pairs, strict=True)
        )
        if only is None
        else [b""] * len(pairs)
    )
    for public_id, (work, value), secret in zip(public_ids, pairs, sealed, strict=True):
        rows[value.model].append(
            (
                public_id,
                work.party_id,
                value.kind,
                secret,
                value.blind,
                value.tail,
                source,
                work.row.observed_on,
            )
        )
    common = ("public_id", "party_id", "kind", "sealed", "blind", "tail", "source", "observed_on")
    extra: dict[type[SealedValue], tuple[tuple[str, ...], tuple[Any, ...]]] = {
        Identifier: ((), ()),
        ContactPoint: (("is_preferred", "label"), (False, "")),
        Address: (("region",), ("",)),
    }
    for model, found in rows.items():
        columns, values = extra[model]
        if found:
            copy_rows(model, (*common, *columns), ((*row, *values) for row in found))


def _correct(works: Sequence[_Work], source: str, only: Models | None) -> None:
    """Bring sealed values to parties that are there already; which of the other values stand is decided above."""
    added = _new_values(works)
    _add_sealed(added, source, only)
    for work, _value in added:
        work.what = work.what or "changed"
    for work in works:
        work.what = work.what or "unchanged"


@service("masterdata.load")
def write_survivors(*, actor: Actor, rows: Sequence[SurvivorRow], fields: Collection[str]) -> int:
    """Put into parties what stands of their records' words; answers how many parties it changed.

    Of the `fields` that survivors are found for, one that came from a record but has no word left becomes empty.
    """
    parties = Party.objects.select_for_update().in_bulk([row.party_id for row in rows])
    changed = []
    for row in rows:
        party = parties[row.party_id]
        values = {
            column: FILLED.get(column) if value in (None, "") else _python(column, value)
            for column, value in row.values.items()
        }
        unsaid = {name for name in fields if name in party.provenance and name not in row.values}
        values |= {name: FILLED.get(name) for name in unsaid}
        provenance = {
            name: stamp for name, stamp in party.provenance.items() if name not in unsaid
        } | dict(row.provenance)
        if provenance == party.provenance and all(
            getattr(party, column) == value for column, value in values.items()
        ):
            continue
        for column, value in values.items():
            setattr(party, column, value)
        party.provenance = provenance
        person = party.kind == Party.Kind.PERSON
        party.name_key, party.search_tokens = names.keys(party.name, person=person)
        changed.append(party)
    if changed:
        update_rows(
            Party,
            (*OWNED, "name_key", "search_tokens", "provenance"),
            (
                (
                    party.pk,
                    *(getattr(party, column) for column in OWNED),
                    party.name_key,
                    party.search_tokens,
                    json.dumps(party.provenance),
                )
                for party in changed
            ),
        )
    return len(changed)


def _python(column: str, value: Any) -> Any:
    field: Any = Party._meta.get_field(column)
    return field.to_python(value)


def _new_values(works: Sequence[_Work]) -> list[tuple[_Work, _Value]]:
    """The sealed values the parties do not have yet; documents of others are left out."""
    ids = list({work.party_id for work in works if work.party_id})
    blinds = {value.blind for work in works for value in work.values}
    held: set[tuple[type[SealedValue], int, str, bytes]] = set()
    owner: dict[tuple[str, bytes], int] = {}
    for model in (Identifier, ContactPoint, Address):
        there: Any = Among(F("blind"), blinds)
        condition = there if model is Identifier else Q(Among(F("party_id"), ids), there)
        for party, kind, blind in model.objects.filter(condition).values_list(
            "party_id", "kind", "blind"
        ):
            held.add((model, party, kind, bytes(blind)))
            if model is Identifier:
                owner[kind, bytes(blind)] = party
    added = []
    for work in works:
        for value in work.values:
            mine = work.party_id or 0
            place = (value.model, mine, value.kind, value.blind)
            if place in held:
                continue
            document = value.model is Identifier
            if document and owner.setdefault((value.kind, value.blind), mine) != mine:
                work.left_out.append(
                    (value.field, gettext_noop("it belongs to another customer already"))
                )
                continue
            held.add(place)
            added.append((work, value))
    return added
