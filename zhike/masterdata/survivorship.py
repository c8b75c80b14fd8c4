"""Which of several words for one field stands, and why. Pure.

Criteria are asked in the order the field's rule names them; the first that tells two words apart decides. What a
person pinned stands before all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

NEVER = date.min


class Criterion(StrEnum):
    """What speaks for a word: its source is trusted more, it is newer, somebody checked it, it says more."""

    TRUST = "trust"
    FRESH = "fresh"
    VERIFIED = "verified"
    COMPLETE = "complete"


USUAL = (Criterion.TRUST, Criterion.FRESH, Criterion.VERIFIED, Criterion.COMPLETE)


@dataclass(frozen=True, slots=True)
class Word:
    """What one record says of one field. `trust` is 0 to 100; an empty value is a word too: somebody cleared it."""

    record: int
    source: str
    value: Any
    trust: int
    seen_at: datetime
    verified_on: date | None = None


@dataclass(frozen=True, slots=True)
class Survivor:
    """The word that stands. `why`: pinned, only, agreed, a criterion, or first where nothing told them apart."""

    word: Word
    why: str


RANKS: Mapping[Criterion, Callable[[Word], Any]] = {
    Criterion.VERIFIED: lambda word: word.verified_on or NEVER,
    Criterion.TRUST: lambda word: word.trust,
    Criterion.FRESH: lambda word: word.seen_at,
    Criterion.COMPLETE: lambda word: len(str(word.value or "")),
}


def survivor(
    words: Sequence[Word], criteria: Sequence[Criterion] = USUAL, pinned: int | None = None
) -> Survivor:
    """The word of `words` (one or more) that stands; `pinned` is the record whose word a person chose.

    Where no criterion decides, the word of the record known longest (the lowest number) stands. The order of
    `words` does not matter.
    """
    for word in words:
        if word.record == pinned:
            return Survivor(word, "pinned")
    best = max(words, key=lambda word: (*_standing(word, criteria), -word.record))
    others = [word for word in words if word.value != best.value]
    if not others:
        return Survivor(best, "only" if len(words) == 1 else "agreed")
    rival = max(others, key=lambda word: (*_standing(word, criteria), -word.record))
    for criterion in criteria:
        if RANKS[criterion](best) != RANKS[criterion](rival):
            return Survivor(best, criterion.value)
    return Survivor(best, "first")


def survivors(
    words: Mapping[str, Sequence[Word]],
    criteria: Mapping[str, Sequence[Criterion]],
    pinned: Mapping[str, int],
    never_empty: Collection[str] = (),
) -> dict[str, Survivor]:
    """Field → what stands, over every field that some record has a word for.

    An empty word cannot stand in a field that is never empty while another record has one.
    """
    found = {}
    for field, said in words.items():
        full = [word for word in said if word.value not in (None, "")]
        among = full if field in never_empty and full else said
        found[field] = survivor(among, criteria.get(field, USUAL), pinned.get(field))
    return found


def _standing(word: Word, criteria: Sequence[Criterion]) -> tuple[Any, ...]:
    return tuple(RANKS[criterion](word) for criterion in criteria)
