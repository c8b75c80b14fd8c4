"""The four-class grid, the tiers' movements, and the customers behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.access.masks import band_words
from zhike.customers.models import Standing
from zhike.insight import queries
from zhike.insight.methods.value_grid import STRATEGIES, Strategy
from zhike.insight.metrics import metrics
from zhike.insight.models import Score
from zhike.insight.panels import CHANNELS, OWNERS
from zhike.insight.queries import Sums, View
from zhike.insight.queries.movers import NONE
from zhike.insight.views.frame import CLASSES, GONE, NEW, ValueView
from zhike.kernel.wording import labelled
from zhike.ui import charts, paging
from zhike.ui.navigation import Action
from zhike.ui.steps import Tab
from zhike.ui.tables import Column, Table
from zhike.ui.views.exports import MOST, TakeView, banded

Label = str | Promise
NOTHING = Sums()


@dataclass(frozen=True)
class Cell:
    """One class of the grid: today, on the earlier day, and how it is served."""

    code: str
    label: Label
    tone: str
    now: Sums
    before: Sums
    share: Decimal | None
    strategy: Strategy
    channel: Label
    owner: Label
    url: str

    @property
    def change(self) -> int:
        return self.now.customers - self.before.customers


@dataclass(frozen=True)
class Step:
    """Customers who went from one row to one column; "" leads nowhere."""

    column: Label
    sums: Sums
    url: str
    stays: bool


@dataclass(frozen=True)
class Row:
    """One line of a movement matrix with its sum."""

    label: Label
    steps: Sequence[Step]
    sums: Sums


@dataclass(frozen=True)
class Matrix:
    """From the rows to the columns; the row sums are the earlier day's counts, the column sums today's."""

    rows: Sequence[Row]
    columns: Sequence[tuple[Label, Sums]]
    total: Sums


class Grid(ValueView):
    """Current × potential value: how many, how much, how they are served, where they came from."""

    template_name = "insight/grid.html"
    title = gettext_lazy("Who is worth what, and who could be?")

    def figures(self, view: View) -> dict[str, Any]:
        moved = queries.flows(view, "class_before", "value_class")
        now, before = sums_of(moved, 1), sums_of(moved, 0)
        size = sum(each.customers for each in now.values())
        cells = {
            str(code): Cell(
                code=str(code),
                label=code.label,
                tone=tone,
                now=now.get(str(code), NOTHING),
                before=before.get(str(code), NOTHING),
                share=Decimal(now.get(str(code), NOTHING).customers) / size if size else None,
                strategy=STRATEGIES[code],
                channel=CHANNELS[STRATEGIES[code].channel],
                owner=OWNERS[STRATEGIES[code].owner],
                url=self.customers(value=str(code)),
            )
            for code, tone in CLASSES.items()
        }
        kinds: list[tuple[str, Label]] = [(str(code), code.label) for code in CLASSES]
        return {
            "customers": size,
            "cells": cells,
            "order": [cells[code] for code in ("potential", "high", "low", "second")],
            "matrix": matrix(moved, kinds, "was_class", "value_class", self),
            "parts": [
                (self.part_name(part), self.to_part(part),
                 [sums.get((str(code),), NOTHING) for code in CLASSES],
                 sum(sums.values(), NOTHING))
                for part, sums in queries.parts(queries.still(view, view.as_of), "value_class")
            ],
            "classes": list(cells.values()),
            "metric": metrics.get("value_class"),
            "current": metrics.get("current_value"),
            "potential": metrics.get("potential_value"),
            "scatter_url": self.address("scatter"),
        }  # fmt: skip


class Scatter(ValueView):
    """A sample of the customers as points; said to be one. A fragment of the grid."""

    template_name = "insight/scatter.html"

    def figures(self, view: View) -> dict[str, Any]:
        sample = queries.sample(view)
        drawn: dict[str, list[tuple[float, float]]] = {}
        for code in CLASSES:
            drawn[str(code.label)] = [
                (float(row["current"]), float(row["potential"]))
                for row in sample
                if row["value_class"] == code and row["current"] and row["potential"]
            ]
        size = sum(each.customers for each in queries.structure(view, "unit_id").values())
        return {
            "chart": charts.points(
                drawn,
                str(metrics.get("current_value").label),
                str(metrics.get("potential_value").label),
                most=100,
            ),
            "shown": sum(map(len, drawn.values())),
            "size": size,
        }


TURNS: Mapping[str, Label] = {
    "rose": gettext_lazy("Rose"),
    "fell": gettext_lazy("Fell"),
    "up": gettext_lazy("About to rise"),
    "down": gettext_lazy("About to fall"),
}


class Movements(ValueView):
    """Who rose, who fell and who is about to, by unit and manager, with the customers below."""

    template_name = "insight/movements.html"
    title = gettext_lazy("Who moved between the tiers, and who is about to?")

    def figures(self, view: View) -> dict[str, Any]:
        parts = queries.parts(view, "tier_before_id", "tier_id", "outlook")  # holds what follows
        moved = queries.flows(view, "tier_before_id", "tier_id", "outlook")
        rank = {tier.pk: tier.rank for tier in self.tiers}
        kinds: list[tuple[str, Label]] = [(tier.code, tier.name) for tier in self.tiers]
        code = {tier.pk: tier.code for tier in self.tiers}
        by_code: dict[tuple[Any, ...], Sums] = {}
        for (was, now, _outlook), sums in moved.items():
            key = (code.get(was, ""), code.get(now, ""))
            by_code[key] = by_code.get(key, NOTHING) + sums
        turns = _turns(moved, rank)
        turn = self.request.GET.get("turn", "")
        if turn not in TURNS:
            turn = next((name for name in ("fell", "down", "rose", "up") if turns[name]), "fell")
        return {
            "turns": [
                (label, turns[name], self.address(turn=name), name) for name, label in TURNS.items()
            ],
            "matrix": matrix(by_code, kinds, "was_tier", "tier", self),
            "parts": [
                (self.part_name(part), self.to_part(part), list(_turns(sums, rank).values()))
                for part, sums in parts
            ],
            "labels": list(TURNS.values()),
            "tabs": [
                Tab(label, self.address(turn=name) + "#who", name == turn, turns[name])
                for name, label in TURNS.items()
            ],
            "metric": metrics.get("tier"),
            **listed(self, view, queries.Mover(turn=turn)),
            "export_url": self.address("export", turn=turn)
            if self.actor.may("customers.export")
            else "",
        }


class Movers(ValueView):
    """The customers behind one number, with what they were before and what they are now."""

    template_name = "insight/movers.html"
    title = gettext_lazy("Customers behind the number")

    def figures(self, view: View) -> dict[str, Any]:
        which = queries.mover(self.request.GET.dict())
        asked = {name: value for name, value in vars(which).items() if value}
        actions = []
        if self.actor.may("customers.export"):
            actions.append(
                Action(_("Export"), self.address("export", **asked), icon="download", quiet=True)
            )
        return {
            "words": self.words(which),
            "actions": actions,
            **listed(self, view, which),
        }

    def words(self, which: queries.Mover) -> list[tuple[Label, Label]]:
        """What is shown, as (what, which)."""
        tiers: dict[str, Label] = {tier.code: tier.name for tier in self.tiers}
        classes: dict[str, Label] = {str(code): code.label for code in CLASSES}
        said: list[tuple[Label, Label]] = []
        for value, label, names, none in (
            (which.was_tier, _("Tier before"), tiers, NEW),
            (which.was_class, _("Class before"), classes, NEW),
            (which.tier, _("Tier now"), tiers, GONE),
            (which.value_class, _("Class now"), classes, GONE),
            (which.turn, _("Tier"), TURNS, ""),
        ):
            if value:
                said.append((label, none if value == NONE else names.get(value, value)))
        return said


class Export(TakeView, Movers):
    """The same customers as a file, amounts in bands unless asked for in clear."""

    permission = "customers.export"
    approval = "desk.approve_files"
    name = "insight.movers"
    template_name = "ui/lists/take.html"
    fragment = "form"

    def keys(self) -> list[int]:
        self.actor.must("insight.view")
        if not self.days:
            return []
        return list(self._rows().order_by().values_list("pk", flat=True)[: MOST + 1])

    def rows_of(self, keys: Sequence[int]) -> Iterable[Score]:
        if not self.days:
            return ()
        rows = self._rows().filter(pk__in=keys)
        return rows.order_by("-balance", "pk").iterator(chunk_size=2000)

    def file_columns(self) -> Sequence[Column]:
        return [banded(each, band_words) if each.kind == "money" else each for each in COLUMNS]

    def clear_columns(self) -> Mapping[str, Column]:
        return {each.name: each for each in COLUMNS if each.kind == "money"}

    def said(self) -> list[str]:
        return [labelled(label, value) for label, value in self.words(self._which())]

    def _which(self) -> queries.Mover:
        return queries.mover(self.request.GET.dict())

    def _rows(self) -> QuerySet[Score]:
        return queries.movers(self.reach, self._which())


def sums_of(moved: Mapping[tuple[Any, ...], Sums], at: int) -> dict[Any, Sums]:
    """The flows added up by one part of their key; nobody ("" or None) is left out."""
    found: dict[Any, Sums] = {}
    for key, sums in moved.items():
        if key[at]:
            found[key[at]] = found.get(key[at], NOTHING) + sums
    return found


def matrix(
    moved: Mapping[tuple[Any, ...], Sums],
    kinds: Sequence[tuple[str, Label]],
    was: str,
    now: str,
    page: ValueView,
) -> Matrix:
    """The flows as a square of `kinds` with a row for new customers and a column for those who have gone."""
    rows, columns = [*kinds, ("", NEW)], [*kinds, ("", GONE)]
    since = page.since.isoformat()
    until = None if page.is_newest else page.until.isoformat()

    def step(before: str, after: str, label: Label) -> Step:
        asked = {was: before or NONE, now: after or NONE, "since": since, "until": until}
        sums = moved.get((before, after), NOTHING)
        url = page.address("movers", **asked) if sums.customers else ""
        return Step(label, sums, url, before == after)

    lines = [
        Row(label, steps, sum((each.sums for each in steps), NOTHING))
        for before, label in rows
        for steps in [[step(before, after, name) for after, name in columns if before or after]]
    ]
    kept = [line for line in lines if line.sums.customers or line.label is not NEW]
    totals = [
        (label, sum((moved.get((before, after), NOTHING) for before, _l in rows), NOTHING))
        for after, label in columns
    ]
    return Matrix(kept, totals, sum((each for _label, each in totals), NOTHING))


def _turns(moved: Mapping[tuple[Any, ...], Sums], rank: Mapping[int, int]) -> dict[str, int]:
    """How many rose, fell, and are about to, of flows by tier before, tier now and outlook."""
    found = dict.fromkeys(TURNS, 0)
    for (was, now, outlook), sums in moved.items():
        if was and now and rank[now] != rank[was]:
            found["rose" if rank[now] > rank[was] else "fell"] += sums.customers
        if outlook:
            found[outlook] += sums.customers
    return found


def _class(code: str | None) -> str:
    return str(Standing.ValueClass(code).label) if code else ""


def _classes(row: Score) -> str:
    """The class now, with the one before where it is another."""
    before, now = _class(getattr(row, "class_was", None)), _class(row.value_class)
    return f"{before} → {now}" if before and before != now else now


def reason_of(score: Score) -> str:
    """Why the tier is what it is, or is about to change, in the figures of the score."""
    why = score.reasons.get("tier", {})
    if why.get("keep_until"):
        return _("terms not met since %(since)s, tier kept until %(until)s") % {
            "since": why["below_since"],
            "until": why["keep_until"],
        }
    if why.get("near"):
        return _("near the next tier")
    was = score.balance_was  # type: ignore[attr-defined]
    if was is None:
        return _("new customer")
    change = score.balance - was
    share = abs(change) * 100 / was if was > 0 else None
    if change == 0:
        return _("balance unchanged")
    if change > 0:
        words = _("balance rose by %(share)s%%") if share is not None else _("balance rose")
    else:
        words = _("balance fell by %(share)s%%") if share is not None else _("balance fell")
    return words % {"share": f"{share:,.0f}"} if share is not None else words


COLUMNS = (
    Column("party.name", gettext_lazy("Customer"), url=lambda row: row.party.get_absolute_url()),
    Column("tier_was", gettext_lazy("Tier before"), "badge", minor=True),
    Column("tier.name", gettext_lazy("Tier now"), "badge", tone=lambda row: row.tier.colour),
    Column("reason", gettext_lazy("Why"), "words", value=reason_of),
    Column("balance_was", gettext_lazy("Balance before"), "money"),
    Column("balance", gettext_lazy("Balance now"), "money"),
    Column("contribution", gettext_lazy("Contribution, 12 months"), "money", minor=True),
    Column(
        "class_was",
        gettext_lazy("Class before"),
        value=lambda row: _class(row.class_was),
        minor=True,
    ),
    Column("class_now", gettext_lazy("Class now"), value=lambda row: _class(row.value_class)),
    Column("manager.name", gettext_lazy("Main manager"), minor=True),
    Column("unit.name", gettext_lazy("Unit"), minor=True),
)
# On a screen the class is one cell and the unit that of the manager: the file has each by itself.
SHOWN = (
    *(column for column in COLUMNS if column.name not in ("class_was", "class_now", "unit.name")),
    Column("class_now", gettext_lazy("Class"), value=lambda row: _classes(row)),
)


def listed(page: ValueView, view: View, which: queries.Mover) -> dict[str, Any]:
    """One page of the movers, the largest first."""
    found = queries.behind(view, which, queries.expected(view, which))
    try:
        rows = found.page(50, page.request.GET.get("cursor", ""))
    except paging.BadCursor:
        rows = found.page(50)
    words = gettext_lazy("Customers behind the number")
    return {
        "table": Table(SHOWN, rows.rows, None, _customer_url, words),
        "page": rows,
        "count": found.count,
    }


def _customer_url(row: Any) -> str:
    return str(row.party.get_absolute_url())
