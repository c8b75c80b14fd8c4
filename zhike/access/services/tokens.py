"""Tokens of the API: made, revoked, used."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.utils.translation import gettext as _

from zhike.access import rules
from zhike.access.models import ApiToken
from zhike.access.roles import FOR_PROGRAMS
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import change, service
from zhike.kernel.wording import listed
from zhike.organisation.models import User

LONGEST_DAYS = 366
USED_EVERY = timedelta(minutes=1)


@service("account.use", proof=True)
def make_token(
    *, actor: Actor, name: str, permissions: Iterable[str], days: int
) -> tuple[ApiToken, str]:
    """A token of the actor's own and its secret, which nothing will show again.

    Raises UserError when it may nothing, more than its owner or more than a program may, or is valid for more
    than a year.
    """
    asked = sorted(set(permissions))
    refused = [each for each in asked if each not in FOR_PROGRAMS or not actor.may(each)]
    if not asked or refused:
        raise UserError(
            _(
                "A token may what you may, and a program may be let do; this one asks for: %(asked)s."
            )
            % {"asked": listed(refused) or "—"},
            _("Choose among what is offered."),
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise UserError(_("A token is valid for a day to a year."), _("Give a number of days."))
    if not name.strip():
        raise UserError(_("Say what the token is for."), _("The name of the program will do."))
    secret = f"zhike_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=User.objects.get(employee=actor.employee_id),
        name=name.strip(),
        digest=rules.token_digest(secret),
        ending=secret[-4:],
        permissions=asked,
        expires_on=clock.today() + timedelta(days=days),
    )
    audit.record(actor, "token.make", token, changes={"permissions": (None, ", ".join(asked))})
    return token, secret


@service("account.use")
def revoke_token(*, actor: Actor, token: ApiToken) -> None:
    """From this moment nobody gets in with it; once more does nothing."""
    if token.revoked_at is None:
        change(actor, token, {"revoked_at": clock.now()}, action="token.revoke")


def note_use(token: ApiToken) -> None:
    now = clock.now()
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(used_at=now)
