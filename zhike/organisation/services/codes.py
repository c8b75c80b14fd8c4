"""Codes are what sources know units and people by: each names one."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zhike.kernel.errors import UserError
from zhike.organisation.models import Employee, Unit


def must_be_free(model: type[Unit] | type[Employee], code: str) -> None:
    if model.objects.filter(code=code).exists():
        raise UserError(
            _("The code %(code)s is in use.") % {"code": code}, _("Choose another one.")
        )
