"""What is done with a line, and lines written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.activities import queries, services
from zhike.activities.models import WorkItem
from zhike.activities.views.lists import (
    REACHED_BY,
    TodayPage,
    list_address,
    work_context,
)
from zhike.customers.models import Party
from zhike.customers.queries.consent import WAYS
from zhike.kernel import clock
from zhike.kernel.errors import UserError
from zhike.ui.format import iso_date
from zhike.ui.views import PageView, done, visible, wants_fragment

CHANGED = "work-changed"


class WorkAction(TodayPage):
    """One line is closed, put off or opened again.

    htmx gets what changed: the closed lines leave, the counts follow, a toast offers to take it back. Opening
    again answers the whole list, with the line in the focus. Without htmx the answer is the list's page.
    """

    permission = "activities.work"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(status=405, headers={"Allow": "POST"})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        rows = visible(WorkItem, self.actor).select_related("employee", "party")
        item = get_object_or_404(rows, public_id=self.kwargs["public_id"])
        said = self.act(item)
        if not wants_fragment(request):
            messages.success(request, said)
            query = f"?{request.GET.urlencode()}" if request.GET else ""
            return HttpResponseRedirect(list_address(self.actor, item.employee) + query)
        response = self.answer(item, said)
        response["HX-Trigger"] = CHANGED
        return response

    def act(self, item: WorkItem) -> str:
        """Do it; answers what to tell the person."""
        raise NotImplementedError(f"{type(self).__name__} has no act")

    def gone(self, item: WorkItem) -> Iterable[UUID]:
        """The lines that leave the list."""
        return [item.public_id]

    def undo(self, item: WorkItem) -> str:
        return reverse("activities:reopen", args=[item.public_id])

    def answer(self, item: WorkItem, said: str) -> HttpResponse:
        self.fragment = "changed"
        return self.show(
            {
                **work_context(self.request, item.employee),
                "said": said,
                "gone": self.gone(item),
                "undo_url": _with_query(self.undo(item), self.request),
            }
        )


class Complete(WorkAction):
    def act(self, item: WorkItem) -> str:
        form = self.request.POST
        channel = form.get("channel", "")
        services.complete(
            actor=self.actor,
            item=item,
            result=form.get("result", ""),
            channel=channel if channel in dict(REACHED_BY) else "",
            also=visible(WorkItem, self.actor).filter(
                public_id__in=_ids(form.getlist("also")), party=item.party_id
            ),
        )
        return _("Done: %(name)s") % {"name": item.party.name}

    def gone(self, item: WorkItem) -> Iterable[UUID]:
        return [item.public_id, *item.closed_along.values_list("public_id", flat=True)]


class Dismiss(WorkAction):
    def act(self, item: WorkItem) -> str:
        form = self.request.POST
        because = form.get("because", "") or WorkItem.Useless.OTHER
        if because not in WorkItem.Useless.values:
            raise UserError(_("This is none of the reasons."), _("Reload the page."))
        services.dismiss(
            actor=self.actor, item=item, reason=form.get("reason", ""), because=because
        )
        return _("Not useful: %(name)s") % {"name": item.party.name}


class Postpone(WorkAction):
    def act(self, item: WorkItem) -> str:
        until = _chosen_day(self.request.POST.get("day") or self.request.POST.get("until", ""))
        services.postpone(actor=self.actor, item=item, until=until)
        return _("Until %(day)s: %(name)s") % {"day": iso_date(until), "name": item.party.name}

    def undo(self, item: WorkItem) -> str:
        return reverse("activities:resume", args=[item.public_id])


class Reopen(WorkAction):
    def act(self, item: WorkItem) -> str:
        services.reopen(actor=self.actor, item=item)
        return _("Open again: %(name)s") % {"name": item.party.name}

    def answer(self, item: WorkItem, said: str) -> HttpResponse:
        return self.list_alone(item.employee, said=said, focus=item)


class Resume(Reopen):
    def act(self, item: WorkItem) -> str:
        services.resume(actor=self.actor, item=item)
        return _("Back on the list: %(name)s") % {"name": item.party.name}


class FollowUp(PageView):
    """A promise on one customer, from the customer's page."""

    permission = "activities.work"

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        party = get_object_or_404(visible(Party, self.actor), public_id=public_id)
        on = _chosen_day(request.POST.get("on", ""))
        services.plan_follow_up(
            actor=self.actor,
            party=party,
            on=on,
            text=request.POST.get("text", ""),
            marketing_by=_marketing_by(request),
        )
        said = _("Planned for %(day)s: %(name)s") % {"day": iso_date(on), "name": party.name}
        if request.headers.get("HX-Request"):
            return done(CHANGED, toast=said)
        messages.success(request, said)
        return HttpResponseRedirect(party.get_absolute_url(), status=303)


class PlanFollowUp(TodayPage):
    """A promise from the workbench: the customer is chosen among those in sight; the list comes back with it."""

    permission = "activities.work"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(status=405, headers={"Allow": "POST"})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        chosen = _ids([request.POST.get("party", "")])
        if not chosen:
            raise UserError(_("No customer is chosen."), _("Type a name and choose one."))
        party = get_object_or_404(visible(Party, self.actor), public_id=chosen[0])
        on = _chosen_day(request.POST.get("on", ""))
        services.plan_follow_up(
            actor=self.actor,
            party=party,
            on=on,
            text=request.POST.get("text", ""),
            marketing_by=_marketing_by(request),
        )
        said = _("Planned for %(day)s: %(name)s") % {"day": iso_date(on), "name": party.name}
        if not wants_fragment(request):
            messages.success(request, said)
            return HttpResponseRedirect(reverse("activities:mine"), status=303)
        response = self.list_alone(self.row(), said=said)
        response["HX-Trigger"] = CHANGED
        return response


class Customers(PageView):
    """The customers in sight whose name begins like what was typed; by POST, so that no name is in an address."""

    permission = "activities.work"

    def post(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("customer", "").strip()
        found = queries.customers_named(self.actor, text) if text else []
        return render(request, "activities/found.html", {"found": found, "typed": text})


def _with_query(address: str, request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return f"{address}?{query}" if query else address


def _ids(texts: Iterable[str]) -> list[UUID]:
    """Those of `texts` that are ids."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _marketing_by(request: HttpRequest) -> str:
    """The channel of a contact that is marketing, "" for any other."""
    channel = request.POST.get("marketing_by", "")
    return channel if channel in dict(WAYS) else ""


def _chosen_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        example = clock.today().isoformat()
        raise UserError(
            _("No day is chosen."), _("Give one as %(example)s.") % {"example": example}
        ) from error
