"""Up to how much a role may agree to what somebody else asks for."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zhike.access.models import ApprovalLevel
from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service


@service("access.administer", proof=True)
def set_approval_level(
    *, actor: Actor, level: ApprovalLevel, up_to: int | None, reason: str
) -> None:
    """Another level for a role, from now on; None is without end. Never for a role one holds oneself."""
    must_see(actor, level)
    if level.role in actor.roles:
        raise Refused(_("Nobody sets the level of a role they hold."), action="access.level")
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    before = ApprovalLevel.objects.select_for_update().get(pk=level.pk).up_to
    ApprovalLevel.objects.filter(pk=level.pk).update(up_to=up_to)
    changes = {"up_to": (before, up_to)}
    audit.record(actor, "access.level", level, changes=changes, reason=reason.strip())
