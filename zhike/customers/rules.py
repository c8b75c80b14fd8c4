"""Decisions about customers, without I/O: what is missing, what cannot be, what may be sent, what is due."""

from __future__ import annotations

import re
import unicodedata

from zhike.customers import identifiers

MOBILE_GROUPS = {(11,), (3, 4, 4), (3, 8), (7, 4), (4, 7)}
ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
NUMBER_RUN = re.compile(r"[0-9]+(?:[ ./_\u2010-\u2015-]{1,2}[0-9]+)*[xX]?")
SHORTEST_CARD, LONGEST_CARD = 15, 19


def luhn(digits: str) -> bool:
    """Whether the check digit is right after ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def sealed_kinds_in(text: str) -> set[str]:
    """Which class C2 numbers stand in free text: any of "resident_id", "card", "mobile".

    Full-width digits and numbers broken by blanks, dashes or dots are read as well. An identity number counts when
    its date and check character are right, a card when Luhn's digit is.
    """
    kept = ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text))
    found: set[str] = set()
    for run in NUMBER_RUN.finditer(kept):
        groups = re.findall(r"[0-9]+[xX]?", run.group())
        for start in range(len(groups)):
            for end in range(start + 1, len(groups) + 1):
                if kind := _sealed_kind(tuple(groups[start:end])):
                    found.add(kind)
    return found


def _sealed_kind(groups: tuple[str, ...]) -> str:
    """The kind of number these groups make when read together, "" for none."""
    digits = "".join(groups)
    if len(digits) == 18 and _is_resident_id(digits):
        return "resident_id"
    digits = digits.rstrip("xX")
    sizes = tuple(len(group.rstrip("xX")) for group in groups)
    country = len(digits) == 13 and digits.startswith("86")
    if country and (sizes[0] == 2 or len(sizes) == 1 or sizes[0] == 5):
        digits = digits[2:]
        sizes = sizes[1:] if sizes[0] == 2 else (sizes[0] - 2, *sizes[1:])
    if sizes in MOBILE_GROUPS and re.fullmatch(r"1[3-9][0-9]{9}", digits):
        return "mobile"
    one_number = len(sizes) == 1 or sizes[0] == 6 or set(sizes[:-1]) == {4}
    if SHORTEST_CARD <= len(digits) <= LONGEST_CARD and one_number and luhn(digits):
        return "card"
    return ""


def _is_resident_id(value: str) -> bool:
    try:
        identifiers.resident_id(value)
    except identifiers.Implausible:
        return False
    return True
