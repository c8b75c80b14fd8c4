"""The way around: items a room registers, trimmed to what the actor may open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class NavItem:
    """One line of the navigation; `permission` "" means everyone signed in.

    `section` is the heading it stands under ("" for none); a section stands where its first item
    would. `icon` is a Tabler name; give it by keyword, so that the sprite's build finds the name.
    """

    id: str
    label: str | Promise
    url_name: str
    icon: str
    permission: str
    order: int
    section: str | Promise = ""


@dataclass(frozen=True)
class Action:
    """A button of a page's head. Give `icon` by keyword, as with `NavItem`."""

    label: str | Promise
    url: str
    icon: str = ""


@dataclass(frozen=True)
class Link:
    item: NavItem
    url: str
    current: bool


@dataclass(frozen=True)
class Section:
    label: str
    links: Sequence[Link]


navigation: Registry[NavItem] = Registry("ui.navigation")


def navigation_for(actor: Actor, path: str = "") -> list[Section]:
    """The sections the actor may open; current is the link with the longest start of `path`."""
    items = sorted(
        (item for item in navigation if not item.permission or actor.may(item.permission)),
        key=lambda item: (item.order, item.id),
    )
    urls = {item.id: url for item in items if (url := _address(item.url_name)) is not None}
    here = max((url for url in urls.values() if path.startswith(url)), key=len, default=None)
    sections: dict[str, list[Link]] = {}
    for item in items:
        if item.id in urls:
            url = urls[item.id]
            sections.setdefault(str(item.section), []).append(Link(item, url, url == here))
    return [Section(label, links) for label, links in sections.items()]


def _address(url_name: str) -> str | None:
    # A pack may be installed without its screens: its items then lead nowhere and are left out.
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return None
