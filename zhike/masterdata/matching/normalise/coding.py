"""Columns of texts as codes into the distinct ones, so that each distinct text is read once.

Equal texts have equal codes: no dictionary here holds a text twice.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

TEXT: Final = pa.dictionary(pa.int32(), pa.string())
Column = Any  # pyarrow publishes no types


def coded(values: Column) -> Column:
    """A column of texts, in whatever form and chunks, as one array of codes."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    if pa.types.is_dictionary(values.type):
        if sum(len(chunk.dictionary) for chunk in chunks) > 2 * len(values):
            values = values.cast(pa.string())  # of few rows of many: without the others' texts
        elif len(chunks) > 1:
            values = values.unify_dictionaries()
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()


def read(column: Column, values: Column) -> Column:
    """`column` with other texts for those of its dictionary, one for each, null where there is none."""
    distinct = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        distinct.indices.take(column.indices), distinct.dictionary
    )


def where(column: Column, rows: Column) -> Column:
    """`column` in these rows, null in others."""
    codes = pc.if_else(rows, column.indices, pa.scalar(None, pa.int32()))
    return pa.DictionaryArray.from_arrays(codes, column.dictionary)


def having(column: Column, good: Column) -> Column:
    """`column` where its text is good, null elsewhere; good: one for each text of the dictionary."""
    return where(column, pc.fill_null(good.take(column.indices), False))


def spread(column: Column, rows: Column) -> Column:
    """One row of `column` after the other in these rows, null in others."""
    codes = pc.replace_with_mask(pa.nulls(len(rows), pa.int32()), rows, column.indices)
    return pa.DictionaryArray.from_arrays(codes, column.dictionary)


def first(*columns: Column) -> Column:
    """The first of several columns' texts that is there, row by row."""
    alike = pa.chunked_array(columns).unify_dictionaries()
    codes = pc.coalesce(*(chunk.indices for chunk in alike.chunks))
    return pa.DictionaryArray.from_arrays(codes, alike.chunk(0).dictionary)
