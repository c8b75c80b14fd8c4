"""Number ranges that a register of numbers knows nothing of and that count all the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ranges:
    """Prefixes accepted beside the assigned ones: of identity numbers, mobiles and landlines.

    Sample people live in ranges that nobody was ever given; whoever loads them names those ranges here.
    """

    resident_ids: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


ASSIGNED = Ranges()
