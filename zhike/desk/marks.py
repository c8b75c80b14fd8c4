"""The code of a row in a file that left: eleven letters that lead back to the file, and only with the key.

Fifty bits: a tag of 26, keyed over file and row, and the file's number in 24, hidden under a mask keyed over the
tag. So the file is found from one code without looking through all files, a code nobody gave leads nowhere (one in 67
million does by chance, for each row of the file it names), and nobody without the key makes one
or reads a number in it. Letters only, without I and O, so that a spreadsheet takes no code for a number.
"""

from __future__ import annotations

from collections.abc import Iterable

from zhike.kernel import crypto

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 11
TAG_BITS, NUMBER_BITS = 26, 24


def code_of(file: int, row: int) -> str:
    """The code of the row with this key in the file with this number, which is below 2^24."""
    tag = _tag(file, row)
    value = tag << NUMBER_BITS | file ^ _mask(tag)
    letters = []
    for _place in range(LENGTH):
        value, at = divmod(value, len(LETTERS))
        letters.append(LETTERS[at])
    return "".join(reversed(letters))


def file_of(code: str) -> int | None:
    """The number of the file a code says it is from; None for what is no code at all."""
    value = _value(code)
    return None if value is None else (value & (1 << NUMBER_BITS) - 1) ^ _mask(value >> NUMBER_BITS)


def row_of(code: str, file: int, rows: Iterable[int]) -> int | None:
    """Which of the file's rows the code was given to; None for none of them."""
    value = _value(code)
    if value is None:
        return None
    tag = value >> NUMBER_BITS
    return next((row for row in rows if _tag(file, row) == tag), None)


def _value(code: str) -> int | None:
    letters = "".join(code.split()).upper()
    if len(letters) != LENGTH or set(letters) - set(LETTERS):
        return None
    value = 0
    for letter in letters:
        value = value * len(LETTERS) + LETTERS.index(letter)
    return value if value >> TAG_BITS + NUMBER_BITS == 0 else None


def _tag(file: int, row: int) -> int:
    return _bits(f"row {file} {row}", TAG_BITS)


def _mask(tag: int) -> int:
    return _bits(f"file {tag}", NUMBER_BITS)


def _bits(said: str, count: int) -> int:
    return int.from_bytes(crypto.blind_index("file mark", said), "big") >> 128 - count
