"""Words of records into fields of customers: what people enter is kept, and of all words the survivors stand."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.utils.translation import gettext as _

from zhike.customers.models import Party
from zhike.customers.services import bulk
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_see, service
from zhike.masterdata.models import Pin, SourceRecord, SourceSystem, SurvivorRule
from zhike.masterdata.survivorship import Criterion, Survivor, Word, survivors

# Fields that records have words for; where a customer stands and how it began stays as it is.
WORDS = tuple(name for name in bulk.OWNED if name not in bulk.KEPT)
NEVER_EMPTY = frozenset({"name", "type", "stage"})
HAND_TABLE = "party"
NO_DIGEST = bytes(16)
WRITER = system("survivorship")


def keep_words(actor: Actor, party: Party, fields: Collection[str], verified: bool) -> None:
    """What somebody entered into these fields, or confirmed, becomes the words of the customer's record by hand."""
    entered = [name for name in WORDS if name in fields]
    if not entered:
        return
    stamp = {
        "at": clock.now().isoformat(),
        "by": actor.name,
        "verified_on": clock.today().isoformat() if verified else None,
    }
    record = hand_record(party)
    record.values |= {name: told(getattr(party, name)) for name in entered}
    record.stamps |= dict.fromkeys(entered, stamp)
    record.observed_on, record.keys = clock.today(), None
    record.save(update_fields=["values", "stamps", "observed_on", "keys"])


def keep_sealed(actor: Actor, party: Party, field: str, value: str) -> None:
    """The same with what identifies: sealed in the record, taken out of it with "" for a value."""
    if field not in bulk.SEALED:
        return
    record = hand_record(party)
    said = record.identifying() | {field: value}
    said = {name: each for name, each in said.items() if each}
    record.sealed = crypto.encrypt(json.dumps(said), record.place) if said else None
    record.observed_on, record.keys = clock.today(), None
    record.save(update_fields=["sealed", "observed_on", "keys"])


def hand_record(party: Party) -> SourceRecord:
    """What people entered of the customer."""
    record, _made = SourceRecord.objects.select_for_update().get_or_create(
        system=hand_system(),
        table=HAND_TABLE,
        key=str(party.public_id),
        defaults={"party": party, "digest": NO_DIGEST},
    )
    return record


def hand_system() -> SourceSystem:
    """What people enter here is a source of its own, trusted most."""
    found, _made = SourceSystem.objects.get_or_create(
        code=SourceRecord.BY_HAND, defaults={"name": "知客", "trust": bulk.OWN_TRUST}
    )
    return found


def survive(party_ids: Iterable[int]) -> int:
    """Bring what stands of all their records' words into these parties; answers how many it changed."""
    ids = sorted(set(party_ids))
    if not ids:
        return 0
    rows = [
        bulk.SurvivorRow(
            party,
            {field: each.word.value for field, each in found.items()},
            {field: _provenance(each) for field, each in found.items()},
        )
        for party, found in standing(ids).items()
    ]
    return bulk.write_survivors(actor=WRITER, rows=rows, fields=set(WORDS) - NEVER_EMPTY)


def standing(ids: Collection[int]) -> dict[int, dict[str, Survivor]]:
    """Party → field → the word that stands, with why."""
    rules = {
        rule.field: tuple(Criterion(name) for name in rule.criteria)
        for rule in SurvivorRule.objects.all()
    }
    pins = pins_of(ids)
    return {
        party: survivors(said, rules, pins[party], NEVER_EMPTY)
        for party, said in words(ids).items()
    }


def pins_of(ids: Collection[int]) -> Mapping[int, Mapping[str, int]]:
    """Party → field → the record somebody pinned."""
    pins: dict[int, dict[str, int]] = defaultdict(dict)
    for party, field, record in Pin.objects.filter(party__in=ids).values_list(
        "party_id", "field", "record_id"
    ):
        pins[party][field] = record
    return pins


def words(ids: Collection[int]) -> dict[int, dict[str, list[Word]]]:
    """Party → field → what each of its records says."""
    found: dict[int, dict[str, list[Word]]] = defaultdict(lambda: defaultdict(list))
    records = SourceRecord.objects.filter(party__in=ids).values_list(
        "party_id", "pk", "system__code", "system__trust", "observed_on", "values", "stamps"
    )
    for party, record, source, trust, observed_on, values, stamps in records:
        for field, value in values.items():
            stamp = stamps.get(field, {})
            seen_at = moment(stamp.get("at"), observed_on)
            verified = stamp.get("verified_on")
            word = Word(
                record,
                source,
                value,
                trust,
                seen_at,
                date.fromisoformat(verified) if verified else None,
            )
            found[party][field].append(word)
    return found


@service("customers.edit")
def pin_value(*, actor: Actor, party: Party, field: str, record: SourceRecord, reason: str) -> None:
    """From now on this record's word stands in the field, whatever the rules say.

    Raises UserError when the record is not of this customer or has no word for the field.
    """
    must_see(actor, party)
    if record.party_id != party.pk or field not in record.values or field not in WORDS:
        raise UserError(_("This record says nothing of the field."), _("Reload the page."))
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    Pin.objects.update_or_create(
        party=party,
        field=field,
        defaults={"record": record, "by": actor.name, "at": clock.now(), "reason": reason.strip()},
    )
    audit.record(
        actor, "masterdata.pin", party, reason=f"{field}: {reason.strip()}", party_id=party.pk
    )
    survive([party.pk])


@service("customers.edit")
def unpin_value(*, actor: Actor, party: Party, field: str) -> None:
    """The rules decide again."""
    must_see(actor, party)
    if Pin.objects.filter(party=party, field=field).delete()[0]:
        audit.record(actor, "masterdata.unpin", party, reason=field, party_id=party.pk)
        survive([party.pk])


def told(value: Any) -> Any:
    """A value as a record keeps it: days as text."""
    return value.isoformat() if isinstance(value, date) else value


def moment(at: str | None, observed_on: date | None) -> datetime:
    """When a word was said: its own stamp, else the beginning of the day the record is of."""
    if at:
        return datetime.fromisoformat(at)
    return datetime.combine(observed_on or date.min, time.min, UTC)


def _provenance(each: Survivor) -> Mapping[str, Any]:
    """As `Party.provenance` keeps it; `why` only where another word could have stood."""
    said = {
        "source": each.word.source,
        "on": each.word.seen_at.astimezone(clock.BUSINESS_ZONE).date().isoformat(),
    }
    if each.word.verified_on:
        said["verified_on"] = each.word.verified_on.isoformat()
    return said if each.why == "only" else said | {"why": each.why}
