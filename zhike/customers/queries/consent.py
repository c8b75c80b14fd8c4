"""Whether a channel may be used for a purpose today, by which word of the customer, and if not why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from zhike.customers import rules
from zhike.customers.models import ConsentEvent, Party
from zhike.customers.queries.reads import consent_events
from zhike.kernel import clock
from zhike.kernel.actor import Actor

Purpose, Channel = ConsentEvent.Purpose, ConsentEvent.Channel
WAYS = [choice for choice in Channel.choices if choice[0] not in {Channel.ANY, Channel.POST}]
"""Channels by which somebody here gets in touch, with their words."""


@dataclass(frozen=True)
class Use:
    """True when allowed. `event` is the word of the customer that decides, None where there is none."""

    allowed: bool
    reason: str
    event: ConsentEvent | None = None

    def __bool__(self) -> bool:
        return self.allowed


def may_use(actor: Actor, party: Party, purpose: str, channel: str) -> Use:
    """Asked at the moment of use: a withdrawal of this minute counts.

    Silence is no consent, but for the service of somebody's contracts (个人信息保护法 13 (2)).
    """
    events = {event.pk: event for event in consent_events(actor, party)}
    steps = (
        rules.ConsentStep(each.purpose, each.channel, each.given, each.at, each.pk)
        for each in events.values()
    )
    last = rules.consent_state(steps, {purpose}, {channel})[purpose, channel]
    what: dict[str, object] = {"purpose": Purpose(purpose).label, "channel": Channel(channel).label}
    if last is None:
        if purpose == Purpose.SERVICE and party.stage == Party.Stage.CUSTOMER:
            return Use(True, _("Needed for the customer's contracts; nothing was said against it."))
        return Use(False, _("The customer never agreed to %(purpose)s by %(channel)s.") % what)
    what["day"] = _day(last.at)
    if not last.given:
        told = _("The customer withdrew consent to %(purpose)s by %(channel)s on %(day)s.")
        return Use(False, told % what, events[last.id])
    what["text"] = events[last.id].text_version
    told = _("The customer agreed to %(purpose)s by %(channel)s on %(day)s (text %(text)s).")
    return Use(True, told % what, events[last.id])


def _day(at: datetime) -> str:
    return at.astimezone(clock.BUSINESS_ZONE).date().isoformat()
