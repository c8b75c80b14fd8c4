"""What happened to the ways of signing in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SecondFactorTaken:
    """A security administrator took somebody's second factor away."""

    user_id: int
