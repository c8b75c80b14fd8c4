"""Who saw how much today, and how much each role may see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, F, Q, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.access.forms_of_rights import LimitForm, each_with_form, ids_in_form
from zhike.access.models import PaceLimit, PaceRelease, SeenKind, SeenRow
from zhike.access.services.pace import release_pace, set_pace_limit
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.organisation.models import Employee
from zhike.ui.views import PageView, RowView, visible

MOST = 100


class PaceView(PageView):
    """Of the people one leads those who saw most today. POST lets one of them see as much once more."""

    permission = "access.release_pace"
    title = _("Pace of viewing")
    template_name = "access/pace.html"
    fragment = "people"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = clock.now().astimezone(clock.BUSINESS_ZONE)
        bit = F("hours").bitand(1 << now.hour)
        today = visible(SeenRow, self.actor).filter(day=now.date())
        seen = (
            today.annotate(in_hour=bit)
            .values("user", "kind", "user__employee__name", "user__employee__public_id")
            .annotate(
                days=Count("pk"),
                lately=Count("pk", filter=Q(in_hour__gt=0)),
                unit=Coalesce("user__employee__unit__name", Value("")),
            )
            .order_by("-days")
        )
        released = visible(PaceRelease, self.actor).filter(day=now.date())
        times: dict[tuple[int, str], int] = {}
        for each in released:
            times[each.user_id, each.kind] = times.get((each.user_id, each.kind), 0) + 1
        lines = [
            {
                **each,
                "label": SeenKind(each["kind"]).label,
                "times": times.get((each["user"], each["kind"]), 0),
            }
            for each in seen[:MOST]
        ]
        return self.show(
            {"lines": lines, "me": self.actor.user_id, "sets": self.actor.may("access.administer")}
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        sent = request.POST
        kind = sent.get("kind", "")
        try:
            person = UUID(sent.get("person", ""))
        except ValueError as error:
            raise Http404 from error
        who = get_object_or_404(visible(Employee, self.actor), public_id=person)
        if kind not in SeenKind.values or not hasattr(who, "user"):
            return HttpResponseRedirect(resolve_url("pace"), status=303)
        release_pace(actor=self.actor, user=who.user, kind=kind, reason=sent.get("reason", ""))
        messages.success(request, gettext("%(name)s may go on today.") % {"name": who.name})
        return HttpResponseRedirect(resolve_url("pace"), status=303)


class PaceLimits(PageView):
    """What each role sees in an hour and a day before somebody is told, and before it stops."""

    permission = "access.administer"
    title = _("Limits of viewing")
    template_name = "access/pace_limits.html"
    fragment = "limits"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show({"limits": _limits(self.actor)})


def _limits(actor: Actor, sent: LimitForm | None = None) -> list[tuple[PaceLimit, LimitForm]]:
    return each_with_form(visible(PaceLimit, actor).order_by("kind", "role"), LimitForm, sent)


class PaceLimitEdit(RowView):
    model = PaceLimit
    permission = "access.administer"
    title = PaceLimits.title
    template_name = PaceLimits.template_name
    fragment = PaceLimits.fragment

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        limit = self.row()
        form = LimitForm(request.POST, auto_id=ids_in_form(limit))
        if form.is_valid():
            changes = dict(form.cleaned_data)
            reason = changes.pop("reason")
            try:
                set_pace_limit(actor=self.actor, limit=limit, changes=changes, reason=reason)
            except Refused:
                raise
            except UserError as error:
                form.add_error("hour_told", str(error))
        if not form.is_valid():
            return self.show({"limits": _limits(self.actor, form)}, status=422)
        messages.success(request, gettext("The limit counts from now on."))
        return HttpResponseRedirect(resolve_url("pace-limits"), status=303)
