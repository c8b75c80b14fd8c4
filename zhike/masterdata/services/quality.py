"""Data quality measured and kept: for all customers by the daily run, for one when somebody confirms its facts."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from zhike.customers.models import (
    Address,
    Assignment,
    ContactPoint,
    Identifier,
    Party,
    Relation,
    SealedValue,
)
from zhike.customers.rules import Known, Particulars
from zhike.customers.services import confirm_fields, verify_value
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import Actor
from zhike.kernel.copying import refresh_statistics
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service
from zhike.masterdata.matching.normalise.characters import folded
from zhike.masterdata.matching.normalise.ranges import Ranges
from zhike.masterdata.quality.models import Quality, QualityRule, QualityRun, QualityTally
from zhike.masterdata.quality.rules import (
    RULES,
    USUAL,
    WORDED,
    Dimension,
    Facts,
    Judged,
    Stamp,
    Terms,
    identity_of,
    is_sound,
    judge,
)
from zhike.masterdata.services.records import ranges_in_use
from zhike.masterdata.services.surviving import pins_of, words

CHUNK = 5_000
WHOLE_EVERY = timedelta(days=7)
"""Positions and relations end on days that nobody writes anything: everybody is measured anew as often."""
REACHES = frozenset({"mobile", "phone", "wechat"})
NAMES_ONE = frozenset({"resident_id", "passport", "credit_code"})
PARTICULARS = (
    *("kind", "type", "name", "sex", "birth_on", "since_on", "until_on", "employees_count"),
    *("stage", "occupation", "industry", "education", "marital_status", "provenance"),
)
COLUMNS = (
    *("party_id", "score", "complete", "plausible", "consistent", "fresh", "verified"),
    *("to_verify", "next_on", "broken"),
)


@dataclass(frozen=True)
class Measured:
    """How many customers were measured, how many of them changed, and whether these were all there are."""

    measured: int
    changed: int
    whole: bool


def terms_in_force() -> dict[str, Terms]:
    """Every rule with what somebody set for it, else its usual terms."""
    own = {
        row.code: Terms(row.weight, row.days, frozenset(row.types))
        for row in QualityRule.objects.all()
    }
    return {code: own.get(code, usual) for code, usual in USUAL.items()}


@service("insight.refresh")
def measure(*, actor: Actor, as_of: date | None = None, whole: bool = False) -> Measured:
    """Bring everybody's data quality up to `as_of`: those of whom something was written since the last time, and those
    of whom a day made something old. All of them where the rules changed, or a week has gone by.

    The same day again gives the same result. A day before the last one measured changes nothing.
    """
    day = as_of or clock.today()
    last = QualityRun.objects.order_by("-pk").first()
    if last is not None and day < last.as_of:
        return Measured(0, 0, whole=False)
    terms = terms_in_force()
    digest = _digest(terms)
    recent = QualityRun.objects.filter(
        whole=True, as_of__gt=day - WHOLE_EVERY, terms=digest
    ).exists()
    whole = whole or not recent or last is None or last.terms != digest
    touched = _taken_touched()
    ids = _everybody() if whole else _due(touched, day)
    measured = changed = 0
    for chunk in ids:
        judged = judge_all(chunk, terms, day)
        measured += len(judged)
        changed += _write(judged)
    refresh_statistics(Quality)
    _tally(day)
    QualityRun.objects.create(
        as_of=day,
        whole=whole,
        terms=digest,
        measured=measured,
        changed=changed,
        ended_at=clock.now(),
    )
    audit.record(actor, "masterdata.quality.measure", reason=f"{measured} customers")
    return Measured(measured, changed, whole)


@service("customers.edit")
def confirm(
    *, actor: Actor, party: Party, fields: Collection[str], rows: Collection[SealedValue]
) -> None:
    """Somebody checked these fields and sealed values with the customer; its quality is measured at once."""
    if not fields and not rows:
        raise UserError(_("Nothing was chosen."), _("Choose what you have checked."))
    must_see(actor, party)
    for row in rows:
        if row.party_id != party.pk:  # type: ignore[attr-defined]
            raise Refused(
                _("This value is not the customer's."), action="masterdata.quality.confirm"
            )
        verify_value(actor=actor, row=row)
    if fields:
        confirm_fields(actor=actor, party=party, fields=sorted(fields))
    _write(judge_all([party.pk], terms_in_force(), clock.today()))


@service("insight.thresholds")
def set_terms(*, actor: Actor, code: str, terms: Terms | None, seen: int | None = None) -> None:
    """Weigh a rule, give it days and types; None for its usual terms. In force from the next measuring.

    `seen` is the version the person saw, None for none. Raises UserError for terms a rule cannot have and where
    somebody else was quicker; refused to whoever does not see every customer.
    """
    if not actor.everywhere:
        raise Refused(
            _("Rules are for everybody's customers: who sees but some of them changes none."),
            action="masterdata.quality.rule",
        )
    rule = RULES.get(code)
    if rule is None:
        raise UserError(_("There is no such rule."), _("Choose another one."))
    current = QualityRule.objects.select_for_update().filter(code=code).first()
    if seen != (current.version if current else None):
        raise UserError(_("Somebody changed this rule meanwhile."), _("Reload the page."))
    if terms is None:
        QualityRule.objects.filter(code=code).delete()
        audit.record(actor, "masterdata.quality.rule", reason=f"{code}: usual")
        return
    is_fresh = rule.dimension is Dimension.FRESH
    if not 0 <= terms.weight <= 100 or (is_fresh and not 1 <= terms.days <= 36_500):
        raise UserError(
            _("The weight lies between 0 and 100, the days between 1 and 36,500."),
            _("Correct the value."),
        )
    if odd := terms.types - set(Party.Type.values):
        raise UserError(
            _("There is no such type of customer: %(types)s.") % {"types": ", ".join(sorted(odd))}
        )
    values = {
        "weight": terms.weight,
        "days": terms.days if is_fresh else 0,
        "types": sorted(terms.types),
    }
    before = {name: getattr(current, name, None) for name in values}
    if current is None:
        QualityRule.objects.create(code=code, **values)
    else:
        QualityRule.objects.filter(pk=current.pk).update(**values, version=current.version + 1)
    audit.record(
        actor,
        "masterdata.quality.rule",
        changes={name: (before[name], value) for name, value in values.items()},
        reason=code,
    )


def judge_all(ids: Collection[int], terms: Mapping[str, Terms], day: date) -> dict[int, Judged]:
    """Party → what the rules make of it; a constant number of queries."""
    return {party: judge(facts, terms, day) for party, facts in facts_of(ids, day).items()}


def facts_of(ids: Collection[int], day: date) -> dict[int, Facts]:
    """What is known of these parties on `day`, read for all of them at once."""
    ids = list(ids)
    rows = Party.objects.filter(pk__in=ids).values_list("pk", "sample", *PARTICULARS)
    parties = {pk: (sample, dict(zip(PARTICULARS, row, strict=True))) for pk, sample, *row in rows}
    also = ranges_in_use()
    sealed = _sealed(ids, also)
    managed = set(
        _held(Assignment.objects.filter(party__in=ids, role=Assignment.Role.MAIN), day, "party_id")
    )
    decisive = Relation.objects.filter(other__in=ids, kind=Relation.Kind.DECISION_MAKER)
    decided = set(_held(decisive, day, "other_id"))
    disputed = _disputed(ids)
    return {
        pk: _facts(said, sealed[pk], pk in managed, pk in decided, disputed.get(pk, frozenset()))
        for pk, (_sample, said) in parties.items()
    }


@dataclass
class _Sealed:
    """What the sealed values of one party tell without being told themselves."""

    kinds: set[str]
    stamps: dict[str, Stamp]
    documents: dict[str, int]
    identity: tuple[date, str] | None
    unsound: set[str]

    def add(self, fact: str, kind: str, stamp: Stamp) -> None:
        self.kinds.add(kind)
        known = self.stamps.get(fact, Stamp())
        self.stamps[fact] = Stamp(
            max(filter(None, (known.seen_on, stamp.seen_on)), default=None),
            max(filter(None, (known.verified_on, stamp.verified_on)), default=None),
        )


def _sealed(ids: Sequence[int], also: Ranges) -> dict[int, _Sealed]:
    found: dict[int, _Sealed] = defaultdict(lambda: _Sealed(set(), {}, {}, None, set()))
    for party, kind, stamp, value in _values(Identifier, ids, NAMES_ONE):
        mine = found[party]
        mine.add("identifier", kind, stamp)
        mine.documents[kind] = mine.documents.get(kind, 0) + 1
        if not is_sound(kind, value, also):
            mine.unsound.add("identifier")
        elif kind == Identifier.Kind.RESIDENT_ID:
            mine.identity = identity_of(value)
    for party, kind, stamp, value in _values(ContactPoint, ids, frozenset({"mobile"})):
        mine = found[party]
        mine.add("email" if kind == ContactPoint.Kind.EMAIL else "contact_point", kind, stamp)
        if not is_sound(kind, value, also):
            mine.unsound.add("contact_point")
    for party, _kind, stamp, _value in _values(Address, ids, frozenset()):
        found[party].add("address", "address", stamp)
    return found


def _values(
    model: type[SealedValue], ids: Sequence[int], opened: frozenset[str]
) -> Iterator[tuple[int, str, Stamp, str]]:
    """Party, kind, stamp and value of each row; values in clear for the kinds in `opened`, else ""."""
    manager: Any = model._default_manager
    rows = manager.filter(party__in=ids).exclude(kind=Identifier.Kind.SOURCE_NUMBER)
    place = f"{model._meta.db_table}.sealed"
    for party, kind, public_id, sealed, seen, verified in rows.values_list(
        "party_id", "kind", "public_id", "sealed", "observed_on", "verified_on"
    ).order_by("pk"):
        value = crypto.decrypt(sealed, f"{place}:{public_id}") if kind in opened else ""
        yield party, kind, Stamp(seen, verified), value


def _held(rows: Any, day: date, column: str) -> Iterable[int]:
    found: Iterable[int] = rows.filter(during__contains=day).values_list(column, flat=True)
    return found


def _disputed(ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Party → the facts on which its records say different things and none was checked or chosen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT party_id FROM masterdata_sourcerecord WHERE party_id = ANY(%s) "
            "GROUP BY party_id HAVING count(*) > 1",
            [list(ids)],
        )
        several = [id for (id,) in cursor.fetchall()]
    if not several:
        return {}
    pins = pins_of(several)
    return {
        party: frozenset(
            field
            for field, each in said.items()
            if field in WORDED
            and field not in pins[party]
            and not any(word.verified_on for word in each)
            and len({_like(word.value) for word in each if word.value not in (None, "")}) > 1
        )
        for party, said in words(several).items()
    }


def _like(value: Any) -> Any:
    """A word as it counts: 張偉 and 张伟, and 12 and "12", are the same."""
    return folded(str(value)).casefold()


def _facts(
    said: Mapping[str, Any], sealed: _Sealed, managed: bool, decided: bool, disputed: frozenset[str]
) -> Facts:
    filled = {name for name in (*WORDED, "since_on") if said[name] not in (None, "")}
    provenance = said["provenance"]
    twice = {"identifier"} if any(count > 1 for count in sealed.documents.values()) else set()
    if twice and (stamp := sealed.stamps.get("identifier")) and stamp.verified_on:
        twice = set()
    return Facts(
        particulars=Particulars(
            kind=said["kind"],
            type=said["type"],
            name=said["name"],
            sex=said["sex"],
            birth_on=said["birth_on"],
            since_on=said["since_on"],
            until_on=said["until_on"],
            employees_count=said["employees_count"],
        ),
        stage=said["stage"],
        known=Known(
            kind=said["kind"],
            fields=frozenset(filled),
            identifiers=frozenset(sealed.kinds & NAMES_ONE),
            contact_points=frozenset(sealed.kinds & REACHES),
            has_address="address" in sealed.kinds,
            has_manager=managed,
            has_decision_maker=decided,
        ),
        stamps={name: _stamp(provenance.get(name, {})) for name in filled} | sealed.stamps,
        disputed=disputed | twice,
        identity=sealed.identity,
        unsound=frozenset(sealed.unsound),
    )


def _stamp(origin: Mapping[str, Any]) -> Stamp:
    seen, verified = origin.get("on"), origin.get("verified_on")
    return Stamp(
        date.fromisoformat(seen) if seen else None,
        date.fromisoformat(verified) if verified else None,
    )


def _digest(terms: Mapping[str, Terms]) -> str:
    told = [
        (code, term.weight, term.days, sorted(term.types)) for code, term in sorted(terms.items())
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _taken_touched() -> list[int]:
    """Whom something was written of; their lines are taken away, those of writes not yet seen stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH taken AS (DELETE FROM masterdata_qualitytouched RETURNING party_id) "
            "SELECT DISTINCT party_id FROM taken"
        )
        return [id for (id,) in cursor.fetchall()]


def _everybody() -> Iterator[list[int]]:
    last = 0
    while ids := list(
        Party.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]
    ):
        yield ids
        last = ids[-1]


def _due(touched: Collection[int], day: date) -> Iterator[list[int]]:
    old = Quality.objects.filter(next_on__lte=day).values_list("party_id", flat=True)
    ids = sorted({*touched, *old})
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _write(judged: Mapping[int, Judged]) -> int:
    """Put down what changed, of customers that are still there; answers of how many."""
    names = ", ".join(COLUMNS)
    own, new = (", ".join(f"{row}.{name}" for name in COLUMNS[1:]) for row in ("q", "excluded"))
    sets = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE zhike_judged (LIKE masterdata_quality) ON COMMIT DROP")
        with cursor.copy(f"COPY zhike_judged ({names}) FROM STDIN") as copy:
            for party, each in judged.items():
                figures = (each.by_dimension[dimension] for dimension in Dimension)
                copy.write_row(
                    (party, each.score, *figures, len(each.to_verify), each.next_on, [*each.broken])
                )
        cursor.execute(
            f"INSERT INTO masterdata_quality AS q ({names}) "  # noqa: S608  names of our own
            f"SELECT {', '.join(f'j.{name}' for name in COLUMNS)} FROM zhike_judged j "
            "JOIN customers_party p ON p.id = j.party_id ORDER BY j.party_id FOR KEY SHARE OF p "
            f"ON CONFLICT (party_id) DO UPDATE SET {sets} WHERE ({own}) IS DISTINCT FROM ({new})"
        )
        changed: int = cursor.rowcount
        cursor.execute("DROP TABLE zhike_judged")
    return changed


_SUMS = "count(*), " + ", ".join(f"sum(q.{name})" for name in COLUMNS[1:8])
_TALLIES = {
    QualityTally.By.OWNER: (
        "coalesce(a.employee_id::text, '')",
        "LEFT JOIN customers_assignment a ON a.party_id = q.party_id AND a.role = 'main' AND a.during @> %(day)s",
    ),
    QualityTally.By.SYSTEM: (
        "r.system_id::text",
        "JOIN (SELECT DISTINCT party_id, system_id FROM masterdata_sourcerecord) r ON r.party_id = q.party_id",
    ),
    QualityTally.By.RULE: ("b.code", "CROSS JOIN unnest(q.broken) b(code)"),
}


def _tally(day: date) -> None:
    """Sums of all units anew. Former customers are nobody's work and count nowhere."""
    QualityTally.objects.all().delete()
    columns = ", ".join(("unit_id", "by", "key", "customers", *COLUMNS[1:8]))
    with connection.cursor() as cursor:
        for by, (key, join) in _TALLIES.items():
            cursor.execute(
                f"INSERT INTO masterdata_qualitytally ({columns}) "  # noqa: S608  words of our own
                f"SELECT s.unit_id, %(by)s, {key}, {_SUMS} FROM masterdata_quality q "
                f"JOIN customers_standing s ON s.party_id = q.party_id {join} "
                f"WHERE s.stage <> 'former' GROUP BY 1, 2, 3",
                {"by": by, "day": day},
            )
    refresh_statistics(QualityTally)
