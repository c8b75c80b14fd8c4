"""Addresses of rows by their public id, put together without the resolver: a page has dozens."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.urls import reverse

_ANY = UUID(int=0)


def address_of(name: str, public_id: UUID) -> str:
    """`reverse(name, kwargs={"public_id": public_id})`; NoReverseMatch for a name nobody has."""
    before, after = _around(name, settings.ROOT_URLCONF)
    return f"{before}{public_id}{after}"


@lru_cache
def _around(name: str, urlconf: str) -> tuple[str, str]:
    """What stands before and after the id."""
    before, _id, after = reverse(name, urlconf, kwargs={"public_id": _ANY}).partition(str(_ANY))
    return before, after
