"""Those whom a directory or a provider of identity vouches for: their login, and the positions of their groups."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zhike.access import directory, rules
from zhike.access.models import GroupAppointment, GroupSeat, Identity
from zhike.access.rules import Arrival
from zhike.access.services.notes import note_refusal
from zhike.access.services.second_factor import person
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service
from zhike.organisation.models import Employee, Unit, User
from zhike.organisation.services import appoint, end_appointment, endings, give_login


@service("access.administer")
def admit(*, actor: Actor, arrival: Arrival) -> User:
    """The user of whoever arrives, made at the first time for an employee who is here already.

    Positions follow the groups: those of a group that is gone end today. Raises UserError when nobody here is
    meant, or somebody else than the last time, and Refused as `_seat`.
    """
    ask = _("Ask the administrator of the directory: it must carry your staff number.")
    employee = Employee.objects.filter(code=arrival.number, left_on__isnull=True).first()
    if not arrival.number or employee is None:
        raise UserError(_("You are known there, but as nobody who works here."), ask)
    identity = Identity.objects.select_related("user").filter(
        source=arrival.source, subject=arrival.subject
    )
    known = identity.first()
    if known is None:
        user = User.objects.filter(employee=employee).first() or give_login(
            actor=actor, employee=employee, login=arrival.login[:60], password=None
        )
        known = Identity.objects.create(
            user=user, source=arrival.source, subject=arrival.subject, login=arrival.login
        )
        audit.record(actor, "identity.link", known, changes={"user": (None, user)})
    elif known.user.employee_id != employee.pk:
        raise UserError(_("You were somebody else the last time you came from there."), ask)
    Identity.objects.filter(pk=known.pk).update(
        login=arrival.login, seen_at=clock.now(), gone_at=None
    )
    _seat(actor, known.user, employee, arrival)
    return known.user


@service("access.administer")
def end_who_is_gone(*, actor: Actor) -> int:
    """Everything ends that the directory's people hold here who are not found there any more; answers how many.

    Whoever has a password of this site besides keeps it. Raises `directory.Unreachable`.
    """
    known = Identity.objects.filter(
        source=directory.source(), gone_at=None, user__is_active=True
    ).select_related("user__employee")
    of = {each.subject: each for each in known}
    missing = directory.gone({subject: each.login for subject, each in of.items()})
    for subject in sorted(missing):
        identity = of[subject]
        Identity.objects.filter(pk=identity.pk).update(gone_at=clock.now())
        audit.record(actor, "identity.gone", identity)
        for end in endings:
            end(system(actor.origin), identity.user, _("not found in the directory any more"))
    return len(missing)


def _seat(actor: Actor, user: User, employee: Employee, arrival: Arrival) -> None:
    """Give what new groups give, end what those gave that are gone.

    Raises Refused when the last position would end of somebody who still answers for customers: they stay out until
    these have gone to somebody else.
    """
    groups = rules.groups_meant(arrival.groups)
    seats = GroupSeat.objects.select_related("unit")
    wanted = {each.pk: each for each in seats if rules.groups_meant([each.group]) <= groups}
    held = GroupAppointment.objects.select_related("appointment", "seat").filter(
        appointment__employee=employee, appointment__during__contains=clock.today()
    )
    gone = [each for each in held if each.seat_id not in wanted]
    new = set(wanted) - {each.seat_id for each in held}
    # New ones before the old ones end: who moves is never without a position, and so loses nothing in between.
    # What may not be held beside an old one is tried again afterwards, and then stands on the trail as refused.
    waiting = [wanted[key] for key in sorted(new) if not _give(actor, user, employee, wanted[key])]
    for each in gone:
        _unseat(actor, each)
    for seat in waiting:
        _give(actor, user, employee, seat, last=True)


def _give(
    actor: Actor, user: User, employee: Employee, seat: GroupSeat, *, last: bool = False
) -> bool:
    """Seat somebody as a group says; whether it was done. A last refusal stands on the trail."""
    try:
        if seat.maker_id == user.pk:
            raise Refused(_("Nobody appoints themselves."), action="organisation.appoint")
        appointment = appoint(
            actor=actor,
            employee=employee,
            unit=seat.unit or employee.unit,
            role=seat.role,
            title=seat.title,
            reason=seat.group[:200],
        )
    except Refused as refusal:
        if last:
            note_refusal(actor, refusal)
        return False
    GroupAppointment.objects.create(seat=seat, appointment=appointment)
    return True


def _unseat(actor: Actor, given: GroupAppointment) -> None:
    end_appointment(
        actor=actor, appointment=given.appointment, on=clock.today(), reason=given.seat.group[:200]
    )
    GroupAppointment.objects.filter(pk=given.pk).delete()


@service("access.administer", proof=True)
def make_group_seat(
    *, actor: Actor, group: str, unit: Unit | None, role: str, title: str
) -> GroupSeat:
    """Members of a group are seated in a position when they next sign in. Refused for one there is."""
    if GroupSeat.objects.filter(group__iexact=group, unit=unit, role=role, title=title).exists():
        raise UserError(_("This group gives this position already."))
    seat = GroupSeat.objects.create(
        group=group.strip(), unit=unit, role=role, title=title.strip(), maker_id=person(actor)
    )
    audit.record(
        actor, "group_seat.make", seat, changes={"group": (None, group), "role": (None, role)}
    )
    return seat


@service("access.administer", proof=True)
def remove_group_seat(*, actor: Actor, seat: GroupSeat) -> None:
    """The group gives the position no more: who holds it by the group loses it now."""
    must_see(actor, seat)
    for given in GroupAppointment.objects.select_related("appointment", "seat").filter(
        seat=seat, appointment__during__contains=clock.today()
    ):
        # The one who removes the seat need not be one who seats people.
        _unseat(system(actor.origin), given)
    audit.record(actor, "group_seat.remove", seat, changes={"group": (seat.group, None)})
    GroupSeat.objects.filter(pk=seat.pk).delete()
