"""Targets: who is to reach what, how far they are; heads set them for their people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.insight import queries, services
from zhike.insight.metrics import metrics
from zhike.insight.models import Target
from zhike.insight.queries.targets import TARGETED
from zhike.insight.views.frame import units_in_sight
from zhike.kernel import clock
from zhike.kernel.actor import SYSTEM, Actor
from zhike.kernel.errors import Refused, UserError
from zhike.organisation.models import Employee
from zhike.ui.views import PageView, visible


class TargetForm(forms.Form):
    """One target; `who` is a unit or a person by code."""

    who = forms.ChoiceField(label=gettext_lazy("For"))
    metric = forms.ChoiceField(label=pgettext_lazy("of a target", "Number"))
    period = forms.ChoiceField(label=gettext_lazy("Period"), choices=Target.Period.choices)
    day = forms.DateField(
        label=gettext_lazy("A day of the period"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("The month, quarter or year that holds this day."),
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Target"), min_value=0, max_digits=18, decimal_places=2,
        help_text=gettext_lazy("To be reached by the end of the period; money in CNY."),
    )  # fmt: skip

    def __init__(self, actor: Actor, data: Any = None) -> None:
        super().__init__(data, initial={"day": clock.today(), "period": Target.Period.QUARTER})
        units = units_in_sight(actor).order_by("path")
        people = visible(Employee, actor).filter(unit__in=units, left_on__isnull=True)
        self.fields["who"].choices = [  # type: ignore[attr-defined]
            (_("People"), [(f"p:{each.code}", each.name) for each in people.order_by("code")]),
            (_("Units"), [(f"u:{each.code}", each.name) for each in units]),
        ]
        self.fields["metric"].choices = [  # type: ignore[attr-defined]
            (name, metrics.get(name).label) for name in TARGETED
        ]


class Targets(PageView):
    """The targets of the day within the actor's sight, with what is reached."""

    permission = "insight.view"
    template_name = "insight/targets.html"
    fragment = "figures"
    title = gettext_lazy("Are we where we meant to be?")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(TargetForm(self.actor) if self.may else None)

    def post(self, request: HttpRequest) -> HttpResponse:
        self.actor.must("insight.targets")
        form = TargetForm(self.actor, request.POST)
        if not form.is_valid():
            return self._page(form, status=422)
        kind, _colon, code = form.cleaned_data["who"].partition(":")
        if kind == "u":
            who = get_object_or_404(units_in_sight(self.actor), code=code)
        else:
            who = get_object_or_404(visible(Employee, self.actor), code=code)
        try:
            services.set_target(
                actor=self.actor,
                metric=form.cleaned_data["metric"],
                who=who,
                period=form.cleaned_data["period"],
                day=form.cleaned_data["day"],
                amount=form.cleaned_data["amount"],
            )
        except UserError as error:
            if isinstance(error, Refused):
                self.request.refusal = error
            form.add_error(None, str(error))
            return self._page(form, status=422)
        messages.success(request, _("Target set."))
        return HttpResponseRedirect(reverse("insight:targets"), status=303)

    @property
    def may(self) -> bool:
        return bool(self.actor.may("insight.targets"))

    def _page(self, form: TargetForm | None, status: int = 200) -> HttpResponse:
        today = clock.today()
        lines = queries.progress(queries.targets_of(self.actor, today), today)
        return self.show(
            {"lines": lines, "form": form, "may": self.may, "today": today, "system": SYSTEM},
            status=status,
        )


class DropTarget(PageView):
    """Takes one target away."""

    permission = "insight.targets"

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        target = get_object_or_404(visible(Target, self.actor), public_id=public_id)
        services.drop_target(actor=self.actor, target=target)
        messages.success(request, _("Target dropped."))
        return HttpResponseRedirect(reverse("insight:targets"), status=303)
