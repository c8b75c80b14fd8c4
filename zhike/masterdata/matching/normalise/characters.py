"""One way to write each character: compatibility forms resolved, simplified, and what carries no meaning left out.

The vector functions say for every row what the scalar ones say for one text; a test holds them together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import opencc
import pyarrow as pa
import pyarrow.compute as pc

_BASIC = 0x10000
_LAST = 0x2A6E0
_DROPPED = 0xFFFFFFFE  # leaves no character
_ALONE = 0xFFFFFFFF  # depends on its neighbours or becomes several characters
_IDEOGRAPHS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x2A6E0))
# Names keep 乾 (qián), which is 干 only in the sense of dry.
_KEPT = {"乾"}


class Implausible(ValueError):
    """The value cannot be what it is given as; the reason does not repeat it."""


@cache
def _simplifications() -> dict[int, str]:
    """Traditional ideographs and their simplified forms, as OpenCC converts them one by one."""
    signs = [chr(code) for span in _IDEOGRAPHS for code in range(*span)]
    simple = opencc.OpenCC("t2s").convert("\n".join(signs)).split("\n")
    return {
        ord(sign): to
        for sign, to in zip(signs, simple, strict=True)
        if sign != to and sign not in _KEPT
    }


def simplified(text: str) -> str:
    """NFKC, lower case, simplified characters, without blanks and invisible characters; punctuation stays."""
    composed = unicodedata.normalize("NFKC", text).lower().translate(_simplifications())
    return composed if composed.isalnum() else "".join(filter(_seen, composed))


def folded(text: str) -> str:
    """As `simplified`, and without punctuation: letters, digits and ideographs alone."""
    composed = unicodedata.normalize("NFKC", text).lower().translate(_simplifications())
    return "".join(filter(str.isalnum, composed))


def _seen(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character)[0] != "C"


def simplified_column(values: pa.Array) -> pa.Array:
    """`simplified` for every row of a string array; nulls stay."""
    return _mapped(values, _table(punctuation=True), simplified)


def folded_column(values: pa.Array) -> pa.Array:
    """`folded` for every row of a string array; nulls stay."""
    return _mapped(values, _table(punctuation=False), folded)


@cache
def _table(punctuation: bool) -> npt.NDArray[np.uint32]:
    """What each code point becomes: another one, `_DROPPED` or `_ALONE`. The last entry stands for all beyond."""
    table = np.full(_LAST + 1, _ALONE, dtype=np.uint32)
    for first, end in _IDEOGRAPHS:
        table[first:end] = np.arange(first, end)
    for code, to in _simplifications().items():
        table[code] = ord(to)
    for code, becomes in _singles().items():
        kept = _seen(becomes) if punctuation else becomes.isalnum()
        table[code] = ord(becomes) if kept else _DROPPED
    return table


@cache
def _singles() -> dict[int, str]:
    """Code points but ideographs that become one character whatever their neighbours are, and that character."""
    joining = _joining()
    ideographs = {code for first, end in _IDEOGRAPHS for code in range(first, end)}
    others = map(chr, sorted(set(range(_BASIC)) - ideographs - joining))
    alone = [character for character in others if not unicodedata.combining(character)]
    # All at once, parted by what none of them becomes.
    composed = unicodedata.normalize("NFKC", "\ud800".join(alone)).lower().split("\ud800")
    simple = _simplifications()
    return {
        ord(character): to
        for character, becomes in zip(alone, composed, strict=True)
        if len(becomes) == 1 and ord(to := becomes.translate(simple)) not in joining
    }


@cache
def _joining() -> frozenset[int]:
    """Code points that may melt into what stands before them, and the letter whose small form depends on it."""
    composed = filter(None, map(unicodedata.decomposition, map(chr, range(_BASIC))))
    pairs = (parts for each in composed if len(parts := each.split()) == 2)
    second = (int(parts[1], 16) for parts in pairs if parts[0][0] != "<")
    return frozenset([*second, *range(0x1100, 0x1200), *range(0xD800, 0xE000), ord("Σ")])


def _mapped(
    values: pa.Array, table: npt.NDArray[np.uint32], alone: Callable[[str], str]
) -> pa.Array:
    """Most texts are in the one way already and left alone."""
    codes, ends = _code_points(values)
    changed = np.diff(_running(table[np.minimum(codes, _LAST)] != codes)[ends]) > 0
    if not changed.any():
        return values
    rows = pa.array(changed)
    return pc.replace_with_mask(values, rows, _rewritten(values.filter(rows), table, alone))


def _code_points(values: pa.Array) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """The code points of all texts in a row, and where each text ends, 0 first; a null has none."""
    values = pa.concat_arrays(
        [pc.fill_null(values, "").cast(pa.large_string())]
    )  # without an offset
    data = values.buffers()[2]
    bounds = np.frombuffer(values.buffers()[1], dtype=np.int64)[: len(values) + 1]
    text = data.to_pybytes()[bounds[0] : bounds[-1]] if data else b""
    return np.frombuffer(text.decode().encode("utf-32-le"), dtype="<u4"), _running(
        pc.utf8_length(values).to_numpy(zero_copy_only=False)
    )


def _rewritten(
    values: pa.Array, table: npt.NDArray[np.uint32], alone: Callable[[str], str]
) -> pa.Array:
    codes, ends = _code_points(values)
    becomes = table[np.minimum(codes, _LAST)]
    odd = np.flatnonzero(np.diff(_running(becomes == _ALONE)[ends]))
    becomes[becomes == _ALONE] = _DROPPED
    kept = becomes != _DROPPED
    width = 1 + (becomes >= 0x80).astype(np.int64) + (becomes >= 0x800) + (becomes >= 0x10000)
    offsets = _running(np.where(kept, width, 0))[ends].astype(np.int64)
    body = becomes[kept].astype("<u4").tobytes().decode("utf-32-le").encode()
    mapped = pa.LargeStringArray.from_buffers(
        len(values), pa.py_buffer(offsets.tobytes()), pa.py_buffer(body)
    ).cast(pa.string())
    if len(odd):
        mask = np.zeros(len(values), dtype=bool)
        mask[odd] = True
        texts = [alone(text) for text in values.take(pa.array(odd)).to_pylist()]
        mapped = pc.replace_with_mask(mapped, pa.array(mask), pa.array(texts, pa.string()))
    return mapped


def _running(counts: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Sums up to each position, 0 first."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
