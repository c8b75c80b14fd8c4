"""A load: a mapping over some paths. Each file is one transaction; killed and started again it ends as undisturbed."""

from __future__ import annotations

import fnmatch
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_noop

from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.warehouse import Warehouse
from zhike.masterdata.mapping import SourceMapping, Table, read_mapping
from zhike.masterdata.models import ImportFile, ImportRun, SourceRecord, SourceSystem
from zhike.masterdata.readers import check, digest_of
from zhike.masterdata.rejects import RejectFile, root
from zhike.masterdata.rows import prepared
from zhike.masterdata.services import masters
from zhike.masterdata.services.facts import STORED, Stage
from zhike.masterdata.services.filing import Count, Filing

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class TableReport:
    """What became of the rows of one table. `sums` are of its amounts, as decimal text; `left_out` counts values."""

    table: str
    read: int
    accepted: int
    rejected: int
    unchanged: int
    left_out: int
    sums: Mapping[str, str]
    files: int
    already: int


@dataclass(frozen=True)
class LoadReport:
    """What a load did. `run` is the public id of its import run; `reject_files` are whole paths."""

    run: str
    system: str
    tables: tuple[TableReport, ...]
    reject_files: tuple[str, ...]
    seconds: float


def load(
    *, actor: Actor, mapping: Path, paths: Sequence[Path], progress: Progress | None = None
) -> LoadReport:
    """Read the files under `paths` as `mapping` says.

    A file that was loaded under the same mapping before adds nothing. Raises UserError, with files done before it
    standing whole and nothing of the faulty one, for whatever the person can put right. `progress` is told a phase
    and the share of it that is done (0 to 1).
    """
    actor.must("masterdata.load")
    began = time.monotonic()
    read = read_mapping(mapping)
    found = _files(read, paths)
    for table in read.tables:
        for path in found[table.name]:
            check(path, table)
    with alone(read):
        system = source_system(actor, read)
        _bury_the_dead(system)
        run = ImportRun.objects.create(
            system=system,
            mapping=read.path.name,
            mapping_digest=read.digest,
            started_at=clock.now(),
            actor_name="" if actor.user_id is None else actor.name[:80],
        )
        audit.record(
            actor, "masterdata.load.begin", run, changes={"mapping": (None, read.path.name)}
        )
        try:
            with transaction.atomic():
                masters.give(actor, read)
            for table in read.tables:
                for path in found[table.name]:
                    _file(actor, read, system, run, table, path, found, progress)
                if progress:
                    progress(table.name, 1.0)
        except Exception as error:
            fail(run, error)
            raise
        return finish(actor, run, time.monotonic() - began)


def _files(mapping: SourceMapping, paths: Sequence[Path]) -> dict[str, list[Path]]:
    """The files of each table. Raises UserError for a path that is not there, a table without, a file too many."""
    for path in paths:
        if not path.exists():
            raise UserError(
                f"{path} does not exist.", "Give the folder or the files of the source."
            )
    found: dict[str, list[Path]] = {}
    used: set[Path] = set()
    for table in mapping.tables:
        files: list[Path] = []
        for path in paths:
            if path.is_dir():
                files += sorted(path.glob(table.path))
            elif fnmatch.fnmatch(path.name, table.path.rpartition("/")[2]):
                files.append(path)
        if not files and not table.optional and any(path.is_dir() for path in paths):
            folders = ", ".join(str(path) for path in paths)
            raise UserError(
                f"No file {table.path} for the table “{table.name}” under {folders}.",
                "Give the folder that holds it, or set optional = true in the mapping.",
            )
        found[table.name] = files
        used.update(files)
    for path in paths:
        if not path.is_dir() and path not in used:
            raise UserError(
                f"No [[file]] block of {mapping.path.name} reads {path.name}.",
                f"It reads: {', '.join(table.path for table in mapping.tables)}.",
            )
    if not used:
        raise UserError("There is no file to read.", "Give the folder or the files of the source.")
    for table in mapping.tables:
        for join in table.joins:
            if found[table.name] and not found[join.table]:
                raise UserError(
                    f"“{table.name}” is read beside “{join.table}”, whose file is not given.",
                    f"Give {mapping.table(join.table).path} too.",
                )
    return found


@contextmanager
def alone(mapping: SourceMapping) -> Iterator[None]:
    """Only one load of a system at a time; the lock goes with the connection, so a killed load leaves none."""
    name = lock_number(mapping.source.code)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # The server takes a moment to see that a killed load is gone.
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            cursor.execute("SELECT pg_advisory_lock(%s)", [name])
    except OperationalError as error:
        raise UserError(
            f"Another load of {mapping.source.name} is running.", "Wait until it has ended."
        ) from error
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [name])
        except DatabaseError:
            connection.close()


def lock_number(code: str) -> int:
    """The number of a source's lock: 64 bits of the digest of its code."""
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], signed=True)


def source_system(actor: Actor, mapping: SourceMapping) -> SourceSystem:
    """The mapping's source as a row, made or corrected."""
    source = mapping.source
    if source.code == SourceRecord.BY_HAND:
        raise UserError(
            f"The source “{source.code}” is what people enter here.",
            "Give the source another code in its mapping.",
        )
    with transaction.atomic():
        system, created = SourceSystem.objects.get_or_create(
            code=source.code, defaults={"name": source.name, "trust": source.trust}
        )
        if created or (system.name, system.trust) != (source.name, source.trust):
            before = None if created else system.trust
            SourceSystem.objects.filter(pk=system.pk).update(name=source.name, trust=source.trust)
            system.name, system.trust = source.name, source.trust
            changes = {"trust": (before, source.trust)}
            audit.record(actor, "masterdata.system.set", system, changes=changes)
    return system


def _bury_the_dead(system: SourceSystem) -> None:
    """Runs that a killed process left behind: nobody else can run while we hold the lock."""
    ImportRun.objects.filter(system=system, state=ImportRun.State.RUNNING).update(
        state=ImportRun.State.FAILED,
        ended_at=clock.now(),
        error=gettext_noop(
            "The process ended before the load did. The next load took up from there."
        ),
    )


def _file(
    actor: Actor,
    mapping: SourceMapping,
    system: SourceSystem,
    run: ImportRun,
    table: Table,
    path: Path,
    found: Mapping[str, list[Path]],
    progress: Progress | None,
) -> None:
    began = time.monotonic()
    digest = _digest(mapping, table, path, found)
    file = ImportFile(
        run=run, name=path.name[:255], table=table.name, digest=digest, bytes=path.stat().st_size
    )
    if ImportFile.objects.filter(
        table=table.name, digest=digest, state=ImportFile.State.LOADED
    ).exists():
        file.state = ImportFile.State.ALREADY
        file.save()
        return
    trust = dict(SourceSystem.objects.values_list("code", "trust"))
    try:
        with RejectFile(str(run.public_id), table.name, path.name) as rejects:
            filing = Filing(actor, mapping, system, table, file, rejects.add, trust)
            told = _told(progress, table, path)
            batches = prepared(path, mapping, table, found, rejects.add)
            if table.target.fact:
                _facts(filing, batches, rejects, told)
            else:
                with transaction.atomic():
                    file.state = ImportFile.State.LOADED
                    file.save()
                    for rows in batches:
                        masters.take(filing, rows)
                        told(filing.count.read)
                    masters.settle(filing)
                    record_counts(filing, rejects.path, time.monotonic() - began)
    except UserError as error:
        failed = ImportFile(
            run=run,
            name=file.name,
            table=table.name,
            digest=digest,
            bytes=file.bytes,
            state=ImportFile.State.FAILED,
            error=str(error),
        )
        failed.save()
        raise


def _told(progress: Progress | None, table: Table, path: Path) -> Callable[[int], None]:
    """Progress by rows is not known beforehand; the share grows towards one as rows come."""
    size = max(path.stat().st_size, 1)

    def tell(rows: int) -> None:
        if progress:
            progress(table.name, min(rows * 60 / (rows * 60 + size), 0.99))

    return tell


def _digest(
    mapping: SourceMapping, table: Table, path: Path, found: Mapping[str, list[Path]]
) -> str:
    """Over the system, the mapping, the file and the files read beside it."""
    beside = [digest_of(each) for join in table.joins for each in found[join.table]]
    return load_digest(mapping, table, digest_of(path), *beside)


def load_digest(mapping: SourceMapping, table: Table, *files: str) -> str:
    """What a load of files with these digests is known by."""
    parts = [mapping.source.code, mapping.digest, table.name, *files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _facts(
    filing: Filing, batches: Iterator[Any], rejects: RejectFile, told: Callable[[int], None]
) -> None:
    """The warehouse commits first, PostgreSQL after it; counts are put down before, so that a load killed between
    the two tells the same."""
    began = time.monotonic()
    file = filing.file
    name = STORED[filing.table.into]
    pending = ImportFile.objects.filter(
        table=file.table, digest=file.digest, state=ImportFile.State.WRITING
    ).order_by("pk")
    held = Warehouse().holds_batch(name, file.digest)
    counted = pending.first() if held else None
    if counted is None:
        pending.delete()
        with Stage(filing) as stage:
            for rows in batches:
                stage.add(rows)
                told(filing.count.read)
            stage.settle()
            file.state = ImportFile.State.WRITING
            record_counts(filing, rejects.path, time.monotonic() - began)
            stage.append(file.digest)
    with transaction.atomic():
        if counted is not None:
            counted.run = file.run
            filing.file = file = counted
        file.state = ImportFile.State.LOADED
        file.save()
        _audit(filing)


def record_counts(filing: Filing, reject_path: str, seconds: float) -> None:
    """Put the counts of a file down."""
    file, count = filing.file, filing.count
    file.rows_read, file.rows_accepted = count.read, count.accepted
    file.rows_rejected, file.rows_unchanged = count.rejected, count.unchanged
    file.values_left_out = count.left_out
    file.sums = {name: str(total) for name, total in count.sums.items()}
    file.reject_file = reject_path
    file.seconds = round(seconds, 3)
    file.save()
    if file.state == ImportFile.State.LOADED:
        _audit(filing)


def _audit(filing: Filing) -> None:
    file = filing.file
    audit.record(
        filing.actor,
        "masterdata.file.load",
        file,
        changes={
            name: (None, getattr(file, name))
            for name in (
                "name",
                "table",
                "digest",
                "rows_read",
                "rows_accepted",
                "rows_rejected",
                "rows_unchanged",
            )
        },
    )


def fail(run: ImportRun, error: Exception) -> None:
    """Put down what a run ended with, where the database still can."""
    # What is no UserError may quote data; its kind is enough here, the log has where.
    told = str(error) if isinstance(error, UserError) else type(error).__name__
    try:
        ImportRun.objects.filter(pk=run.pk).update(
            state=ImportRun.State.FAILED, ended_at=clock.now(), error=told
        )
    except DatabaseError:
        return


def finish(actor: Actor, run: ImportRun, seconds: float) -> LoadReport:
    """Put down what came of a run."""
    reports = [_table_report(table, files) for table, files in _by_table(run).items()]
    run.state = ImportRun.State.DONE
    run.ended_at = clock.now()
    run.counts = {report.table: asdict(report) for report in reports}
    with transaction.atomic():
        run.save()
        audit.record(actor, "masterdata.load.end", run, changes={"state": (None, "done")})
    return LoadReport(
        run=str(run.public_id),
        system=run.system.code,
        tables=tuple(reports),
        reject_files=tuple(
            str(root() / file.reject_file) for file in run.files.order_by("pk") if file.reject_file
        ),
        seconds=round(seconds, 2),
    )


def _by_table(run: ImportRun) -> dict[str, list[ImportFile]]:
    tables: dict[str, list[ImportFile]] = {}
    for file in run.files.order_by("pk"):
        tables.setdefault(file.table, []).append(file)
    return tables


def _table_report(table: str, files: Sequence[ImportFile]) -> TableReport:
    total = Count()
    for file in files:
        total.read += file.rows_read
        total.accepted += file.rows_accepted
        total.rejected += file.rows_rejected
        total.unchanged += file.rows_unchanged
        total.left_out += file.values_left_out
        _add(total.sums, file.sums)
    already = sum(file.state == ImportFile.State.ALREADY for file in files)
    sums = {name: str(amount) for name, amount in total.sums.items()}
    return TableReport(
        table,
        total.read,
        total.accepted,
        total.rejected,
        total.unchanged,
        total.left_out,
        sums,
        len(files),
        already,
    )


def _add(sums: dict[str, Any], more: Mapping[str, str]) -> None:
    for name, amount in more.items():
        sums[name] = sums.get(name, Decimal(0)) + Decimal(amount)
