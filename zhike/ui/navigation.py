"""The way around: items a room registers, trimmed to what the actor may open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet, Value
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.prepared import execute
from zhike.kernel.registry import Registry


@dataclass(frozen=True, eq=False)
class NavItem:
    """One line of the navigation; `permission` "" means everyone signed in.

    `section` is the heading it stands under ("" for none); a section stands where its first item
    would. `icon` is a Tabler name; give it by keyword, so that the sprite's build finds the name.
    `key` is the letter that leads here after `g`; each letter once.
    """

    id: str
    label: str | Promise
    url_name: str
    icon: str
    permission: str
    order: int
    section: str | Promise = ""
    key: str = ""


@dataclass(frozen=True)
class Counter:
    """How many rows wait behind the item (or tool) with this id, shown beside it on every page.

    `rows(actor)` starts at `visible_to(actor)` and asks the same all day; all counters are asked in one
    query, so each must be answered by an index.
    """

    id: str
    permission: str
    rows: Callable[[Actor], QuerySet[Any]]


@dataclass(frozen=True)
class Tool:
    """A piece of the top bar that a room adds, drawn by `template`."""

    id: str
    permission: str
    order: int
    template: str


@dataclass(frozen=True)
class Action:
    """A button of a page's head. Give `icon` by keyword, as with `NavItem`.

    The first stands out as what is done here; `quiet` is a mere way to another page.
    """

    label: str | Promise
    url: str
    icon: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Link:
    item: NavItem
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True)
class Section:
    label: str
    links: Sequence[Link]


navigation: Registry[NavItem] = Registry("ui.navigation")
counters: Registry[Counter] = Registry("ui.counters")
tools: Registry[Tool] = Registry("ui.tools")


def navigation_for(
    actor: Actor, path: str = "", counts: Mapping[str, int] | None = None
) -> list[Section]:
    """The sections the actor may open; current is the link with the longest start of `path`."""
    items = _leading(actor.permissions, actor.system, settings.ROOT_URLCONF, len(navigation))
    here = max((url for _item, url in items if path.startswith(url)), key=len, default=None)
    sections: dict[str, list[Link]] = {}
    for item, url in items:
        count = counts.get(item.id, 0) if counts is not None else 0
        link = Link(item, url, url == here, count)
        sections.setdefault(str(item.section), []).append(link)
    return [Section(label, links) for label, links in sections.items()]


@lru_cache
def _leading(
    permissions: frozenset[str], system: bool, urlconf: str, registered: int
) -> list[tuple[NavItem, str]]:
    """The items that lead somewhere for whoever holds the permissions, with their addresses, in their order.

    Kept for as long as so many are `registered`.
    """
    mine = (
        item
        for item in navigation
        if not item.permission or system or item.permission in permissions
    )
    ordered = sorted(mine, key=lambda item: (item.order, item.id))
    return [
        (item, url) for item in ordered if (url := _address(item.url_name, urlconf)) is not None
    ]


@lru_cache
def _address(url_name: str, urlconf: str) -> str | None:
    # A pack may be installed without its screens: its items then lead nowhere and are left out.
    try:
        return reverse(url_name, urlconf)
    except NoReverseMatch:
        return None


def tools_for(actor: Actor) -> list[Tool]:
    """The pieces of the top bar the actor has use for, in their order."""
    mine = [tool for tool in tools if not tool.permission or actor.may(tool.permission)]
    return sorted(mine, key=lambda tool: (tool.order, tool.id))


def counts_for(actor: Actor) -> dict[str, int]:
    """How many wait behind each item with a counter the actor may see; one query for all of them."""
    mine = tuple(each for each in counters if actor.user_id and actor.may(each.permission))
    if not mine:
        return {}
    return dict(execute(connection, *_question(actor, mine, clock.today())))


@lru_cache(2000)
def _question(actor: Actor, mine: tuple[Counter, ...], day: date) -> tuple[str, tuple[Any, ...]]:
    """The SQL of all counters, kept: it costs more to make than to answer."""
    first, *others = [
        each.rows(actor)
        .order_by()
        .annotate(counter=Value(each.id))
        .values("counter")
        .annotate(number=Count("pk"))
        .values_list("counter", "number")
        for each in mine
    ]
    rows = first.union(*others, all=True) if others else first
    question: tuple[str, tuple[Any, ...]] = rows.query.sql_with_params()
    return question
