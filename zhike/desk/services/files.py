"""Files that people take away: alone, or with the word of a second person; each on record, each row marked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.access.models import ApprovalKind
from zhike.desk import marks, rules
from zhike.desk.models import TakenFile
from zhike.desk.services.asking import Asking
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.services import service
from zhike.kernel.vault import SealedReader, SealedWriter
from zhike.organisation.models import User
from zhike.ui.lists.taking import Mark, Wanted, sources

State = TakenFile.State


class Files(Asking[TakenFile]):
    model = TakenFile
    waiting, agreed = State.WAITING, State.APPROVED
    open = frozenset({State.WAITING, State.APPROVED, State.READY})
    deed = "export"
    page = "desk:file"
    notices = ("desk.file_asked", "desk.file_answered")
    asks = gettext_noop("%(who)s asks for a file of %(rows)s rows, and waits for a second person.")
    refused = gettext_noop("The file you asked for was refused: %(reason)s")
    unanswered = gettext_noop("Nobody answered in time for the file you asked for. Ask again.")

    def level(self, row: TakenFile) -> ApprovalKind:
        return ApprovalKind.CLEAR if row.clear else ApprovalKind.FILE

    def amount(self, row: TakenFile) -> int:
        return row.rows

    def told(self, row: TakenFile) -> Mapping[str, tuple[Any, Any]]:
        clear = {"clear": (None, [name for name, _label in row.clear])} if row.clear else {}
        return {"source": (None, row.source), "rows": (None, row.rows), **clear}

    def begin(self, row: TakenFile) -> None:
        """A job makes it, for its owner alone."""
        from zhike.desk.tasks import make_file  # the tasks are read before the rooms are ready

        row.until = clock.now() + rules.KEPT_FOR
        row.save(update_fields=["until"])
        make_file.configure(lock=f"file-{row.pk}").defer(file=row.pk)

    def over(self, row: TakenFile) -> None:
        path, row.path = row.path, ""
        row.save(update_fields=["path"])
        if path:
            # A transaction that rolls back leaves it; what the row no longer names nobody can ask for.
            transaction.on_commit(lambda: (_folder() / path).unlink(missing_ok=True))


files = Files()
approve, refuse, take_back = files.approve, files.refuse, files.take_back
end_old, end_of = files.end_old, files.end_of
OPEN, ANSWERED = files.open, files.notices[1]


def mark_of(file: TakenFile) -> Mark:
    """The mark its rows carry."""
    return Mark(file.number, lambda row: marks.code_of(file.pk, row))


def second_person_wanted(actor: Actor, wanted: Wanted) -> bool:
    """Whether this leaves only with the word of somebody else."""
    since = clock.now() - rules.WITHIN
    alone = TakenFile.objects.filter(user=actor.user_id, created_at__gt=since, state=State.TAKEN)
    taken = alone.aggregate(rows=Sum("rows"))["rows"] or 0
    return rules.waits(len(wanted.keys), taken, bool(wanted.clear), limit())


def limit() -> int:
    """Rows somebody takes alone within a day: those of the installation, `rules.ALONE` at most."""
    return min(settings.ZHIKE_FILE_ROWS, rules.ALONE)


@service("account.use", proof=True)
def take(*, actor: Actor, wanted: Wanted) -> TakenFile:
    """Put on record that these rows leave now, or that they wait for a second person (`state`).

    Asked with the lock of the person, so that two files at once are counted one after the other. Raises UserError
    where a second person is wanted and nobody says what for.
    """
    source = sources.get(wanted.source)
    actor.must(source.view().permission)
    user = User.objects.select_for_update(of=("self",)).select_related("employee__unit")
    assert actor.user_id is not None, "only a person takes files away"
    who = user.get(pk=actor.user_id)
    assert who.employee is not None
    waits = second_person_wanted(actor, wanted)
    if waits and len(wanted.why) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words what for."))
    file = TakenFile.objects.create(
        user=who,
        unit=who.employee.unit,
        source=wanted.source,
        kind=wanted.kind,
        query=wanted.query,
        said=list(wanted.said),
        columns=list(wanted.columns),
        clear=list(wanted.clear),
        keys=list(wanted.keys),
        rows=len(wanted.keys),
        why=wanted.why,
        approval=source.view().approval,
        state=State.WAITING if waits else State.TAKEN,
        until=clock.now() + rules.ANSWERED_WITHIN if waits else None,
    )
    if source.taken is not None:
        source.taken(actor, wanted.keys)
    if not waits:
        files.note(actor, wanted.source, file)
        return file
    return files.ask(actor, file, who.employee, wanted.why)


@service("account.use")
def make(*, actor: Actor, file_id: int) -> None:
    """Make the file that was agreed to, as its owner and with their rights of now; sealed on the disk."""
    file = TakenFile.objects.select_for_update(of=("self",)).get(pk=file_id, user=actor.user_id)
    if file.state != State.APPROVED:
        return
    source = sources.get(file.source)
    if not (decision := actor.may(source.view().permission)):
        files.end(actor, file, "end", decision.reason, State.FAILED)
        return
    view = source.opened(actor, file.query)
    made = view.write(file.kind, file.keys, file.clear, mark_of(file))
    file.path = crypto.file_name()
    with _sealing(file.path) as sealed:
        sealed.write(made.getvalue())
    file.state, file.until = State.READY, clock.now() + rules.KEPT_FOR
    file.save(update_fields=["state", "until", "path"])
    files.note(actor, "make", file)
    ready = gettext_noop("The file you asked for is ready. It is kept for a day.")
    files.tell(system("job file"), file, ready)


@service("account.use", proof=True)
def fetch(*, actor: Actor, public_id: UUID) -> tuple[TakenFile, BinaryIO]:
    """One's own file, as long as it is kept and one may still take such files. Raises Http404 otherwise."""
    mine = TakenFile.objects.visible_to(actor).filter(user=actor.user_id, public_id=public_id)
    ready = mine.filter(state=State.READY, until__gt=clock.now())
    file = ready.select_for_update(of=("self",)).first()
    if file is None or not (_folder() / file.path).is_file():
        raise Http404
    actor.must(sources.get(file.source).view().permission)
    file.taken, file.times = clock.now(), file.times + 1
    file.save(update_fields=["taken", "times"])
    files.note(actor, file.source, file)
    sealed = SealedReader((_folder() / file.path).open("rb"), crypto.file_key("export", file.path))
    return file, cast("BinaryIO", sealed)


@service("access.read_audit")
def trace(*, actor: Actor, code: str) -> tuple[TakenFile, int] | None:
    """The file a code was given in and the key of its row; None where no file gave it. On record either way."""
    number = marks.file_of(code) or 0
    file = TakenFile.objects.select_related("user__employee", "unit").filter(pk=number).first()
    row = marks.row_of(code, file.pk, file.keys) if file is not None else None
    audit.record(actor, "export.trace", file if row is not None else None, reason=code[:20])
    return (file, row) if file is not None and row is not None else None


def _folder() -> Path:
    return Path(settings.ZHIKE_HOME) / "exports"


def _sealing(name: str) -> SealedWriter:
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = os.open(_folder() / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return _Sealing(os.fdopen(opened, "wb"), crypto.file_key("export", name))


class _Sealing(SealedWriter):
    """Closes its file as well."""

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[arg-type]
        self._file.close()
