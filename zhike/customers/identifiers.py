"""One normal form for each identifier, because blind indexes are computed over it. Pure and versioned.

A change to a normal form means a new VERSION and a re-index. Each function answers the normal form or raises
`Implausible` with a reason that does not repeat the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from operator import mul

from django.utils.translation import gettext_noop

VERSION = 1

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\-–—()（）]+")
RESIDENT_ID = re.compile(r"[0-9]{17}[0-9X]")
COUNTRY = re.compile(r"^(?:\+|00)?86(?=1[3-9])")
MOBILE = re.compile(r"1[3-9][0-9]{9}")
SPACE = re.compile(r"\s+")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


class Implausible(ValueError):
    """The value cannot be what it is given as."""


def plain(raw: str) -> str:
    """Compatibility-normalised, without spaces, dashes, brackets and invisible characters."""
    if raw.isascii() and raw.isalnum():
        return raw  # as most come: a load asks millions
    # Once more at the end: what stood apart may compose now that nothing stands between.
    return _composed(INVISIBLE.sub("", _composed(raw)))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def resident_id(raw: str) -> str:
    """18 characters after GB 11643-1999; 15-digit numbers of before 1999 are completed (all of the 1900s)."""
    value = plain(raw).upper()
    if len(value) == 15 and value.isdecimal() and value.isascii():
        value = value[:6] + "19" + value[6:]
        value += id_check(value)
    if not RESIDENT_ID.fullmatch(value):
        raise Implausible(
            gettext_noop("an identity number has 18 characters, or 15 digits before 1999")
        )
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        raise Implausible(
            gettext_noop("the birth date inside the identity number does not exist")
        ) from None
    if value[17] != id_check(value[:17]):
        raise Implausible(gettext_noop("the check character of the identity number is wrong"))
    return value


def id_check(first17: str) -> str:
    """ISO 7064 MOD 11-2 over the first 17 digits."""
    if len(first17) != len(ID_WEIGHTS):
        raise ValueError("The check character is of 17 digits.")
    return ID_CHECKS[sum(map(mul, map(int, first17), ID_WEIGHTS)) % 11]


def born_and_sex(id18: str) -> tuple[date, str]:
    """Birth date and "F" or "M", as a valid identity number states them."""
    born = date(int(id18[6:10]), int(id18[10:12]), int(id18[12:14]))
    return born, "M" if int(id18[16]) % 2 else "F"


def credit_code(raw: str) -> str:
    """Unified social credit code after GB 32100-2015: 18 characters, MOD 31 check."""
    value = plain(raw).upper()
    if len(value) != 18 or any(c not in CREDIT_ALPHABET for c in value):
        raise Implausible(
            gettext_noop("a unified social credit code has 18 characters without I, O, S, V, Z")
        )
    total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(value[:17]))
    if value[17] != CREDIT_ALPHABET[-total % 31]:
        raise Implausible(gettext_noop("the check character of the credit code is wrong"))
    return value


def mobile(raw: str) -> str:
    """Eleven digits of mainland China, without +86."""
    value = COUNTRY.sub("", plain(raw))
    if not MOBILE.fullmatch(value):
        raise Implausible(
            gettext_noop("a mobile number has eleven digits and starts with 13 to 19")
        )
    return value


def phone(raw: str) -> str:
    """Digits of a landline with area code, 5 to 16 of them; of this country without its code, with the 0."""
    value = re.sub(r"^(?:\+|00)86(?=[0-9])0?", "0", plain(raw)).lstrip("+")
    if not re.fullmatch(r"[0-9]{5,16}", value):
        raise Implausible(gettext_noop("a telephone number has 5 to 16 digits"))
    return value


def email(raw: str) -> str:
    value = _composed(_composed(raw).strip().lower())
    if not EMAIL.fullmatch(value):
        raise Implausible(gettext_noop("an e-mail address has the form name@domain"))
    return value


def address(raw: str) -> str:
    value = _composed(SPACE.sub("", _composed(raw)))
    if len(value) < 2:
        raise Implausible(gettext_noop("an address has at least two characters"))
    return value


def account_number(raw: str) -> str:
    value = plain(raw).upper()
    if not re.fullmatch(r"[0-9A-Z]{1,34}", value):
        raise Implausible(gettext_noop("an account or card number has 1 to 34 digits and letters"))
    return value


def passport(raw: str) -> str:
    value = plain(raw).upper()
    if not re.fullmatch(r"[0-9A-Z]{4,20}", value):
        raise Implausible(gettext_noop("a passport number has 4 to 20 letters and digits"))
    return value


def text_id(raw: str) -> str:
    """A WeChat name, a number in a source system."""
    value = plain(raw)
    if not 1 <= len(value) <= 64:
        raise Implausible(gettext_noop("the value has 1 to 64 characters"))
    return value


NORMAL_FORMS: dict[str, Callable[[str], str]] = {
    "resident_id": resident_id,
    "credit_code": credit_code,
    "passport": passport,
    "source_number": text_id,
    "mobile": mobile,
    "phone": phone,
    "email": email,
    "wechat": text_id,
    "address": address,
    "account": account_number,
}
