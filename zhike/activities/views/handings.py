"""Lines handed over: from a person's list to somebody else of the team, and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from zhike.activities import queries, services
from zhike.activities.models import Handing, WorkItem
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.organisation.models import Employee
from zhike.ui.views import PageView, visible


class HandOverForm(forms.Form):
    """To whom and why; lines go to the people of the team only."""

    to: Any = forms.ModelChoiceField(
        queryset=None, label=pgettext_lazy("hand over", "To"), to_field_name="public_id"
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, min_length=2)

    def __init__(self, *args: Any, actor: Actor, giver: Employee | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        team = queries.team_members(actor)
        chosen: Any = self.fields["to"]
        chosen.queryset = team.exclude(pk=giver.pk) if giver else team
        chosen.label_from_instance = lambda person: f"{person.name} · {person.unit.name}"


class HandOver(PageView):
    """One person's open lines, ticked or not, and who gets them."""

    permission = "activities.hand_over"
    template_name = "activities/hand_over.html"
    fragment = "form"

    def giver(self) -> Employee:
        person = queries.person_in_scope(self.actor, self.kwargs["public_id"])
        if person is None:
            raise Http404
        return person

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        giver = self.giver()
        return self.page(giver, HandOverForm(actor=self.actor, giver=giver))

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        giver = self.giver()
        form = HandOverForm(request.POST, actor=self.actor, giver=giver)
        ticked = set(request.POST.getlist("line"))
        lines = queries.lines_to_hand_over(self.actor, giver)
        chosen = [line for line in lines if str(line.public_id) in ticked]
        if not form.is_valid():
            return self.page(giver, form, ticked, status=422)
        try:
            if not chosen:
                raise UserError(_("No line is chosen."), _("Tick at least one."))
            made = services.hand_over_lines(actor=self.actor, items=chosen, **form.cleaned_data)
        except UserError as error:
            form.add_error(None, str(error))
            return self.page(giver, form, ticked, status=422)
        address = reverse("activities:handed", args=[made[0].public_id])
        return HttpResponseRedirect(address, status=303)

    def page(
        self, giver: Employee, form: forms.Form, ticked: set[str] | None = None, status: int = 200
    ) -> HttpResponse:
        lines = queries.lines_to_hand_over(self.actor, giver)
        context = {
            "title": _("Hand over the lines of %(name)s") % {"name": giver.name},
            "giver": giver,
            "form": form,
            "lines": [(each, ticked is None or str(each.public_id) in ticked) for each in lines],
            "most": queries.MOST_LINES if len(lines) == queries.MOST_LINES else 0,
        }
        response = self.show(context)
        response.status_code = status
        return response


class Handed(PageView):
    """What was handed over together, to be taken back as long as it is open."""

    permission = "activities.hand_over"
    template_name = "activities/handed.html"
    fragment = "lines"

    def handing(self) -> Handing:
        rows = visible(Handing, self.actor)
        found: Handing = get_object_or_404(rows, public_id=self.kwargs["public_id"])
        return found

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        given = queries.given_with(self.actor, self.handing())
        title = ngettext(
            "%(n)d line handed over to %(name)s", "%(n)d lines handed over to %(name)s", len(given)
        ) % {"n": len(given), "name": given[0].receiver.name}
        back = [each for each in given if _may_go_back(each)]
        return self.show({"title": title, "given": given, "first": given[0], "back": len(back)})

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        lines = services.take_lines_back(actor=self.actor, handing=self.handing())
        said = ngettext("%(n)d line taken back", "%(n)d lines taken back", len(lines))
        messages.success(request, said % {"n": len(lines)})
        return HttpResponseRedirect(request.path, status=303)


def _may_go_back(each: Handing) -> bool:
    line = each.item
    return (
        each.taken_back_at is None
        and line.state == WorkItem.State.OPEN
        and line.employee_id == each.receiver_id
        and each.giver.left_on is None
    )
