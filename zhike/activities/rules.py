"""When work is due, how long it stays quiet, and the sentence that says why. No I/O; time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zhike.ui import format

QUIET_DAYS = 14
"""How long a reason that was worked off or dismissed stays away from the list.

Two working weeks: a manager who spoke to the customer about money that lies idle needs that long to hear
back, and the figures that raised the reason (30-day windows) cannot have turned before.
"""


class Due(StrEnum):
    """The groups of a list, the most pressing first."""

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"


DUE_LABELS: Mapping[Due, str | Promise] = {
    Due.OVERDUE: gettext_lazy("Overdue"),
    Due.TODAY: gettext_lazy("Today"),
    Due.WEEK: gettext_lazy("This week"),
    Due.LATER: gettext_lazy("Later"),
}


def due_range(due: Due, today: date) -> tuple[date, date]:
    """The days [from, to) of a group; a week ends with its Sunday."""
    tomorrow = today + timedelta(days=1)
    monday = today + timedelta(days=7 - today.weekday())
    return {
        Due.OVERDUE: (date.min, today),
        Due.TODAY: (today, tomorrow),
        Due.WEEK: (tomorrow, monday),
        Due.LATER: (monday, date.max),
    }[due]


def breaks_silence(contact_on: date, figures: Mapping[str, Any], today: date) -> bool:
    """Whether a contact of that day is what a "no contact" line asked for: the next one is not due yet.

    Without the figure `every` (days between contacts) any contact is.
    """
    every = figures.get("every")
    return every is None or contact_on + timedelta(days=int(every)) > today


def sentence(rule: str, figures: Mapping[str, Any], language: str) -> str:
    """Why the customer stands on the list, in words with the figures; "" where a figure is missing.

    The figures of each rule are listed in docs/activities.md. Money comes as text in the institution's
    currency, dates as ISO text, shares as a part of one.
    """
    say = _SENTENCES.get(rule)
    if say is None:
        return ""
    try:
        return say(_Figures(figures, language))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return ""


class _Figures:
    """Reads figures by name and writes them as the reader expects. Raises KeyError for one not there."""

    def __init__(self, figures: Mapping[str, Any], language: str) -> None:
        self.figures = figures
        self.language = language

    def __contains__(self, name: str) -> bool:
        return self.figures.get(name) not in (None, "")

    def text(self, name: str) -> str:
        return str(self.figures[name])

    def money(self, name: str) -> str:
        return format.money_text(Decimal(self.text(name)), language=self.language)

    def share(self, name: str) -> str:
        return format.percent(Decimal(self.text(name)), 0)

    def count(self, name: str) -> int:
        return int(self.figures[name])

    def day(self, name: str) -> str:
        return date.fromisoformat(self.text(name)).isoformat()


def _value_fell(of: _Figures) -> str:
    return _("Fell by %(share)s since %(since)s: from %(before)s to %(now)s.") % {
        "share": of.share("share"),
        "since": of.day("since"),
        "before": of.money("before"),
        "now": of.money("now"),
    }


def _idle_inflow(of: _Figures) -> str:
    return _("%(amount)s came in on %(on)s and %(idle)s of it still lies idle.") % {
        "amount": of.money("amount"),
        "on": of.day("on"),
        "idle": of.money("idle"),
    }


def _maturing(of: _Figures) -> str:
    return _("%(product)s over %(amount)s matures on %(on)s.") % {
        "product": of.text("product"),
        "amount": of.money("amount"),
        "on": of.day("on"),
    }


def _tier_up(of: _Figures) -> str:
    return _("%(missing)s more and the customer is %(tier)s.") % {
        "missing": of.money("missing"),
        "tier": of.text("tier"),
    }


def _tier_down(of: _Figures) -> str:
    return _("%(missing)s short of %(tier)s: the tier will be lost.") % {
        "missing": of.money("missing"),
        "tier": of.text("tier"),
    }


def _no_contact(of: _Figures) -> str:
    if "last_contact_on" not in of:
        return ngettext(
            "No contact on record; a contact is due every %(every)d day.",
            "No contact on record; a contact is due every %(every)d days.",
            of.count("every"),
        ) % {"every": of.count("every")}
    return ngettext(
        "Last contact on %(last)s, %(days)d day ago; one is due every %(every)d.",
        "Last contact on %(last)s, %(days)d days ago; one is due every %(every)d.",
        of.count("days"),
    ) % {
        "last": of.day("last_contact_on"),
        "days": of.count("days"),
        "every": of.count("every"),
    }


def _birthday(of: _Figures) -> str:
    if "age" in of:
        return _("Turns %(age)d on %(on)s.") % {"age": of.count("age"), "on": of.day("on")}
    return _("Birthday on %(on)s.") % {"on": of.day("on")}


_SENTENCES: Mapping[str, Callable[[_Figures], str]] = {
    "value_fell": _value_fell,
    "idle_inflow": _idle_inflow,
    "maturing": _maturing,
    "tier_up": _tier_up,
    "tier_down": _tier_down,
    "no_contact": _no_contact,
    "birthday": _birthday,
}
