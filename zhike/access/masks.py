"""How a class C2 value is shown to someone who did not ask to see it. Pure; see docs/access.md for the table.

Masks add up: an identity number shows its first and last character only, because three leading digits, the last
four and a birth date together leave a thousand numbers and the check digit names the right one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

STAR = "*"


def number(value: str) -> str:
    """An account or card: the last four, of a short one at most half."""
    end = min(4, len(value) // 2)
    return STAR * 4 + value[len(value) - end :]


def identity(value: str) -> str:
    """An identity document: first and last character."""
    return value[0] + STAR * (len(value) - 2) + value[-1] if len(value) > 2 else STAR * len(value)


def phone(value: str) -> str:
    """138****1234 for eleven digits; otherwise the last two."""
    if len(value) == 11:
        return value[:3] + STAR * 4 + value[-4:]
    return STAR * (len(value) - 2) + value[-2:] if len(value) > 4 else STAR * 4


def email(value: str) -> str:
    """a***@example.com; of a single letter nothing."""
    name, _, domain = value.rpartition("@")
    if not name:
        return STAR * 4
    return f"{name[:1] if len(name) > 1 else ''}{STAR * 3}@{domain}"


def address(value: str) -> str:
    """The province or city at the front; the street is hidden."""
    return value[:3] + STAR * 4 if len(value) > 6 else STAR * 4


def handle(value: str) -> str:
    """A WeChat name or the like: its first character."""
    return value[:1] + STAR * 4 if len(value) > 1 else STAR * 4


def name(value: str) -> str:
    """张** for 张伟明; a name of five characters and more keeps two."""
    front = 0 if len(value) < 2 else 1 if len(value) <= 4 else 2
    return value[:front] + STAR * (4 if front == 2 else max(len(value) - front, 1))


def birth(day: date) -> str:
    return f"{day.year}"


BANDS = tuple(Decimal(edge) for edge in (0, 10_000, 50_000, 200_000, 500_000, 1_000_000, 5_000_000))


def band(amount: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """The band [from, to) an amount lies in, in yuan; None where it is open."""
    if amount < 0:
        return None, Decimal(0)
    lower = max(edge for edge in BANDS if edge <= amount)
    above = [edge for edge in BANDS if edge > amount]
    return lower, (above[0] if above else None)


def band_words(amount: Decimal) -> str:
    """The band as it stands in a file, the same in every language: 50,000–200,000; <0; ≥5,000,000."""
    lower, upper = band(amount)
    if lower is None:
        return "<0"
    return f"≥{lower:,}" if upper is None else f"{lower:,}–{upper:,}"


MASKS: dict[str, Callable[[str], str]] = {
    "account": number,
    "card": number,
    "identity": identity,
    "mobile": phone,
    "phone": phone,
    "email": email,
    "address": address,
    "wechat": handle,
    "name": name,
}
