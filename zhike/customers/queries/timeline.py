"""The one timeline of a customer: every contact and every change, from every room, merged by time.

A room adds a `TimelineSource` to `sources`. The order is total: (at, source, key), the newest
first, so that pages by key neither miss nor repeat anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers import parameters
from zhike.customers.models import (
    Assignment,
    Party,
    TierRating,
    TimelineEntry,
)
from zhike.customers.queries.history import (
    TOLD,
    FieldChange,
    field_changes,
    latest_changes,
    unit_names,
)
from zhike.customers.queries.reads import consent_events, seats_of
from zhike.customers.rules import BY_HAND_OVER
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry

PAGE = 20
LAST_KEY = 2**63 - 1

Edge = tuple[datetime, int]
"""Where a source's own page begins: what it answers lies before (at, key)."""


@dataclass(frozen=True)
class Happening:
    """One contact or change. `key` orders those of one source at one instant; `dated` has no time of day.

    `kind` is one of its source's; `where` says the channel or where it came from.
    """

    at: datetime
    key: int
    kind: str
    title: str | Promise
    text: str = ""
    result: str = ""
    who: str = ""
    where: str = ""
    icon: str = "point-filled"
    tone: str = "secondary"
    changes: Sequence[FieldChange] = ()
    dated: bool = False

    @property
    def aside(self) -> str:
        """Where, who and at what time, as one line."""
        time_of_day = self.at.astimezone(clock.BUSINESS_ZONE)
        parts = (self.where, self.who, "" if self.dated else f"{time_of_day:%H:%M}")
        return " · ".join(part for part in parts if part)

    def says(self, text: str) -> bool:
        """Whether the words shown hold `text`, in any case."""
        words = (str(self.title), self.text, self.result, self.who, self.where)
        fields = (f"{each.label} {each.before} {each.after}" for each in self.changes)
        return text.casefold() in " ".join((*words, *fields)).casefold()


@dataclass(frozen=True)
class Asked:
    """What is asked of a source: at most `limit` happenings of `kinds` before the edge, the newest first."""

    before: Edge
    limit: int
    kinds: frozenset[str]
    channel: str = ""
    text: str = ""


@dataclass(frozen=True)
class TimelineSource:
    """Where happenings come from. `kinds` maps each kind to its name in the filter.

    `page(actor, party, asked)` starts its reads at `visible_to(actor)` and honours `asked` whole;
    a source that knows no channels (`channels` False) is not asked when one is chosen.
    """

    id: str
    kinds: dict[str, str | Promise]
    page: Callable[[Actor, Party, Asked], Sequence[Happening]]
    permission: str = ""
    channels: bool = False


sources: Registry[TimelineSource] = Registry("customers.timeline_sources")


@dataclass(frozen=True)
class Story:
    """One page of happenings by day; `earlier` is where the next page begins, "" at the end."""

    days: list[tuple[date, list[Happening]]]
    earlier: str = ""
    kinds: tuple[tuple[str, str | Promise], ...] = ()


def story(
    actor: Actor,
    party: Party,
    *,
    kind: str = "",
    channel: str = "",
    text: str = "",
    before: str = "",
    day: date | None = None,
    size: int = PAGE,
) -> Story:
    """One page, filtered by kind, channel and words ("" for all), up to the end of a past `day`.

    `before` is the `earlier` of the page before it; what was not made here means the first page.
    """
    mine = [each for each in sources if not each.permission or actor.may(each.permission)]
    edge = parameters.opened_place(before) or (
        clock.day_ends(day) if day else clock.now(),
        "~",
        LAST_KEY,
    )
    found: list[tuple[datetime, str, int, Happening]] = []
    for source in mine:
        kinds = frozenset(source.kinds) & {kind} if kind else frozenset(source.kinds)
        if not kinds or (channel and not source.channels):
            continue
        own = edge[2] if source.id == edge[1] else (LAST_KEY if source.id < edge[1] else -1)
        asked = Asked((edge[0], own), size + 1, kinds, channel, text.strip())
        found += [(each.at, source.id, each.key, each) for each in source.page(actor, party, asked)]
    found.sort(key=lambda each: each[:3], reverse=True)
    shown, more = found[:size], len(found) > size
    days: dict[date, list[Happening]] = {}
    for at, _source, _key, each in shown:
        days.setdefault(at.astimezone(clock.BUSINESS_ZONE).date(), []).append(each)
    last = shown[-1] if more else None
    earlier = parameters.sealed_place(last[0], last[1], last[2]) if last else ""
    names = {kind: name for each in mine for kind, name in each.kinds.items()}
    return Story(list(days.items()), earlier, tuple(names.items()))


def earlier_of(happenings: Iterable[Happening], asked: Asked) -> list[Happening]:
    """Those asked for, of a source that holds few enough of a party's happenings to read them all."""
    wanted = [
        each
        for each in happenings
        if (each.at, each.key) < asked.before
        and each.kind in asked.kinds
        and (not asked.text or each.says(asked.text))
    ]
    return sorted(wanted, key=lambda each: (each.at, each.key), reverse=True)[: asked.limit]


def on_day(day: date) -> datetime:
    """The instant at which something that has a day alone stands on the timeline: its beginning."""
    return datetime.combine(day, time(), clock.BUSINESS_ZONE)


# What this room tells


@dataclass(frozen=True)
class Mark:
    icon: str
    tone: str = "blue"


MARKS = {
    "visit": Mark(icon="map-pin"),
    "phone": Mark(icon="phone"),
    "wechat": Mark(icon="brand-wechat"),
    "sms": Mark(icon="message"),
    "email": Mark(icon="mail"),
    "counter": Mark(icon="building-bank"),
    "system": Mark(icon="device-desktop", tone="secondary"),
}
KINDS_MARKED = {
    "note": Mark(icon="note", tone="yellow"),
    "decision": Mark(icon="gavel", tone="green"),
    "withdrawn": Mark(icon="arrow-back-up", tone="secondary"),
}


def entries(actor: Actor, party: Party, asked: Asked) -> list[Happening]:
    """Contacts, notes and decisions."""
    if asked.kinds == frozenset(ENTRY_KINDS) and not asked.channel and not asked.text:
        at, key = asked.before
        latest = TimelineEntry.objects.visible_rows(
            actor, _before, asked.limit, party=party, given={"at": at, "key": key}
        )
        return [_told(entry) for entry in latest]
    rows = _before(TimelineEntry.objects.visible_to(actor, party=party), None, *asked.before)
    if asked.kinds != frozenset(ENTRY_KINDS):
        rows = rows.filter(kind__in=asked.kinds)
    if asked.channel:
        rows = rows.filter(channel=asked.channel)
    if asked.text:
        rows = rows.filter(
            Q(title__icontains=asked.text)
            | Q(body__icontains=asked.text)
            | Q(result__icontains=asked.text)
            | Q(employee__name__icontains=asked.text)
        )
    return [_told(entry) for entry in rows[: asked.limit]]


def _before(
    rows: QuerySet[TimelineEntry], limit: int | None, at: datetime, key: int
) -> QuerySet[TimelineEntry]:
    rows = rows.filter(pk__lt=(at, key)).exclude(source=BY_HAND_OVER).select_related("employee")
    return rows.order_by("-at", "-id")[:limit]


def _told(entry: TimelineEntry) -> Happening:
    mark = KINDS_MARKED.get(entry.kind) or MARKS[entry.channel]
    spoken = entry.channel != TimelineEntry.Channel.SYSTEM
    where = [
        str(entry.get_channel_display()) if spoken else "",
        str(entry.get_direction_display()) if entry.direction else "",
    ]
    return Happening(
        at=entry.at,
        key=entry.id,
        kind=entry.kind,
        title=entry.title,
        text=entry.body,
        result=entry.result,
        who=entry.employee.name if entry.employee else "",
        where=" · ".join(word for word in where if word),
        icon=mark.icon,
        tone=mark.tone,
    )


def changes(actor: Actor, party: Party, asked: Asked) -> list[Happening]:
    """Field changes from the trail. Whoever sees the customer sees them; class C2 only as “changed”."""
    found: list[Happening] = []
    before = asked.before
    while len(found) < asked.limit:
        rows = latest_changes(party, before, asked.limit)
        units = unit_names(rows)
        for row in rows:
            each = Happening(
                at=row.at,
                key=row.id,
                kind="change",
                title=TOLD[row.action],
                text=row.reason,
                who=row.actor_name if row.actor_user_id else _("the system"),
                icon="pencil",
                changes=field_changes(row, units),
            )
            if not asked.text or each.says(asked.text):
                found.append(each)
        if len(rows) < asked.limit:
            break
        before = (rows[-1].at, rows[-1].id)
    return found[: asked.limit]


def assignments(actor: Actor, party: Party, asked: Asked) -> list[Happening]:
    """Who began and stopped looking after the customer."""
    return earlier_of(_assignment_steps(seats_of(actor, party)), asked)


def _assignment_steps(rows: list[Assignment]) -> Iterable[Happening]:
    for row in rows:
        what = {"name": row.employee.name, "role": row.get_role_display()}
        begun, ended = row.during.lower, row.during.upper
        if begun is not None:
            # Said on its first day it has the time of day at which it was said.
            said_on = row.created_at.astimezone(clock.BUSINESS_ZONE).date()
            yield Happening(
                at=row.created_at if said_on == begun else on_day(begun),
                key=row.pk * 2 + 1,
                kind="assignment",
                title=_("%(name)s looks after them as %(role)s") % what,
                text=row.reason,
                icon="user-check",
                tone="azure",
                dated=said_on != begun,
            )
        if ended is not None:
            yield _step(
                on_day(ended),
                row.pk * 2,
                "assignment",
                _("%(name)s no longer looks after them as %(role)s") % what,
                icon="user-minus",
            )


def _step(at: datetime, key: int, kind: str, title: str, text: str = "", **look: Any) -> Happening:
    return Happening(at=at, key=key, kind=kind, title=title, text=text, dated=True, **look)


def _in_turn(rows: QuerySet[TierRating]) -> QuerySet[TierRating]:
    return rows.select_related("tier").order_by("during")


RATED: dict[str, str | Promise] = {
    "first": gettext_lazy("first rating"),
    "promoted": gettext_lazy("the terms of the higher tier are met"),
    "demoted": gettext_lazy("the terms were not met any longer"),
}
"""Reasons that the rules of tiers write, in words."""


def tiers(actor: Actor, party: Party, asked: Asked) -> list[Happening]:
    """Tier after tier, with the reason."""
    rows = TierRating.objects.visible_rows(actor, _in_turn, party=party)
    steps, before = [], None
    for row in rows:
        if row.during.lower is None:
            continue
        rose = before is None or row.tier.rank >= before.rank
        steps.append(
            _step(
                on_day(row.during.lower),
                row.pk,
                "tier",
                _("Tier %(tier)s") % {"tier": row.tier}
                if before is None
                else _("Tier %(before)s → %(after)s") % {"before": before, "after": row.tier},
                str(RATED.get(row.reason, row.reason)),
                icon="trending-up" if rose else "trending-down",
                tone="green" if rose else "orange",
            )
        )
        before = row.tier
    return earlier_of(steps, asked)


def consents(actor: Actor, party: Party, asked: Asked) -> list[Happening]:
    return earlier_of(
        (
            Happening(
                at=row.at,
                key=row.pk,
                kind="consent",
                title=(
                    _("Consent given: %(what)s") if row.given else _("Consent withdrawn: %(what)s")
                )
                % {"what": f"{row.get_purpose_display()} · {row.get_channel_display()}"},
                text=row.text_version,
                who=row.recorded_by.name if row.recorded_by else "",
                icon="checkbox" if row.given else "hand-stop",
                tone="green" if row.given else "red",
            )
            for row in consent_events(actor, party)
        ),
        asked,
    )


ENTRY_KINDS: dict[str, str | Promise] = {
    "contact": gettext_lazy("contact"),
    "note": gettext_lazy("note"),
    "decision": gettext_lazy("decision"),
    "change": gettext_lazy("change"),
    "withdrawn": gettext_lazy("taken back"),
}

for _source in (
    TimelineSource("customers.entries", ENTRY_KINDS, entries, channels=True),
    TimelineSource("customers.changes", {"change": gettext_lazy("change")}, changes),
    TimelineSource(
        "customers.assignments", {"assignment": gettext_lazy("who looks after them")}, assignments
    ),
    TimelineSource("customers.tiers", {"tier": gettext_lazy("tier")}, tiers),
    TimelineSource("customers.consents", {"consent": gettext_lazy("consent")}, consents),
):
    sources.register(_source)
