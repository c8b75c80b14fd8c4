"""G-29: a channel is used for a purpose where the customer's last word allows it, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from tests.trust import FULL
from zhike.customers import rules
from zhike.customers.models import ConsentEvent, Party
from zhike.customers.queries.consent import may_use
from zhike.customers.services import give_consent, use_channel, withdraw_consent
from zhike.customers.tests import factories
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role

Note = Callable[[str, object], None]
PURPOSES, CHANNELS = ConsentEvent.Purpose.values, ConsentEvent.Channel.values
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
HISTORIES = 1_000_000 if FULL else 20_000
CUSTOMERS = 200 if FULL else 10


def allowed(steps: Iterable[rules.ConsentStep], purpose: str, channel: str) -> bool:
    """The model: all that was said, one after the other; "any" is a word on every channel."""
    yes = False
    for step in sorted(steps, key=lambda step: (step.at, step.id)):
        if step.purpose == purpose and step.channel in (channel, "any"):
            yes = step.given
    return yes


def test_no_history_allows_what_was_not_said_last(record_property: Note) -> None:
    chance = random.Random(29)
    wrong = []
    for _ in range(HISTORIES):
        steps = [
            rules.ConsentStep(
                chance.choice(PURPOSES[:2]),
                chance.choice(CHANNELS[:3]),
                chance.random() < 0.6,
                BEGAN + timedelta(days=chance.randrange(5)),  # often at one instant
                number,
            )
            for number in range(chance.randrange(8))
        ]
        chance.shuffle(steps)
        asked = chance.choice(PURPOSES[:2]), chance.choice(CHANNELS[:3])
        if rules.may_contact(steps, *asked) != allowed(steps, *asked):
            wrong.append((steps, asked))
    assert wrong == []
    record_property("histories", HISTORIES)


@pytest.mark.django_db
def test_every_use_is_of_a_word_and_on_record(record_property: Note) -> None:
    """Given, withdrawn and used in turn: what is used stands on the trail with the word, what is refused as refused."""
    chance = random.Random(2900)
    place = factories.unit()
    actor = factories.actor_with_role(Role.BRANCH_HEAD, place)
    uses = refusals = 0
    for _ in range(CUSTOMERS):
        party = factories.person("金雀", unit=place)
        steps: list[rules.ConsentStep] = []
        for number in range(12):
            purpose, channel = chance.choice(PURPOSES[1:]), chance.choice(CHANNELS)
            if chance.random() < 0.5:
                given = chance.random() < 0.6
                at = BEGAN + timedelta(days=chance.randrange(9))
                say(actor, party, purpose, channel, given, at)
                steps.append(rules.ConsentStep(purpose, channel, given, at, number))
                continue
            before = AuditEntry.objects.filter(action="customers.consent.use").count()
            may = allowed(steps, purpose, channel)
            assert bool(may_use(actor, party, purpose, channel)) is may
            if may:
                word = use_channel(actor=actor, party=party, purpose=purpose, channel=channel).event
                assert word is not None
                assert word.given
                uses += 1
            else:
                with pytest.raises(Refused):
                    use_channel(actor=actor, party=party, purpose=purpose, channel=channel)
                refusals += 1
            after = AuditEntry.objects.filter(action="customers.consent.use").count()
            assert after == before + may
    assert uses
    assert refusals
    record_property("uses", uses)
    record_property("refusals", refusals)


def say(actor: Actor, party: Party, purpose: str, channel: str, given: bool, at: datetime) -> None:
    said = {"actor": actor, "party": party, "purpose": purpose, "channel": channel, "at": at}
    if given:
        give_consent(**said, text_version="2026-1")  # type: ignore[arg-type]
    else:
        withdraw_consent(**said)  # type: ignore[arg-type]
