"""How a field of a form is drawn: Tabler's classes, the browser's own pickers, a word for no choice."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString
from django.utils.translation import gettext


def control(bound: BoundField) -> SafeString:
    """The input with Tabler's class; dates with the browser's own picker, which speaks ISO only."""
    widget = bound.field.widget
    kind = "form-control"
    if isinstance(widget, forms.CheckboxInput):
        kind = "form-check-input"
    elif isinstance(widget, forms.Select):
        kind = "form-select"
        widget.choices = _choices(widget)
    elif isinstance(widget, forms.DateTimeInput):
        widget = _iso(forms.DateTimeInput, "datetime-local", "%Y-%m-%dT%H:%M", bound)
    elif isinstance(widget, forms.DateInput):
        widget = _iso(forms.DateInput, "date", "%Y-%m-%d", bound)
    own = widget.attrs.get("class", "")
    wrong = " is-invalid" if bound.errors else ""
    return bound.as_widget(widget, {"class": f"{kind} {own}{wrong}".replace("  ", " ")})


def _choices(widget: forms.Select) -> list[Any]:
    """Those of the widget, with a word where Django has dashes for none of them."""
    return [
        (value, gettext("not chosen") if (value, label) == BLANK_CHOICE_DASH[0] else label)
        for value, label in widget.choices
    ]


def _iso(
    widget: type[forms.DateInput | forms.DateTimeInput], kind: str, pattern: str, bound: BoundField
) -> forms.Widget:
    copy = widget(attrs=bound.field.widget.attrs, format=pattern)
    copy.input_type = kind
    copy.is_required = bound.field.widget.is_required
    return copy
