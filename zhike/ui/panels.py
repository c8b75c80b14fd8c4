"""Panels: the pieces a page is a list of. A room registers its own; the page knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from django.utils.functional import Promise

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class Panel:
    """One piece of a page.

    `page` names the page it belongs to (`"<room>.<model>"`); `load(actor, row)` answers the
    context of `template` and starts its reads at `visible_to(actor)`. `permission` "" means
    everyone who sees the page. `reload_on` are the client events that fetch the panel anew; a
    `lazy` panel is fetched when scrolled to.

    `load_on(actor, row, day)` answers the same as it stood at the end of a past `day`; a panel
    without it says that it cannot go back. `order_for` maps a role to another place than `order`.
    A `side` panel stands in the narrow column of a wide screen. A `peek` panel is shown in the
    drawer beside a list too.
    """

    id: str
    page: str
    permission: str
    order: int
    template: str
    load: Callable[[Actor, Any], dict[str, Any]]
    title: str | Promise
    reload_on: tuple[str, ...] = ()
    lazy: bool = False
    load_on: Callable[[Actor, Any, date], dict[str, Any]] | None = None
    order_for: Mapping[str, int] = field(default_factory=dict)
    side: bool = False
    peek: bool = False


panels: Registry[Panel] = Registry("ui.panels")


@dataclass(frozen=True)
class Place:
    """Where somebody keeps the panel `id`: in which column, shown or hidden, open or closed."""

    id: str
    side: bool = False
    hidden: bool = False
    closed: bool = False


@dataclass(frozen=True)
class Placed:
    """A panel at its place on one person's page."""

    panel: Panel
    side: bool
    hidden: bool = False
    closed: bool = False


class ArrangementKeeper(Protocol):
    """Who keeps, for each person, where the panels of a page stand; the first is the top one."""

    def kept(self, actor: Actor, page: str) -> Sequence[Place]: ...

    def keep(self, actor: Actor, page: str, places: Sequence[Place]) -> None: ...

    def forget(self, actor: Actor, page: str) -> None: ...


keepers: list[ArrangementKeeper] = []
"""None or one: the room that keeps arrangements puts itself here when it starts."""


def panels_for(page: str, actor: Actor) -> list[Panel]:
    """The panels of `page` the actor may see, in the order of the actor's role."""
    mine = [
        panel
        for panel in panels
        if panel.page == page and (not panel.permission or actor.may(panel.permission))
    ]
    return sorted(mine, key=lambda panel: (_order(panel, actor), panel.id))


def arranged(page: str, actor: Actor) -> list[Placed]:
    """The panels of `page` as this person keeps them."""
    kept = [place for keeper in keepers for place in keeper.kept(actor, page)]
    return placed(panels_for(page, actor), kept)


def placed(defaults: Sequence[Panel], kept: Sequence[Place]) -> list[Placed]:
    """`defaults` in the order of `kept`; those it does not name follow their neighbour in `defaults`."""
    by_id = {panel.id: panel for panel in defaults}
    order = list(dict.fromkeys(place.id for place in kept if place.id in by_id))
    for at, panel in enumerate(defaults):
        if panel.id not in order:
            before = defaults[at - 1].id if at else None
            order.insert(order.index(before) + 1 if before else 0, panel.id)
    places = {place.id: place for place in kept}
    return [
        Placed(by_id[id], places[id].side, places[id].hidden, places[id].closed)
        if id in places
        else Placed(by_id[id], by_id[id].side)
        for id in order
    ]


def _order(panel: Panel, actor: Actor) -> int:
    return min(
        (panel.order_for[role] for role in actor.roles if role in panel.order_for),
        default=panel.order,
    )
