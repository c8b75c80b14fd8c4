"""How figures are written. Pure: the time and the language are arguments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.kernel.clock import BUSINESS_ZONE
from zhike.kernel.money import rounded

NOTHING = "—"

# The amount from which a scale is used, and its name; smallest first.
_CHINESE = {
    "zh-hans": ((Decimal(10**4), "万"), (Decimal(10**8), "亿"), (Decimal(10**12), "万亿")),
    "zh-hant": ((Decimal(10**4), "萬"), (Decimal(10**8), "億"), (Decimal(10**12), "兆")),
}
_ENGLISH = ((Decimal(10**6), "M"), (Decimal(10**9), "B"), (Decimal(10**12), "T"))


def _scales(language: str) -> Sequence[tuple[Decimal, str]]:
    return _CHINESE.get(language.lower(), _ENGLISH)


def money_exact(amount: Decimal | None) -> str:
    """`1,234,567.89`; the minus is a plain hyphen, so that a sheet takes the figure."""
    return NOTHING if amount is None else f"{rounded(amount):,.2f}"


def money_short(amount: Decimal | None, language: str = "zh-hans") -> str:
    """Two places in the largest scale that fits: `8,888.00`, `123.46万`; in English `1.23M`.

    Rounding never shows a figure that belongs to the next scale: 99,999,999.00 is `1.00亿`, not
    `10,000.00万`.
    """
    if amount is None:
        return NOTHING
    scales = ((Decimal(1), ""), *_scales(language))
    size = abs(amount)
    at = max((i for i, (scale, _name) in enumerate(scales) if size >= scale), default=0)
    if at + 1 < len(scales) and rounded(size / scales[at][0]) * scales[at][0] >= scales[at + 1][0]:
        at += 1
    scale, name = scales[at]
    return f"{rounded(amount / scale):,.2f}{name}"


def money_text(amount: Decimal | None, currency: str = "CNY", language: str = "zh-hans") -> str:
    """The short form with its currency, for running text: `123.46万元`, `¥1.23M`, `USD 1.23M`."""
    if amount is None:
        return NOTHING
    return _in(currency, money_short(amount, language), language)


def money_in_full(amount: Decimal, currency: str = "CNY", language: str = "zh-hans") -> str:
    """To the cent, with its currency: `1,234,567.89元`, `¥1,234,567.89`, `USD 1,234,567.89`."""
    return _in(currency, money_exact(amount), language)


def _in(currency: str, figure: str, language: str) -> str:
    if currency != "CNY":
        return f"{currency} {figure}"
    if language.lower() in _CHINESE:
        return f"{figure}元"
    return f"-¥{figure[1:]}" if figure.startswith("-") else f"¥{figure}"


def number(value: Decimal | float | None, places: int = 0) -> str:
    """`12,345`, half up at `places`."""
    if value is None:
        return NOTHING
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{exact + 0:,.{places}f}"


def rate(value: Decimal | None) -> str:
    """Per cent a year: two places, up to four where it has them. 18.25 is `18.25`, 1 is `1.00`."""
    if value is None:
        return NOTHING
    return number(value, max(2, -int(value.normalize().as_tuple().exponent)))


def percent(share: Decimal | float | None, places: int = 1) -> str:
    """A share of one as per cent: 0.1234 is `12.3%`."""
    return NOTHING if share is None else f"{number(Decimal(str(share)) * 100, places)}%"


def iso_date(value: date | datetime | None) -> str:
    """`2026-11-22`; an instant is first taken to the business zone."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        value = _local(value).date()
    return value.isoformat()


def iso_minute(value: datetime | None) -> str:
    """`2026-11-22 14:05` in the business zone."""
    return NOTHING if value is None else _local(value).strftime("%Y-%m-%d %H:%M")


def age(then: date | datetime | None, now: datetime) -> str:
    """How long ago, or how soon, in the largest unit that fits; days are of the business zone."""
    if then is None:
        return NOTHING
    if isinstance(then, datetime):
        seconds = (now - then) // timedelta(seconds=1)
        if 0 <= seconds < 60:
            return _("just now")
        if 0 <= seconds < 3600:
            minutes = seconds // 60
            return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
        if 0 <= seconds < 86400:
            hours = seconds // 3600
            return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
        then = _local(then).date()
    return _days((_local(now).date() - then).days)


def _days(days: int) -> str:
    if days == 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    if days == -1:
        return _("tomorrow")
    size = abs(days)
    if size < 60:
        n, past = size, ngettext("%(n)d day ago", "%(n)d days ago", size)
        coming = ngettext("in %(n)d day", "in %(n)d days", size)
    elif size < 730:
        n = size // 30
        past = ngettext("%(n)d month ago", "%(n)d months ago", n)
        coming = ngettext("in %(n)d month", "in %(n)d months", n)
    else:
        n = size // 365
        past = ngettext("%(n)d year ago", "%(n)d years ago", n)
        coming = ngettext("in %(n)d year", "in %(n)d years", n)
    return (past if days > 0 else coming) % {"n": n}


def _local(value: datetime) -> datetime:
    return value.astimezone(BUSINESS_ZONE)
