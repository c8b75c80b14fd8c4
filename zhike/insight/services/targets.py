"""What people and units are to reach."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from zhike.insight.models import Target
from zhike.insight.queries.targets import TARGETED
from zhike.insight.rules import begins_on
from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service
from zhike.organisation.models import Employee, Unit


@service("insight.targets")
def set_target(
    *,
    actor: Actor,
    metric: str,
    who: Employee | Unit,
    period: str,
    day: date,
    amount: Decimal,
) -> Target:
    """What a person or a unit is to reach by the end of the month, quarter or year that holds `day`.

    Set again it is changed. Raises UserError for a metric that is not a portfolio's or an amount that is not above
    nothing, Refused for people and units out of sight.
    """
    if metric not in TARGETED:
        raise UserError(_("No target can be set in this metric."), ", ".join(TARGETED))
    if amount <= 0:
        raise UserError(_("A target must be above nothing."), _("Drop it instead."))
    _must_lead(actor, who)
    person = who if isinstance(who, Employee) else None
    unit = who if isinstance(who, Unit) else None
    where = {
        "metric": metric,
        "employee": person,
        "unit": unit,
        "period": period,
        "starts_on": begins_on(period, day),
    }
    before = Target.objects.select_for_update().filter(**where).first()
    if before is not None:
        Target.objects.filter(pk=before.pk).update(
            amount=amount, set_by=actor.name, version=F("version") + 1, changed_at=Now()
        )
        target = Target.objects.get(pk=before.pk)
    else:
        target = Target.objects.create(**where, amount=amount, set_by=actor.name)
    must_see(actor, target)
    changes = {"amount": (before.amount if before else None, amount)}
    audit.record(actor, "insight.target.set", target, changes=changes)
    return target


@service("insight.targets")
def drop_target(*, actor: Actor, target: Target) -> None:
    """Take a target away; the trail keeps what it was."""
    must_see(actor, target)
    who = target.employee or target.unit
    assert who is not None, "a target is a person's or a unit's"
    _must_lead(actor, who)
    audit.record(actor, "insight.target.drop", target, changes={"amount": (target.amount, None)})
    target.delete()


def _must_lead(actor: Actor, who: Employee | Unit) -> None:
    unit = who.unit_id if isinstance(who, Employee) else who.pk
    if not actor.everywhere and unit not in actor.units:
        raise Refused(
            _("You may only set targets for your own units and their people."),
            action="insight.targets.scope",
        )
