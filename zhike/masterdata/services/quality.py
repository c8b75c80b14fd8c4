"""Data quality measured and kept: for all customers by the daily run, for one when somebody confirms its facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from zhike.customers.models import Party, SealedValue
from zhike.customers.services import confirm_fields, verify_value
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.copying import refresh_statistics
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service
from zhike.masterdata.quality.facts import facts_of
from zhike.masterdata.quality.models import Quality, QualityRule, QualityRun, QualityTally
from zhike.masterdata.quality.rules import RULES, USUAL, Dimension, Judgement, Terms, judge

CHUNK = 20_000
SAMPLE = 5_000
WHOLE_EVERY = timedelta(days=7)
"""Positions and relations end on days that nobody writes anything: everybody is measured anew as often."""
KEPT = timedelta(days=800)
"""How long the sums of a day are kept: two years and the months to compare them with."""
NULL = r"\N"
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


@dataclass(frozen=True)
class Preview:
    """Customers looked at, whether these were but some, and before and after: who breaks the rule, the mean score."""

    customers: int
    sampled: bool
    broken: tuple[int, int]
    score: tuple[int, int]


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
        found, judged = judge_all(chunk, terms, day)
        measured += len(found)
        changed += _write(found, judged)
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
    _write(*judge_all([party.pk], terms_in_force(), clock.today()))


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


def preview(*, code: str, terms: Terms, today: date) -> Preview:
    """What the rule would make of customers under these terms; of all, or of some `SAMPLE` where there are more."""
    with connection.cursor() as cursor:
        share = min(100, 100 * SAMPLE / max(Quality.objects.count(), 1))
        cursor.execute(
            "SELECT party_id FROM masterdata_quality TABLESAMPLE BERNOULLI (%s) REPEATABLE (1)",
            [share],
        )
        ids = [id for (id,) in cursor.fetchall()]
    found, facts = facts_of(ids, today)
    before = terms_in_force()
    judged = [judge(facts, each, today) for each in (before, before | {code: terms})]
    broken = [int(each.broken[code].sum()) if code in each.broken else 0 for each in judged]
    scores = [int(each.score.sum()) // max(len(found), 1) for each in judged]
    return Preview(len(found), share < 100, (broken[0], broken[1]), (scores[0], scores[1]))


def judge_all(
    ids: Collection[int], terms: Mapping[str, Terms], day: date
) -> tuple[list[int], Judgement]:
    """Those of the parties that are there, in order, and what the rules make of them, a row each."""
    found, facts = facts_of(ids, day)
    return found, judge(facts, terms, day)


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


def _write(parties: Sequence[int], judged: Judgement) -> int:
    """Put down what changed, of customers that are still there; answers of how many."""
    names = ", ".join(COLUMNS)
    kept, new = (", ".join(f"{row}.{name}" for name in COLUMNS[1:]) for row in ("q", "j"))
    sets = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE zhike_judged (LIKE masterdata_quality) ON COMMIT DROP")
        with cursor.copy(f"COPY zhike_judged ({names}) FROM STDIN") as copy:
            copy.write("".join(_lines(parties, judged)))
        cursor.execute(
            f"INSERT INTO masterdata_quality AS q ({names}) "  # noqa: S608  names of our own
            f"SELECT j.party_id, {new} FROM zhike_judged j "
            "LEFT JOIN masterdata_quality q ON q.party_id = j.party_id "
            "JOIN customers_party p ON p.id = j.party_id "
            f"WHERE q.party_id IS NULL OR ({kept}) IS DISTINCT FROM ({new}) "
            "ORDER BY j.party_id FOR KEY SHARE OF p "
            f"ON CONFLICT (party_id) DO UPDATE SET {sets}"
        )
        changed: int = cursor.rowcount
        cursor.execute("DROP TABLE zhike_judged")
    return changed


def _lines(parties: Sequence[int], judged: Judgement) -> Iterator[str]:
    """Rows of `COLUMNS` as COPY reads them. Few customers are wrong in a way of their own: each way is told once."""
    codes = [*judged.broken]
    flags = np.array([*judged.broken.values()], bool).reshape(len(codes), len(parties))
    told: dict[bytes, str] = {}
    for row, due, *figures in zip(
        np.packbits(flags.T, axis=1), judged.next_on.astype("U10").tolist(), parties,
        *(scores.tolist() for scores in (judged.score, *judged.by_dimension.values(), judged.to_verify)),
        strict=True,
    ):  # fmt: skip
        key = row.tobytes()
        if key not in told:
            said = np.unpackbits(row, count=len(codes))
            told[key] = ",".join(code for code, each in zip(codes, said, strict=True) if each)
        numbers = "\t".join(map(str, figures))
        due = NULL if due == "NaT" else due
        yield f"{numbers}\t{due if due != 'NaT' else NULL}\t{{{told[key]}}}\n"


_FIGURES = ("customers", *COLUMNS[1:8])
_SUMS = ", ".join(f"sum({name})" for name in _FIGURES)
_EACH = "1 AS customers, " + ", ".join(f"q.{name}" for name in COLUMNS[1:8])
_OF_ALL = "masterdata_quality q JOIN customers_standing s ON s.party_id = q.party_id AND s.stage <> 'former'"
# Unit, key and figures of each line to sum. Few customers are wrong in a way of their own: the ways are summed first.
_TALLIES = {
    QualityTally.By.OWNER: (
        f"SELECT s.unit_id, coalesce(a.employee_id::text, '') AS key, {_EACH} FROM {_OF_ALL} "  # noqa: S608
        "LEFT JOIN customers_assignment a ON a.party_id = q.party_id AND a.role = 'main' AND a.during @> %(day)s"
    ),
    QualityTally.By.UNIT: (
        f"SELECT unit_id, '' AS key, {', '.join(_FIGURES)} FROM masterdata_qualitytally "  # noqa: S608
        "WHERE by = 'owner' AND as_of = %(day)s"
    ),
    QualityTally.By.SYSTEM: (
        f"SELECT s.unit_id, r.system_id::text AS key, {_EACH} FROM {_OF_ALL} "  # noqa: S608
        "JOIN (SELECT DISTINCT party_id, system_id FROM masterdata_sourcerecord) r ON r.party_id = q.party_id"
    ),
    QualityTally.By.RULE: (
        f"SELECT unit_id, b.code AS key, {', '.join(_FIGURES)} FROM ("  # noqa: S608
        f"SELECT unit_id, broken, {', '.join(f'sum({name}) AS {name}' for name in _FIGURES)} "
        f"FROM (SELECT s.unit_id, q.broken, {_EACH} FROM {_OF_ALL}) e GROUP BY 1, 2) w "
        "CROSS JOIN unnest(w.broken) b(code)"
    ),
}


def _tally(day: date) -> None:
    """Sums of all units for the day. Former customers are nobody's work and count nowhere."""
    by_rule = Q(by=QualityTally.By.RULE)
    QualityTally.objects.filter(by_rule | Q(as_of=day) | Q(as_of__lt=day - KEPT)).delete()
    columns = ", ".join(("as_of", "unit_id", "by", "key", *_FIGURES))
    with connection.cursor() as cursor:
        for by, lines in _TALLIES.items():
            cursor.execute(
                f"INSERT INTO masterdata_qualitytally ({columns}) "  # noqa: S608  words of our own
                f"SELECT %(day)s::date, unit_id, %(by)s, key, {_SUMS} FROM ({lines}) l GROUP BY 2, 4",
                {"by": by, "day": day},
            )
    refresh_statistics(QualityTally)
