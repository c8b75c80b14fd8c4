"""Data quality: how good it is where, what is wrong with whom, which rules say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers.models import Address, ContactPoint, Identifier, Party
from zhike.customers.queries import manager_of, units_to_choose, with_standing
from zhike.customers.queries.conditions import in_care_of, managed_by, without_manager
from zhike.masterdata.models import SourceSystem
from zhike.masterdata.quality import conditions, queries
from zhike.masterdata.quality.panels import CHANGED
from zhike.masterdata.quality.queries import FIGURES, NOTHING, Sight, Sums
from zhike.masterdata.quality.rules import RULES, Dimension
from zhike.masterdata.quality.words import DIMENSIONS, facts_told, told, tone_of, wrong
from zhike.masterdata.services import quality
from zhike.organisation.models import Employee, Unit
from zhike.organisation.queries import units_above, units_at_or_below
from zhike.ui import charts
from zhike.ui.filters import Filter
from zhike.ui.navigation import Action
from zhike.ui.steps import Tab
from zhike.ui.tables import Column
from zhike.ui.views import ListView, PageView, RowView, done, visible
from zhike.ui.views.exports import FileView

MOST_OWNERS = 100
"""Main managers in the table, those with the worst data first; the others stand under their unit."""
FEW_PARTS, MOST_PARTS = 6, 12
"""Bars up to which the chart stays low, and how many it has at most; the table has all parts."""


@dataclass(frozen=True)
class Part:
    """A line of the overview: its sums, where it opens further (`url`) and the customers behind it (`rows`)."""

    name: str
    sums: Sums
    url: str
    rows: str

    @property
    def means(self) -> Sequence[tuple[str, int | None]]:
        """Each score with its heading."""
        return [(head, self.sums.mean(name)) for head, name in zip(_heads(), FIGURES, strict=False)]


def _heads() -> list[str]:
    return [_("Score"), *(str(label) for label in DIMENSIONS.values())]


class Overview(PageView):
    """Scores of all in sight, or of a unit with all below it (`unit`), by unit, owner, source or rule (`by`)."""

    permission = "insight.view"
    title = gettext_lazy("Data quality")
    template_name = "masterdata/quality_overview.html"
    fragment = "figures"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        run = queries.last_run()
        if run is None:
            return self.show({"run": None})
        by = request.GET.get("by", "")
        parts = {"owner": self._owners, "source": self._sources, "rule": self._rules}
        found = parts[by]() if by in parts else self._units()
        total = sum(queries.by_unit(self.sight).values(), NOTHING)
        return self.show(
            {
                "run": run,
                "parts": found,
                "by_rule": by == "rule",
                "cut": by == "owner" and len(found) == MOST_OWNERS,
                "total": total,
                "score": total.mean("score"),
                "dimensions": [
                    (label, total.mean(str(name)), self._rows(dimension=str(name)))
                    for name, label in DIMENSIONS.items()
                ],
                "heads": _heads(),
                "verify_rows": self._rows(dimension=str(Dimension.FRESH)),
                "chart": self._chart(found, by),
                "history": self._history(by),
                "height": "lg" if len(found) > FEW_PARTS else "md",
                "tabs": [
                    Tab(label, self._address(by=name), name == (by if by in parts else ""))
                    for name, label in (
                        ("", _("By unit")),
                        ("owner", _("By main manager")),
                        ("source", _("By source")),
                        ("rule", _("By rule")),
                    )
                ],
                "crumbs": self._crumbs(),
                "here": self.unit.name if self.unit else _whole(self.actor),
                "actions": [
                    Action(_("Customers"), self._rows(), icon="list", quiet=True),
                    Action(_("Rules"), reverse("quality:rules"), icon="adjustments-horizontal"),
                ],
            }
        )

    @cached_property
    def unit(self) -> Unit | None:
        code = self.request.GET.get("unit", "")
        if not code:
            return None
        units = visible(Unit, self.actor)
        if not self.actor.everywhere:
            units = units.filter(pk__in=self.actor.units)
        found: Unit = get_object_or_404(units, code=code)
        return found

    @cached_property
    def sight(self) -> Sight:
        return Sight(self.actor, self.unit)

    def _units(self) -> list[Part]:
        """The units right below, each with all that is below it; the one looked at for its own customers."""
        own = queries.by_unit(self.sight)
        rows = {unit.pk: unit for unit in visible(Unit, self.actor).filter(pk__in=own)}
        ways = {pk: unit.path.strip("/").split("/") for pk, unit in rows.items()}
        top = self.unit.path.strip("/").split("/") if self.unit else _shared([*ways.values()])
        if not self.unit and len(ways) == 1:
            top = top[:-1]
        sums: dict[int, Sums] = {}
        for pk, way in ways.items():
            part = int(way[len(top)]) if len(way) > len(top) else pk
            sums[part] = sums.get(part, NOTHING) + own[pk]
        names = visible(Unit, self.actor).in_bulk([*sums])
        found = []
        for pk, each in sorted(sums.items(), key=lambda item: names[item[0]].code):
            unit = names[pk]
            itself = [str(pk)] == top[-1:]
            opens = not itself and (self.actor.everywhere or pk in self.actor.units)
            alone = len(sums) == 1
            found.append(
                Part(
                    _("%(unit)s itself") % {"unit": unit.name} if itself else unit.name,
                    each,
                    self._address(unit=unit.code) if opens else "",
                    self._rows(unit=unit.code) if opens or alone else "",
                )
            )
        return found

    def _owners(self) -> list[Part]:
        found = self._by_owner.items()
        return [
            Part(
                who.name if who else _("nobody"),
                sums,
                "",
                self._rows(who=who.code if who else "nobody"),
            )
            for who, sums in sorted(found, key=lambda item: item[1].mean("score") or 0)[
                :MOST_OWNERS
            ]
        ]

    @cached_property
    def _by_owner(self) -> Mapping[Employee | None, Sums]:
        return queries.by_owner(self.sight)

    def _sources(self) -> list[Part]:
        found = queries.by_system(self.sight).items()
        return [
            Part(system.name, sums, "", self._rows(source=system.code))
            for system, sums in sorted(found, key=lambda item: item[0].code)
        ]

    def _rules(self) -> list[Part]:
        found = queries.by_rule(self.sight).items()
        return [
            Part(wrong(RULES[code]), Sums(count), "", self._rows(rule=code))
            for code, count in sorted(found, key=lambda item: -item[1])
            if code in RULES
        ]

    def _chart(self, parts: Sequence[Part], by: str) -> charts.Chart:
        drawn = parts[:MOST_PARTS]
        values = [
            each.sums.customers if by == "rule" else each.sums.mean("score") or 0 for each in drawn
        ]
        measure = _("Customers") if by == "rule" else _("Score")
        return charts.bars(
            [each.name for each in drawn],
            {measure: values},
            measure=measure,
            links=[each.url or each.rows for each in drawn],
            lying=True,
        )

    def _history(self, by: str) -> charts.Chart | None:
        """Scores over the days measured: by source, of the managers with most to do, or the whole by dimension."""
        names, key_of = self._drawn(by)
        kind = key_of if names else queries.By.UNIT
        kept = queries.history(self.sight, kind, [*names] or [""])
        days = sorted({day for each in kept.values() for day in each})
        if len(days) < 2:
            return None
        if names and kept.keys() <= names.keys():
            series = {
                names[key]: [_mean(kept[key], day, "score") for day in days]
                for key in names
                if key in kept
            }
        else:
            (whole,) = kept.values()
            told = {"score": _("Score")} | {
                str(name): str(label) for name, label in DIMENSIONS.items()
            }
            series = {
                label: [_mean(whole, day, name) for day in days] for name, label in told.items()
            }
        return charts.lines(
            [day.isoformat() for day in days],
            series,
            measure=_("Score"),
            heading=_("Day"),
            most=100,
        )

    def _drawn(self, by: str) -> tuple[dict[str, str], str]:
        """Key → name of the lines to draw beside each other; none for the whole."""
        if by == "source":
            systems = queries.by_system(self.sight)
            return {str(each.pk): each.name for each in systems}, queries.By.SYSTEM
        if by == "owner":
            sums = self._by_owner
            known = [who for who in sums if who is not None]
            known.sort(key=lambda who: sums[who].mean("score") or 0)
            return {str(who.pk): who.name for who in known[:FEW_PARTS]}, queries.By.OWNER
        return {}, queries.By.UNIT

    def _crumbs(self) -> list[tuple[str, str]]:
        if self.unit is None:
            return []
        above = units_above(self.actor, self.unit)
        if not self.actor.everywhere:
            above = above.filter(pk__in=self.actor.units)
        return [
            (_whole(self.actor), self._address(unit="")),
            *((each.name, self._address(unit=each.code)) for each in above),
        ]

    def _address(self, **changes: str) -> str:
        asked = {"unit": self.unit.code if self.unit else "", "by": self.request.GET.get("by", "")}
        return addressed(self.request.path, asked | changes)

    def _rows(self, **narrowing: str) -> str:
        asked = {"unit": self.unit.code if self.unit else ""} | narrowing
        return addressed(reverse("quality:findings"), asked)


def _mean(days: Mapping[date, Sums], day: date, name: str) -> int | None:
    return days[day].mean(name) if day in days else None


def _shared(ways: Sequence[Sequence[str]]) -> list[str]:
    """The beginning that all ways down the tree have in common."""
    alike = takewhile(lambda steps: len(set(steps)) == 1, zip(*ways, strict=False))
    return [steps[0] for steps in alike]


def addressed(path: str, asked: dict[str, str]) -> str:
    kept = {name: value for name, value in asked.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def _whole(actor: Any) -> str:
    if actor.everywhere:
        return _("The whole institution")
    return _("My units") if actor.units else _("My customers")


def _tone(party: Party) -> str:
    return tone_of(party.quality.score)


COLUMNS = (
    Column("name", gettext_lazy("Customer"), sortable=True, sort_field="name_key", url=Party.get_absolute_url),
    Column("score", gettext_lazy("Score"), "badge", value=lambda party: party.quality.score, tone=_tone,
           sortable=True, sort_field="quality__score", align="end"),
    Column("wrong", gettext_lazy("What is wrong"), value=lambda party: told(party.quality.broken)),
    Column("to_verify", gettext_lazy("Facts to verify"), "number", value=lambda party: party.quality.to_verify,
           sortable=True, sort_field="quality__to_verify", minor=True),
    Column("manager", gettext_lazy("Main manager"), value=manager_of, minor=True),
    Column("unit.name", gettext_lazy("Unit"), minor=True),
    *(Column(str(name), label, "number", value=lambda party, name=name: getattr(party.quality, name),  # type: ignore[misc]
             sortable=True, sort_field=f"quality__{name}", minor=True, optional=True)
      for name, label in DIMENSIONS.items()),
)  # fmt: skip


class FindingList(ListView):
    """The customers with the worst data first, narrowed to a unit, an owner, a source, a rule or a dimension."""

    model = Party
    permission = "insight.view"
    page = conditions.PAGE
    title = gettext_lazy("What is wrong with whom")
    columns = COLUMNS
    order = "quality__score"
    groupings = conditions.GROUPINGS
    peeks = True

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return (
            with_standing(rows)
            .select_related("unit", "quality")
            .filter(~Q(stage=Party.Stage.FORMER), quality__isnull=False)
        )

    @cached_property
    def _chips(self) -> Sequence[Filter]:
        asked = self.params
        units = {unit.code: unit for unit in units_to_choose(self.actor, asked.get("unit", ""))}
        systems = visible(SourceSystem, self.actor).order_by("code")
        who = self._people(asked.get("who", ""))
        found = [
            Filter("dimension", _("Dimension"), [(str(n), label) for n, label in DIMENSIONS.items()],
                   lambda value: Q(**{f"quality__{Dimension(value)}__lt": 100})),
            Filter("rule", _("Rule"), [(code, wrong(rule)) for code, rule in RULES.items()],
                   lambda value: Q(quality__broken__contains=[value])),
            Filter("who", _("Main manager"), who, self._held_by, many=False),
        ]  # fmt: skip
        if choices := [(system.code, system.name) for system in systems]:
            found.append(Filter("source", _("Source"), choices, queries.from_source))
        if units:
            found.append(
                Filter(
                    "unit",
                    _("Unit"),
                    [(unit.code, unit.name) for unit in units.values()],
                    lambda value: Q(unit__in=units_at_or_below([units[value]])),
                    many=False,
                )
            )
        return found

    def chips(self) -> Sequence[Filter]:
        return self._chips

    def _people(self, asked: str) -> list[tuple[str, str | Promise]]:
        found: list[tuple[str, str | Promise]] = [("nobody", _("nobody"))]
        named = visible(Employee, self.actor).filter(code=asked).first() if asked else None
        return [*found, (named.code, named.name)] if named else found

    def _held_by(self, value: str) -> Q:
        if value == "nobody":
            return without_manager()
        return managed_by(Q(employee__code=value))

    def actions(self) -> list[Action]:
        return [
            Action(
                _("Data quality"), reverse("quality:overview"), icon="clipboard-data", quiet=True
            )
        ]

    def export_url(self) -> str:
        return reverse("quality:export") if self.actor.may("customers.export") else ""


class Export(FileView, FindingList):
    """The findings, or those ticked, under the same rights and masks; on the trail with their number."""

    permission = "customers.export"
    approval = "desk.approve_files"
    name = "data_quality"
    file_order = ("quality__score", "pk")

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        self.actor.must("insight.view")
        return super().narrowed(rows)


class VerifyList(ListView):
    """The customers in one's care with facts that nobody confirmed for too long (R-010)."""

    model = Party
    permission = "customers.edit"
    title = gettext_lazy("To verify")
    template_name = "masterdata/quality_verify.html"
    columns = (
        COLUMNS[0],
        Column(
            "facts",
            gettext_lazy("Ask whether these still hold"),
            value=lambda party: facts_told(party.quality.broken, Dimension.FRESH),
        ),
        COLUMNS[3],
        COLUMNS[1],
        Column(
            "last_contact_on",
            gettext_lazy("Last contact"),
            "age",
            value=lambda party: party.standing.last_contact_on,
            sortable=True,
            sort_field="standing__last_contact_on",
            minor=True,
        ),
        COLUMNS[5],
    )
    order = "-quality__to_verify"
    peeks = True

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return (
            with_standing(rows)
            .select_related("unit", "quality", "standing__tier")
            .filter(
                in_care_of(self.actor.employee_id),
                ~Q(stage=Party.Stage.FORMER),
                quality__to_verify__gt=0,
            )
        )


class Confirm(RowView):
    """POST `field` and `row`, each as often as wanted: these facts of the customer were checked today."""

    model = Party
    permission = "customers.edit"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party = self.row()
        ids = {each for text in request.POST.getlist("row") if (each := _uuid(text))}
        rows = [
            row
            for model in (Identifier, ContactPoint, Address)
            for row in visible(model, self.actor).filter(party=party, public_id__in=ids)
        ]
        if len(rows) != len(ids):
            raise Http404
        quality.confirm(
            actor=self.actor, party=party, fields=request.POST.getlist("field"), rows=rows
        )
        return done(CHANGED, toast=_("Confirmed."))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
