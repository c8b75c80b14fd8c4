"""Files that people take away: alone, or with the word of a second person; each on record, each row marked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.access.models import ApprovalKind
from zhike.access.queries import must_approve, roles_agreeing
from zhike.access.services.pace import note_taken
from zhike.desk import marks, rules
from zhike.desk.models import TakenFile
from zhike.desk.queries import holders_over
from zhike.desk.services.notices import notify
from zhike.kernel import audit, clock, crypto
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_be_another, must_see, service
from zhike.kernel.vault import SealedReader, SealedWriter
from zhike.organisation.models import User
from zhike.ui.lists.taking import Mark, Wanted, sources

State = TakenFile.State
ASKED, ANSWERED = "desk.file_asked", "desk.file_answered"
OPEN = (State.WAITING, State.APPROVED, State.READY)


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
    actor.must(sources.get(wanted.source).view().permission)
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
        approval=sources.get(wanted.source).view().approval,
        state=State.WAITING if waits else State.TAKEN,
        until=clock.now() + rules.ANSWERED_WITHIN if waits else None,
    )
    if wanted.source == "customers":
        note_taken(actor, wanted.keys)
    if not waits:
        _note(actor, f"export.{wanted.source}", file)
        return file
    _note(actor, "export.ask", file, wanted.why)
    enough = roles_agreeing(_kind(file), file.rows)
    asked = holders_over(file.approval, who.employee.unit, besides=who.employee.pk, among=enough)
    notify(
        actor=actor,
        kind=ASKED,
        text=gettext_noop(
            "%(who)s asks for a file of %(rows)s rows, and waits for a second person."
        ),
        employees=asked,
        params={"who": actor.name, "rows": file.rows},
        url=_url(file),
    )
    return file


@service("account.use", proof=True)
def approve(*, actor: Actor, public_id: UUID) -> TakenFile:
    """Agree to what somebody else asks for: the file is made as a job, for them alone.

    Refused for one's own request, without the right, and for more rows than one's role agrees to; raises UserError
    where nothing waits any more.
    """
    file = _waiting(actor, public_id, "export.approve")
    must_approve(
        actor, asked_by=file.user_id, kind=_kind(file), amount=file.rows, action="export.approve"
    )
    _answer(actor, file, State.APPROVED, "")
    file.until = clock.now() + rules.KEPT_FOR
    file.save(update_fields=["until"])
    _note(actor, "export.approve", file)
    _defer(file)
    return file


@service("account.use")
def refuse(*, actor: Actor, public_id: UUID, reason: str) -> TakenFile:
    """Somebody else's request is not granted, with the reason they are told."""
    file = _waiting(actor, public_id, "export.refuse")
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    _answer(actor, file, State.REFUSED, reason.strip()[:200])
    _note(actor, "export.refuse", file, reason.strip())
    notify(
        actor=actor,
        kind=ANSWERED,
        text=gettext_noop("The file you asked for was refused: %(reason)s"),
        users=[file.user_id],
        params={"reason": file.reason},
        url=_url(file),
    )
    return file


@service("account.use")
def take_back(*, actor: Actor, public_id: UUID) -> TakenFile:
    """One's own request, or a file not fetched yet, is no longer wanted. Raises Http404 for another's."""
    mine = TakenFile.objects.visible_to(actor).filter(user=actor.user_id, public_id=public_id)
    file = mine.select_for_update(of=("self",)).first()
    if file is None:
        raise Http404
    if file.state in OPEN:
        _end(actor, file, "export.take_back")
    return file


@service("account.use")
def make(*, actor: Actor, file_id: int) -> None:
    """Make the file that was agreed to, as its owner and with their rights of now; sealed on the disk."""
    file = TakenFile.objects.select_for_update(of=("self",)).get(pk=file_id, user=actor.user_id)
    if file.state != State.APPROVED:
        return
    source = sources.get(file.source)
    if not (decision := actor.may(source.view().permission)):
        _end(actor, file, "export.end", State.FAILED, decision.reason)
        return
    view = source.opened(actor, file.query)
    made = view.write(file.kind, file.keys, file.clear, mark_of(file))
    file.path = crypto.file_name()
    with _sealing(file.path) as sealed:
        sealed.write(made.getvalue())
    file.state, file.until = State.READY, clock.now() + rules.KEPT_FOR
    file.save(update_fields=["state", "until", "path"])
    _note(actor, "export.make", file)
    notify(
        actor=system("job file"),
        kind=ANSWERED,
        text=gettext_noop("The file you asked for is ready. It is kept for a day."),
        users=[file.user_id],
        url=_url(file),
    )


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
    _note(actor, f"export.{file.source}", file)
    sealed = SealedReader((_folder() / file.path).open("rb"), crypto.file_key("export", file.path))
    return file, cast("BinaryIO", sealed)


@service("system.operate")
def end_old(*, actor: Actor) -> int:
    """What was not answered in time, and what was kept long enough, is over; answers how many."""
    old = _open().filter(until__lte=clock.now()).select_for_update(of=("self",), skip_locked=True)
    ended = list(old)
    for file in ended:
        unanswered = file.state == State.WAITING
        _end(actor, file, "export.expire")
        if unanswered:
            notify(
                actor=actor,
                kind=ANSWERED,
                text=gettext_noop("Nobody answered in time for the file you asked for. Ask again."),
                users=[file.user_id],
                url=_url(file),
            )
    return len(ended)


@service("organisation.administer")
def end_of(*, actor: Actor, user: User, reason: str) -> int:
    """Nothing that somebody who leaves asked for is answered, made or fetched any more; answers how much."""
    files = list(_open().filter(user=user).select_for_update(of=("self",)))
    for file in files:
        _end(actor, file, "export.end", State.ENDED, reason)
    return len(files)


@service("access.read_audit")
def trace(*, actor: Actor, code: str) -> tuple[TakenFile, int] | None:
    """The file a code was given in and the key of its row; None where no file gave it. On record either way."""
    number = marks.file_of(code) or 0
    file = TakenFile.objects.select_related("user__employee", "unit").filter(pk=number).first()
    row = marks.row_of(code, file.pk, file.keys) if file is not None else None
    audit.record(actor, "export.trace", file if row is not None else None, reason=code[:20])
    return (file, row) if file is not None and row is not None else None


def _open() -> QuerySet[TakenFile]:
    return TakenFile.objects.filter(state__in=OPEN)


def _waiting(actor: Actor, public_id: UUID, action: str) -> TakenFile:
    file = (
        TakenFile.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .filter(public_id=public_id)
        .first()
    )
    if file is None:
        raise Http404
    must_be_another(actor, action, user=file.user_id)
    actor.must(file.approval)
    must_see(actor.within(file.approval), file)
    if file.state != State.WAITING or file.until is None or file.until <= clock.now():
        raise UserError(_("This does not wait for an answer any more."), _("Reload the page."))
    return file


def _kind(file: TakenFile) -> ApprovalKind:
    return ApprovalKind.CLEAR if file.clear else ApprovalKind.FILE


def _answer(actor: Actor, file: TakenFile, state: TakenFile.State, reason: str) -> None:
    file.state, file.reason = state, reason
    file.answered_by_id, file.answered_name = actor.user_id, actor.name
    file.answered_at = clock.now()
    file.save(update_fields=["state", "reason", "answered_by", "answered_name", "answered_at"])


def _end(
    actor: Actor,
    file: TakenFile,
    action: str,
    state: TakenFile.State = State.ENDED,
    reason: str = "",
) -> None:
    path, file.path, file.state = file.path, "", state
    file.reason = file.reason or reason[:200]
    file.save(update_fields=["path", "state", "reason"])
    _note(actor, action, file, reason)
    if path:
        # A transaction that rolls back leaves it; what the row no longer names nobody can ask for.
        transaction.on_commit(lambda: (_folder() / path).unlink(missing_ok=True))


def _note(actor: Actor, action: str, file: TakenFile, why: str = "") -> None:
    clear = {"clear": (None, [name for name, _label in file.clear])} if file.clear else {}
    changes = {"source": (None, file.source), "rows": (None, file.rows), **clear}
    audit.record(actor, action, file, changes=changes, reason=why)


def _url(file: TakenFile) -> str:
    return reverse("desk:file", kwargs={"public_id": file.public_id})


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


def _defer(file: TakenFile) -> None:
    from zhike.desk.tasks import make_file  # the tasks are read before the rooms are ready

    make_file.configure(lock=f"file-{file.pk}").defer(file=file.pk)
