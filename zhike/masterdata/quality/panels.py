"""Data quality on the customer page: how good, what is wrong, what to do, and the confirmation itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from zhike.customers.models import Party, SealedValue
from zhike.customers.queries.reads import addresses_of, contact_points_of, identifiers_of
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.services import must_see
from zhike.masterdata.quality import conditions, queries
from zhike.masterdata.quality.models import Quality
from zhike.masterdata.quality.rules import RULES, WORDED, Dimension, Rule
from zhike.masterdata.quality.words import DIMENSIONS, TO_DO, TONES, to_do, wrong
from zhike.masterdata.services import quality
from zhike.ui.heads import HeadNote, HeadSource, notes
from zhike.ui.navigation import Counter, NavItem, counters, navigation
from zhike.ui.panels import Panel, panels

PAGE = "customers.party"
CHANGED = "customer-facts"
PANEL = "masterdata.quality"
CONFIRMED = frozenset({Dimension.FRESH, Dimension.VERIFIED})
FIRST = (
    Dimension.FRESH,
    Dimension.PLAUSIBLE,
    Dimension.CONSISTENT,
    Dimension.COMPLETE,
    Dimension.VERIFIED,
)
"""What is to be done first stands first."""


@dataclass(frozen=True)
class Line:
    """One thing that is wrong. `dimension` is its name, tone and what to do; `field` is what a confirmation names,
    `values` the sealed values it may be of."""

    rule: Rule
    wrong: str
    to_do: str
    dimension: tuple[str, str, str]
    field: str
    values: Sequence[SealedValue]


def load(actor: Actor, party: Party) -> dict[str, Any]:
    """How things stand this moment: the rules asked anew, not what the night wrote down."""
    must_see(actor, party)
    _found, all_judged = quality.judge_all([party.pk], quality.terms_in_force(), clock.today())
    judged = all_judged[0]
    may = bool(actor.may("customers.edit"))
    lines = _lines(actor, party, judged.broken, may)
    old = [line for line in lines if line.rule.dimension is Dimension.FRESH]
    return {
        "judged": judged,
        "dimensions": [(DIMENSIONS[name], share) for name, share in judged.by_dimension.items()],
        "share": judged.score / 100,
        "lines": lines,
        "fields": [line.field for line in old if line.field],
        "rows": [line.values[0] for line in old if len(line.values) == 1],
        "may": may,
        "confirm_url": reverse("quality:confirm", args=[party.public_id]),
    }


def _lines(actor: Actor, party: Party, broken: Sequence[str], may: bool) -> list[Line]:
    values: dict[str, list[SealedValue]] = {}
    if may:
        points = contact_points_of(actor, party)
        values = {
            "identifier": [
                row for row in identifiers_of(actor, party) if row.kind != "source_number"
            ],
            "contact_point": [row for row in points if row.kind != "email"],
            "email": [row for row in points if row.kind == "email"],
            "address": [*addresses_of(actor, party)],
        }
    rules = sorted((RULES[code] for code in broken), key=_rank)
    found, told = [], set()
    for rule in rules:
        confirms = rule.dimension in CONFIRMED and rule.fact not in told
        if confirms:
            told.add(rule.fact)
        found.append(
            Line(
                rule,
                wrong(rule),
                to_do(rule),
                _group(rule.dimension),
                rule.fact if confirms and rule.fact in WORDED else "",
                values.get(rule.fact, ()) if confirms else (),
            )
        )
    return found


def _group(dimension: Dimension) -> tuple[str, str, str]:
    return str(DIMENSIONS[dimension]), TONES[dimension], str(TO_DO[dimension])


def _rank(rule: Rule) -> tuple[int, int]:
    return FIRST.index(rule.dimension), -rule.usual.weight


def to_verify(actor: Actor, party: Party, day: date | None) -> Sequence[HeadNote]:
    """That facts of the customer were not confirmed for too long."""
    if day is not None:
        return ()
    count = next(iter(Quality.objects.visible_rows(actor, _counted, party=party)), 0)
    if not count:
        return ()
    text = ngettext("%(n)d fact to verify", "%(n)d facts to verify", count) % {"n": count}
    return (HeadNote(text, icon="user-check", panel=PANEL),)


def _counted(rows: QuerySet[Quality]) -> QuerySet[Quality, int]:
    return rows.values_list("to_verify", flat=True)


def register() -> None:
    """Called once when the room starts."""
    conditions.register()
    panels.register(
        Panel(
            id=PANEL,
            page=PAGE,
            permission="customers.view",
            order=28,
            template="masterdata/quality_panel.html",
            load=load,
            title=_("Data quality"),
            reload_on=(CHANGED, "customer-assignments"),
            side=True,
            lazy=True,
        )
    )
    notes.register(
        HeadSource(id=PANEL, page=PAGE, permission="customers.edit", order=30, load=to_verify)
    )
    counters.register(Counter("quality.verify", "customers.edit", queries.to_verify))
    navigation.register(
        NavItem(
            id="quality.verify",
            label=_("To verify"),
            url_name="quality:verify",
            icon="user-check",
            permission="customers.edit",
            order=75,
            section=_("Data"),
        )
    )
    navigation.register(
        NavItem(
            id="quality",
            label=_("Data quality"),
            url_name="quality:overview",
            icon="clipboard-data",
            permission="insight.view",
            order=76,
            section=_("Data"),
        )
    )
