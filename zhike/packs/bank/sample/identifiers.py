"""Identifiers right in form and check digit, in ranges that were never assigned (see `marks`)."""

from __future__ import annotations

import numpy as np

from zhike.packs.bank.sample.columns import Column, Digits, Ints, digits, scatter, text_of
from zhike.packs.bank.sample.marks import CARD_PREFIX, ID_AREA_PREFIX, MOBILE_PREFIXES

ID_SPACE = 4_990_000  # 10,000 areas x 499 sequence numbers of a sex, for each day of birth
MOBILE_SPACE = 10_000_000 * len(MOBILE_PREFIXES)

_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_ID_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
_BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_BODY_CHECKS = np.frombuffer(b"0123456789X", dtype=np.uint8)
_FIRM_WEIGHTS = 3 ** np.arange(17, dtype=np.int64) % 31
_FIRM_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", dtype=np.uint8)
_FIRM_VALUES = {int(code): value for value, code in enumerate(_FIRM_ALPHABET)}


def _ascii(values: Digits) -> Digits:
    return values + np.uint8(48)


def _prefix(text: str, rows: int) -> Digits:
    return np.tile(np.frombuffer(text.encode(), dtype=np.uint8), (rows, 1))


def person_ids(entity: Ints, birth: Ints, female: Ints, start: int) -> Column:
    """18-digit resident ID numbers by GB 11643 (ISO 7064 MOD 11-2).

    entity: numbers of the persons; birth: days since 1970-01-01; female: 1 or 0. Two persons share a number
    only if their entity numbers differ by a multiple of ID_SPACE and they share sex and birthday.
    """
    place = scatter(entity % ID_SPACE, ID_SPACE, 1_299_709, start)
    day = birth.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    year = day.astype("datetime64[Y]").astype(np.int64) + 1970
    ymd = (
        year * 10_000
        + (month.astype(np.int64) % 12 + 1) * 100
        + (day - month.astype("datetime64[D]")).astype(np.int64)
        + 1
    )
    order = (place % 499 + 1) * 2 - 1 + female
    body = np.hstack(
        [
            digits(np.full(len(entity), int(ID_AREA_PREFIX)), 2),
            digits(place // 499, 4),
            digits(ymd, 8),
            digits(order, 3),
        ]
    )
    check = _ID_CHECKS[body.astype(np.int64) @ _ID_WEIGHTS % 11]
    return text_of(np.column_stack([_ascii(body), check]))


def firm_ids(entity: Ints, start: int) -> Column:
    """18-character unified social credit codes by GB 32100: registered firm (91), sample division,
    organisation code with its own check character (GB 11714), check character."""
    division = digits(entity % 100 + int(ID_AREA_PREFIX) * 10_000 + 100, 6)
    body = digits(scatter(entity, 100_000_000, 48_271_003, start), 8)
    body_check = _BODY_CHECKS[-(body.astype(np.int64) @ _BODY_WEIGHTS) % 11]
    first = np.column_stack(
        [_prefix("91", len(entity)), _ascii(division), _ascii(body), body_check]
    )
    values = np.zeros(256, dtype=np.int64)
    for code, value in _FIRM_VALUES.items():
        values[code] = value
    check = _FIRM_ALPHABET[-(values[first] @ _FIRM_WEIGHTS) % 31]
    return text_of(np.column_stack([first, check]))


def mobiles(entity: Ints, generation: int, start: int) -> Column:
    """11-digit mobiles, one for each entity and generation (0 the number of today, 1 the one before)."""
    number = scatter(entity * 2 + generation, MOBILE_SPACE, 7_368_787, start)
    prefixes = np.array([[ord(c) for c in prefix] for prefix in MOBILE_PREFIXES], dtype=np.uint8)
    return text_of(
        np.hstack([prefixes[number // 10_000_000], _ascii(digits(number % 10_000_000, 7))])
    )


def card_numbers(card: Ints, start: int) -> Column:
    """19-digit card numbers, the last digit by Luhn (ISO/IEC 7812-1)."""
    serial = scatter(card, 10**14, 48_271, start)
    body = np.hstack([_prefix(CARD_PREFIX, len(card)) - np.uint8(48), digits(serial, 14)])
    doubled = body.astype(np.int64)
    doubled[:, ::-2] *= 2
    total = (doubled // 10 + doubled % 10).sum(axis=1)
    return text_of(_ascii(np.column_stack([body, (-total % 10).astype(np.uint8)])))
