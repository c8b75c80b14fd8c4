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
_DROPPED = 0  # leaves no character
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
    return "".join(c for c in composed if _seen(c))


def folded(text: str) -> str:
    """As `simplified`, and without punctuation: letters, digits and ideographs alone."""
    composed = unicodedata.normalize("NFKC", text).lower().translate(_simplifications())
    return "".join(c for c in composed if c.isalnum())


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
    simple = _simplifications()
    table = np.full(_LAST + 1, _ALONE, dtype=np.uint32)
    for first, end in _IDEOGRAPHS:
        table[first:end] = np.arange(first, end)
    for code, to in simple.items():
        table[code] = ord(to)
    joining = _joining()
    for code in range(_BASIC):
        character = chr(code)
        if table[code] != _ALONE or code in joining or unicodedata.combining(character):
            continue
        becomes = unicodedata.normalize("NFKC", character).lower().translate(simple)
        if len(becomes) == 1 and ord(becomes) not in joining:
            kept = _seen(becomes) if punctuation else becomes.isalnum()
            table[code] = ord(becomes) if kept else _DROPPED
    return table


@cache
def _joining() -> frozenset[int]:
    """Code points that may melt into what stands before them, and the letter whose small form depends on it."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in range(_BASIC))
    second = (int(parts[1], 16) for parts in pairs if len(parts) == 2 and parts[0][0] != "<")
    return frozenset([*second, *range(0x1100, 0x1200), *range(0xD800, 0xE000), ord("Σ")])


def _mapped(
    values: pa.Array, table: npt.NDArray[np.uint32], alone: Callable[[str], str]
) -> pa.Array:
    values = pa.concat_arrays([values.cast(pa.large_string())])  # a copy without an offset
    if not len(values):
        return values.cast(pa.string())
    bounds = np.frombuffer(values.buffers()[1], dtype=np.int64)[: len(values) + 1]
    data = values.buffers()[2]
    text = data.to_pybytes()[bounds[0] : bounds[-1]] if data else b""
    codes: npt.NDArray[np.uint32] = np.frombuffer(text.decode().encode("utf-32-le"), dtype="<u4")
    ends = np.concatenate(
        [[0], np.cumsum(pc.fill_null(pc.utf8_length(values), 0).to_numpy(zero_copy_only=False))]
    )
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
    return pc.if_else(pc.is_null(values), pa.scalar(None, pa.string()), mapped)


def _running(counts: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Sums up to each position, 0 first."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
