"""What a system administrator fills in about units and people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.db.models import QuerySet
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.wording import sentences
from zhike.organisation.models import Employee, Role, Unit


class UnitField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One unit among those the actor sees; the form's view hands the actor over."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=None, to_field_name="public_id", **kwargs)

    def label_from_instance(self, unit: Unit) -> str:
        return f"{'　' * unit.depth}{unit.name}"


class PersonField(forms.CharField):
    """Somebody among `people` by the staff code; nobody where it is empty. The form's view hands them over."""

    people: QuerySet[Employee]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)

    def clean(self, value: Any) -> Employee | None:
        code = super().clean(value)
        if not code:
            return None
        found = self.people.filter(code=code).first()
        if found is None:
            raise forms.ValidationError(_("Nobody here has this staff code."))
        return found


class SuccessorField(PersonField):
    def __init__(self) -> None:
        super().__init__(
            label=_("Who takes over"),
            required=False,
            help_text=_("The staff code. Needed where something hangs on the person."),
        )


class OrganisationForm(forms.Form):
    """A form whose units are those the actor may see."""

    def offer_units_of(self, actor: Actor) -> None:
        for field in self.fields.values():
            if isinstance(field, UnitField):
                field.queryset = Unit.objects.visible_to(actor).order_by("path")
            if isinstance(field, PersonField):
                field.people = Employee.objects.visible_to(actor).filter(left_on__isnull=True)


class UnitForm(OrganisationForm):
    name = forms.CharField(label=_("Name"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=Unit.Kind.choices)
    parent = UnitField(label=_("Stands below"), required=False, empty_label=_("nothing: a root"))
    region = forms.CharField(label=_("Region"), max_length=80, required=False)
    opened_on = forms.DateField(label=_("Opened on"), required=False)
    closed_on = forms.DateField(label=_("Closed on"), required=False)


class NewUnitForm(OrganisationForm):
    code = forms.CharField(label=_("Code"), max_length=40)
    name = forms.CharField(label=_("Name"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=Unit.Kind.choices)
    parent = UnitField(label=_("Stands below"), required=False, empty_label=_("nothing: a root"))
    region = forms.CharField(label=_("Region"), max_length=80, required=False)
    opened_on = forms.DateField(label=_("Opened on"), required=False)


class PersonForm(OrganisationForm):
    name = forms.CharField(label=pgettext_lazy("of a person", "Name"), max_length=80)
    unit = UnitField(label=_("Unit"))
    hired_on = forms.DateField(label=_("Hired on"), required=False)


class NewPersonForm(OrganisationForm):
    code = forms.CharField(label=_("Staff code"), max_length=40)
    name = forms.CharField(label=pgettext_lazy("of a person", "Name"), max_length=80)
    unit = UnitField(label=_("Unit"))
    hired_on = forms.DateField(label=_("Hired on"), required=False)


class AppointForm(OrganisationForm):
    unit = UnitField(label=_("Unit"))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    title = forms.CharField(label=_("Title"), max_length=80)
    since = forms.DateField(label=_("From"), initial=clock.today)
    until = forms.DateField(label=_("Up to, not including"), required=False)
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


class EndForm(OrganisationForm):
    on = forms.DateField(label=_("First day without it"), initial=clock.today)
    successor = SuccessorField()
    reason = forms.CharField(label=_("Why"), max_length=200)


class TeamForm(OrganisationForm):
    name = forms.CharField(label=pgettext_lazy("of a thing", "Name"), max_length=80)
    purpose = forms.CharField(label=_("What for"), max_length=200, required=False)


class JoinTeamForm(OrganisationForm):
    employee = PersonField(label=_("Person"), help_text=_("The staff code."))
    leads = forms.BooleanField(
        label=_("Leads the team"),
        required=False,
        help_text=_("Sees whom the members look after, with a team lead's rights over them."),
    )
    since = forms.DateField(label=_("From"), initial=clock.today)
    until = forms.DateField(label=_("Up to, not including"), required=False)
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


class LeaveTeamForm(OrganisationForm):
    on = forms.DateField(label=_("First day without it"), initial=clock.today)
    reason = forms.CharField(label=_("Why"), max_length=200)


class CloseLoginForm(OrganisationForm):
    successor = SuccessorField()
    reason = forms.CharField(label=_("Why"), max_length=200)


class OpenLoginForm(OrganisationForm):
    reason = forms.CharField(label=_("Why"), max_length=200)


class LeaveForm(OrganisationForm):
    on = forms.DateField(
        label=_("Leaves on"),
        initial=clock.today,
        help_text=_("Sign-in ends at once, positions on that day."),
    )
    successor = SuccessorField()
    reason = forms.CharField(label=_("Why"), max_length=200)


class Unspoken(forms.HiddenInput):
    """What a form opened with goes back hidden; a password never goes back at all."""

    def format_value(self, value: Any) -> None:
        return None


def _password_rules() -> str:
    return sentences(password_validators_help_texts())


_asked = lazy(_password_rules, str)


class PasswordField(forms.CharField):
    hidden_widget = Unspoken

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=200,
            strip=False,
            help_text=_asked(),
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            **kwargs,
        )


class LoginForm(OrganisationForm):
    login = forms.CharField(
        label=_("Login"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = PasswordField(label=_("First password"))


class PasswordForm(OrganisationForm):
    password = PasswordField(label=_("New password"))
