"""An upload from its arrival to the job at it: how it is read, what its columns are, when it is checked and loaded."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404
from django.utils.translation import gettext as _

from zhike.kernel import audit, clock, crypto, wall
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import service
from zhike.masterdata.models import ImportFile, ImportRun, KeptMapping, SourceRecord, Upload
from zhike.masterdata.wizard import sandbox, vault
from zhike.masterdata.wizard.drafting import Draft, draft_of, mapping_of, toml
from zhike.masterdata.wizard.receiving import SealedFile
from zhike.masterdata.wizard.shapes import Look, Reading

State = Upload.State
MOST_OPEN = 10
WORKING = (State.CHECKING, State.LOADING, State.REVERTING)
OPEN = (State.ARRIVED, State.MAPPED, State.CHECKED)
KEPT_FOR = timedelta(days=7)


@service("masterdata.load")
def receive_upload(*, actor: Actor, file: SealedFile, corrects: ImportRun | None = None) -> Upload:
    """Take an upload in and look at it. With `corrects` it is read like the file of that run was.

    Raises UserError for a file that is nothing we read, and for too many unfinished ones; nothing of it stays then.
    """
    assert actor.user_id is not None, "only a person uploads"
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
    file.kept = True
    audit.record(
        actor, "masterdata.upload.receive", upload, changes={"digest": (None, file.digest)}
    )
    return upload


@wall.lowered()  # whether there are records is asked, not whose
def tables_of_customers(actor: Actor) -> list[tuple[str, str]]:
    """(source:table, what it is called) of every table whose keys lead to customers."""
    records = SourceRecord.objects.filter(system=OuterRef("run__system"), table=OuterRef("table"))
    files = ImportFile.objects.visible_to(actor).filter(Exists(records)).order_by()
    named = files.values_list("run__system__code", "run__system__name", "table").distinct()
    return [
        (f"{code}:{table}", f"{name} · {table}")
        for code, name, table in sorted(named, key=lambda each: each[1:])
    ]


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
    work_on_upload.configure(lock=lock_of(upload)).defer(upload=upload.pk)
    return upload


def lock_of(upload: Upload) -> str:
    """Jobs at files of one source wait for each other."""
    return f"import-{mapping_of(upload.mapping).source.code}"


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
