"""Decisions about requests, without I/O: when an answer is due, until when a law makes us keep something."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from zhike.kernel.keeping import Term, ends_on

SATURDAY = 5


def due_on(asked_on: date, working_days: int) -> date:
    """The day by which a request must be answered; Saturdays and Sundays do not count, holidays do."""
    day, left = asked_on, working_days
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < SATURDAY
    return day


def relation_ended_on(ends: Iterable[date | None], today: date) -> date:
    """The last day of anything that tied the customer to the institution; today where nothing has an end."""
    known = [end for end in ends if end is not None]
    return max(known, default=today)


def keeps_until(
    term: Term, *, ended_on: date, had_contract: bool, books_years: int, today: date
) -> date | None:
    """Until when the law makes us keep what has this term; None where it goes at once.

    Without a contract there is no business relationship whose books 反洗钱法 asks for.
    """
    if term is Term.BOOKS and not had_contract:
        return None
    until = ends_on(term, ended_on, books_years)
    return until if until is not None and until > today else None
