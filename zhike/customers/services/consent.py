"""Consent, given and withdrawn; every step stays on record."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from zhike.customers.events import ConsentChanged
from zhike.customers.models import ConsentEvent, Party
from zhike.customers.queries.consent import Use, may_use
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service


@service("customers.consent")
def give_consent(
    *,
    actor: Actor,
    party: Party,
    purpose: str,
    channel: str,
    text_version: str,
    evidence: str = "",
    at: datetime | None = None,
) -> ConsentEvent:
    """The customer agreed to `purpose` over `channel`, having read the text of `text_version`."""
    if not text_version.strip():
        raise UserError(
            _("Which text the customer agreed to is missing."),
            _("Give the version of the consent text."),
        )
    return _record(actor, party, purpose, channel, True, text_version, evidence, at)


@service("customers.consent")
def withdraw_consent(
    *,
    actor: Actor,
    party: Party,
    purpose: str,
    channel: str,
    evidence: str = "",
    at: datetime | None = None,
) -> ConsentEvent:
    """The customer no longer agrees, or objects without ever having agreed."""
    return _record(actor, party, purpose, channel, False, "", evidence, at)


@service("customers.view")
def use_channel(*, actor: Actor, party: Party, purpose: str, channel: str) -> Use:
    """About to use the channel for the purpose: on record with the word that allows it, or Refused with the reason."""
    must_see(actor, party)
    use = may_use(actor, party, purpose, channel)
    if not use:
        raise Refused(
            use.reason,
            action="customers.consent.use",
            way_out=_("Choose another way, or ask the customer and record what they say."),
        )
    audit.record(
        actor, "customers.consent.use", use.event, reason=f"{purpose}: {channel}", party_id=party.pk
    )
    return use


def _record(
    actor: Actor,
    party: Party,
    purpose: str,
    channel: str,
    given: bool,
    text_version: str,
    evidence: str,
    at: datetime | None,
) -> ConsentEvent:
    must_see(actor, party)
    must_hide_nothing(text_version=text_version, evidence=evidence)
    now = clock.now()
    if at is not None and at > now:
        raise UserError(_("The time lies in the future."), _("Give the time it was said."))
    event: ConsentEvent = ConsentEvent.objects.create(
        party=party,
        purpose=ConsentEvent.Purpose(purpose),
        channel=ConsentEvent.Channel(channel),
        given=given,
        at=at or now,
        text_version=text_version.strip(),
        evidence=evidence.strip(),
        recorded_by_id=actor.employee_id,
    )
    audit.record(
        actor,
        "customers.consent.give" if given else "customers.consent.withdraw",
        event,
        changes={"purpose": (None, purpose), "channel": (None, channel)},
    )
    events.publish(ConsentChanged(party.pk, purpose, channel, given))
    return event
