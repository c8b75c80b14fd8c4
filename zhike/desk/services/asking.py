"""What one person asks for and a second one answers: agreed to, refused, taken back, or over by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.access.models import ApprovalKind
from zhike.access.queries import must_approve, roles_agreeing
from zhike.desk.models import BulkRun, TakenFile
from zhike.desk.queries import holders_over
from zhike.desk.services.notices import notify
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_be_another, must_see, service
from zhike.organisation.models import Employee, User

R = TypeVar("R", BulkRun, TakenFile)


class Asking(ABC, Generic[R]):
    """One kind of wish: what is its own; the way from asking to the end is the same for all."""

    model: type[R]
    waiting: ClassVar[str]
    """The state in which somebody is to answer; `agreed` that after a yes."""
    agreed: ClassVar[str]
    open: ClassVar[frozenset[str]]
    """The states which taking back, leaving and time put an end to."""
    deed: ClassVar[str]
    """How its deeds on the trail begin."""
    page: ClassVar[str]
    """The name of its address, which takes `public_id`."""
    notices: ClassVar[tuple[str, str]]
    """The kinds of what is told: that somebody asks, and what became of it."""
    asks: ClassVar[str]
    """A msgid with %(who)s and %(rows)s; `refused` one with %(reason)s, `unanswered` one without gaps."""
    refused: ClassVar[str]
    unanswered: ClassVar[str]

    @abstractmethod
    def level(self, row: R) -> ApprovalKind:
        """What decides whose role reaches so far."""

    @abstractmethod
    def amount(self, row: R) -> int:
        """How many rows it is about."""

    @abstractmethod
    def told(self, row: R) -> Mapping[str, tuple[Any, Any]]:
        """What the trail tells of it, as changes."""

    @abstractmethod
    def begin(self, row: R) -> None:
        """It was agreed to."""

    @abstractmethod
    def over(self, row: R) -> None:
        """It ended."""

    def ask(self, actor: Actor, row: R, who: Employee, why: str = "") -> R:
        """Let the row, in the state `waiting`, be answered by whoever may agree to so much."""
        self.note(actor, "ask", row, why)
        enough = roles_agreeing(self.level(row), self.amount(row))
        notify(
            actor=actor,
            kind=self.notices[0],
            text=self.asks,
            employees=holders_over(row.approval, who.unit, besides=who.pk, among=enough),
            params={"who": actor.name, "rows": self.amount(row)},
            url=self._url(row),
        )
        return row

    @service("account.use", proof=True)
    def approve(self, *, actor: Actor, public_id: UUID) -> R:
        """Agree to what somebody else asks for: it begins, as theirs and with their rights.

        Refused for one's own wish, without the right, and for more rows than one's role agrees to; raises UserError
        where nothing waits any more, Http404 for what one does not see.
        """
        row = self._waiting(actor, public_id, "approve")
        must_approve(
            actor,
            asked_by=row.user_id,
            kind=self.level(row),
            amount=self.amount(row),
            action=f"{self.deed}.approve",
        )
        self._answer(actor, row, self.agreed)
        self.note(actor, "approve", row)
        self.begin(row)
        return row

    @service("account.use")
    def refuse(self, *, actor: Actor, public_id: UUID, reason: str) -> R:
        """Somebody else's wish is not granted, with the reason they are told."""
        row = self._waiting(actor, public_id, "refuse")
        if len(reason.strip()) < 2:
            raise UserError(_("A reason is missing."), _("Say in a few words why."))
        self._answer(actor, row, self.model.State.REFUSED, reason.strip()[:200])
        self.note(actor, "refuse", row, row.reason)
        self.tell(actor, row, self.refused, reason=row.reason)
        return row

    @service("account.use")
    def take_back(self, *, actor: Actor, public_id: UUID) -> R:
        """One's own is no longer wanted. Raises Http404 for another's."""
        mine = self.model.objects.visible_to(actor).filter(user=actor.user_id, public_id=public_id)
        row = mine.select_for_update(of=("self",)).first()
        if row is None:
            raise Http404
        if row.state in self.open:
            self.end(actor, row, "take_back")
        return row

    @service("system.operate")
    def end_old(self, *, actor: Actor) -> int:
        """What nobody answered in time, and what was kept long enough, is over; answers how many."""
        old = self._open().filter(until__lte=clock.now())
        ended = list(old.select_for_update(of=("self",), skip_locked=True))
        for row in ended:
            unanswered = row.state == self.waiting
            self.end(actor, row, "expire")
            if unanswered:
                self.tell(actor, row, self.unanswered)
        return len(ended)

    @service("organisation.administer")
    def end_of(self, *, actor: Actor, user: User, reason: str) -> int:
        """Nothing that somebody who leaves asked for is answered or done any more; answers how much it was."""
        ended = list(self._open().filter(user=user).select_for_update(of=("self",)))
        for row in ended:
            self.end(actor, row, "end", reason)
        return len(ended)

    def end(self, actor: Actor, row: R, how: str, reason: str = "", state: str = "ended") -> None:
        """`how` is the rest of the deed's name."""
        row.state, row.reason = state, row.reason or reason[:200]
        row.save(update_fields=["state", "reason"])
        self.over(row)
        self.note(actor, how, row, reason)

    def note(self, actor: Actor, how: str, row: R, why: str = "") -> None:
        """Onto the trail."""
        audit.record(actor, f"{self.deed}.{how}", row, changes=self.told(row), reason=why)

    def tell(self, actor: Actor, row: R, text: str, **params: str) -> None:
        """Whoever asked."""
        notify(
            actor=actor,
            kind=self.notices[1],
            text=text,
            users=[row.user_id],
            params=params,
            url=self._url(row),
        )

    def _open(self) -> QuerySet[R]:
        return self.model.objects.filter(state__in=self.open)

    def _waiting(self, actor: Actor, public_id: UUID, how: str) -> R:
        there = self.model.objects.visible_to(actor).select_for_update(of=("self",))
        row = there.filter(public_id=public_id).exclude(approval="").first()
        if row is None:
            raise Http404
        must_be_another(actor, f"{self.deed}.{how}", user=row.user_id)
        actor.must(row.approval)
        must_see(actor.within(row.approval), row)
        if row.state != self.waiting or row.until is None or row.until <= clock.now():
            raise UserError(_("This does not wait for an answer any more."), _("Reload the page."))
        return row

    def _answer(self, actor: Actor, row: R, state: str, reason: str = "") -> None:
        row.state, row.reason = state, reason
        row.answered_by_id, row.answered_name = actor.user_id, actor.name
        row.answered_at = clock.now()
        row.save(update_fields=["state", "reason", "answered_by", "answered_name", "answered_at"])

    def _url(self, row: R) -> str:
        return reverse(self.page, kwargs={"public_id": row.public_id})
