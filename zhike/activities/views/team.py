"""How the people in reach are doing: what is wrong first, then everybody, then the days."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from zhike.activities import queries, rules
from zhike.activities.models import WorkItem
from zhike.activities.views.lists import TodayPage, reaches_others
from zhike.kernel import clock
from zhike.kernel.errors import Refused
from zhike.ui.views import wants_fragment


class TeamPage(TodayPage):
    """The people in reach and the panels of `activities.team`; the row is the actor's own employee."""

    page = "activities.team"
    template_name = "activities/team.html"

    def heading(self, row: Any) -> str:
        return _("My team")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.actor.must(self.permission)
        if not reaches_others(self.actor):
            raise Refused(_("Nobody else's list is in your reach."), action="activities.team.view")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if wants_fragment(request) and "panel" not in request.GET:
            self.fragment = "people"
            return self.show(self.head(self.row()))
        return super(TodayPage, self).get(request, *args, **kwargs)

    def head(self, row: Any) -> dict[str, Any]:
        now = clock.today()
        team = queries.team_work(self.actor, now)
        people = team.people
        labels = dict(WorkItem.Rule.choices)
        by_label = {str(labels[rule]): counts for rule, counts in team.by_rule.items()}
        return {
            "people": people,
            "concerns": rules.concerns(people, by_label),
            "overdue": sum(each.overdue for each in people),
            "open": sum(each.open for each in people),
            "done": sum(each.done for each in people),
            "today": now,
            "may_hand_over": bool(self.actor.may("activities.hand_over")),
        }
