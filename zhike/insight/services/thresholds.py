"""Setting the numbers that customers are judged by, for the institution or for one unit (R-037)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils.translation import gettext as _

from zhike.customers.models import Tier
from zhike.insight import queries
from zhike.insight.models import Threshold
from zhike.insight.thresholds import SPECS, faults, label_of
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.kernel.services import service
from zhike.organisation.models import Unit

Values = Mapping[str, Decimal | None]


@service("insight.thresholds")
def set_thresholds(
    *,
    actor: Actor,
    values: Values,
    unit: Unit | None = None,
    since: date | None = None,
    reason: str,
    seen: Values | None = None,
) -> list[Threshold]:
    """Thresholds from `since` (today) on, for the institution or for one unit and all below it (R-037).

    What held before stays for its own days; None takes a unit's own value away, so that it follows the one above
    again. What is as it was is left alone; answers the new rows. `seen` are the values the person had before them.
    Raises UserError for a name that no rule reads, a value out of its bounds, terms that contradict each other in
    any unit on any day to come, and a day that is past; Refused for a unit out of sight; Conflict when somebody
    else changed the same ones meanwhile. Either all are set or none.
    """
    day = since or clock.today()
    _check(actor, values, unit, day, reason)
    # The institution's own rows are always there: whoever holds them sets alone.
    list(Threshold.objects.select_for_update().filter(name__in=values).order_by("pk"))
    held: dict[str, Decimal | None] = dict.fromkeys(values)
    own = Threshold.objects.filter(name__in=values, unit=unit)
    held |= dict(own.filter(during__contains=day).values_list("name", "value"))
    if seen is not None:
        _refuse_clashes(values, held, seen)
    added = []
    for name, value in values.items():
        later = own.filter(name=name, during__startswith__gt=day)
        if held[name] == value and not later.exists():
            continue
        own.filter(name=name, during__startswith__gte=day).delete()
        for old in own.filter(name=name, during__contains=day):
            old.during = DateRange(old.during.lower, day)
            old.save(update_fields=["during"])
        if value is not None:
            row = Threshold.objects.create(
                name=name, unit=unit, value=value, during=DateRange(day, None), reason=reason
            )
            added.append(row)
            audit.record(
                actor,
                "insight.threshold.set",
                row,
                changes={"value": (held[name], value)},
                reason=reason,
            )
        else:
            audit.record(
                actor,
                "insight.threshold.follow",
                unit,
                changes={name: (held[name], None)},
                reason=reason,
            )
    _must_agree(set(values), day)
    return added


@service("insight.thresholds")
def add_thresholds(*, actor: Actor, values: Mapping[str, Decimal]) -> int:
    """The institution's thresholds that are not there yet, for all time; answers how many came."""
    there = set(Threshold.objects.filter(unit=None).values_list("name", flat=True))
    added = Threshold.objects.bulk_create(
        Threshold(name=name, value=value, during=DateRange(None, None))
        for name, value in values.items()
        if name not in there
    )
    if added:
        audit.record(actor, "insight.thresholds.add", reason=f"{len(added)} thresholds")
    return len(added)


def _check(actor: Actor, values: Values, unit: Unit | None, day: date, reason: str) -> None:
    known = set(Threshold.objects.filter(name__in=values).values_list("name", flat=True))
    for name, value in values.items():
        if name not in known:
            raise UserError(
                _("No threshold is called %(name)s.") % {"name": name},
                _("See docs/insight.md for their names."),
            )
        if unit is not None and not SPECS[name].local:
            raise UserError(
                _("“%(name)s” is the same for the whole institution.") % {"name": label_of(name)},
                _("Set it without a unit, so that figures of all units compare."),
            )
        if unit is None and value is None:
            raise UserError(
                _("“%(name)s” needs a value.") % {"name": label_of(name)},
                _("Only a unit may be without one of its own: it then follows the institution."),
            )
    if not reason.strip():
        raise UserError(_("Nobody will know why."), _("Say the reason for the change."))
    if not actor.everywhere:
        if unit is None or unit.pk not in actor.units:
            raise Refused(
                _("You may only set thresholds for units you are responsible for."),
                action="insight.thresholds.scope",
            )
        if day < clock.today():
            raise _past()
    elif day < clock.today() and not actor.system:
        raise _past()


def _past() -> UserError:
    return UserError(_("A day that is past is judged already."), _("Choose today or a later day."))


def _refuse_clashes(values: Values, held: Values, seen: Values) -> None:
    clashes = {
        name: (seen.get(name), value, held[name])
        for name, value in values.items()
        if seen.get(name) != held[name] and value != held[name]
    }
    if clashes:
        raise Conflict(_("Somebody changed the same fields while you were editing."), clashes)


def _must_agree(names: set[str], day: date) -> None:
    """Read back what will hold on the day and on every later one that brings a change."""
    groups = {SPECS[name].group for name in names}
    together = [spec.name for spec in SPECS.values() if spec.group in groups]
    starts = Threshold.objects.filter(name__in=together, during__startswith__gt=day)
    days = {day, *(each.lower for each in starts.values_list("during", flat=True))}
    codes = list(Tier.objects.order_by("rank").values_list("code", flat=True))
    units = dict(Unit.objects.values_list("pk", "name"))
    for each in sorted(days):
        found = faults(queries.book(each), codes, groups)
        if found:
            fault = found[0]
            where = units[fault.unit_id] if fault.unit_id else _("the whole institution")
            raise UserError(
                _("%(fault)s (%(where)s, from %(day)s)")
                % {"fault": fault.text, "where": where, "day": each},
                _("Nothing was changed. Set the terms so that they agree."),
            )
