"""Reads over customers: the list and its filters, and what each panel of the customer page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from zhike.customers import parameters, rules
from zhike.customers.models import (
    Address,
    Assignment,
    ConsentEvent,
    ContactPoint,
    Merge,
    Party,
    Relation,
    Standing,
    TierRating,
    TimelineEntry,
)
from zhike.customers.queries.reads import consent_events
from zhike.customers.queries.ties import Relations as Relations
from zhike.customers.queries.ties import relations_of as relations_of
from zhike.customers.scopes import looked_after
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.prepared import Among
from zhike.organisation.models import Employee, Unit

TIMELINE_PAGE = 20

SEES_MONEY = "insight.view"


def root_of(actor: Actor, public_id: UUID) -> Party | None:
    """The customer that the one with this id is part of by now; None where there is none in sight."""
    merge = (
        Merge.objects.visible_to(actor)
        .filter(absorbed_public_id=public_id, undone_at__isnull=True)
        .select_related("root")
        .first()
    )
    return merge.root if merge else None


def sees_money(actor: Actor) -> bool:
    """Tellers see customers without any figure of money."""
    return bool(actor.may(SEES_MONEY))


def with_standing(rows: QuerySet[Party]) -> QuerySet[Party]:
    """Rows with unit, standing, tier, and today's main managers as `main_assignments`."""
    main = (
        Assignment.objects.filter(role=Assignment.Role.MAIN, during__contains=clock.today())
        .select_related("employee")
        .only("party", "employee__public_id", "employee__code", "employee__name")
    )
    return rows.select_related("unit", "standing__tier").prefetch_related(
        Prefetch("assignments", main, to_attr="main_assignments")
    )


def manager_of(party: Party) -> Employee | None:
    """Today's main manager of a row of `with_standing`, or asked for by itself."""
    if hasattr(party, "main_assignments"):
        mains = cast("list[Assignment]", party.main_assignments)
        return mains[0].employee if mains else None
    main = (
        Assignment.objects.filter(
            party=party, role=Assignment.Role.MAIN, during__contains=clock.today()
        )
        .select_related("employee")
        .first()
    )
    return main.employee if main else None


def standing_of(party: Party) -> Standing | None:
    """Where the party stands, None before anything was worked out."""
    try:
        return party.standing
    except Standing.DoesNotExist:
        return None


def looked_after_by(rows: QuerySet[Party], employee_id: int | None) -> QuerySet[Party]:
    """Those the employee is main manager or assistant of today."""
    return rows.filter(
        pk__in=Assignment.objects.filter(
            employee=employee_id, during__contains=clock.today()
        ).values("party")
    )


def unassigned(rows: QuerySet[Party]) -> QuerySet[Party]:
    """Living relations without a main manager today (R-203)."""
    main = Assignment.objects.filter(
        party=OuterRef("pk"), role=Assignment.Role.MAIN, during__contains=clock.today()
    )
    return rows.filter(~Exists(main)).exclude(stage=Party.Stage.FORMER)


def not_contacted_for(rows: QuerySet[Party], days: int) -> QuerySet[Party]:
    """No contact for at least `days` days, or never one on record."""
    last = clock.today() - timedelta(days=days)
    return rows.filter(
        Q(standing__last_contact_on__isnull=True) | Q(standing__last_contact_on__lte=last)
    )


def in_unit(rows: QuerySet[Party], unit: Unit) -> QuerySet[Party]:
    """Those of the unit and all units below it."""
    return rows.filter(unit__in=Unit.objects.filter(path__startswith=unit.path))


def units_to_choose(actor: Actor, chosen_code: str) -> list[Unit]:
    """The unit of `chosen_code` and the next level under it, as far as the actor's sight reaches.

    Without a chosen one the top of that reach, or what lies right under it where the top is one unit.
    """
    units: list[Unit] = []
    if actor.everywhere:
        units = Unit.objects.visible_rows(actor, _by_code)
    elif actor.units:
        reach = {"ids": sorted(actor.units)}
        units = Unit.objects.visible_rows(actor, _by_code_among, given=reach)
    ids = {unit.pk for unit in units}
    chosen = next((unit for unit in units if unit.code == chosen_code), None)
    if chosen is not None:
        return [chosen, *(unit for unit in units if unit.parent_id == chosen.pk)]
    tops = [unit for unit in units if unit.parent_id not in ids]
    if len(tops) == 1:
        return [unit for unit in units if unit.parent_id == tops[0].pk]
    return tops


def _by_code(rows: QuerySet[Unit]) -> QuerySet[Unit]:
    return rows.order_by("code")


def _by_code_among(rows: QuerySet[Unit], ids: list[int]) -> QuerySet[Unit]:
    return rows.filter(Among(F("pk"), ids)).order_by("code")


def known(party: Party) -> rules.Known:
    """What is known of the party, for `rules.completeness`."""
    fields = ("sex", "birth_on", "occupation", "industry", "education", "employees_count")
    today = clock.today()
    return rules.Known(
        kind=party.kind,
        fields=frozenset(name for name in fields if getattr(party, name) not in (None, "")),
        identifiers=frozenset(party.identifiers.values_list("kind", flat=True)),
        contact_points=frozenset(party.contact_points.values_list("kind", flat=True)),
        has_address=party.addresses.exists(),
        has_manager=manager_of(party) is not None,
        has_decision_maker=party.kind == Party.Kind.ORGANISATION
        and Relation.objects.filter(
            other=party, kind=Relation.Kind.DECISION_MAKER, during__contains=today
        ).exists(),
    )


def completeness_of(party: Party) -> rules.Completeness:
    return rules.completeness(known(party))


def next_contact_on(party: Party) -> date | None:
    """The day by which the party's tier and value class want the next contact."""
    standing = standing_of(party)
    if standing is None:
        return None
    every = standing.contact_every_days
    if every is None and standing.tier is not None:  # before the first refresh
        every = standing.tier.contact_every_days
    due = rules.next_contact_due(standing.last_contact_on, party.since_on, every)
    if due and standing.last_contact_on is None:
        # Without any contact on record nobody can say since when one is owed.
        return max(due, clock.today())
    return due


def assignments_of(party: Party, day: date | None = None) -> QuerySet[Assignment]:
    """Everybody who ever looked after the party (by a past `day`), the latest first."""
    rows = Assignment.objects.filter(party=party)
    if day is not None:
        rows = rows.filter(during__startswith__lte=day)
    return rows.select_related("employee__unit").order_by("-during", "-pk")


def sight(actor: Actor, party: Party) -> list[str]:
    """Why the actor sees the party: each reason of theirs that holds today, in their language."""
    if actor.everywhere:
        return [_("You see every customer of the institution.")]
    found = []
    if party.unit_id in actor.units:
        found.append(
            _("It is a customer of %(unit)s, whose customers you see.") % {"unit": party.unit.name}
        )
    through = list(looked_after(actor).filter(party=party).select_related("employee"))
    own = next((each for each in through if each.employee_id == actor.employee_id), None)
    if of_team := [each for each in through if each is not own]:
        found.append(
            _("%(name)s of your team looks after it.") % {"name": of_team[0].employee.name}
        )
    found += [
        _("%(right)s, until %(day)s: %(reason)s")
        % {"right": seat.title, "day": seat.until, "reason": seat.reason}
        for seat in actor.seats
        if seat.given and party.unit_id in seat.units
    ]
    if own is not None and own.role == Assignment.Role.SHARED:
        found.append(
            _("You were let see it until %(day)s: %(reason)s")
            % {"day": own.during.upper - timedelta(days=1), "reason": own.reason}
        )
    elif own is not None:
        found.append(
            _("You look after it: %(role)s since %(day)s.")
            % {"role": own.get_role_display(), "day": own.during.lower}
        )
    return found


def tier_history(party: Party) -> QuerySet[TierRating]:
    return TierRating.objects.filter(party=party).select_related("tier").order_by("-during")


@dataclass(frozen=True)
class TimelinePage:
    """Entries from the newest back; `older` is where the next page starts, None at the end."""

    entries: list[TimelineEntry]
    older: tuple[datetime, int] | None

    @property
    def older_from(self) -> str:
        """`older` as it travels in an address, "" at the end."""
        return parameters.sealed_edge(*self.older) if self.older else ""


def timeline_page(
    actor: Actor,
    party: Party,
    *,
    kind: str = "",
    channel: str = "",
    before: tuple[datetime, int] | None = None,
    size: int = TIMELINE_PAGE,
) -> TimelinePage:
    """One page of the timeline, filtered by kind and channel ("" for all), before (at, id)."""
    rows = TimelineEntry.objects.visible_to(actor).filter(party=party).select_related("employee")
    if kind:
        rows = rows.filter(kind=kind)
    if channel:
        rows = rows.filter(channel=channel)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    entries = list(rows.order_by("-at", "-id")[: size + 1])
    more = len(entries) > size
    entries = entries[:size]
    return TimelinePage(entries, (entries[-1].at, entries[-1].id) if more else None)


def consent_of(
    actor: Actor, party: Party, day: date | None = None
) -> Mapping[tuple[str, str], rules.ConsentStep | None]:
    """The step in force for every purpose and channel, now or at the end of a past day."""
    end = clock.day_ends(day) if day else None
    steps = [
        rules.ConsentStep(event.purpose, event.channel, event.given, event.at, event.pk)
        for event in consent_events(actor, party)
        if end is None or event.at < end
    ]
    return rules.consent_state(steps, ConsentEvent.Purpose.values, ConsentEvent.Channel.values)


def ways_to_reach(actor: Actor, party: Party) -> list[ContactPoint | Address]:
    """Contact points, preferred ones first, then addresses; shown masked."""
    points = ContactPoint.objects.visible_to(actor).filter(party=party)
    places = Address.objects.visible_to(actor).filter(party=party)
    return [*points.order_by("-is_preferred", "kind", "pk"), *places.order_by("kind", "pk")]
