"""The job at an upload: a check that writes nothing, and the load.

Both are the same code in one transaction over the whole file; the check's is rolled back, and what nothing is
recognised by is not written in it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.desk.services.notices import CHANNEL, notify
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.prepared import Among
from zhike.masterdata.mapping import SourceMapping
from zhike.masterdata.models import (
    Displaced,
    ImportFile,
    ImportRun,
    SourceRecord,
    SourceSystem,
    Upload,
)
from zhike.masterdata.rejects import Reject, RejectFile
from zhike.masterdata.rows import Rows, prepared
from zhike.masterdata.services import loading, masters
from zhike.masterdata.services.filing import Filing, shown
from zhike.masterdata.wizard import sandbox, vault
from zhike.masterdata.wizard.drafting import CUSTOMERS, mapping_of

State = Upload.State
EVENT = "import"
SHOWN = 20
KINDS_KEPT = 200
JOINS_KEPT = 200
PAUSE_SECONDS = 0.5
SUFFIX = ".csv"
# Where an upload stands again when the work at it ended in an error of ours: nothing of it was written.
BEFORE = {
    State.CHECKING: State.MAPPED,
    State.LOADING: State.CHECKED,
    State.REVERTING: State.LOADED,
}
HALTED = {
    State.CHECKING: gettext_noop(
        "The check ended by an error of the system, not of your file. Nothing was written. Check it again; "
        "if that ends the same way, tell the administrator the time."
    ),
    State.LOADING: gettext_noop(
        "The import ended by an error of the system, not of your file. Nothing was written. Import it again; "
        "if that ends the same way, tell the administrator the time."
    ),
    State.REVERTING: gettext_noop(
        "Taking the import back ended by an error of the system. All its rows still stand. Take it back again; "
        "if that ends the same way, tell the administrator the time."
    ),
}


class _Undone(Exception):
    """Carries what a check found out of the transaction it rolls back."""


def check(*, actor: Actor, upload: Upload) -> None:
    """What loading the file would do, and nothing done. A file that cannot be read goes back to its owner with why."""
    actor.must("masterdata.load")
    try:
        mapping = mapping_of(upload.mapping, upload.name)
        with loading.alone(mapping):
            report = _trial(actor, upload, mapping)
    except UserError as error:
        settle(actor, upload, State.MAPPED, error=str(error))
    else:
        settle(actor, upload, State.CHECKED, report=report)


def _trial(actor: Actor, upload: Upload, mapping: SourceMapping) -> dict[str, Any]:
    try:
        with transaction.atomic():
            source = loading.source_system(actor, mapping)
            run = ImportRun.objects.create(
                system=source, mapping=upload.name, started_at=clock.now()
            )
            rejects_in = f"check-{upload.public_id}"
            report, _file = _take_in(actor, upload, mapping, run, rejects_in, trial=True)
            raise _Undone(report)
    except _Undone as undone:
        found: dict[str, Any] = undone.args[0]
        return found


def load(*, actor: Actor, upload: Upload) -> None:
    """Load the file, wholly or not at all. Killed and begun again it ends like an undisturbed one."""
    actor.must("masterdata.load")
    began = time.monotonic()
    try:
        mapping = mapping_of(upload.mapping, upload.name)
        with loading.alone(mapping):
            source = loading.source_system(actor, mapping)
            run = _run_of(actor, upload, mapping, source)
            try:
                with transaction.atomic():
                    report, file = _take_in(actor, upload, mapping, run, str(run.public_id))
                    if not file.rows_accepted:
                        raise UserError(
                            _("No row of this file would change anything."),
                            _("Correct the file or the mapping."),
                        )
                    loading.finish(actor, run, time.monotonic() - began)
                    settle(actor, upload, State.LOADED, report=report)
            except Exception as error:
                loading.fail(run, error)
                raise
    except UserError as error:
        settle(actor, upload, State.MAPPED, error=str(error))
    else:
        vault.discard(upload.stored)


def _run_of(
    actor: Actor, upload: Upload, mapping: SourceMapping, source: SourceSystem
) -> ImportRun:
    """The run of this upload; a load that was killed goes on as the run it was."""
    with transaction.atomic():
        found = ImportRun.objects.filter(upload=upload).first()
        if found is not None and found.state != ImportRun.State.FAILED:
            return found
        run = ImportRun.objects.create(
            system=source,
            mapping=upload.name,
            mapping_digest=mapping.digest,
            started_at=clock.now(),
            actor_name=actor.name[:80],
        )
        Upload.objects.filter(pk=upload.pk).update(run=run)
        upload.run = run
        audit.record(actor, "masterdata.load.begin", run, changes={"mapping": (None, run.mapping)})
        return run


def _take_in(
    actor: Actor,
    upload: Upload,
    mapping: SourceMapping,
    run: ImportRun,
    rejects_in: str,
    *,
    trial: bool = False,
) -> tuple[dict[str, Any], ImportFile]:
    """The whole file into the tables; answers what came of it. Raises UserError and leaves the rest to the rollback."""
    began = time.monotonic()
    table = mapping.tables[0]
    digest = loading.load_digest(mapping, table, upload.digest)
    loaded = ImportFile.objects.filter(
        table=table.name, digest=digest, state=ImportFile.State.LOADED
    )
    if loaded.exists():
        raise UserError(
            _("This file was loaded under this mapping already."),
            _("Its rows are in; discard the upload."),
        )
    file = ImportFile.objects.create(
        run=run,
        name=upload.name,
        table=table.name,
        digest=digest,
        bytes=upload.bytes,
        state=ImportFile.State.LOADED,
    )
    began_at, first = _now_there(), _last_entry() + 1
    faults: Counter[tuple[str, str]] = Counter()
    preview: list[list[str]] = []
    with RejectFile(rejects_in, table.name, upload.name) as rejects, progress(upload) as tell:

        def refuse(reject: Reject) -> None:
            rejects.add(reject)
            if len(faults) < KINDS_KEPT or (reject.column, reject.reason) in faults:
                faults[reject.column, reject.reason] += 1

        trust = dict(SourceSystem.objects.values_list("code", "trust"))
        filing = Filing(actor, mapping, run.system, table, file, refuse, trust, trial)
        batches = sandbox.rows(upload.stored, upload.name, table)
        for rows in prepared(_called(upload), mapping, table, {}, refuse, batches):
            preview += _preview(filing, rows)[: SHOWN - len(preview)]
            with _remembering(filing, rows) if table.into == CUSTOMERS else nullcontext():
                masters.take(filing, rows)
            tell(filing.count.read)
        masters.settle(filing)
        loading.record_counts(filing, rejects.path, time.monotonic() - began)
        report = _report(filing, began_at) | {
            "into": table.into,
            "entries": [first, _last_entry()],
            "rejects": rejects.path,
            "faults": [
                [column, reason, count] for (column, reason), count in faults.most_common(20)
            ],
            "preview": {"fields": list(table.fields), "rows": preview},
        }
    Upload.objects.filter(pk=upload.pk).update(wrote_from=began_at, wrote_until=_now_there())
    return report, file


def _called(upload: Upload) -> Path:
    """Rows without a key of their own are known by their file and line: each upload is a file of its own."""
    return Path(f"{upload.public_id.hex}{SUFFIX}")


def _now_there() -> datetime:
    """The moment by the database's clock, which dates its rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def _last_entry() -> int:
    """The newest entry of any timeline: while a source's lock is held, only its load writes entries of that source."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM customers_timelineentry_id_seq")
        found: int = cursor.fetchone()[0]
        return found


def _preview(filing: Filing, rows: Rows) -> list[list[str]]:
    """The first rows as they will be, what identifies a person masked: line and values in the order of the fields."""
    table = filing.table
    listed = []
    columns = [rows.values[name].slice(0, SHOWN).to_pylist() for name in table.fields]
    taken = [table.takes(name) for name in table.fields]
    for number, line in enumerate(rows.lines.slice(0, SHOWN).to_pylist()):
        cells = [
            "" if column[number] is None else shown(str(column[number]), takes)
            for column, takes in zip(columns, taken, strict=True)
        ]
        listed.append([str(line), *cells])
    return listed


WORDS = ("digest", "file_id", "line", "values", "sealed", "observed_on", "stamps")


@contextmanager
def _remembering(filing: Filing, rows: Rows) -> Iterator[None]:
    """Keep what records said that are given new words within."""
    before = {
        each["pk"]: each
        for each in SourceRecord.objects.filter(
            Among(F("key"), rows.keys.to_pylist()), system=filing.system, table=filing.table.name
        )
        .exclude(file=filing.file)
        .values("pk", *WORDS)
    }
    yield
    if not before:
        return
    changed = SourceRecord.objects.filter(Among(F("pk"), list(before)), file=filing.file)
    Displaced.objects.bulk_create(
        Displaced(
            file=filing.file,
            record_id=pk,
            before_file_id=before[pk]["file_id"],
            line=before[pk]["line"],
            words={
                "digest": bytes(before[pk]["digest"]).hex(),
                "values": before[pk]["values"],
                "stamps": before[pk]["stamps"],
            },
            sealed=before[pk]["sealed"],
            observed_on=before[pk]["observed_on"],
        )
        for pk in changed.values_list("pk", flat=True)
    )


def _report(filing: Filing, began_at: datetime) -> dict[str, Any]:
    """Counts, and the records that join a customer who is there already or another row of the file."""
    count, file = filing.count, filing.file
    new = SourceRecord.objects.filter(file=file, created_at__gte=began_at)
    joined = new.filter(party__created_at__lt=began_at)
    parties = new.filter(party__created_at__gte=began_at)
    made = parties.order_by().values("party").distinct().count()
    listed = joined.order_by("line").values_list("line", "party__public_id")
    return {
        "read": count.read,
        "accepted": count.accepted,
        "rejected": count.rejected,
        "unchanged": count.unchanged,
        "left_out": count.left_out,
        "new": made,
        "same": parties.count() - made,
        "joined": joined.count(),
        "changed": Displaced.objects.filter(file=file).count(),
        "joins": [[line, str(party)] for line, party in listed[:JOINS_KEPT]],
    }


@contextmanager
def progress(upload: Upload) -> Iterator[Any]:
    """Tells how many rows are done, on a connection of its own: what a transaction says is heard when it has ended."""
    aside = connection.copy()
    last = 0.0

    def tell(rows: int) -> None:
        nonlocal last
        if time.monotonic() - last < PAUSE_SECONDS:
            return
        last = time.monotonic()
        said = {"user": upload.user_id, "event": EVENT, "data": {"upload": str(upload.public_id)}}
        with aside.cursor() as cursor:
            cursor.execute(
                "UPDATE masterdata_upload SET done = %s WHERE id = %s", [rows, upload.pk]
            )
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(said)])

    try:
        yield tell
    finally:
        aside.close()


def settle(
    actor: Actor,
    upload: Upload,
    state: State,
    *,
    report: Mapping[str, Any] | None = None,
    error: str = "",
) -> None:
    """Put down where an upload is now, and tell its owner."""
    with transaction.atomic():
        Upload.objects.filter(pk=upload.pk).update(
            state=state, report=report or {}, error=error, done=(report or {}).get("read", 0)
        )
        upload.state, upload.report, upload.error = state, dict(report or {}), error
        _ring(upload)
        if state in (State.LOADED, State.REVERTED):
            notify(
                actor=system("job upload"),
                kind="masterdata.upload",
                text=gettext_noop("The import of %(file)s has ended."),
                users=[upload.user_id],
                params={"file": upload.name},
                url=reverse("masterdata:upload", args=[upload.public_id]),
            )


def halt(upload: Upload, was: State, why: str = "") -> None:
    """Put down that the work at an upload ended in an error, and tell its owner: it is again where it was before.

    `why` is what a person can put right. What ended well before the error came stays as it is.
    """
    connection.close_if_unusable_or_obsolete()
    with transaction.atomic():
        found = Upload.objects.filter(pk=upload.pk, state=was)
        if not found.update(state=BEFORE[was], error=why or HALTED[was], done=0):
            return
        _ring(upload)
        notify(
            actor=system("job upload"),
            kind="masterdata.upload",
            text=gettext_noop("The work at %(file)s has stopped."),
            users=[upload.user_id],
            params={"file": upload.name},
            url=reverse("masterdata:upload", args=[upload.public_id]),
        )


def _ring(upload: Upload) -> None:
    """Tell the owner's open pages that the upload has moved on."""
    said = {"user": upload.user_id, "event": EVENT, "data": {"upload": str(upload.public_id)}}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(said)])
