"""An upload from its arrival to an import: how it is read, what its columns are, a check that writes nothing, the load.

Check and load are the same code in one transaction over the whole file; the check's is rolled back.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.desk.services.notices import CHANNEL, notify
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.services import service
from zhike.masterdata.mapping import SourceMapping
from zhike.masterdata.models import (
    Displaced,
    ImportFile,
    ImportRun,
    KeptMapping,
    SourceRecord,
    SourceSystem,
    Upload,
)
from zhike.masterdata.rejects import Reject, RejectFile, masked
from zhike.masterdata.rows import Rows, prepared
from zhike.masterdata.services import loading, masters
from zhike.masterdata.services.filing import Filing
from zhike.masterdata.wizard import sandbox, vault
from zhike.masterdata.wizard.drafting import Draft, draft_of, mapping_of, toml
from zhike.masterdata.wizard.receiving import SealedFile
from zhike.masterdata.wizard.shapes import Look, Reading

State = Upload.State
EVENT = "import"
MOST_OPEN = 10
SHOWN = 20
KINDS_KEPT = 200
JOINS_KEPT = 200
PAUSE_SECONDS = 0.5
WORKING = (State.CHECKING, State.LOADING, State.REVERTING)
OPEN = (State.ARRIVED, State.MAPPED, State.CHECKED)
SUFFIX = ".csv"
KEPT_FOR = timedelta(days=7)


class _Undone(Exception):
    """Carries what a check found out of the transaction it rolls back."""


@service("masterdata.load")
def receive_upload(*, actor: Actor, file: SealedFile, corrects: ImportRun | None = None) -> Upload:
    """Take an upload in and look at it. With `corrects` it is read like the file of that run was.

    Raises UserError for a file that is nothing we read, and for too many unfinished ones; nothing of it stays then.
    """
    assert actor.user_id is not None, "only a person uploads"
    try:
        waiting = Upload.objects.filter(user=actor.user_id, state__in=OPEN).count()
        if waiting >= MOST_OPEN:
            raise UserError(
                _("%(n)s files are waiting already.") % {"n": waiting},
                _("Load or discard one of them first."),
            )
        before = Upload.objects.filter(run=corrects).first() if corrects else None
        reading = _reading_of(before) if before else Reading()
        seen = sandbox.look(file.stored, str(file.name), reading)
        upload = Upload(
            user_id=actor.user_id,
            name=str(file.name),
            bytes=file.size or 0,
            digest=file.digest,
            stored=file.stored,
            corrects=corrects,
        )
        _put_look(upload, seen)
        if before is not None:
            _map(upload, draft_of(mapping_of(before.mapping)), seen)
        upload.save()
    except BaseException:
        vault.discard(file.stored)
        raise
    audit.record(
        actor, "masterdata.upload.receive", upload, changes={"digest": (None, file.digest)}
    )
    return upload


def look_of(upload: Upload) -> Look:
    """What the upload looks like, in clear: for its owner's own page."""
    assert upload.look is not None
    found = json.loads(crypto.decrypt(bytes(upload.look), upload.place))
    return sandbox.looked(found)


@service("masterdata.load")
def read_upload(*, actor: Actor, upload: Upload, reading: Reading) -> Upload:
    """Look again, read as the person says. Raises UserError where it cannot be read so."""
    upload = _own(actor, upload, OPEN)
    _put_look(upload, sandbox.look(upload.stored, upload.name, reading))
    upload.mapping, upload.state, upload.report = "", State.ARRIVED, {}
    upload.save()
    return upload


@service("masterdata.load")
def map_upload(*, actor: Actor, upload: Upload, draft: Draft, keep_as: str = "") -> Upload:
    """What each column is; kept by the name `keep_as` for the next file of this shape, where one is given.

    Raises UserError for what the mapping cannot say, and for a field the wizard does not fill.
    """
    upload = _own(actor, upload, OPEN)
    seen = look_of(upload)
    _map(upload, draft, seen)
    upload.save()
    if keep_as:
        KeptMapping.objects.update_or_create(
            name=keep_as[:60],
            defaults={"text": upload.mapping, "header": list(seen.header), "by": actor.name},
        )
        audit.record(actor, "masterdata.mapping.keep", upload, reason=keep_as[:60])
    return upload


def _map(upload: Upload, draft: Draft, seen: Look) -> None:
    if seen.problem or not seen.header:
        raise UserError(seen.problem, _("Say how the file is to be read."))
    text = toml(draft, seen)
    mapping_of(text, upload.name)
    upload.mapping, upload.state, upload.report, upload.error = text, State.MAPPED, {}, ""


@service("masterdata.load")
def drop_upload(*, actor: Actor, upload: Upload) -> None:
    """Away with a file that is not to be loaded."""
    upload = _own(actor, upload, OPEN)
    audit.record(actor, "masterdata.upload.drop", upload)
    upload.delete()
    transaction.on_commit(lambda: vault.discard(upload.stored))


@service("masterdata.load")
def ask_check(*, actor: Actor, upload: Upload) -> Upload:
    """Have the whole file checked by a job."""
    return _ask(_own(actor, upload, (State.MAPPED, State.CHECKED)), State.CHECKING)


@service("masterdata.load")
def ask_load(*, actor: Actor, upload: Upload) -> Upload:
    """Have the checked file loaded by a job. Raises UserError where nothing of it can be taken."""
    upload = _own(actor, upload, (State.CHECKED,))
    if not upload.report.get("accepted"):
        raise UserError(
            _("No row of this file would change anything."), _("Correct the file or the mapping.")
        )
    audit.record(actor, "masterdata.upload.load", upload)
    return _ask(upload, State.LOADING)


def _ask(upload: Upload, state: State) -> Upload:
    from zhike.masterdata.tasks import work_on_upload  # the tasks are read before the rooms are

    upload.state, upload.done, upload.error = state, 0, ""
    upload.total = look_of(upload).count or 0
    upload.save()
    work_on_upload.configure(lock=f"upload-{upload.pk}").defer(upload=upload.pk)
    return upload


def _own(actor: Actor, upload: Upload, states: tuple[State, ...]) -> Upload:
    """The upload, locked, if it is the actor's and in one of these states."""
    mine = Upload.objects.visible_to(actor).select_for_update()
    found = mine.filter(pk=upload.pk).first()
    if found is None:
        raise Http404
    if found.state not in states:
        raise UserError(_("This file has gone on meanwhile."), _("Reload the page."))
    return found


def _reading_of(upload: Upload) -> Reading:
    table = mapping_of(upload.mapping).tables[0]
    text = table.format == "csv"
    return Reading(
        encoding=table.encoding if text else None,
        separator=table.separator if text else None,
        sheet=table.sheet or None,
        skip_rows=table.skip_rows,
    )


def _put_look(upload: Upload, seen: Look) -> None:
    upload.look = crypto.encrypt(json.dumps(asdict(seen)), upload.place)


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
            report, _file = _take_in(actor, upload, mapping, run, f"check-{upload.public_id}")
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
    actor: Actor, upload: Upload, mapping: SourceMapping, run: ImportRun, rejects_in: str
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
    began_at = _now_there()
    faults: Counter[tuple[str, str]] = Counter()
    preview: list[list[str]] = []
    with RejectFile(rejects_in, table.name, upload.name) as rejects, _progress(upload) as tell:

        def refuse(reject: Reject) -> None:
            rejects.add(reject)
            if len(faults) < KINDS_KEPT or (reject.column, reject.reason) in faults:
                faults[reject.column, reject.reason] += 1

        trust = dict(SourceSystem.objects.values_list("code", "trust"))
        filing = Filing(actor, mapping, run.system, table, file, refuse, trust)
        batches = sandbox.rows(upload.stored, upload.name, table)
        for rows in prepared(_called(upload), mapping, table, {}, refuse, batches):
            preview += _preview(filing, rows)[: SHOWN - len(preview)]
            with _remembering(filing, rows):
                masters.take(filing, rows)
            tell(filing.count.read)
        masters.settle(filing)
        loading.record_counts(filing, rejects.path, time.monotonic() - began)
        report = _report(filing, began_at) | {
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


def _preview(filing: Filing, rows: Rows) -> list[list[str]]:
    """The first rows as they will be, what identifies a person masked: line and values in the order of the fields."""
    table = filing.table
    listed = []
    columns = [rows.values[name].slice(0, SHOWN).to_pylist() for name in table.fields]
    masks = [table.takes(name).mask for name in table.fields]
    for number, line in enumerate(rows.lines.slice(0, SHOWN).to_pylist()):
        cells = [
            "" if column[number] is None else masked(str(column[number]), mask)
            for column, mask in zip(columns, masks, strict=True)
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
            system=filing.system, table=filing.table.name, key__in=rows.keys.to_pylist()
        )
        .exclude(file=filing.file)
        .values("pk", *WORDS)
    }
    yield
    if not before:
        return
    changed = SourceRecord.objects.filter(pk__in=before, file=filing.file)
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
def _progress(upload: Upload) -> Iterator[Any]:
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
        said = {"user": upload.user_id, "event": EVENT, "data": {"upload": str(upload.public_id)}}
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps(said)])
        if state in (State.LOADED, State.REVERTED):
            notify(
                actor=system("job upload"),
                kind="masterdata.upload",
                text=gettext_noop("The import of %(file)s has ended."),
                users=[upload.user_id],
                params={"file": upload.name},
                url=reverse("masterdata:upload", args=[upload.public_id]),
            )


@service("masterdata.load")
def forget_old(*, actor: Actor) -> int:
    """Discard what nobody went on with for a week, and files without an upload; answers how many there were."""
    old = Upload.objects.filter(state__in=OPEN, created_at__lt=clock.now() - KEPT_FOR)
    dropped = [upload.stored for upload in old]
    old.delete()
    wanted = set(Upload.objects.exclude(stored="").values_list("stored", flat=True))
    orphans = [name for name in vault.names(older_than=KEPT_FOR) if name not in wanted]
    for name in {*dropped, *orphans}:
        transaction.on_commit(partial(vault.discard, name))
    if dropped:
        audit.record(actor, "masterdata.upload.forget", reason=str(len(dropped)))
    return len(dropped)
