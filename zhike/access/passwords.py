"""What makes a password good enough, in our words; which of it counts is in the settings, by profile."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from zhike.access.rules import kinds_in


class LongEnough:
    def __init__(self, length: int) -> None:
        self.length = length

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) < self.length:
            raise ValidationError(self.get_help_text(), code="short")

    def get_help_text(self) -> str:
        return _("%(length)d characters or more.") % {"length": self.length}


class Uncommon(CommonPasswordValidator):
    def get_help_text(self) -> str:
        return _("Not a common one.")


class SeveralKinds:
    """Of small letters, capital ones, digits and all else, so many kinds."""

    def __init__(self, kinds: int) -> None:
        self.kinds = kinds

    def validate(self, password: str, user: Any = None) -> None:
        if kinds_in(password) < self.kinds:
            raise ValidationError(self.get_help_text(), code="kinds")

    def get_help_text(self) -> str:
        if not self.kinds:
            return ""
        return _(
            "Of small letters, capital letters, digits and others at least %(kinds)d kinds."
        ) % {"kinds": self.kinds}


class NotUsedLately:
    """None of the last ones, the present one among them."""

    def __init__(self, count: int) -> None:
        self.count = count

    def validate(self, password: str, user: Any = None) -> None:
        from zhike.access.queries import (
            past_passwords,  # the models are not loaded when settings are
        )

        if not self.count or user is None or user.pk is None:
            return
        if any(check_password(password, kept) for kept in past_passwords(user, self.count)):
            raise ValidationError(self.get_help_text(), code="used")

    def get_help_text(self) -> str:
        return _("None of your last %(count)d.") % {"count": self.count} if self.count else ""
