"""Decisions about products, without I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

NEEDED_SHARE = 2 / 3
"""What so many of the customers alike hold and this one does not is worth a word."""
FEWEST_PEERS = 30
"""Of fewer customers a share says nothing."""


@dataclass(frozen=True)
class Need:
    """A category of products that `share` (0 to 1) of the customers alike hold."""

    category: str
    share: float


def needs(held: Collection[str], holders: Mapping[str, int], peers: int) -> list[Need]:
    """The gaps of a customer who holds the categories `held`, the most usual first.

    `holders` is category → how many of the `peers` hold it.
    """
    if peers < FEWEST_PEERS:
        return []
    found = [
        Need(category, count / peers)
        for category, count in holders.items()
        if category not in held and count / peers >= NEEDED_SHARE
    ]
    return sorted(found, key=lambda need: (-need.share, need.category))
