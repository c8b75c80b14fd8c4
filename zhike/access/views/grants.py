"""Rights given for a time: all that run, one more, one taken back; and who may agree to how much."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.access import queries
from zhike.access.forms_of_rights import (
    GrantForm,
    LevelForm,
    TakeBackForm,
    each_with_form,
    ids_in_form,
)
from zhike.access.models import ApprovalLevel, Grant
from zhike.access.services import give_right, set_approval_level, take_right_back
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee
from zhike.ui.views import EditView, PageView, RowView, visible

MOST = 500


class GrantList(PageView):
    """Everybody's grants that are not over yet."""

    permission = "access.administer"
    title = _("Grants")
    template_name = "access/grants.html"
    fragment = "grants"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show({"grants": queries.grants_running(self.actor)[:MOST]})


class Give(EditView):
    """A right for a person, beside their positions; the form opens empty."""

    model = Employee
    permission = "access.administer"
    form_class = GrantForm
    title = _("Give a right")

    def form(self, row: Employee, data: Any = None) -> GrantForm:
        return GrantForm(self.actor, data)

    def initial(self, row: Employee) -> dict[str, Any]:
        return {}

    def save(self, row: Employee, changes: dict[str, Any], **seen: Any) -> Employee:
        where = changes.pop("team") or changes["unit"]
        del changes["unit"]
        give_right(actor=self.actor, employee=row, where=where, **changes)
        return row


class TakeBack(EditView):
    model = Grant
    permission = "access.administer"
    form_class = TakeBackForm
    title = _("Take a right back")

    def initial(self, row: Grant) -> dict[str, Any]:
        return {}

    def save(self, row: Grant, changes: dict[str, Any], **seen: Any) -> Grant:
        take_right_back(actor=self.actor, grant=row, **changes)
        return row

    def success_url(self, row: Grant) -> str:
        return row.employee.get_absolute_url()


class LevelList(PageView):
    """Up to how much each role may agree to what others ask for."""

    permission = "access.administer"
    title = _("Approval levels")
    template_name = "access/levels.html"
    fragment = "levels"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show({"levels": _levels(self.actor), "mine": self.actor.roles})


def _levels(actor: Actor, sent: LevelForm | None = None) -> list[tuple[ApprovalLevel, LevelForm]]:
    levels = visible(ApprovalLevel, actor).order_by("kind", "up_to", "role")
    return each_with_form(levels, LevelForm, sent)


class LevelEdit(RowView):
    model = ApprovalLevel
    permission = "access.administer"
    title = LevelList.title
    template_name = LevelList.template_name
    fragment = LevelList.fragment

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        level = self.row()
        form = LevelForm(request.POST, auto_id=ids_in_form(level))
        if not form.is_valid():
            levels = _levels(self.actor, form)
            return self.show({"levels": levels, "mine": self.actor.roles}, status=422)
        set_approval_level(actor=self.actor, level=level, **form.cleaned_data)
        messages.success(request, gettext("The level counts from now on."))
        return HttpResponseRedirect(resolve_url("approval-levels"), status=303)
