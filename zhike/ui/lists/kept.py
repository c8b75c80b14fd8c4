"""What a list knows of the room that keeps views and runs bulk jobs: that there may be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.http import QueryDict

from zhike.kernel.actor import Actor

LEFT_OUT = ("view", "cursor", "q", "s")
"""A view keeps neither the page one stood on nor what was searched for."""


@dataclass(frozen=True)
class KeptView:
    """A list as somebody left it. `mine` may be changed by the reader, `lent` says to whom it is shown."""

    id: str
    name: str
    query: str
    owner: str = ""
    lent: str = ""
    sharing: str = "private"
    mine: bool = True
    pinned: bool = False
    default: bool = False

    @property
    def address(self) -> str:
        return f"?{self.query}{'&' * bool(self.query)}view={self.id}"


@dataclass(frozen=True)
class Shelf:
    """The views of one person for one page, and where each thing about them is asked for."""

    views: Sequence[KeptView]
    save_url: str
    sharings: Sequence[tuple[str, str]]


class Keeper(Protocol):
    """Filled by the desk; a site without one has lists without kept views and bulk jobs."""

    def shelf(self, actor: Actor, page: str) -> Shelf: ...

    def bulk_url(self) -> str: ...

    def move_url(self, page: str, by: str) -> str: ...


keepers: list[Keeper] = []


def state_of(params: QueryDict) -> str:
    """The part of an address that a view keeps, always written in one way."""
    pairs = sorted(
        (key, value)
        for key in params
        for value in params.getlist(key)
        if key not in LEFT_OUT and value
    )
    kept = QueryDict(mutable=True)
    for key, value in pairs:
        kept.appendlist(key, value)
    return kept.urlencode(safe=".,|()-")
