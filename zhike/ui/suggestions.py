"""What the one search box offers while somebody types: records by room, and pages and commands by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry
from zhike.ui.commands import commands_for, fit
from zhike.ui.navigation import navigation_for

AT_MOST = 6
"""Hits a group shows."""


@dataclass(frozen=True)
class Hit:
    """A record, by name. Nothing of what was typed may stand in it beyond the name itself."""

    title: str
    url: str
    subtitle: str = ""
    icon: str = ""
    badge: str = ""


@dataclass(frozen=True)
class Suggester:
    """A room's records in the box. `find(actor, text, limit)` starts its reads at `visible_to(actor)`.

    `permission` "" means everyone signed in. With `when_empty` it is asked only while nothing is typed
    (`text` is ""), else only when something is.
    """

    id: str
    label: str | Promise
    permission: str
    order: int
    find: Callable[[Actor, str, int], Iterable[Hit]]
    when_empty: bool = False


@dataclass(frozen=True)
class Option:
    """One line of the list: a link, or the page's own command with this number."""

    title: str
    url: str = ""
    subtitle: str = ""
    icon: str = ""
    badge: str = ""
    command: int | None = None


@dataclass(frozen=True)
class Group:
    label: str
    options: Sequence[Option] = field(default_factory=list)


suggesters: Registry[Suggester] = Registry("ui.suggesters")


def suggestions_for(
    actor: Actor, text: str, page_commands: Sequence[str] = (), here: int = 0
) -> list[Group]:
    """The groups that have something for `text`: records, what to do here, go to, begin, the screen.

    `page_commands` are the labels of the commands of the page the person looks at, the first `here` of
    them its own and the rest those around every page. A text that begins with ">" asks for commands
    alone.
    """
    text = text.strip()
    commands_only = text.startswith(">")
    text = text.removeprefix(">").strip()
    groups = [] if commands_only else _records(actor, text)
    offered = _page_commands(page_commands)
    groups += [
        Group(_("On this page"), _best(text, offered[:here])),
        Group(_("Go to"), _best(text, _places(actor))),
        Group(_("Begin"), _best(text, _beginnings(actor))),
        Group(_("Screen and account"), _best(text, offered[here:])),
    ]
    return [group for group in groups if group.options]


def _records(actor: Actor, text: str) -> list[Group]:
    asked = [
        each
        for each in suggesters
        if each.when_empty == (not text) and (not each.permission or actor.may(each.permission))
    ]
    return [
        Group(
            str(each.label),
            [
                Option(hit.title, hit.url, hit.subtitle, hit.icon, hit.badge)
                for hit in each.find(actor, text, AT_MOST)
            ],
        )
        for each in sorted(asked, key=lambda each: (each.order, each.id))
    ]


Candidate = tuple[Option, str]


def _page_commands(labels: Sequence[str]) -> list[Candidate]:
    return [
        (Option(label, icon="arrow-right", command=number), "")
        for number, label in enumerate(labels)
    ]


def _places(actor: Actor) -> list[Candidate]:
    return [
        (Option(str(link.item.label), link.url, section.label, link.item.icon), "")
        for section in navigation_for(actor)
        for link in section.links
    ]


def _beginnings(actor: Actor) -> list[Candidate]:
    return [
        (Option(str(command.label), url, icon=command.icon), str(command.keywords))
        for command, url in commands_for(actor)
    ]


def _best(text: str, candidates: Iterable[Candidate]) -> list[Option]:
    """Those that fit, the best first, in their own order within a fit; all of them without a text."""
    fits = [(fit(option.title, text, keywords), option) for option, keywords in candidates]
    return [option for how, option in sorted(fits, key=lambda each: -each[0]) if how]
