"""How the Berka bank (a Czech bank of the 1990s, public as PKDD'99 challenge data) writes births and terms."""

from __future__ import annotations

from datetime import date

from zhike.masterdata.values import ValueReader, readers


def born(number: str) -> tuple[date, str]:
    """Birth date and sex from YYMMDD of the 1900s, 50 added to the month for women. Raises ValueError."""
    if len(number) != 6 or not number.isdecimal():
        raise ValueError("a birth number has six digits")
    year, month, day = int(number[:2]), int(number[2:4]), int(number[4:])
    woman = month > 50
    try:
        return date(1900 + year, month - 50 if woman else month, day), "F" if woman else "M"
    except ValueError:
        raise ValueError("the birth number holds no date") from None


def matures(begun: str, months: str) -> str:
    """The day `months` months after YYMMDD of the 1900s, the month's last where there is no such day."""
    try:
        year, month, day = 1900 + int(begun[:2]), int(begun[2:4]), int(begun[4:])
        first = date(year, month, day)
        month += int(months)
    except ValueError:
        raise ValueError("no date, or no number of months") from None
    year, month = first.year + (month - 1) // 12, (month - 1) % 12 + 1
    after = date(year + month // 12, month % 12 + 1, 1)
    longest = (after - date(year, month, 1)).days
    return date(year, month, min(day, longest)).isoformat()


readers.register(ValueReader("berka_birth", lambda number: born(number)[0].isoformat()))
readers.register(ValueReader("berka_sex", lambda number: born(number)[1]))
readers.register(ValueReader("berka_maturity", matures))
