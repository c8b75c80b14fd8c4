"""One's own password: changed, and remembered so that it does not come back too soon."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zhike.access.models import PastPassword
from zhike.access.services.second_factor import person
from zhike.access.services.signing_in import SignIn
from zhike.access.services.tries import count_try, tries_of
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.services import service
from zhike.organisation.models import User
from zhike.organisation.services import set_own_password

MOST_KEPT = 24


@service("account.use")
def change_password(*, actor: Actor, present: str, new: str, address: str) -> SignIn:
    """A new password of the actor's own, for who knows the present one; a wrong one counts as a try to sign in.

    Every other session of theirs ends with it. Raises UserError when the new one is too weak, or when the
    password is kept elsewhere.
    """
    user = User.objects.get(pk=person(actor))
    if not user.has_usable_password():
        raise UserError(
            _("Your password is not kept here."), _("Change it at the directory or the provider.")
        )
    key = tries_of(user.login, address)
    if (wait := count_try(key)) is not None:
        return SignIn(None, wait)
    if not user.check_password(present):
        audit.record(actor, "account.password", outcome=AuditEntry.Outcome.REFUSED)
        return SignIn(None)
    return SignIn(set_own_password(actor=actor, user=user, password=new))


def note_password(user_id: int) -> None:
    """Remember, as its hash, the password that was set just now; the oldest are forgotten."""
    user = User.objects.get(pk=user_id)
    PastPassword.objects.create(user=user, hashed=user.password, set_at=clock.now())
    kept = PastPassword.objects.filter(user=user).order_by("-set_at", "-pk")
    PastPassword.objects.filter(pk__in=[each.pk for each in kept[MOST_KEPT:]]).delete()
