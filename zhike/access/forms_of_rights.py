"""What a security administrator fills in about grants, approval levels and limits of viewing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django import forms
from django.db.models import Model
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.access.roles import ANYONE, PERMISSIONS, RIGHTS
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Role, Team, Unit
from zhike.organisation.rules import ADMINISTRATORS

M = TypeVar("M", bound=Model)
F = TypeVar("F", bound=forms.Form)


def _offered() -> list[Any]:
    """Roles and single actions that go with other duties: none of an administrator's alone."""
    roles = [(role.value, role.label) for role in Role if role not in ADMINISTRATORS]
    held: frozenset[str] = frozenset().union(*(RIGHTS[role].permissions for role, _label in roles))
    actions = [(name, label) for name, label in PERMISSIONS.items() if name in held - ANYONE]
    return [(gettext_lazy("Role"), roles), (gettext_lazy("Action"), actions)]


class GrantForm(forms.Form):
    what = forms.ChoiceField(label=gettext_lazy("Right"), choices=_offered)
    unit: forms.ModelChoiceField[Unit] = forms.ModelChoiceField(
        None,
        label=gettext_lazy("For the customers of the unit"),
        to_field_name="public_id",
        required=False,
        help_text=gettext_lazy("An action reaches the unit and all below it, a role as it does."),
    )
    team: forms.ModelChoiceField[Team] = forms.ModelChoiceField(
        None,
        label=gettext_lazy("Or of the team"),
        to_field_name="public_id",
        required=False,
    )
    since = forms.DateField(label=gettext_lazy("From"), initial=clock.today)
    until = forms.DateField(label=gettext_lazy("Last day"))
    reason = forms.CharField(label=gettext_lazy("Why"), min_length=2, max_length=200)

    def __init__(self, actor: Actor, data: Any = None) -> None:
        super().__init__(data)
        fields: Any = self.fields
        fields["unit"].queryset = Unit.objects.visible_to(actor).order_by("path")
        fields["team"].queryset = Team.objects.visible_to(actor).order_by("name")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if bool(given.get("unit")) == bool(given.get("team")):
            self.add_error("unit", _("Choose a unit or a team, one of them."))
        return given


class TakeBackForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why"), min_length=2, max_length=200)


LARGEST_NUMBER = 2**31 - 1
"""The largest number a column of whole numbers holds."""


class LevelForm(forms.Form):
    up_to = forms.IntegerField(
        label=pgettext_lazy("an amount", "Up to"),
        required=False,
        min_value=0,
        max_value=LARGEST_NUMBER,
    )
    reason = forms.CharField(label=gettext_lazy("Why"), min_length=2, max_length=200)


class LimitForm(forms.Form):
    hour_told = forms.IntegerField(
        label=gettext_lazy("an hour: told at"), min_value=1, max_value=LARGEST_NUMBER
    )
    hour_stop = forms.IntegerField(
        label=gettext_lazy("an hour: stopped at"), min_value=1, max_value=LARGEST_NUMBER
    )
    day_told = forms.IntegerField(
        label=gettext_lazy("a day: told at"), min_value=1, max_value=LARGEST_NUMBER
    )
    day_stop = forms.IntegerField(
        label=gettext_lazy("a day: stopped at"), min_value=1, max_value=LARGEST_NUMBER
    )
    reason = forms.CharField(label=gettext_lazy("Why"), min_length=2, max_length=200)


def ids_in_form(row: Model) -> str:
    """How the fields of a row's own form are told from those of the next, on a page of many."""
    return f"{row._meta.model_name}-{row.pk}-%s"


def each_with_form(rows: Iterable[M], kind: type[F], sent: F | None = None) -> list[tuple[M, F]]:
    """Each row with its form; the one that was sent as it was filled in."""
    return [
        (row, sent)
        if sent is not None and sent.auto_id == ids_in_form(row)
        else (row, kind(auto_id=ids_in_form(row), initial=model_to_dict(row)))
        for row in rows
    ]
