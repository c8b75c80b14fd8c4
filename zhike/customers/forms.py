"""What the customer screens ask for. Forms parse; services decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.access.roles import RIGHTS
from zhike.customers.models import (
    Address,
    Assignment,
    ConsentEvent,
    ContactPoint,
    Identifier,
    Party,
    Relation,
    TimelineEntry,
)
from zhike.customers.services.parties import EDITABLE
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee, Unit

if TYPE_CHECKING:
    PartyModelForm = forms.ModelForm[Party]
else:
    PartyModelForm = forms.ModelForm

FIELD_ORDER = (
    *("name", "type", "unit", "since_on", "sex", "birth_on", "lunar_birthday", "occupation"),
    *("education", "marital_status", "industry", "employees_count", "note"),
)
PERSONS_ONLY = ("sex", "lunar_birthday", "education", "marital_status")
FIRMS_ONLY = ("employees_count",)
assert set(FIELD_ORDER) == EDITABLE


class PartyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The particulars of a party; saving is the service's work."""

    class Meta:
        model = Party
        fields = FIELD_ORDER
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}  # noqa: RUF012  Django reads it there

    def __init__(self, *args: Any, actor: Actor | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if actor is not None:
            self.fields["unit"] = unit_field(actor)

    def _post_clean(self) -> None:
        """Nothing is put onto an instance: the service holds the values against the row."""


class NewPartyForm(PartyForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=Party.Kind.choices)
    stage = forms.ChoiceField(
        label=_("Stage"),
        choices=[choice for choice in Party.Stage.choices if choice[0] != Party.Stage.FORMER],
        initial=Party.Stage.CUSTOMER,
    )

    document = forms.CharField(
        label=_("Identity number or credit code"), max_length=64, required=False
    )
    mobile = forms.CharField(label=_("Mobile"), max_length=32, required=False)

    field_order = ("kind", "stage", "name", "document", "mobile", *FIELD_ORDER)


def unit_field(actor: Actor) -> forms.Field:
    """The units whose customers the actor sees, and the actor's own."""
    units = Unit.objects.visible_to(actor).order_by("path")
    if not actor.everywhere:
        units = units.filter(pk__in=actor.units) | units.filter(employees=actor.employee_id)
    return forms.ModelChoiceField(units.distinct(), label=_("Unit"), to_field_name="public_id")


class InPlaceForm(forms.Form):
    """A short form on a panel; its ids begin with its own name, for a page holds several."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__.removesuffix("Form").lower()
        super().__init__(*args, **{"auto_id": f"{name}_%s"} | kwargs)


class IdentifierForm(InPlaceForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=Identifier.Kind.choices)
    value = forms.CharField(label=_("Number"), max_length=64)
    observed_on = forms.DateField(label=_("Seen on"), required=False)


class ContactPointForm(InPlaceForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=ContactPoint.Kind.choices)
    value = forms.CharField(label=_("Number or address"), max_length=200)
    label = forms.CharField(label=_("Label"), max_length=40, required=False)
    is_preferred = forms.BooleanField(label=_("Preferred"), required=False)


class AddressForm(InPlaceForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=Address.Kind.choices)
    value = forms.CharField(label=_("Address"), max_length=300)
    region = forms.CharField(label=_("Province and city"), max_length=80, required=False)


class RelationForm(InPlaceForm):
    kind = forms.ChoiceField(label=_("This customer is"), choices=Relation.Kind.choices)
    other = forms.CharField(
        label=_("Of"), max_length=200, help_text=_("Name, number or last four digits")
    )
    role = forms.CharField(label=_("Position, decision power"), max_length=80, required=False)
    note = forms.CharField(label=_("Interests"), max_length=200, required=False)
    since = forms.DateField(label=_("Since"), required=False)


class HandOverForm(InPlaceForm):
    employee: Any = forms.ModelChoiceField(
        queryset=None, label=pgettext_lazy("hand over", "To"), to_field_name="public_id"
    )
    role = forms.ChoiceField(label=_("As"), choices=Assignment.Role.choices)
    since = forms.DateField(label=_("From"), required=False)
    until = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_(
            "The last day: for a cover, and whenever somebody is only let see the customer."
        ),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        employees: Any = self.fields["employee"]
        employees.queryset = managers_within(actor)


def managers_within(actor: Actor) -> Any:
    """Who looks after customers today in the units the actor sees."""
    roles = [role for role, rights in RIGHTS.items() if "activities.work" in rights.permissions]
    rows = Employee.objects.visible_to(actor).filter(
        left_on=None,
        appointments__during__contains=clock.today(),
        appointments__position__role__in=roles,
    )
    if not actor.everywhere:
        rows = rows.filter(appointments__position__unit__in=actor.units)
    return rows.distinct().order_by("code")


class ReasonForm(InPlaceForm):
    reason = forms.CharField(label=_("Reason"), max_length=200)


class ConsentForm(InPlaceForm):
    purpose = forms.ChoiceField(label=_("Purpose"), choices=ConsentEvent.Purpose.choices)
    channel = forms.ChoiceField(label=_("Channel"), choices=ConsentEvent.Channel.choices)
    given = forms.TypedChoiceField(
        label=_("The customer"),
        choices=[("yes", _("agrees")), ("no", _("withdraws or objects"))],
        coerce=lambda value: value == "yes",
    )
    text_version = forms.CharField(
        label=_("Version of the text agreed to"), max_length=40, required=False
    )
    evidence = forms.CharField(label=_("Evidence"), max_length=200, required=False)


class TimelineForm(InPlaceForm):
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            (kind.value, kind.label)
            for kind in (TimelineEntry.Kind.CONTACT, TimelineEntry.Kind.NOTE)
        ],
    )
    channel = forms.ChoiceField(
        label=_("Channel"),
        choices=[choice for choice in TimelineEntry.Channel.choices if choice[0] != "system"],
    )
    direction = forms.ChoiceField(
        label=_("Direction"), choices=TimelineEntry.Direction.choices, required=False
    )
    title = forms.CharField(label=_("About"), max_length=200)
    body = forms.CharField(
        label=_("Content"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    result = forms.CharField(label=_("Result"), max_length=200, required=False)
    at = forms.DateTimeField(label=_("When"), required=False, widget=forms.DateTimeInput)


class ConfirmForm(InPlaceForm):
    fields_seen = forms.MultipleChoiceField(
        label=_("Checked with the customer"),
        choices=[(name, name) for name in FIELD_ORDER],
    )
