"""What the customer page says of its records: which they are, how they became one, whose word stands."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Merge, Party
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.masterdata import queries
from zhike.masterdata.models import Pair, Pin, SourceRecord
from zhike.masterdata.pair_conditions import JUDGES
from zhike.masterdata.pair_words import record_head
from zhike.masterdata.survivorship import Word
from zhike.masterdata.word_reasons import WHY, valued
from zhike.ui.heads import HeadNote, HeadSource, actions, notes
from zhike.ui.navigation import Action, Counter, counters
from zhike.ui.panels import Panel, panels

PAGE = "customers.party"
FACTS = "customer-facts"
# What the confirmation of the customers' own form knows; where a customer stands is confirmed by nobody.
UNCONFIRMED = frozenset({"stage", "until_on"})


def records(actor: Actor, party: Party) -> dict[str, Any]:
    """The records of the customer, and the customers that went into this one."""
    found = queries.records_of(actor, party)
    merges = list(Merge.objects.visible_to(actor).filter(root=party).order_by("-at"))
    in_force = [merge for merge in merges if merge.undone_at is None]
    homes = {
        id: merge
        for merge in in_force
        for id in merge.moved.get("masterdata_sourcerecord.party_id", ())
    }
    at_home = Count(homes.get(record.pk) for record in found)

    def takeable(record: SourceRecord) -> bool:
        """It is not all there is of whom it was written for; what people entered stays."""
        return at_home[homes.get(record.pk)] > 1 and record.system.code != SourceRecord.BY_HAND

    may_split = bool(actor.may(JUDGES))
    return {
        "records": [
            (
                record_head(actor, record),
                homes[record.pk].name if record.pk in homes else "",
                reverse("review:take", args=[party.public_id, record.public_id])
                if may_split and takeable(record)
                else "",
            )
            for record in found
        ],
        "merges": [(merge, reverse("review:split", args=[merge.public_id])) for merge in in_force],
        "undone": [merge for merge in merges if merge.undone_at is not None],
        "may_split": may_split,
    }


def words(actor: Actor, party: Party) -> dict[str, Any]:
    """Field by field the word that stands, where it is from and why, and the words that lost."""
    names = queries.system_names()
    pins = {pin.field: pin for pin in Pin.objects.visible_to(actor, party=party)}
    return {
        "lines": [
            {
                "field": each.field,
                "label": each.label,
                "word": _word(each.field, each.survivor.word, names),
                "why": WHY.get(each.survivor.why, ""),
                "why_id": each.survivor.why,
                "pin": pins.get(each.field),
                "others": [_word(each.field, word, names) for word in each.others],
                "confirms": each.field not in UNCONFIRMED,
                "pin_url": reverse("review:pin", args=[party.public_id, each.field]),
            }
            for each in queries.words_of(actor, party)
        ],
        "may_edit": bool(actor.may("customers.edit")),
    }


def _word(field: str, word: Word, names: dict[str, str]) -> dict[str, Any]:
    return {
        "record": word.record,
        "value": valued(field, word.value),
        "source": names.get(word.source, word.source),
        "on": word.seen_at.astimezone(clock.BUSINESS_ZONE).date(),
        "verified_on": word.verified_on,
    }


def doubts(actor: Actor, party: Party, day: date | None) -> Sequence[HeadNote]:
    """That a pair with this customer in it waits for a judgement."""
    if day is not None:
        return ()
    if not Pair.objects.visible_rows(actor, _open_pair, given={"party": party.pk}):
        return ()
    text = gettext("May be the same customer as another one")
    return (HeadNote(text, icon="git-merge", panel="masterdata.records"),)


def _open_pair(pairs: QuerySet[Pair], party: int) -> QuerySet[Pair, int]:
    either = Q(left__party=party) | Q(right__party=party)
    return pairs.filter(either, state=Pair.State.OPEN).values_list("pk", flat=True)[:1]


def merging(actor: Actor, party: Party, day: date | None) -> Sequence[Action]:
    """The way to a merge."""
    if day is not None:
        return ()
    return (
        Action(
            _("Merge with …"), reverse("review:merge", args=[party.public_id]), icon="git-merge"
        ),
    )


def register() -> None:
    """Called once when the room starts."""
    panels.register(
        Panel(
            id="masterdata.records",
            page=PAGE,
            permission="customers.view",
            order=80,
            template="masterdata/merge_records.html",
            load=records,
            title=_("Records"),
            reload_on=(FACTS,),
            lazy=True,
        )
    )
    panels.register(
        Panel(
            id="masterdata.words",
            page=PAGE,
            permission="customers.view",
            order=90,
            template="masterdata/words_panel.html",
            load=words,
            title=_("Where the facts come from"),
            reload_on=(FACTS,),
            lazy=True,
        )
    )
    notes.register(
        HeadSource(id="masterdata.doubts", page=PAGE, permission=JUDGES, order=40, load=doubts)
    )
    actions.register(
        HeadSource(id="masterdata.merge", page=PAGE, permission=JUDGES, order=10, load=merging)
    )
    counters.register(
        Counter(
            "pairs",
            JUDGES,
            lambda actor: Pair.objects.visible_to(actor).filter(state=Pair.State.OPEN),
        )
    )
