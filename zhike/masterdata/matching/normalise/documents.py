"""Identity numbers, credit codes and passports: one text and whole columns.

GB 11643-1999 (resident identity number), GB 32100-2015 (unified social credit code).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zhike.masterdata.matching.normalise.areas import area_name, plausible_codes
from zhike.masterdata.matching.normalise.characters import Implausible
from zhike.masterdata.matching.normalise.ranges import ASSIGNED, Ranges

Digits = npt.NDArray[np.int64]
Characters = npt.NDArray[np.uint8]

ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
ID_CHECKS = "10X98765432"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)], dtype=np.int64)
# Nobody with an identity number was born before; a later year is a slip of the pen.
FIRST_YEAR, LAST_YEAR = 1850, 2100
_SEPARATOR = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\-–—()（）]+")
_ASCII_SEPARATOR = r"[\s\x0b\x1c-\x1f\-()]+"
_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def plain(raw: str) -> str:
    """NFKC, upper case, without blanks, dashes, brackets and invisible characters."""
    composed = unicodedata.normalize("NFKC", raw)
    return unicodedata.normalize("NFKC", _SEPARATOR.sub("", composed)).upper()


def plain_column(values: pa.Array) -> pa.Array:
    """`plain` for every row; what is empty afterwards is null. Most rows are plain already and left alone."""
    unlike = _unlike(values, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if not unlike.any():
        return values
    rows = pa.array(unlike)
    texts = values.filter(rows)
    odd = pc.invert(pc.string_is_ascii(texts))
    if pc.any(odd).as_py():
        read = [plain(text) for text in texts.filter(odd).to_pylist()]
        texts = pc.replace_with_mask(texts, odd, pa.array(read, pa.string()))
    kept = pc.utf8_upper(pc.replace_substring_regex(texts, _ASCII_SEPARATOR, ""))
    kept = pc.if_else(pc.equal(pc.binary_length(kept), 0), pa.scalar(None, pa.string()), kept)
    return pc.replace_with_mask(values, rows, kept)


def _unlike(values: pa.Array, usual: bytes) -> npt.NDArray[np.bool_]:
    """Which rows hold a byte that is none of the usual ones, or no byte at all."""
    if values.null_count == len(values):
        return np.zeros(len(values), dtype=bool)
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset :][: len(values) + 1]
    text = np.frombuffer(values.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    unusual = np.ones(256, dtype=bool)
    unusual[list(usual)] = False
    found: npt.NDArray[np.bool_] = offsets[:-1] == offsets[1:]
    places = np.flatnonzero(unusual[text]) + offsets[0]
    found[np.searchsorted(offsets[1:], places, side="right")] = True
    found &= values.is_valid().to_numpy(zero_copy_only=False)
    return found


def resident_id(raw: str, also: Ranges = ASSIGNED) -> str:
    """The 18 characters of a valid identity number; 15 digits of before 1999 are completed.

    Valid: the check character of ISO 7064 MOD 11-2, a birth date that exists, an area that ever had a code
    or a prefix of `also`. Raises Implausible otherwise.
    """
    value = completed(plain(raw))
    if not re.fullmatch(r"[0-9]{17}[0-9X]", value):
        raise Implausible("an identity number has 18 characters, or 15 digits before 1999")
    try:
        born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        raise Implausible("the birth date inside the identity number does not exist") from None
    if not FIRST_YEAR <= born.year < LAST_YEAR:
        raise Implausible("the birth date inside the identity number is nobody's")
    if value[17] != id_check(value[:17]):
        raise Implausible("the check character of the identity number is wrong")
    if not (value.startswith(also.resident_ids) or plausible_codes()[int(value[:6])]):
        raise Implausible("no area ever had the code inside the identity number")
    return value


def completed(value: str) -> str:
    """15 digits as the 18 they became, with the check character they would have; anything else as it is."""
    if not re.fullmatch(r"[0-9]{15}", value):
        return value
    body = value[:6] + "19" + value[6:]
    return body + id_check(body)


def id_check(body: str) -> str:
    """Check character over the first 17 digits: ISO 7064 MOD 11-2."""
    return ID_CHECKS[sum(int(d) * int(w) for d, w in zip(body, ID_WEIGHTS, strict=True)) % 11]


def resident_id_facts(id18: str) -> tuple[date, str, str | None]:
    """Birth date, "F" or "M", and the county of first registration (None where unknown) of a valid number."""
    born = date(int(id18[6:10]), int(id18[10:12]), int(id18[12:14]))
    return born, "M" if int(id18[16]) % 2 else "F", area_name(id18[:6], born.year)


def completed_column(values: pa.Array) -> pa.Array:
    """`completed` for every row of plain texts."""
    old = pc.fill_null(pc.equal(pc.binary_length(values), 15), False)
    digits = pc.match_substring_regex(values.filter(old), r"^[0-9]{15}$")
    old = _among(old, digits.to_numpy(zero_copy_only=False))
    short = _characters(values.filter(old), 15)
    century = np.tile(np.frombuffer(b"19", dtype=np.uint8), (len(short), 1))
    body = np.hstack([short[:, :6], century, short[:, 6:]])
    return pc.replace_with_mask(values, old, _texts(np.column_stack([body, _id_checks(body)])))


def resident_id_column(values: pa.Array, also: Ranges = ASSIGNED) -> pa.Array:
    """`resident_id` for every row of completed plain texts; null where that raises."""
    return pc.if_else(valid_ids(values, also), values, pa.scalar(None, pa.string()))


def valid_ids(values: pa.Array, also: Ranges = ASSIGNED) -> pa.Array:
    """Which of completed plain texts are valid identity numbers."""
    shaped = pc.fill_null(pc.match_substring_regex(values, r"^[0-9]{17}[0-9X]$"), False)
    held = _characters(values.filter(shaped), 18)
    digits = held.astype(np.int64) - 48
    year = digits[:, 6:10] @ [1000, 100, 10, 1]
    month = digits[:, 10:12] @ [10, 1]
    day = digits[:, 12:14] @ [10, 1]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = _DAYS[np.minimum(month, 12)] - ((month == 2) & ~leap)
    good = (month >= 1) & (month <= 12) & (day >= 1) & (day <= last)
    good &= (year >= FIRST_YEAR) & (year < LAST_YEAR)
    good &= held[:, 17] == _id_checks(held[:, :17])
    area = plausible_codes()[digits[:, :6] @ [100000, 10000, 1000, 100, 10, 1]]
    for prefix in also.resident_ids:
        area |= (digits[:, : len(prefix)] == [int(d) for d in prefix]).all(axis=1)
    return _among(shaped, good & area)


def facts_columns(ids: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Birth date (date32) and sex of every valid identity number; nulls stay."""
    stands = pc.is_valid(ids)
    held = _characters(ids.filter(stands), 18)
    digits = held.astype(np.int64) - 48
    months = (digits[:, 6:10] @ [1000, 100, 10, 1] - 1970) * 12 + digits[:, 10:12] @ [10, 1] - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    born = np.zeros(len(ids), dtype=np.int32)
    odd = np.zeros(len(ids), dtype=bool)
    rows = stands.to_numpy(zero_copy_only=False)
    born[rows] = days + digits[:, 12:14] @ [10, 1] - 1
    odd[rows] = digits[:, 16] % 2 == 1
    birth = pa.array(born, pa.int32(), mask=~rows).cast(pa.date32())
    sex = pc.if_else(pa.array(odd), "M", "F")
    return birth, pc.if_else(stands, sex, pa.scalar(None, pa.string()))


def credit_code(raw: str) -> str:
    """The 18 characters of a valid unified social credit code. Raises Implausible otherwise.

    Check character: MOD 31 with weights 3^i over the alphabet without I, O, S, V, Z (GB 32100-2015).
    """
    value = plain(raw)
    if len(value) != 18 or any(c not in CREDIT_ALPHABET for c in value):
        raise Implausible("a unified social credit code has 18 characters without I, O, S, V, Z")
    total = sum(
        CREDIT_ALPHABET.index(c) * int(w) for c, w in zip(value[:17], CREDIT_WEIGHTS, strict=True)
    )
    if value[17] != CREDIT_ALPHABET[-total % 31]:
        raise Implausible("the check character of the credit code is wrong")
    return value


def credit_code_column(values: pa.Array) -> pa.Array:
    """`credit_code` for every row of plain texts; null where that raises."""
    shaped = pc.fill_null(pc.match_substring_regex(values, f"^[{CREDIT_ALPHABET}]{{18}}$"), False)
    held = _characters(values.filter(shaped), 18)
    worth = _credit_values()[held]
    alphabet = np.frombuffer(CREDIT_ALPHABET.encode(), dtype=np.uint8)
    good = _among(shaped, held[:, 17] == alphabet[-(worth[:, :17] @ CREDIT_WEIGHTS) % 31])
    return pc.if_else(good, values, pa.scalar(None, pa.string()))


@cache
def _credit_values() -> Digits:
    values = np.zeros(256, dtype=np.int64)
    values[np.frombuffer(CREDIT_ALPHABET.encode(), dtype=np.uint8)] = np.arange(31)
    return values


def passport(raw: str) -> str:
    """4 to 20 letters and digits. Raises Implausible for others, and for one sign repeated."""
    value = plain(raw)
    if not re.fullmatch(r"[0-9A-Z]{4,20}", value):
        raise Implausible("a passport number has 4 to 20 letters and digits")
    if len(set(value)) == 1:
        raise Implausible("a passport number is not one sign repeated")
    return value


def passport_column(values: pa.Array) -> pa.Array:
    """`passport` for every row of plain texts; null where that raises."""
    distinct = values.dictionary_encode()
    good = [
        text if re.fullmatch(r"[0-9A-Z]{4,20}", text) and len(set(text)) > 1 else None
        for text in distinct.dictionary.to_pylist()
    ]
    return pa.array(good, pa.string()).take(distinct.indices)


def _id_checks(body: Characters) -> Characters:
    checks = np.frombuffer(ID_CHECKS.encode(), dtype=np.uint8)
    # Exact: no sum comes near what the mantissa holds, and this is the product that machines are quick at.
    total = (body.astype(np.float32) - 48) @ ID_WEIGHTS.astype(np.float32)
    found: Characters = checks[total.astype(np.int64) % 11]
    return found


def _characters(values: pa.Array, width: int) -> Characters:
    """ASCII texts of one width, without nulls, as a row of bytes each."""
    if not len(values):
        return np.zeros((0, width), dtype=np.uint8)
    fixed = values.cast(pa.binary()).cast(pa.binary(width))
    data = np.frombuffer(fixed.buffers()[1], dtype=np.uint8)
    return data[fixed.offset * width : (fixed.offset + len(fixed)) * width].reshape(-1, width)


def _texts(characters: Characters) -> pa.Array:
    """The other way round."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    body = np.ascontiguousarray(characters).tobytes()
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets.tobytes()), pa.py_buffer(body))


def _among(shaped: pa.Array, good: npt.NDArray[np.bool_]) -> pa.Array:
    """Which rows are `shaped`, and of those `good`."""
    kept = shaped.to_numpy(zero_copy_only=False).copy()
    kept[kept] = good
    return pa.array(kept)
