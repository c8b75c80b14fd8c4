"""What happened to the ways of signing in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SecondFactorTaken:
    """A security administrator took somebody's second factor away."""

    user_id: int


@dataclass(frozen=True)
class HoneyTouched:
    """Somebody opened, or took away in a file, a customer who was invented to be left alone."""

    user_id: int
    taken: bool


@dataclass(frozen=True)
class PaceReached:
    """Somebody has seen so many different rows in an hour or a day that others should know; `stopped` at the limit."""

    user_id: int
    kind: str
    count: int
    stopped: bool
