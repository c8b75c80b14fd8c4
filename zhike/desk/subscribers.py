"""What the rooms below tell people of."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_noop

from zhike.access.events import HoneyTouched, PaceReached, SecondFactorTaken
from zhike.desk.kinds import NoticeKind, kinds
from zhike.desk.queries import holders_over
from zhike.desk.services import agreeing, files
from zhike.desk.services.notices import SIGNED_OUT, notify, tell
from zhike.kernel import clock, wall
from zhike.kernel.actor import Actor, system
from zhike.kernel.events import subscribe
from zhike.organisation.events import AppointmentsChanged, PasswordSet
from zhike.organisation.models import Role, User
from zhike.organisation.services import endings

FACTOR_TAKEN = NoticeKind("access.second_factor", icon="shield-check")
kinds.register(FACTOR_TAKEN)


@subscribe(SecondFactorTaken)
def tell_whose_second_factor_was_taken(event: SecondFactorTaken) -> None:
    """Whoever did not ask for it learns of it at the next sign-in."""
    notify(
        actor=system("second factor"),
        kind=FACTOR_TAKEN.id,
        text=gettext_noop(
            "A security administrator took your second factor away. If you did not ask for it, tell them."
        ),
        users=[event.user_id],
        url=reverse("second-factor"),
    )


HONEY = NoticeKind("access.honey", icon="alert-triangle")
kinds.register(HONEY)


@subscribe(HoneyTouched)
@wall.lowered()
def tell_who_administers_access(event: HoneyTouched) -> None:
    """Of an invented customer opened or taken away: whoever did it has a list that nobody needs."""
    user = User.objects.select_related("employee").get(pk=event.user_id)
    opened = gettext_noop("%(who)s opened a customer who was invented to be left alone. Ask why.")
    taken = gettext_noop(
        "%(who)s took a customer in a file who was invented to be left alone. Ask why."
    )
    guards = User.objects.filter(
        is_active=True,
        employee__appointments__position__role=Role.SECURITY_ADMINISTRATOR,
        employee__appointments__during__contains=clock.today(),
    )
    notify(
        actor=system("honey"),
        kind=HONEY.id,
        text=taken if event.taken else opened,
        params={"who": user.get_full_name()},
        users=guards.distinct().values_list("pk", flat=True),
    )


PACE = NoticeKind("access.pace", icon="eye")
kinds.register(PACE)


@subscribe(PaceReached)
def tell_who_leads_them(event: PaceReached) -> None:
    """Whoever may let them go on learns of it within the same second."""
    user = User.objects.select_related("employee__unit").get(pk=event.user_id)
    if user.employee is None:
        return
    stopped = gettext_noop(
        "%(who)s has seen %(count)s different customers or numbers, and is stopped."
    )
    told = gettext_noop("%(who)s has seen %(count)s different customers or numbers.")
    notify(
        actor=system("pace"),
        kind=PACE.id,
        text=stopped if event.stopped else told,
        params={"who": user.employee.name, "count": event.count},
        employees=holders_over("access.release_pace", user.employee.unit, besides=user.employee.pk),
        url=reverse("pace"),
    )


@subscribe(AppointmentsChanged)
def end_streams_of_whose_rights_changed(event: AppointmentsChanged) -> None:
    """An open page asks again who it belongs to, and hears nothing any more when that person may nothing."""
    for user in User.objects.filter(employee=event.employee_id):
        tell(user.pk, SIGNED_OUT, {})


@subscribe(PasswordSet)
def end_streams_under_another_password(event: PasswordSet) -> None:
    tell(event.user_id, SIGNED_OUT, {})


def end_files_and_streams(actor: Actor, user: User, reason: str) -> None:
    """What somebody who goes asked for is not made, and their open pages hear nothing any more."""
    files.end_of(actor=actor, user=user, reason=reason)
    agreeing.end_of(actor=actor, user=user, reason=reason)
    tell(user.pk, SIGNED_OUT, {})


if end_files_and_streams not in endings:
    endings.append(end_files_and_streams)
