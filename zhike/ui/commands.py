"""What can be asked for by name or by key: commands a room registers, and the one table of shortcuts.

Commands of a page are its own elements with `data-command`; the browser sends their labels along, so
that Chinese ones are found by their pinyin here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pypinyin import Style, lazy_pinyin

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry


@dataclass(frozen=True)
class Command:
    """Something to begin from anywhere (“New customer”): the page behind `url_name`.

    `permission` "" means everyone signed in; `keywords` are further words it is found by. Give `icon`
    by keyword, as with `NavItem`.
    """

    id: str
    label: str | Promise
    url_name: str
    icon: str
    permission: str
    order: int
    keywords: str | Promise = ""


@dataclass(frozen=True)
class Shortcut:
    """One line of the sheet; the keys are pressed one after the other, those with + together."""

    keys: tuple[str, ...]
    label: str | Promise
    single: bool = True
    """Whether it goes when single keys are switched off (WCAG 2.1.4)."""


commands: Registry[Command] = Registry("ui.commands")

SHORTCUTS = (
    Shortcut(("Ctrl+K",), _("Search, go and do"), single=False),
    Shortcut(("/",), _("Search")),
    Shortcut(("j",), _("Next row")),
    Shortcut(("k",), _("Previous row")),
    Shortcut(("Enter",), _("Open the row"), single=False),
    Shortcut(("z",), _("Undo")),
    Shortcut(("?",), _("This list")),
    Shortcut(("Esc",), _("Close"), single=False),
)


def commands_for(actor: Actor) -> list[tuple[Command, str]]:
    """The commands the actor may use, in their order, each with its address."""
    found = []
    for command in sorted(commands, key=lambda each: (each.order, each.id)):
        if command.permission and not actor.may(command.permission):
            continue
        try:
            found.append((command, reverse(command.url_name)))
        except NoReverseMatch:  # a pack installed without its screens
            continue
    return found


def fit(label: str, typed: str, keywords: str = "") -> int:
    """How well `typed` names something: 0 not at all, 3 best (as it begins), 2 its pinyin, 1 inside.

    >>> fit("今日", "jr"), fit("今日", "今"), fit("Customers", "tom"), fit("客户", "x")
    (2, 3, 1, 0)
    """
    typed = "".join(typed.casefold().split())
    plain = "".join(label.casefold().split())
    if not typed or plain.startswith(typed):
        return 3
    if any(spelt.startswith(typed) for spelt in _spelt(label)):
        return 2
    words = keywords.casefold().split()
    return int(typed in plain or any(word.startswith(typed) for word in words))


@lru_cache(maxsize=2048)
def _spelt(label: str) -> tuple[str, str]:
    """A label as its pinyin initials and as its whole pinyin."""
    text = label.casefold()
    initials = "".join(lazy_pinyin(text, style=Style.FIRST_LETTER))
    return "".join(initials.split()), "".join("".join(lazy_pinyin(text)).split())
