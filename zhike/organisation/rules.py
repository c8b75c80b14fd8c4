"""Decisions about positions, without I/O."""

from __future__ import annotations

from collections.abc import Collection

from zhike.organisation.models import Role

ADMINISTRATORS = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})


def may_hold_together(roles: Collection[str]) -> bool:
    """The three administrators are disjoint, from each other and all other roles (三员分立)."""
    held = set(roles)
    return not (held & ADMINISTRATORS) or len(held) == 1


def new_path(parent_path: str | None, unit_id: int) -> str:
    """The materialised path of a unit under its parent; "/" separates ids."""
    return f"{parent_path or '/'}{unit_id}/"
