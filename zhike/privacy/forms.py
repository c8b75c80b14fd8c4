"""What a request is taken with, and what is said when it is answered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.models import Party
from zhike.privacy.models import SubjectRequest
from zhike.privacy.services.requests import CORRECTABLE


def _fields() -> list[tuple[str, Any]]:
    return [
        ("", _("something else, as told in words")),
        *((each, label_of(each)) for each in CORRECTABLE),
    ]


def label_of(name: str) -> Any:
    """What a field of the customer is called."""
    field: Any = Party._meta.get_field(name)
    return field.verbose_name


class AskForm(forms.Form):
    kind = forms.ChoiceField(label=_("What is asked"), choices=SubjectRequest.Kind.choices)
    how = forms.ChoiceField(label=_("How it came"), choices=SubjectRequest.How.choices)
    field = forms.ChoiceField(
        label=_("Field"),
        choices=_fields,
        required=False,
        help_text=_("Of a correction: which field is wrong, and what it should say."),
    )
    wanted = forms.CharField(label=_("What it should say"), max_length=200, required=False)
    words = forms.CharField(
        label=pgettext_lazy("a request", "In their words"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200, min_length=2)


class PeriodForm(forms.Form):
    since = forms.DateField(
        label=_("From day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
