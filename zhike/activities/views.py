"""Today's list, which is the first page, and what is done with its lines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.activities import queries, services
from zhike.activities.models import WorkItem
from zhike.customers.models import TimelineEntry
from zhike.kernel import clock
from zhike.organisation.models import Employee
from zhike.ui.filters import Filter, choose
from zhike.ui.views import PageView, wants_fragment

REACHED_BY = [
    choice for choice in TimelineEntry.Channel.choices if choice[0] != TimelineEntry.Channel.SYSTEM
]


class HomePage(PageView):
    """For whoever has no lists: the search, and links to what they may do."""

    permission = "account.use"
    template_name = "activities/home.html"
    fragment = "links"

    def get(self, request: HttpRequest) -> HttpResponse:
        greeting = _("Good day, %(name)s") % {"name": self.actor.name}
        may_search = bool(self.actor.may("customers.view"))
        return self.show({"title": greeting, "may_search": may_search})


class TodayPage(PageView):
    """The signed-in person's list; a team lead or head may choose among the lists in their reach."""

    permission = "account.use"
    template_name = "activities/today.html"
    fragment = "list"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not self.actor.may("activities.view"):
            return HomePage.as_view()(request)
        return self.work_list()

    def work_list(self, **context: Any) -> HttpResponse:
        """The list of the person asked for, oneself by default; other lists only of those in scope."""
        today, params = clock.today(), self.request.GET
        others = []
        if self.actor.units or self.actor.everywhere:
            others = queries.workloads(self.actor, today)
        person = self.person(params, others)
        person_id = person.pk if person else self.actor.employee_id
        assert person_id is not None
        [rule] = choose([_rules({})], params)
        work = queries.work_list(
            self.actor, person_id, today, rule=rule.value, whole=params.get("whole", "")
        )
        return self.show(
            {
                "title": self.heading(person),
                "person": person,
                "others": others,
                "work": work,
                "chosen": choose([_rules(work.by_rule)], params),
                "closed": queries.closed_today(self.actor, person_id),
                "channels": REACHED_BY,
                "may_work": bool(self.actor.may("activities.work")),
                "query": params.urlencode(),
                "today": today,
                **context,
            }
        )

    def person(self, params: QueryDict, others: list[queries.Workload]) -> Employee | None:
        asked = params.get("person", "")
        if not asked:
            return None
        try:
            found = queries.person_in_scope(self.actor, UUID(asked), others)
        except ValueError:
            found = None
        if found is None:
            raise Http404
        return found if found.pk != self.actor.employee_id else None

    def heading(self, person: Employee | None) -> str:
        if person is None:
            return _("Today")
        return _("Today: %(name)s") % {"name": person.name}


class WorkAction(TodayPage):
    """One line is closed or opened again; the answer is the list as it is then."""

    permission = "activities.work"

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        rows = WorkItem.objects.visible_to(self.actor)
        done, undo = self.act(get_object_or_404(rows, public_id=public_id))
        if wants_fragment(request):
            # The chips of the list lead to its own address, not to that of the action.
            request.path = reverse("activities:today")
            return self.work_list(said=done, undo=undo)
        messages.success(request, done)
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        return HttpResponseRedirect(reverse("activities:today") + query)

    def act(self, item: WorkItem) -> tuple[str, WorkItem | None]:
        """Do it; answers what to tell the person and the item that may be opened again."""
        raise NotImplementedError(f"{type(self).__name__} has no act")

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return HttpResponse(status=405, headers={"Allow": "POST"})


class Complete(WorkAction):
    def act(self, item: WorkItem) -> tuple[str, WorkItem | None]:
        form = self.request.POST
        channel = form.get("channel", "")
        reached = channel if channel in dict(REACHED_BY) else ""
        done = services.complete(
            actor=self.actor, item=item, result=form.get("result", ""), channel=reached
        )
        return _("Done: %(name)s") % {"name": item.party.name}, done


class Dismiss(WorkAction):
    def act(self, item: WorkItem) -> tuple[str, WorkItem | None]:
        reason = self.request.POST.get("reason", "")
        done = services.dismiss(actor=self.actor, item=item, reason=reason)
        return _("Dismissed: %(name)s") % {"name": item.party.name}, done


class Reopen(WorkAction):
    def act(self, item: WorkItem) -> tuple[str, WorkItem | None]:
        services.reopen(actor=self.actor, item=item)
        return _("Open again: %(name)s") % {"name": item.party.name}, None


def _rules(counts: Any) -> Filter:
    """The chips by reason, each with its number; without counts every reason is a choice."""
    choices = [
        (key, f"{label} {counts[key]}" if counts else label)
        for key, label in WorkItem.Rule.choices
        if not counts or key in counts
    ]
    return Filter("rule", _("Why"), choices, lambda rows, value: rows.filter(rule=value))
