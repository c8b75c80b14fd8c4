"""What the rules of data quality go by, read from the tables for many customers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from zhike.customers.models import Address, ContactPoint, Identifier, SealedValue
from zhike.customers.rules import PERSON
from zhike.kernel import crypto
from zhike.masterdata.matching.normalise import documents, reach
from zhike.masterdata.matching.normalise.characters import folded
from zhike.masterdata.matching.normalise.names import name_columns
from zhike.masterdata.matching.normalise.ranges import Ranges
from zhike.masterdata.quality.rules import (
    NEVER,
    RULES,
    SEALED,
    WORDED,
    Counts,
    Days,
    Dimension,
    Facts,
    Flags,
)
from zhike.masterdata.services.records import ranges_in_use
from zhike.masterdata.services.surviving import pins_of

FILLED = (*WORDED, "since_on")
AGING, CHECKED = (
    [rule.fact for rule in RULES.values() if rule.dimension is dimension and rule.fact in FILLED]
    for dimension in (Dimension.FRESH, Dimension.VERIFIED)
)


def _stamp(field: str, name: str) -> str:
    return f"nullif(provenance #>> '{{{field},{name}}}', '')"


_PARTIES = ", ".join(
    (
        *("id", "kind", "type", "stage", "name", "sex", "birth_on", "since_on", "until_on"),
        "employees_count",
        *(f"coalesce({name}::text, '') <> ''" for name in FILLED),
        *(f"greatest({_stamp(name, 'on')}, {_stamp(name, 'verified_on')})::date" for name in AGING),
        *(f"{_stamp(name, 'verified_on')} IS NOT NULL" for name in CHECKED),
    )
)
_DIFFERING = """
    SELECT r.party_id, f.field, array_agg(DISTINCT r.values ->> f.field)
    FROM masterdata_sourcerecord r CROSS JOIN unnest(%(fields)s::text[]) f(field)
    WHERE r.party_id = ANY(ARRAY(
        SELECT party_id FROM masterdata_sourcerecord WHERE party_id = ANY(%(ids)s) GROUP BY 1 HAVING count(*) > 1
    )) AND r.values ->> f.field <> ''
    GROUP BY 1, 2
    HAVING min(r.values ->> f.field COLLATE "C") <> max(r.values ->> f.field COLLATE "C")
       AND NOT bool_or(coalesce(r.stamps #>> ARRAY[f.field, 'verified_on'], '') <> '')
"""


def facts_of(ids: Collection[int], day: date) -> tuple[list[int], Facts]:
    """What is known of these parties on `day`: those that are there, in order, and their facts, a row each."""
    parties = f"SELECT {_PARTIES} FROM customers_party WHERE id = ANY(%(ids)s) ORDER BY id"  # noqa: S608  names of our own
    rows = _asked(parties, ids=[*ids])
    width = 10 + len((*FILLED, *AGING, *CHECKED))
    columns = iter([*zip(*rows, strict=True)] if rows else [()] * width)
    found = [*next(columns)]
    kind, type, stage = (np.array(next(columns), "U20") for _each in range(3))
    names = pa.array(next(columns), pa.string())
    sex = np.array(next(columns), "U1")
    birth_on, since_on, until_on = (np.array(next(columns), "M8[D]") for _each in range(3))
    employees = np.array(next(columns), np.float64)
    known, latest, checked = (
        {name: np.array(next(columns), type) for name in of}
        for of, type in ((FILLED, bool), (AGING, "M8[D]"), (CHECKED, bool))
    )
    person = kind == PERSON
    sealed = _Sealed(found, ranges_in_use())
    held = {
        "manager": sealed.marked(_managed(ids, day)),
        "decision_maker": sealed.marked(_decided(ids, day)),
        "identifier": np.where(person, sealed.of_person, sealed.of_firm),
    }
    disputed = {name: np.zeros(len(found), bool) for name in WORDED}
    for name, parted in _disputed(ids).items():
        disputed[name] = sealed.marked(parted)
    disputed["identifier"] = sealed.twice & ~sealed.checked["identifier"]
    return found, Facts(
        person=person,
        type=type,
        stage=stage,
        long_name=_flags(pc.greater_equal(pc.utf8_length(pc.utf8_trim_whitespace(names)), 2)),
        named=_flags(name_columns(names)["text"].is_valid()),
        sex=sex,
        birth_on=birth_on,
        since_on=since_on,
        until_on=until_on,
        employees=employees,
        known=known | sealed.known,
        enough=held,
        latest=latest | sealed.latest,
        checked=checked | sealed.checked,
        disputed=disputed,
        unsound=sealed.unsound,
        identity_born=sealed.born,
        identity_sex=sealed.sex,
    )


class _Sealed:
    """What the sealed values of parties tell without being told themselves: a row a party in every column."""

    def __init__(self, parties: Sequence[int], also: Ranges) -> None:
        self.parties = np.array(parties, np.int64)
        size = len(parties)
        self.known = {fact: np.zeros(size, bool) for fact in SEALED}
        self.checked = {fact: np.zeros(size, bool) for fact in SEALED}
        self.latest = {fact: np.full(size, NEVER) for fact in SEALED}
        self.unsound = {fact: np.zeros(size, bool) for fact in ("identifier", "contact_point")}
        self.of_person, self.of_firm, self.twice = (np.zeros(size, bool) for _each in range(3))
        self.born, self.sex = np.full(size, NEVER), np.full(size, "", "U1")
        self._documents(also)
        self._points(also)
        rows, _kinds, _values, seen, checked = self._read(Address, ())
        self._stamp("address", rows, seen, checked)

    def marked(self, parties: Iterable[int]) -> Flags:
        """True for these parties."""
        return np.isin(self.parties, np.fromiter(parties, np.int64))

    def _documents(self, also: Ranges) -> None:
        rows, kinds, values, seen, checked = self._read(Identifier, ("resident_id", "credit_code"))
        self._stamp("identifier", rows, seen, checked)
        self.of_person[rows[np.isin(kinds, ["resident_id", "passport"])]] = True
        self.of_firm[rows[kinds == "credit_code"]] = True
        for kind in np.unique(kinds):
            of, count = np.unique(rows[kinds == kind], return_counts=True)
            self.twice[of[count > 1]] = True
        plain = documents.plain_column(values)
        people, firms = kinds == "resident_id", kinds == "credit_code"
        numbers = documents.resident_id_column(
            documents.completed_column(plain.filter(people)), also
        )
        self.unsound["identifier"][rows[people][~_flags(numbers.is_valid())]] = True
        codes = documents.credit_code_column(plain.filter(firms))
        self.unsound["identifier"][rows[firms][~_flags(codes.is_valid())]] = True
        good = _flags(numbers.is_valid())
        born, sex = documents.facts_columns(numbers.filter(good))
        self.born[rows[people][good]] = born.to_numpy(zero_copy_only=False)
        self.sex[rows[people][good]] = np.array(sex.to_pylist(), "U1")

    def _points(self, also: Ranges) -> None:
        rows, kinds, values, seen, checked = self._read(ContactPoint, ("mobile",))
        mails, mobiles = kinds == "email", kinds == "mobile"
        self._stamp("email", rows[mails], seen[mails], checked[mails])
        self._stamp("contact_point", rows[~mails], seen[~mails], checked[~mails])
        numbers = reach.mobile_column(documents.plain_column(values.filter(mobiles)), also)
        self.unsound["contact_point"][rows[mobiles][~_flags(numbers.is_valid())]] = True

    def _stamp(self, fact: str, rows: Counts, seen: Days, checked: Days) -> None:
        self.known[fact][rows] = True
        self.checked[fact][rows[~np.isnat(checked)]] = True
        np.fmax.at(self.latest[fact], rows, np.fmax(seen, checked))

    def _read(
        self, model: type[SealedValue], opened: Sequence[str]
    ) -> tuple[Counts, npt.NDArray[np.str_], pa.Array, Days, Days]:
        """Row of the party, kind, value, days said and checked of each; values in clear of the kinds in `opened`."""
        table = model._meta.db_table
        found = _asked(
            "SELECT party_id, kind, CASE WHEN kind = ANY(%(opened)s) THEN public_id::text END, "  # noqa: S608  a table of ours
            f"CASE WHEN kind = ANY(%(opened)s) THEN sealed END, observed_on, verified_on FROM {table} "
            "WHERE party_id = ANY(%(ids)s) AND kind <> 'source_number' ORDER BY id",
            ids=self.parties.tolist(),
            opened=[*opened],
        )
        parties, kinds, places, sealed, seen, checked = [*zip(*found, strict=True)] or [()] * 6
        values = (
            crypto.decrypt(each, f"{table}.sealed:{place}") if place else None
            for each, place in zip(sealed, places, strict=True)
        )
        return (
            np.searchsorted(self.parties, np.array(parties, np.int64)),
            np.array(kinds, "U20"),
            pa.array(values, pa.string()),
            np.array(seen, "M8[D]"),
            np.array(checked, "M8[D]"),
        )


def _managed(ids: Collection[int], day: date) -> Iterator[int]:
    rows = _asked(
        "SELECT party_id FROM customers_assignment WHERE party_id = ANY(%(ids)s) AND role = 'main' "
        "AND during @> %(day)s",
        ids=[*ids],
        day=day,
    )
    return (party for (party,) in rows)


def _decided(ids: Collection[int], day: date) -> Iterator[int]:
    rows = _asked(
        "SELECT other_id FROM customers_relation WHERE other_id = ANY(%(ids)s) "
        "AND kind = 'decision_maker' AND during @> %(day)s",
        ids=[*ids],
        day=day,
    )
    return (party for (party,) in rows)


def _disputed(ids: Collection[int]) -> dict[str, list[int]]:
    """Fact → the parties whose records say different things of it, none of them checked or chosen."""
    differing = [
        (party, field)
        for party, field, said in _asked(_DIFFERING, ids=[*ids], fields=[*WORDED])
        if len({_like(word) for word in said}) > 1
    ]
    pins = pins_of({party for party, _field in differing})
    found: dict[str, list[int]] = defaultdict(list)
    for party, field in differing:
        if field not in pins[party]:
            found[field].append(party)
    return found


@lru_cache(maxsize=100_000)
def _like(word: str) -> str:
    """A word as it counts: 張偉 and 张伟 are the same."""
    return folded(word).casefold()


def _flags(values: pa.Array) -> Flags:
    return np.asarray(values.to_numpy(zero_copy_only=False), bool)


def _asked(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
