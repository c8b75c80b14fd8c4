"""Files on their way out: what may be taken, what a second person is asked, the code each row carries.

A room registers what it gives away as a `Source`; the gate (the desk) says who takes it alone, who waits for somebody
else, and keeps record of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class Source:
    """Something that is taken away as a file; `path` names the `ui.views.exports.TakeView` that makes it.

    `recognised(rows)` answers for the cells of each row, as somebody found them, the keys of those it may be of.
    `taken(actor, keys)` hears of the rows somebody takes, or asks to, in the same transaction.
    """

    id: str
    label: str | Promise
    path: str
    recognised: Callable[[Sequence[Sequence[str]]], list[set[int]]] | None = None
    taken: Callable[[Actor, Sequence[int]], object] | None = None

    def view(self) -> type[Any]:
        found: type[Any] = import_string(self.path)
        return found

    def opened(self, actor: Actor, query: str) -> Any:
        """The view as the actor would have it at the address `query`."""
        view = self.view()()
        request = HttpRequest()
        request.method = "GET"
        request.GET = QueryDict(query)
        request.actor = actor  # type: ignore[attr-defined]
        view.setup(request)
        return view


sources: Registry[Source] = Registry("ui.file_sources")


@dataclass(frozen=True)
class Mark:
    """What leads from a row back to who took it: the file's `number`, and the `code` of the row with a key."""

    number: str
    code: Callable[[int], str]


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: rows of a source by their keys, as they lay at the address `query`.

    `columns` are names and labels, `clear` those of them whose values are not masked, `said` is what narrowed the rows.
    """

    source: str
    kind: str
    query: str
    keys: Sequence[int]
    columns: tuple[tuple[str, str], ...]
    clear: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Taken:
    """The mark under which the file leaves now; None where it waits at `url` for a second person."""

    mark: Mark | None
    url: str = ""


class Gate(Protocol):
    """Who decides. The desk puts itself into `gates`."""

    def obstacle(self, actor: Actor, wanted: Wanted) -> str:
        """Why this waits for a second person, in a sentence; "" where the actor takes it alone."""

    def take(self, actor: Actor, wanted: Wanted) -> Taken:
        """Put it on record, and let it leave or wait."""


gates: list[Gate] = []
