"""What a security administrator fills in about grants and approval levels."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.access.roles import ANYONE, PERMISSIONS, RIGHTS
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Role, Team, Unit
from zhike.organisation.rules import ADMINISTRATORS


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
