"""Parties and what hangs on them. Every table here carries the party's key."""

from zhike.customers.models.history import ConsentEvent, TimelineEntry
from zhike.customers.models.merges import Merge, SetAside
from zhike.customers.models.parties import PLACED_TOKENS, Party
from zhike.customers.models.sealed import Address, ContactPoint, Identifier, SealedValue
from zhike.customers.models.standing import Standing, Tier, TierRating
from zhike.customers.models.ties import Assignment, Relation

__all__ = [
    "PLACED_TOKENS",
    "Address",
    "Assignment",
    "ConsentEvent",
    "ContactPoint",
    "Identifier",
    "Merge",
    "Party",
    "Relation",
    "SealedValue",
    "SetAside",
    "Standing",
    "Tier",
    "TierRating",
    "TimelineEntry",
]
