"""When work is due, how it stands on the list, what to do next, and the sentence that says why.

No I/O; time is an argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zhike.ui import format

QUIET_DAYS = 14
"""How long a reason that was worked off or dismissed stays away from the list.

Two working weeks: a manager who spoke to the customer about money that lies idle needs that long to hear
back, and the figures that raised the reason (30-day windows) cannot have turned before.
"""
UNWANTED_DAYS = 90
"""The same for what the customer said they do not want: a quarter, or we would be nagging."""
LONGEST_WAIT = 92
"""How many days ahead a line may be put off or planned: a quarter. What is later belongs into a plan."""
PROMISE_PRIORITY = 85
"""A given word comes before what a rule found."""


def quiet_days(because: str) -> int:
    """How long a reason stays away once it was closed; `because` is why it was of no use, "" when done."""
    return UNWANTED_DAYS if because == "not_wanted" else QUIET_DAYS


def may_wait_until(day: date, today: date) -> bool:
    """Whether a line may be put off to that day: from tomorrow, at most `LONGEST_WAIT` days ahead."""
    return today < day <= today + timedelta(days=LONGEST_WAIT)


def later_days(today: date) -> tuple[date, ...]:
    """The days offered when a line is put off: tomorrow, in three days, next Monday, in two weeks; each once."""
    monday = today + timedelta(days=7 - today.weekday())
    offers = {today + timedelta(days=days) for days in (1, 3, 14)} | {monday}
    return tuple(sorted(offers))


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


def kept_on(day: date) -> tuple[tuple[int, int], ...]:
    """The (month, day) of births kept on a day: those of 29 February on the 28th in a year without it."""
    if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
        return (2, 28), (2, 29)
    return ((day.month, day.day),)


def due_of(day: date, today: date) -> Due:
    """The group a day belongs to."""
    return next(due for due in Due if due_range(due, today)[0] <= day < due_range(due, today)[1])


class Line(Protocol):
    """What the order of a list is made from."""

    @property
    def party_id(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def plan_on(self) -> date: ...


L = TypeVar("L", bound=Line)


@dataclass(frozen=True)
class Card(Generic[L]):
    """The lines of one customer, the most pressing first, so that nobody calls twice."""

    party_id: int
    lines: tuple[L, ...]


def cards(lines: Iterable[L], today: date) -> dict[Due, list[Card[L]]]:
    """Each customer once, in the group of their most urgent line; groups and cards the most pressing first.

    Within a group the highest priority of a card leads, then the earlier day; ties keep the order of `lines`.
    """
    of_party: dict[int, list[L]] = defaultdict(list)
    for line in lines:
        of_party[line.party_id].append(line)
    groups: dict[Due, list[Card[L]]] = {due: [] for due in Due}
    for party_id, own in of_party.items():
        due = due_of(min(line.plan_on for line in own), today)
        groups[due].append(Card(party_id, tuple(sorted(own, key=_pressing))))
    for group in groups.values():
        group.sort(key=lambda card: _pressing(card.lines[0]))
    return {due: group for due, group in groups.items() if group}


def _pressing(line: Line) -> tuple[int, date]:
    return -line.priority, line.plan_on


@dataclass(frozen=True)
class Step:
    """The one thing to do next, as a verb, and the channel it goes by ("" when by none)."""

    verb: str | Promise
    icon: str
    channel: str


NEXT_STEPS: Mapping[str, Step] = {
    "value_fell": Step(
        gettext_lazy("Call and ask where the money went"), icon="phone", channel="phone"
    ),
    "idle_inflow": Step(
        gettext_lazy("Call and offer a home for the money"), icon="phone", channel="phone"
    ),
    "maturing": Step(gettext_lazy("Send the renewal offer"), icon="file-text", channel="wechat"),
    "tier_up": Step(
        gettext_lazy("Call and say what the next tier brings"), icon="phone", channel="phone"
    ),
    "tier_down": Step(
        gettext_lazy("Visit before the tier is lost"), icon="map-pin", channel="visit"
    ),
    "no_contact": Step(gettext_lazy("Call to stay in touch"), icon="phone", channel="phone"),
    "birthday": Step(gettext_lazy("Send birthday wishes"), icon="gift", channel="wechat"),
    "promise": Step(gettext_lazy("Keep the promise"), icon="checklist", channel="phone"),
}
"""By rule, the same for every customer: the figures say what is special about this one."""


class Worker(Protocol):
    """What is asked about one person's work; counts of lines, those closed lately."""

    @property
    def open(self) -> int: ...
    @property
    def overdue(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def dismissed(self) -> int: ...
    @property
    def coverage(self) -> float | None: ...


COVERAGE_FLOOR = 0.6
"""Below this share of customers contacted in their period a head should ask why."""
USELESS_SHARE, USELESS_LEAST = 0.5, 5
"""From this share of not useful lines, among at least so many, a rule itself is in question."""

W = TypeVar("W", bound=Worker)


@dataclass(frozen=True)
class Concern(Generic[W]):
    """One thing that is wrong, in words, with the people it is about, the worst first."""

    kind: str
    text: str
    people: tuple[W, ...] = ()


def concerns(people: Iterable[W], by_rule: Mapping[str, tuple[int, int]]) -> list[Concern[W]]:
    """What is wrong with a team: lines overdue, people who close nothing, customers nobody calls, poor rules.

    `by_rule` maps a rule's label to how many of its closed lines were not useful, and how many were closed.
    """
    team = list(people)
    found: list[Concern[W]] = []
    late = sorted((each for each in team if each.overdue), key=lambda each: -each.overdue)
    if late:
        count = sum(each.overdue for each in late)
        text = ngettext("%(n)d line is overdue.", "%(n)d lines are overdue.", count) % {"n": count}
        found.append(Concern("overdue", text, tuple(late)))
    idle = [each for each in team if each.open and not each.done and not each.dismissed]
    if idle:
        text = ngettext(
            "%(n)d person has open lines and closed none in seven days.",
            "%(n)d people have open lines and closed none in seven days.",
            len(idle),
        ) % {"n": len(idle)}
        found.append(Concern("idle", text, tuple(sorted(idle, key=lambda each: -each.open))))
    silent = [each for each in team if each.coverage is not None and each.coverage < COVERAGE_FLOOR]
    if silent:
        text = ngettext(
            "%(n)d person reached less than %(share)s of their customers in time.",
            "%(n)d people reached less than %(share)s of their customers in time.",
            len(silent),
        ) % {"n": len(silent), "share": format.percent(COVERAGE_FLOOR, 0)}
        silent.sort(key=lambda each: each.coverage or 0)
        found.append(Concern("coverage", text, tuple(silent)))
    for label, (useless, closed) in by_rule.items():
        if closed >= USELESS_LEAST and useless >= USELESS_SHARE * closed:
            text = _("“%(rule)s” was not useful %(useless)d times of %(closed)d.") % {
                "rule": label,
                "useless": useless,
                "closed": closed,
            }
            found.append(Concern("rule", text))
    return found


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
    return _said(say, figures, language)


def key_figure(rule: str, figures: Mapping[str, Any], language: str) -> str:
    """The one figure that says how much is at stake; "" where the rule has none or it is missing."""
    return _said(_KEY_FIGURES.get(rule), figures, language)


def _said(say: Callable[[_Figures], str] | None, figures: Mapping[str, Any], language: str) -> str:
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
    "promise": lambda of: of.text("text"),
}


def _days(of: _Figures) -> str:
    return ngettext("%(n)d day", "%(n)d days", of.count("days")) % {"n": of.count("days")}


_KEY_FIGURES: Mapping[str, Callable[[_Figures], str]] = {
    "value_fell": lambda of: f"-{of.share('share')}",
    "idle_inflow": lambda of: of.money("idle"),
    "maturing": lambda of: of.money("amount"),
    "tier_up": lambda of: of.money("missing"),
    "tier_down": lambda of: of.money("missing"),
    "no_contact": _days,
}
