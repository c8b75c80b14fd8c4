"""The sign-in form, what a token is asked for with, and the questions asked of the trail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.access.devices import place_of
from zhike.access.middleware import origin_of
from zhike.access.roles import FOR_PROGRAMS, PERMISSIONS
from zhike.access.services import try_second_factor, try_sign_in
from zhike.kernel.actor import Actor
from zhike.organisation.models import Role, Unit, User
from zhike.ui.format import iso_minute


def _terms() -> list[tuple[int, str]]:
    """In the language of whoever opens the form, not of whoever loaded this module."""
    return [(days, _("%(days)d days") % {"days": days}) for days in (7, 30, 90, 366)]


class SignInForm(forms.Form):
    """One answer for everything that is wrong, so that nobody learns which logins there are."""

    login = forms.CharField(
        label=gettext_lazy("Login"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None
        self.half = False

    def clean(self) -> dict[str, Any]:
        login, password = self.cleaned_data.get("login"), self.cleaned_data.get("password")
        if login and password and self.request is not None:
            outcome = try_sign_in(
                login=login,
                password=password,
                address=place_of(self.request, login),
                origin=origin_of(self.request),
            )
            if outcome.wait_until is not None:
                raise forms.ValidationError(
                    _("Too many tries. The next one is admitted at %(time)s.")
                    % {"time": iso_minute(outcome.wait_until)},
                    code="wait",
                )
            if outcome.problem:
                raise forms.ValidationError(
                    outcome.problem, code="unreachable" if outcome.unreachable else "problem"
                )
            if outcome.user is None:
                raise forms.ValidationError(
                    _("Login or password is wrong. Both tell capital letters from small ones.")
                )
            self.user = outcome.user
            self.half = outcome.half
        return self.cleaned_data

    def get_user(self) -> User | None:
        return self.user


class CodeForm(forms.Form):
    """A code of the authenticator; where one signs in, a recovery code does as well."""

    code = forms.CharField(
        label=gettext_lazy("Code of your second factor"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class SecondStepForm(CodeForm):
    """The second half of a sign-in, for the `user` whose password was right."""

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user = user
        self.fields["code"].help_text = gettext_lazy(
            "Six digits of your authenticator, or a recovery code"
        )

    def clean(self) -> dict[str, Any]:
        if code := self.cleaned_data.get("code"):
            outcome = try_second_factor(
                user=self.user,
                code=code,
                address=place_of(self.request, self.user.login),
                origin=origin_of(self.request),
            )
            if outcome.wait_until is not None:
                raise forms.ValidationError(
                    _("Too many tries. The next one is admitted at %(time)s.")
                    % {"time": iso_minute(outcome.wait_until)},
                    code="wait",
                )
            if outcome.user is None:
                raise forms.ValidationError(
                    _("This code is not right, or it was used already. Give the next one.")
                )
        return self.cleaned_data


class OwnPasswordForm(forms.Form):
    """The present password and the next."""

    present = forms.CharField(
        label=gettext_lazy("Present password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=gettext_lazy("New password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class PasskeyForm(forms.Form):
    """What a new passkey is called."""

    name = forms.CharField(
        label=gettext_lazy("Device"),
        max_length=60,
        help_text=gettext_lazy("Work laptop, telephone, security key"),
    )


class FactorOfForm(forms.Form):
    """Whose second factor to look for."""

    person = forms.CharField(
        label=gettext_lazy("Person"), required=False, help_text=gettext_lazy("Name or staff code")
    )


class GroupSeatForm(forms.Form):
    """A group and the position that its members get here."""

    group = forms.CharField(
        label=pgettext_lazy("a directory", "Group"),
        max_length=300,
        help_text=gettext_lazy("As the directory names it, whole: cn=managers,ou=groups,…"),
    )
    unit: forms.ModelChoiceField[Unit] = forms.ModelChoiceField(
        label=gettext_lazy("Unit"),
        queryset=None,
        required=False,
        empty_label=gettext_lazy("each member’s own"),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    title = forms.CharField(label=gettext_lazy("Title"), max_length=80)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["unit"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Unit.objects.visible_to(actor).order_by("path")


class TokenForm(forms.Form):
    """A token for a program: of the reader's own rights those that a program may be let do."""

    name = forms.CharField(
        label=gettext_lazy("What for"),
        max_length=80,
        help_text=gettext_lazy("The program that will sign in with it"),
    )
    permissions = forms.MultipleChoiceField(
        label=gettext_lazy("What it may"), widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Valid for"),
        coerce=int,
        choices=_terms,
        initial=90,
    )

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["permissions"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(each, PERMISSIONS[each]) for each in FOR_PROGRAMS if actor.may(each)]


class TrailForm(forms.Form):
    """What to look for on the trail; every field may stay empty."""

    person = forms.CharField(
        label=gettext_lazy("Person"),
        required=False,
        help_text=gettext_lazy("Name or staff code"),
    )
    action = forms.CharField(
        label=gettext_lazy("Action"),
        required=False,
        help_text=gettext_lazy("What was done, or its code: sign in, reveal, customers"),
    )
    since = forms.DateField(label=gettext_lazy("From"), required=False)
    until = forms.DateField(label=gettext_lazy("Until"), required=False)
    customer = forms.UUIDField(
        label=gettext_lazy("Customer"),
        required=False,
        help_text=gettext_lazy("The long id in the address of the customer's page"),
    )
