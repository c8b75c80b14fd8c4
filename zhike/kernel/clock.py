"""The one clock. Services and queries ask it; rules get the time as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("Asia/Shanghai")

_stopped_at: ContextVar[datetime | None] = ContextVar("zhike_clock", default=None)


def now() -> datetime:
    """The instant, in UTC."""
    return _stopped_at.get() or datetime.now(UTC)


def today() -> date:
    """The business date in Asia/Shanghai, whatever zone the server stands in."""
    stopped = _stopped_at.get()
    return (stopped.astimezone(BUSINESS_ZONE) if stopped else datetime.now(BUSINESS_ZONE)).date()


def day_ends(day: date) -> datetime:
    """The instant at which a business day is over."""
    return datetime(day.year, day.month, day.day, tzinfo=BUSINESS_ZONE) + timedelta(days=1)


@contextmanager
def stopped_at(at: datetime | date) -> Iterator[None]:
    """Hold the clock for the code inside: a date means noon of that business day."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, 12, tzinfo=BUSINESS_ZONE)
    token = _stopped_at.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _stopped_at.reset(token)
