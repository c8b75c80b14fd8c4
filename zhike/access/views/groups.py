"""Which groups of the directory or the provider seat people in which positions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.access.forms import GroupSeatForm
from zhike.access.models import GroupSeat
from zhike.access.services import make_group_seat, remove_group_seat
from zhike.kernel.errors import UserError
from zhike.ui.views import PageView, RowView, visible

MOST_SEATS = 500


class GroupSeatList(PageView):
    permission = "access.administer"
    title = _("Positions by group")
    template_name = "access/groups.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(GroupSeatForm(self.actor))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = GroupSeatForm(self.actor, request.POST)
        if not form.is_valid():
            return self._shown(form, 422)
        try:
            make_group_seat(actor=self.actor, **form.cleaned_data)
        except UserError as error:
            form.add_error(None, str(error))
            return self._shown(form, 422)
        messages.success(request, gettext("Members are seated when they next sign in."))
        return HttpResponseRedirect(resolve_url("group-seats"), status=303)

    def _shown(self, form: GroupSeatForm, status: int = 200) -> HttpResponse:
        seats = visible(GroupSeat, self.actor).select_related("unit").order_by("group", "pk")
        return self.show({"form": form, "seats": seats[:MOST_SEATS]}, status)


class RemoveGroupSeat(RowView):
    permission = "access.administer"
    model = GroupSeat

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        remove_group_seat(actor=self.actor, seat=self.row())
        messages.success(request, gettext("The group gives this position no more."))
        return HttpResponseRedirect(resolve_url("group-seats"), status=303)
