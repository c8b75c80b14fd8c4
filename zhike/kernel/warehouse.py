"""The warehouse store: open Delta tables on disk, written atomically and versioned, read in process by DuckDB.

A table's name is "<area>/<name>" ("facts/transactions", "marts/customer_day"). Class C2 values never come here.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import (
    CommitProperties,
    DeltaTable,
    Schema,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions
from django.conf import settings

from zhike.kernel.errors import UserError

Stream: TypeAlias = pa.Table | pa.RecordBatchReader
WRITER = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=128 * 1024)
MEMORY_LIMIT = "4GB"
THREADS = 2


@dataclass(frozen=True)
class Parts:
    """Rows that are sorted into partitions already: `make` answers those of one value of the column `by`, without it.

    `schema` is of the whole table, `by` included. Parts are made and written side by side, a few at a time.
    """

    schema: pa.Schema
    by: str
    make: Mapping[str, Callable[[], pa.Table]]


def write_parquet(rows: pa.Table, path: str | Path) -> None:
    """One Parquet file. Only repeated strings have a dictionary: for keys it costs and saves nothing."""
    repeated = [each.name for each in rows.schema if pa.types.is_dictionary(each.type)]
    pq.write_table(
        rows,
        path,
        compression="zstd",
        compression_level=3,
        row_group_size=128 * 1024,
        use_dictionary=repeated,
        store_decimal_as_integer=True,
        # Else readers would be told of the dictionaries as a type of their own.
        store_schema=False,
    )


class Warehouse:
    """The tables under one folder (`WAREHOUSE_URL`)."""

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder or settings.WAREHOUSE_URL)

    def _path(self, name: str) -> str:
        return str(self.folder / name)

    def _open(self, name: str, version: int | None = None) -> DeltaTable | None:
        try:
            return DeltaTable(self._path(name), version=version)
        except TableNotFoundError:
            return None

    def exists(self, name: str) -> bool:
        return self._open(name) is not None

    def version(self, name: str) -> int | None:
        """The number of the last commit, None when the table does not exist."""
        table = self._open(name)
        return None if table is None else table.version()

    def files(self, name: str, version: int | None = None) -> list[str]:
        """The Parquet files that make up the table (at `version`). Raises UserError when there is no such table."""
        table = self._open(name, version)
        if table is None:
            raise UserError(f"The warehouse has no table {name}.", "Load or refresh it first.")
        return sorted(map(unquote, table.file_uris()))  # Delta quotes spaces and the like

    def kept(self) -> list[Path]:
        """Every file that the tables consist of at this moment, the log of each before its data."""
        found = []
        for log in sorted(self.folder.rglob("_delta_log")):
            entries = sorted(log.iterdir())
            version = max(int(each.stem) for each in entries if each.suffix == ".json")
            name = log.parent.relative_to(self.folder).as_posix()
            found += [*entries, *map(Path, self.files(name, version))]
        return found

    def holds_batch(self, name: str, batch: str) -> bool:
        """Whether `batch` (a digest of what was read) was appended before."""
        table = self._open(name)
        return table is not None and table.transaction_version(batch) is not None

    def append(
        self, name: str, rows: Stream | Parts, *, batch: str, partition_by: list[str] | None = None
    ) -> bool:
        """Add `rows` in one commit; False, adding nothing, when `batch` is in the table already."""
        if self.holds_batch(name, batch):
            return False
        if isinstance(rows, Parts):
            with self._writing():
                self._add_parts(name, rows, batch)
        else:
            self._write(name, rows, "append", partition_by, batch=batch)
        return True

    def _add_parts(self, name: str, parts: Parts, batch: str) -> None:
        """Files first, the commit that names them last: files of a killed writer belong to no version."""
        folder = Path(self._path(name))

        def write(value: str) -> AddAction:
            rows = parts.make[value]()
            path = f"{parts.by}={value}/part-{uuid.uuid4()}.parquet"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_parquet(rows, folder / path)
            seen = (folder / path).stat()
            stats = json.dumps({"numRecords": rows.num_rows})
            moment = int(seen.st_mtime * 1000)
            return AddAction(path, seen.st_size, {parts.by: value}, moment, True, stats)

        with ThreadPoolExecutor(THREADS) as writers:
            files = list(writers.map(write, parts.make))
        carries = CommitProperties(app_transactions=[Transaction(batch, 1)])
        schema = Schema.from_arrow(parts.schema)
        table = self._open(name)
        if table is None:
            create_table_with_add_actions(
                str(folder), schema, files, partition_by=[parts.by], commit_properties=carries
            )
        else:
            table.create_write_transaction(
                [*files], "append", schema, [parts.by], commit_properties=carries
            )

    def overwrite(
        self,
        name: str,
        rows: Stream,
        *,
        partition_by: list[str] | None = None,
        where: str | None = None,
    ) -> None:
        """Replace the table, or only the rows that match the predicate `where`, in one commit."""
        if where is not None and not self.exists(name):
            where = None
        self._write(name, rows, "overwrite", partition_by, where=where)

    def _write(
        self,
        name: str,
        rows: Stream,
        mode: str,
        partition_by: list[str] | None,
        *,
        batch: str | None = None,
        where: str | None = None,
    ) -> None:
        what: dict[str, Any] = {"mode": mode}
        if mode == "overwrite":
            what |= {"predicate": where, "schema_mode": None if where else "overwrite"}
        with self._writing():
            write_deltalake(
                self._path(name),
                rows,
                partition_by=partition_by,
                writer_properties=WRITER,
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(batch, 1)] if batch else None
                ),
                **what,
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise UserError(
                f"The warehouse folder {self.folder} cannot be written ({error}).",
                "Check its rights and the free space.",
            ) from error

    def tidy(self, name: str) -> None:
        """Join small files and drop those no version of the last week needs."""
        table = self._open(name)
        if table is not None:
            table.optimize.compact()
            table.vacuum(dry_run=False)

    def drop(self, name: str) -> None:
        shutil.rmtree(self._path(name), ignore_errors=True)

    @contextmanager
    def reading(self, *names: str) -> Iterator[ibis.backends.duckdb.Backend]:
        """DuckDB over the named tables as views called by their last part, through Ibis.

        The connection can read the warehouse folder and nothing else, and write nowhere.
        Views read Parquet directly: `table.file_uris()` keeps full speed and needs no extension.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = duckdb.connect()
        backend = ibis.duckdb.from_connection(connection)
        for statement in (
            f"SET memory_limit = '{MEMORY_LIMIT}'",
            f"SET threads = {THREADS}",
            f"SET temp_directory = '{self.folder / '.spill'}'",
            f"SET allowed_directories = ['{self.folder}/']",
            "SET autoinstall_known_extensions = false",
            "SET autoload_known_extensions = false",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            connection.execute(statement)
        try:
            for name in names:
                if self.files(name):
                    connection.execute(self.view(name))
                else:
                    connection.register(name.rsplit("/", 1)[-1], self._no_rows(name))
            yield backend
        finally:
            backend.disconnect()

    def _no_rows(self, name: str) -> pa.Table:
        """The columns of a table that has no file, which `read_parquet` could not tell."""
        schema = pa.schema(DeltaTable(self._path(name)).schema().to_arrow())
        return schema.empty_table()

    def view(self, name: str, files: Iterable[str] | None = None) -> str:
        """The statement that makes `name` readable under its last part."""
        listed = ", ".join(f"'{file}'" for file in (files or self.files(name)))
        alias = name.rsplit("/", 1)[-1]
        return (
            f'CREATE OR REPLACE TEMP VIEW "{alias}" AS '  # noqa: S608  names of our own files
            f"SELECT * FROM read_parquet([{listed}], hive_partitioning = true)"
        )
