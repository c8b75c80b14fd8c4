"""Whose list is shown, and what stands on it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.activities import queries, rules
from zhike.activities.models import WorkItem
from zhike.customers.models import TimelineEntry
from zhike.customers.queries.consent import WAYS
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee
from zhike.ui.views import DetailView, PageRequest, PageView, visible, wants_fragment

REACHED_BY = [
    choice for choice in TimelineEntry.Channel.choices if choice[0] != TimelineEntry.Channel.SYSTEM
]


def reaches_others(actor: Actor) -> bool:
    return bool(actor.may("activities.view")) and bool(
        actor.units or actor.people or actor.everywhere
    )


class FrontPage(PageView):
    """The first page: one's own list; the team for a head without customers; a home for everybody else."""

    permission = "account.use"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.actor.may("activities.view") or self.actor.employee_id is None:
            return HomePage.as_view()(request)
        return self.list_page().as_view()(request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """How the page is arranged."""
        self.actor.must("activities.view")
        return self.list_page().as_view()(request)

    def list_page(self) -> type[PageView]:
        from zhike.activities.views.team import TeamPage

        heads_only = reaches_others(self.actor) and not queries.has_customers(self.actor)
        return TeamPage if heads_only else TodayPage


class HomePage(PageView):
    """For whoever has no lists: the search, and links to what they may do."""

    permission = "account.use"
    template_name = "activities/home.html"
    fragment = "links"

    def get(self, request: HttpRequest) -> HttpResponse:
        greeting = _("Good day, %(name)s") % {"name": self.actor.name}
        may_search = bool(self.actor.may("customers.view"))
        return self.show({"title": greeting, "may_search": may_search})


class TodayPage(DetailView):
    """One person's list in the wide column, the panels of `activities.today` around it.

    The row of the page, which every panel gets, is the employee whose list it is. `?rule=` narrows to a
    reason, `?on=` to what is planned for a day, `?whole=` shows all of a group.
    """

    model = Employee
    permission = "activities.view"
    page = "activities.today"
    template_name = "activities/today.html"

    def row(self) -> Any:
        return get_object_or_404(visible(Employee, self.actor), pk=self.actor.employee_id)

    def heading(self, row: Any) -> str:
        return _("Today")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if wants_fragment(request) and "panel" not in request.GET:
            return self.list_alone(self.row())
        return super().get(request, *args, **kwargs)

    def head(self, row: Any) -> dict[str, Any]:
        return work_context(self.request, row)

    def list_alone(
        self, employee: Employee, said: str = "", focus: WorkItem | None = None
    ) -> HttpResponse:
        """What htmx puts in the place of the list; `focus` is the line to look at, shown in any case."""
        self.fragment = "list"
        keep = focus.pk if focus else None
        context = work_context(self.request, employee, keep)
        return self.show({"row": employee, "said": said, "focus": focus, **context})


class PersonPage(TodayPage):
    """The list of somebody in reach."""

    def row(self) -> Any:
        person = queries.person_in_scope(self.actor, self.kwargs["public_id"])
        if person is None:
            raise Http404
        return person

    def heading(self, row: Any) -> str:
        return _("Today: %(name)s") % {"name": row.name}


def list_address(actor: Actor, employee: Employee) -> str:
    """Where somebody's list is read."""
    if employee.pk == actor.employee_id:
        return reverse("activities:mine")
    return reverse("activities:person", kwargs={"public_id": employee.public_id})


def work_context(
    request: PageRequest, employee: Employee, keep: int | None = None
) -> dict[str, Any]:
    """What the list of `employee` is drawn from, as the address asks."""
    actor, params, now = request.actor, request.GET, clock.today()
    rule = params.get("rule", "")
    rule = rule if rule in WorkItem.Rule.values else ""
    day = _day(params.get("on", ""))
    work = queries.work_list(
        actor, employee.pk, now, rule=rule, day=day, whole=params.get("whole", ""), keep=keep
    )
    address = list_address(actor, employee)
    nothing = not work.groups and not rule and day is None
    return {
        "employee": employee,
        "own": employee.pk == actor.employee_id,
        "address": address,
        "work": work,
        "rule": rule,
        "day": day,
        "coming": _coming(actor, employee, now, day),
        "chips": _chips(address, work, rule, day),
        "next_line": queries.next_planned(actor, employee.pk, now) if nothing else None,
        "without_customers": nothing and not queries.has_customers(actor),
        "may_work": bool(actor.may("activities.work")),
        "may_hand_over": bool(actor.may("activities.hand_over")),
        "reaches_others": reaches_others(actor),
        "channels": REACHED_BY,
        "marketing_channels": WAYS,
        "reasons": WorkItem.Useless.choices,
        "later_days": rules.later_days(now),
        "query": params.urlencode(),
        "today": now,
    }


def _coming(actor: Actor, employee: Employee, now: date, day: date | None) -> list[queries.Coming]:
    """What falls on the chosen day besides the lines of the list."""
    if day is None:
        return []
    days = queries.week_ahead(actor, employee.pk, now)
    return [each for one in days if one.on == day for each in one.coming if each.kind != "planned"]


def _chips(
    address: str, work: queries.WorkList, rule: str, day: date | None
) -> list[dict[str, Any]]:
    """The reasons on the list with their numbers; the chosen one leads back to all."""
    kept = f"on={day.isoformat()}" if day else ""
    chips = []
    for key, label in WorkItem.Rule.choices:
        if key in work.by_rule or key == rule:
            on = key == rule
            query = "&".join(part for part in ("" if on else f"rule={key}", kept) if part)
            chips.append(
                {
                    "key": key,
                    "label": label,
                    "count": work.by_rule.get(key, 0),
                    "on": on,
                    "address": f"{address}?{query}" if query else address,
                }
            )
    return chips


def _day(text: str) -> date | None:
    """A day of the address; what is none chooses nothing."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
