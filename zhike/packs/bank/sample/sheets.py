"""The files as they are written, and what is told of each in the manifest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from zhike.packs.bank.sample.columns import Column, Ints


@dataclass(frozen=True)
class FileFacts:
    """What a right reading of one file finds.

    path: below the sample's folder, with slashes; rows: data rows, the rejected ones among them; rejects:
    rows a strict reader refuses, by reason; orphans: rows fit to be read that refer to a rejected row or to
    an orphan; skipped: blank and title rows of a workbook (not in `rows`); sums: of a column over all rows
    but the rejected ones, as decimal text.
    """

    path: str
    rows: int
    rejects: Mapping[str, int]
    orphans: int
    skipped: int
    sums: Mapping[str, str]


@dataclass
class Tally:
    """The facts of one file while it grows."""

    path: str
    rows: int = 0
    rejects: dict[str, int] = field(default_factory=dict)
    orphans: int = 0
    skipped: int = 0
    cents: dict[str, int] = field(default_factory=dict)

    def reject(self, reason: str, count: int) -> None:
        """Count rows refused for one reason."""
        if count:
            self.rejects[reason] = self.rejects.get(reason, 0) + int(count)

    def add(self, column: str, cents: int) -> None:
        """Add to a column's sum."""
        self.cents[column] = self.cents.get(column, 0) + int(cents)

    def facts(self) -> FileFacts:
        """The facts as they stand."""
        sums = {name: str(Decimal(cents).scaleb(-2)) for name, cents in self.cents.items()}
        return FileFacts(self.path, self.rows, dict(self.rejects), self.orphans, self.skipped, sums)


class CsvSheet:
    """A CSV file written in pieces; no field of the sample holds a comma, quote or line break."""

    def __init__(self, out: Path, path: str, header: Sequence[str]) -> None:
        self.tally = Tally(path)
        self.header = tuple(header)
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self._file = target.open("wb")
        self._file.write((",".join(self.header) + "\n").encode())
        self._options = pa_csv.WriteOptions(include_header=False, quoting_style="none")

    def write(
        self,
        columns: Sequence[Column],
        *,
        long: Sequence[int] | Ints = (),
        short: Sequence[int] | Ints = (),
    ) -> None:
        """Write rows; those at `long` get fields too many, those at `short` are broken off."""
        buffer = io.BytesIO()
        table = pa.table(dict(zip(self.header, columns, strict=True)))
        pa_csv.write_csv(table, buffer, self._options)
        content = buffer.getvalue()
        if len(long) or len(short):
            lines = content.split(b"\n")
            for row in long:
                lines[row] += b",,".join((b"", "续".encode()))
            for number, row in enumerate(short):
                kept = 3 + number % (len(self.header) - 4)
                lines[row] = b",".join(lines[row].split(b",")[:kept])
            content = b"\n".join(lines)
        self._file.write(content)
        self.tally.rows += table.num_rows
        self.tally.reject("long_line", len(long))
        self.tally.reject("short_line", len(short))

    def close(self) -> FileFacts:
        """Close the file and return its facts."""
        self._file.close()
        return self.tally.facts()


class ParquetSheet:
    """A Parquet file written one row group at a time."""

    def __init__(self, out: Path, path: str, schema: pa.Schema) -> None:
        self.tally = Tally(path)
        self.schema = schema
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        texts = [f.name for f in schema if pa.types.is_dictionary(f.type)]
        self._writer = pq.ParquetWriter(
            target,
            schema,
            compression="snappy",
            use_dictionary=texts,
            store_decimal_as_integer=True,
        )

    def write(self, columns: Sequence[Column]) -> None:
        """Write one row group."""
        table = pa.Table.from_arrays(list(columns), schema=self.schema)
        if table.num_rows:
            self._writer.write_table(table, row_group_size=table.num_rows)
        self.tally.rows += table.num_rows

    def close(self) -> FileFacts:
        """Close the file and return its facts."""
        self._writer.close()
        return self.tally.facts()


def write_small(
    out: Path, path: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> FileFacts:
    """Write a short CSV file at once."""
    target = out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return FileFacts(path, count, {}, 0, 0, {})
