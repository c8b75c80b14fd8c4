"""How somebody is reached: mobiles, landlines and e-mail addresses; one text and whole columns."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.normalise.characters import Implausible
from zhike.masterdata.matching.normalise.divisions import divisions
from zhike.masterdata.matching.normalise.documents import plain
from zhike.masterdata.matching.normalise.ranges import ASSIGNED, Ranges

_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s.]+"
# Behind it words (微信同号), a sign and what else, or the next number; an e-mail address is one whole.
_WITHIN = re.compile(
    r"(?<![0-9A-Z])(?:(?:\+|00)?86)?(1[3-9][0-9]{9})(?=$|[^0-9@]|1[3-9][0-9]{9}(?![0-9]))"
)
_MOBILE = r"^1[3-9][0-9]{9}$"
# The last eight digits all alike, or in order: typed to get past a form.
_TYPED = (*(digit * 8 for digit in "0123456789"), "12345678", "87654321")
# Ranges left unassigned by the plan of mobile numbers in 2026 (140-144, 154, 160, 161, 163, 164, 168, 169, 179, 194).
_UNASSIGNED = r"^1(?:4[0-4]|54|6[013489]|79|94)"
_AREA = r"0(?:10|2[0-9]|[3-9][0-9]{2})"
_LANDLINE = rf"^(?:{_AREA})?[2-8][0-9]{{6,7}}$"
_SERVICE = r"^[48]00[0-9]{7}$"
_EXTENSION = r"(?:转|EXT\.?|X|#|,|;)[0-9]{1,6}$"


def mobile(raw: str, also: Ranges = ASSIGNED) -> str:
    """Eleven digits of mainland China, of several numbers the first. Raises Implausible for ranges not assigned, but
    for `also`, and for digits in a row."""
    value = _first(plain(raw))
    if not re.fullmatch(_MOBILE[1:-1], value):
        raise Implausible("a mobile number has eleven digits and starts with 13 to 19")
    if re.match(_UNASSIGNED, value) and not value.startswith(also.mobiles):
        raise Implausible("the range of the mobile number is not assigned")
    if value.endswith(_TYPED):
        raise Implausible("the mobile number is made of one digit or a row of digits")
    return value


def _first(value: str) -> str:
    found = _WITHIN.search(value)
    return found[1] if found else value


def mobile_column(values: pa.Array, also: Ranges = ASSIGNED) -> pa.Array:
    """`mobile` for every row of plain texts; null where that raises."""
    long = pc.fill_null(pc.greater(pc.binary_length(values), 11), False)
    if pc.any(long).as_py():
        bare = [_first(text) for text in values.filter(long).to_pylist()]
        values = pc.replace_with_mask(values, long, pa.array(bare, pa.string()))
    good = pc.match_substring_regex(values, _MOBILE)
    unassigned = pc.match_substring_regex(values, _UNASSIGNED)
    for prefix in also.mobiles:
        unassigned = pc.and_not(unassigned, pc.starts_with(values, prefix))
    good = pc.and_not(good, unassigned)
    # Behind the three digits of a range, for it has eleven.
    good = pc.and_not(good, pc.is_in(pc.utf8_slice_codeunits(values, 3), pa.array(_TYPED)))
    return pc.if_else(good, values, pa.scalar(None, pa.string()))


def phone(raw: str, also: Ranges = ASSIGNED) -> str:
    """Digits of a landline: trunk 0, area code and number; of a local number where it stands without an area.

    An extension is left out. Raises Implausible for anything that is neither that nor a 400 or 800 number.
    """
    value = re.sub(_EXTENSION, "", plain(raw))
    value = re.sub(r"^(?:\+|00)?86(?=0?[1-9][0-9]{8,})0?", "0", value)
    stands = re.match(_LANDLINE, value) or re.match(_SERVICE, value)
    if not (stands or (value.startswith(also.phones) and re.fullmatch(r"[0-9]{10,12}", value))):
        raise Implausible("a landline has an area code and 7 or 8 digits")
    return value


def phone_column(values: pa.Array, also: Ranges = ASSIGNED) -> pa.Array:
    """`phone` for every row of plain texts; null where that raises."""
    values = pc.replace_substring_regex(values, _EXTENSION, "")
    values = pc.replace_substring_regex(values, r"^(?:\+|00)?860?([1-9][0-9]{8,})$", r"0\1")
    good = pc.match_substring_regex(values, f"{_LANDLINE}|{_SERVICE}")
    for prefix in also.phones:
        good = pc.or_(good, pc.match_substring_regex(values, rf"^{prefix}[0-9]{{6,8}}$"))
    return pc.if_else(good, values, pa.scalar(None, pa.string()))


def phone_facts(number: str) -> tuple[str | None, str | None]:
    """Province and carrier that a mobile was first assigned to, after the tables of phonenumbers.

    None where they do not know, which is so for the province of every third number. A number taken along to
    another carrier still shows the first.
    """
    # Its tables of the whole world take seconds to import, and only this function reads them.
    import phonenumbers
    from phonenumbers import carrier, geocoder

    parsed = phonenumbers.parse(number, "CN")
    place = divisions(geocoder.description_for_valid_number(parsed, "zh"))
    return place.official[0], carrier.name_for_valid_number(parsed, "zh") or None


def email(raw: str) -> str:
    """Lower case, without blanks around. Raises Implausible where it is not name@domain."""
    value = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).strip().lower())
    if not re.fullmatch(_EMAIL, value):
        raise Implausible("an e-mail address has the form name@domain")
    return value


def email_column(values: pa.Array) -> pa.Array:
    """`email` for every row; null where that raises."""
    odd = pc.invert(pc.fill_null(pc.string_is_ascii(values), True))
    if pc.any(odd).as_py():
        texts = [unicodedata.normalize("NFKC", text) for text in values.filter(odd).to_pylist()]
        values = pc.replace_with_mask(values, odd, pa.array(texts, pa.string()))
    values = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    good = pc.match_substring_regex(values, rf"^{_EMAIL}$")
    return pc.if_else(good, values, pa.scalar(None, pa.string()))
