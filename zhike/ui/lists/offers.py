"""Columns that a room above a list's own offers to it: they stand among those to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry
from zhike.ui.tables import Column


@dataclass(frozen=True)
class Offer:
    """A column for the list `page`; `permission` "" means everyone who may see the list."""

    id: str
    page: str
    column: Column
    permission: str = ""


offers: Registry[Offer] = Registry("columns offered to lists")


@lru_cache(64)
def _of(page: str) -> tuple[Offer, ...]:
    return tuple(each for each in offers if each.page == page)


def offered(page: str, actor: Actor) -> tuple[Column, ...]:
    """What this actor may choose besides the list's own columns."""
    return tuple(
        each.column for each in _of(page) if not each.permission or actor.may(each.permission)
    )
