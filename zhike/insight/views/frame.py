"""What the value pages share: whose customers, since when, and the addresses that keep both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers.models import Standing, Tier
from zhike.insight import queries
from zhike.insight.queries import Part, View
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee, Unit
from zhike.organisation.queries import units_above
from zhike.ui.views import PageView, visible

WHOSE = ("unit", "who")
WHICH = ("by", "turn", "was_tier", "tier", "was_class", "value_class")
"""What a page itself asks for: it stays where the customers or the days change."""
NEW = gettext_lazy("no customer yet")
GONE = gettext_lazy("no customer any more")
CLASSES = {
    Standing.ValueClass.HIGH: "green",
    Standing.ValueClass.SECOND: "teal",
    Standing.ValueClass.POTENTIAL: "azure",
    Standing.ValueClass.LOW: "secondary",
}
"""The four classes from the best down, with their tones."""


@dataclass(frozen=True)
class Crumb:
    label: str
    url: str


class ValueView(PageView):
    """A page over a `View` read from the address: `unit` and `who` by their codes, `since` and `until` days with
    scores, the one before the other; without `until` the newest.

    A unit or person out of the actor's sight answers 404. Without any scores the page says what to do.
    """

    permission = "insight.view"
    fragment = "figures"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.days:
            return self.show({"days": [], "refreshes": bool(self.actor.may("insight.refresh"))})
        return self.show(self.framed() | self.figures(self.reach))

    def figures(self, view: View) -> dict[str, Any]:
        """What the page shows of these customers."""
        raise NotImplementedError(f"{type(self).__name__} has no figures")

    @cached_property
    def days(self) -> list[date]:
        """The days that can be looked at, the latest first."""
        return queries.score_days()

    @cached_property
    def reach(self) -> View:
        return View(self.actor, self.since, self.until, self._unit(), self._employee())

    @property
    def until(self) -> date:
        """The day looked at: the one asked for, else the newest."""
        return self._day("until", self.days) or self.days[0]

    @property
    def since(self) -> date:
        """The day compared with: the one asked for, else the last one of a month before."""
        until = self.until
        earlier = [day for day in self.days if day < until]
        months = (day for day in earlier if (day.year, day.month) != (until.year, until.month))
        return self._day("since", earlier) or next(months, earlier[-1] if earlier else until)

    def _day(self, name: str, days: Sequence[date]) -> date | None:
        asked = self.request.GET.get(name, "")
        return next((day for day in days if day.isoformat() == asked), None)

    @property
    def is_newest(self) -> bool:
        """Whether the figures are those customers have in the lists too."""
        return self.until == self.days[0]

    def _unit(self) -> Unit | None:
        code = self.request.GET.get("unit", "")
        return get_object_or_404(units_in_sight(self.actor), code=code) if code else None

    def _employee(self) -> Employee | None:
        code = self.request.GET.get("who", "")
        if not code:
            return None
        found: Employee = get_object_or_404(visible(Employee, self.actor), code=code)
        if (
            self.actor.everywhere
            or found.pk == self.actor.employee_id
            or found.pk in self.actor.people
            or found.unit_id in self.actor.units
        ):
            return found
        raise Http404

    def address(self, name: str = "", **changes: str | None) -> str:
        """This page, or another one, over the same customers; a change of None drops a parameter."""
        names = (*WHOSE, "since", "until", *(() if name else WHICH))
        kept = {key: self.request.GET.get(key) for key in names}
        asked = {key: value for key, value in (kept | changes).items() if value}
        path = reverse(f"insight:{name}") if name else self.request.path
        return f"{path}?{urlencode(asked)}" if asked else path

    def to_part(self, part: Part) -> str:
        """This page for a part of the view; "" where there is nothing below."""
        if part.unit is not None:
            return "" if part.own else self.address(unit=part.unit.code)
        return self.address(who=part.employee.code) if part.employee else ""

    def part_name(self, part: Part) -> str:
        """A part in words; the unit that is looked at stands for its own customers."""
        if part.unit is not None and part.own:
            return _("%(unit)s itself") % {"unit": part.unit.name}
        return part.name or (_("nobody") if self.reach.unit else _("outside my units"))

    def customers(self, **filters: str) -> str:
        """The customers behind a number of the day: the list itself, where it can be narrowed to them."""
        view = self.reach
        named = {"value": "value_class", "tier": "tier"}
        moved = {named[key]: each for key, each in filters.items()}
        if not self.is_newest:
            return self.address("movers", **moved)
        asked = dict(filters)
        if view.unit:
            asked["unit"] = view.unit.code
        if view.employee:
            if view.employee.pk != self.actor.employee_id:
                return self.address("movers", **moved)
            asked["who"] = "mine"
        return f"{reverse('customers:list')}?{urlencode(asked)}"

    def framed(self) -> dict[str, Any]:
        """Whose figures these are and where one may go from here."""
        view = self.reach
        top = Crumb(self.whole, self.address(unit=None, who=None))
        crumbs = [top] if view.unit or view.employee else []
        if view.unit:
            sight = set(
                queries.units_of(View(self.actor, view.since, view.as_of)).values_list("pk")
            )
            crumbs += [
                Crumb(unit.name, self.address(unit=unit.code, who=None))
                for unit in units_above(self.actor, view.unit)
                if (unit.pk,) in sight
            ]
            if view.employee:
                crumbs.append(Crumb(view.unit.name, self.address(who=None)))
        here = view.employee or view.unit
        return {
            "days": self.days,
            "reach": view,
            "since": view.since,
            "as_of": view.as_of,
            "others": [day for day in self.days if day < self.days[0]],
            "crumbs": crumbs,
            "here": here.name if here else self.whole,
            "kept": {key: self.request.GET.get(key, "") for key in (*WHOSE, *WHICH)},
        }

    @property
    def whole(self) -> str:
        """All that the actor sees, in words."""
        if self.actor.everywhere:
            return _("The whole institution")
        if self.actor.units:
            return _("My units")
        return _("My team") if self.actor.people else _("My customers")

    @cached_property
    def tiers(self) -> list[Tier]:
        """From the highest down."""
        return list(visible(Tier, self.actor).order_by("-rank"))


def units_in_sight(actor: Actor) -> Any:
    """The units whose customers the actor sees as a whole."""
    units = visible(Unit, actor)
    return units if actor.everywhere else units.filter(pk__in=actor.units)
