"""Panels: the pieces a page is a list of. A room registers its own; the page knows none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


panels: Registry[Panel] = Registry("ui.panels")


def panels_for(page: str, actor: Actor) -> list[Panel]:
    """The panels of `page` the actor may see, in their order."""
    mine = [
        panel
        for panel in panels
        if panel.page == page and (not panel.permission or actor.may(panel.permission))
    ]
    return sorted(mine, key=lambda panel: (panel.order, panel.id))
