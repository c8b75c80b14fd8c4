"""What happened to customers, told after commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PartyCreated:
    party_id: int


@dataclass(frozen=True)
class PartyChanged:
    """Fields of the party itself changed, or its stage did."""

    party_id: int
    fields: tuple[str, ...]


@dataclass(frozen=True)
class ProspectConverted:
    party_id: int


@dataclass(frozen=True)
class BookTakenOver:
    """Somebody took over all the customers of somebody who went; `user_id` who let them go."""

    party_ids: tuple[int, ...]
    employee_id: int
    user_id: int | None


@dataclass(frozen=True)
class AssignmentChanged:
    """Somebody else looks after the customer, or will from a date on.

    `employee_id` is who from now on does, None when somebody only ceased to; `user_id` who arranged it.
    """

    party_id: int
    employee_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True)
class ConsentChanged:
    party_id: int
    purpose: str
    channel: str
    given: bool


@dataclass(frozen=True)
class ContactMade:
    """A contact stands on the timeline, as the entry with this id."""

    party_id: int
    channel: str
    entry_id: int


@dataclass(frozen=True)
class PartiesMerged:
    """`absorbed` was found to be `party_id`: what hung on it hangs on that one now."""

    party_id: int
    absorbed: int


@dataclass(frozen=True)
class PartySplit:
    """What was taken for one is two again: `absorbed` left `party_id` and stands by itself."""

    party_id: int
    absorbed: int
