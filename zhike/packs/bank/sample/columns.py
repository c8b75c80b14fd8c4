"""Arrow columns made from numpy arrays without a Python loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Digits = npt.NDArray[np.uint8]
Column = Any  # pyarrow publishes no types

NO_DAY: Final = -(2**31) + 1
_POWERS = 10 ** np.arange(18, -1, -1, dtype=np.int64)


def digits(values: Ints, width: int) -> Digits:
    """Decimal digits of `values`, shape (n, width), most significant first, each 0-9."""
    return ((values[:, None] // _POWERS[-width:]) % 10).astype(np.uint8)


def text_of(characters: Digits) -> Column:
    """A string column from ASCII codes of shape (n, width)."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    data = np.ascontiguousarray(characters)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def number_text(values: Ints, width: int) -> Column:
    """A string column of `values` written with leading zeros."""
    return text_of(digits(values, width) + np.uint8(48))


def join(*parts: Column | str) -> Column:
    """Parts put together row by row; a null part makes a null."""
    return pc.binary_join_element_wise(*parts, "")


def pick(words: Sequence[str] | Column, index: npt.NDArray[Any]) -> Column:
    """`words[index]` as a string column; a negative index makes a null."""
    column = words if isinstance(words, pa.Array) else pa.array(words, pa.string())
    return column.take(pa.array(index, mask=index < 0))


def keep(column: Column, mask: Mask) -> Column:
    """The column with nulls where `mask` is false."""
    return pc.if_else(pa.array(mask), column, pa.scalar(None, column.type))


def dates(days: npt.NDArray[np.integer[Any]]) -> Column:
    """date32 from days since 1970-01-01; NO_DAY makes a null."""
    return pa.array(days.astype(np.int32), pa.int32(), mask=days == NO_DAY).cast(pa.date32())


def money(cents: Ints, mask: Mask | None = None) -> Column:
    """decimal(18,2) from whole cents (fen); null where `mask` is true."""
    words = np.empty((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    column = pa.Array.from_buffers(
        pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(np.ascontiguousarray(words))]
    )
    return column if mask is None else keep(column, ~mask)


def labels(names: Sequence[str], codes: npt.NDArray[Any]) -> Column:
    """A dictionary-encoded string column."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int8)), pa.array(names, pa.string())
    )


def patch(column: Column, rows: npt.NDArray[Any], values: Sequence[str | None]) -> Column:
    """The column with `values` put at `rows` (ascending, without repeats)."""
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array(values, pa.string()))


def scatter(numbers: npt.NDArray[Any], size: int, stride: int, start: int) -> Ints:
    """A one-to-one scrambling of 0..size-1: neighbours do not stay neighbours.

    `stride` must have no factor in common with `size`; stride * size must stay below 2**63.
    """
    return (numbers.astype(np.int64) * stride + start) % size


def exact_sums(index: npt.NDArray[Any], cents: Ints, size: int) -> Ints:
    """Sums of `cents` by index, shape (size,). Exact while each sum stays below 2**53 (90 trillion yuan)."""
    return np.rint(np.bincount(index, weights=cents, minlength=size)).astype(np.int64)
