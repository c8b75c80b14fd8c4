"""Turning a user into an actor, an actor into words, and questions to the trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhike.access import rules
from zhike.access.deeds import called
from zhike.access.models import (
    ApiToken,
    ApprovalKind,
    ApprovalLevel,
    Grant,
    Identity,
    Passkey,
    PastPassword,
    SecondFactor,
)
from zhike.access.roles import PERMISSIONS, RIGHTS
from zhike.access.rules import token_digest
from zhike.access.seats import held_on, seats_of
from zhike.kernel import clock, wall
from zhike.kernel.actor import NOBODY, Actor, Decision, Seat
from zhike.kernel.errors import Refused
from zhike.kernel.models import AuditEntry, AuditSeal
from zhike.kernel.sealing import VERIFIED
from zhike.kernel.services import must_be_another
from zhike.kernel.wording import listed
from zhike.organisation.models import Employee, Role, Unit, User

# A room above turns a customer's public id into the key that the trail keeps.
CustomerKey = Callable[[UUID], int | None]
customer_keys: list[CustomerKey] = []


def actor_for(user: User, origin: str = "") -> Actor:
    """Everything the user's positions and grants of today allow; NOBODY for an account that may not sign in."""
    employee = user.employee
    if not user.is_active or employee is None or employee.left_on:
        return NOBODY
    held = held_on(employee, clock.today())
    seats = seats_of(held)
    return Actor(
        user_id=user.pk,
        employee_id=employee.pk,
        name=employee.name,
        roles=frozenset(each.role for each in held if each.role),
        permissions=frozenset[str]().union(*(each.permissions for each in seats)),
        units=frozenset[int]().union(*(each.units for each in seats)),
        people=frozenset[int]().union(*(each.people for each in seats)),
        everywhere=any(each.everywhere for each in seats),
        origin=origin,
        titles=tuple(str(each.title) for each in seats if not each.given),
        seats=seats,
    )


def permissions_on(employee: Employee, day: date) -> frozenset[str]:
    """All that the employee may on that day, wherever."""
    return frozenset[str]().union(*(each.permissions for each in held_on(employee, day)))


def actor_of_token(secret: str, origin: str = "") -> tuple[Actor, ApiToken | None]:
    """Whom a program acts for, with what its token leaves of their rights of today; NOBODY for no valid token."""
    digest = token_digest(secret)
    token = ApiToken.objects.select_related("user__employee").filter(digest=digest).first()
    if token is None or not token.is_valid:
        return NOBODY, None
    actor = actor_for(token.user, f"token {token.name} {origin}")
    if actor.user_id is None:
        return NOBODY, None
    return replace(actor, permissions=actor.permissions & set(token.permissions)), token


def actor_with_login(login: str, origin: str = "") -> Actor:
    """As `actor_for`; NOBODY for a login that is unknown."""
    user = User.objects.filter(login=login).first()
    return actor_for(user, origin) if user else NOBODY


SECOND_FACTOR = "second_factor"
"""In a session that began, or was confirmed, with a second factor."""


PASSKEY = "passkey"
"""In a session that began, or was confirmed, with a passkey."""


def must_enrol(actor: Actor, session: Mapping[str, Any]) -> bool:
    """Whether this session may nothing yet but set a second factor up: the institution asks for one."""
    asked = rules.is_asked_of(settings.ZHIKE_SECOND_FACTOR, actor.roles)
    return (asked and not session.get(SECOND_FACTOR)) or (
        needs_passkey(actor) and not session.get(PASSKEY)
    )


def needs_passkey(actor: Actor) -> bool:
    """Whether codes alone are too little for who holds these roles."""
    return rules.is_asked_of(settings.ZHIKE_PASSKEY, actor.roles)


def signs_in_by_passkey_alone(actor: Actor) -> bool:
    """Whether no code is taken of the actor: a passkey is asked for, and there is one."""
    return needs_passkey(actor) and Passkey.objects.filter(user_id=actor.user_id or 0).exists()


def second_factor(actor: Actor) -> SecondFactor | None:
    """The actor's own, with `left`, the number of recovery codes unused; None for who has none."""
    mine = SecondFactor.objects.visible_to(actor).filter(user_id=actor.user_id or 0)
    left = Count("recovery_codes", filter=Q(recovery_codes__used_at__isnull=True))
    return mine.filter(confirmed_at__isnull=False).annotate(left=left).first()


def passkeys_of(user: User) -> list[Passkey]:
    """The user's own, the newest last."""
    return list(Passkey.objects.filter(user=user).order_by("created_at"))


def has_codes(user: User) -> bool:
    """Whether the user has an authenticator."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def past_passwords(user: User, count: int) -> list[str]:
    """The hashes of the last passwords, that of today first."""
    kept = PastPassword.objects.filter(user=user).order_by("-set_at", "-pk")
    return [user.password, *kept.values_list("hashed", flat=True)[1:count]]


def password_set_at(user: User) -> datetime | None:
    """When the password of today was set; for one older than such records the day of the account."""
    if not user.has_usable_password():
        return None
    newest = PastPassword.objects.filter(user=user).order_by("-set_at").first()
    return newest.set_at if newest else user.created_at


def comes_from(user: User, source: str) -> bool:
    """Whether the user signs in at that directory or provider."""
    return Identity.objects.filter(user=user, source=source).exists()


def has_second_factor(user_id: int, but: Passkey | None = None) -> bool:
    """Whether a user has codes or passkeys; another than `but`."""
    others = Passkey.objects.filter(user_id=user_id).exclude(pk=but.pk if but else 0)
    codes = SecondFactor.objects.filter(user_id=user_id, confirmed_at__isnull=False)
    return codes.exists() or others.exists()


def passkeys_of_all(actor: Actor, person: str = "") -> QuerySet[Passkey]:
    """Those of the people the actor administers, or of the one with this name or staff code."""
    rows = Passkey.objects.visible_to(actor)
    if person:
        rows = rows.filter(Q(user__employee__name=person) | Q(user__employee__code=person))
    return rows.select_related("user__employee__unit").order_by("user__employee__code", "pk")


def second_factors(actor: Actor, person: str = "") -> QuerySet[SecondFactor]:
    """Those of the people the actor administers, or of the one with this name or staff code."""
    rows = SecondFactor.objects.visible_to(actor).filter(confirmed_at__isnull=False)
    if person:
        rows = rows.filter(Q(user__employee__name=person) | Q(user__employee__code=person))
    return rows.select_related("user__employee__unit").order_by("user__employee__code")


@dataclass(frozen=True)
class Right:
    """One thing a person may do, or not, and why: `seats` grant it; `holders` are the roles that may."""

    permission: str
    label: str | Promise
    decision: Decision
    holders: tuple[str, ...]
    seats: tuple[Seat, ...]


def rights_of(actor: Actor) -> list[Right]:
    """Every permission there is, with the decision for this actor and the roles that grant it."""
    return [
        Right(
            permission,
            label,
            actor.may(permission),
            tuple(
                str(Role(role).label)
                for role, rights in RIGHTS.items()
                if permission in rights.permissions
            ),
            tuple(seat for seat in actor.seats if permission in seat.permissions),
        )
        for permission, label in PERMISSIONS.items()
    ]


def roles_agreeing(kind: ApprovalKind, amount: int) -> frozenset[str]:
    """The roles that may agree to so much at once."""
    levels = dict(ApprovalLevel.objects.filter(kind=kind).values_list("role", "up_to"))
    return rules.roles_agreeing(levels, amount)


def must_approve(
    actor: Actor, *, asked_by: int | None, kind: ApprovalKind, amount: int, action: str
) -> None:
    """Raise Refused where the actor is the user who asked, or where no role of theirs reaches so far."""
    must_be_another(actor, action, user=asked_by)
    enough = roles_agreeing(kind, amount)
    if actor.system or actor.roles & enough:
        return
    raise Refused(
        _("Your role does not agree to %(amount)s at once.") % {"amount": f"{amount:,}"},
        action=action,
        way_out=_("Roles that may: %(roles)s")
        % {"roles": listed(role.label for role in Role if role in enough) or "—"},
    )


def grants_of(actor: Actor, employee: Employee) -> QuerySet[Grant]:
    """What the employee was, is or will be granted beside their positions, the latest first."""
    rows = Grant.objects.visible_to(actor).filter(employee=employee, during__isempty=False)
    return rows.select_related("unit", "team").order_by("-during", "pk")


def grants_running(actor: Actor) -> QuerySet[Grant]:
    """Everybody's that are not over yet, those first that end first."""
    rows = Grant.objects.visible_to(actor).filter(during__endswith__gt=clock.today())
    return rows.select_related("employee__unit", "unit", "team").order_by("during__endswith", "pk")


def units_in_reach(actor: Actor) -> QuerySet[Unit]:
    """The units whose customers the actor sees by position, from the top down."""
    return Unit.objects.visible_to(actor).filter(pk__in=actor.units).order_by("path")


def people_in_reach(actor: Actor) -> QuerySet[Employee]:
    """The people of the actor's teams whose customers they see."""
    people = Employee.objects.visible_to(actor).filter(pk__in=actor.people)
    return people.select_related("unit").order_by("unit__path", "code")


def trail(
    actor: Actor,
    rows: QuerySet[AuditEntry],
    *,
    person: str = "",
    action: str = "",
    since: date | None = None,
    until: date | None = None,
    customer: UUID | None = None,
) -> QuerySet[AuditEntry]:
    """The entries among `rows` that answer the questions asked. Days are business days, both included."""
    if person:
        people = Employee.objects.visible_to(actor).filter(Q(name=person) | Q(code=person))
        rows = rows.filter(
            actor_user_id__in=list(people.filter(user__isnull=False).values_list("user", flat=True))
        )
    if action:
        rows = rows.filter(Q(action__startswith=action) | Q(action__in=called(action)))
    if since:
        rows = rows.filter(at__gte=_midnight(since))
    if until:
        rows = rows.filter(at__lt=_midnight(until + timedelta(days=1)))
    if customer:
        rows = rows.filter(party_id__in=_keys(customer))
    return rows


@dataclass(frozen=True)
class Seals:
    """How far the trail is sealed, and what the last verification found; None where there was none yet."""

    last: AuditSeal | None
    verified: AuditEntry | None

    @property
    def whole(self) -> bool:
        return self.verified is not None and self.verified.outcome == AuditEntry.Outcome.DONE


def seals(actor: Actor) -> Seals:
    verified = AuditEntry.objects.visible_to(actor).filter(action=VERIFIED)
    return Seals(
        AuditSeal.objects.visible_to(actor).order_by("-number").first(),
        verified.order_by("-at").first(),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=clock.BUSINESS_ZONE)


@wall.lowered()  # an auditor asks by a customer that only the trail shows them
def _keys(customer: UUID) -> Iterable[int]:
    found = (find(customer) for find in customer_keys)
    return [key for key in found if key is not None]
