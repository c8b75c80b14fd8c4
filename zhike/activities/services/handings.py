"""Lines from one list to another: what a head does when somebody is ill, away or has too much."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.access.queries import actor_for
from zhike.activities.models import Handing, WorkItem
from zhike.activities.queries.team import team_members
from zhike.activities.services.items import locked, words
from zhike.customers.models import Assignment, Party
from zhike.customers.services import assign, release
from zhike.desk.kinds import NoticeKind, kinds
from zhike.desk.services.notices import notify
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import change, must_see, service
from zhike.organisation.models import Employee

NOTICE = NoticeKind("activities.handed_over", icon="user-share")
kinds.register(NOTICE)


@service("activities.hand_over")
def hand_over_lines(
    *, actor: Actor, items: Iterable[WorkItem], to: Employee, reason: str
) -> list[Handing]:
    """Put open lines on the list of `to`, who works in the actor's reach; the main managers stay.

    Whoever could not see a customer assists there from today on. Raises UserError without a reason, for somebody
    outside the team, for a line that is not open, and when every line stands on that list already.
    """
    reason = words(reason, _("Say why the lines change hands."))
    if not team_members(actor).filter(pk=to.pk).exists():
        raise UserError(
            _("%(name)s does not work customers in your reach.") % {"name": to.name},
            _("Choose somebody of the team."),
        )
    lines = [line for item in items if (line := locked(actor, item, "open")).employee_id != to.pk]
    if not lines:
        raise UserError(
            _("These lines stand on the list of %(name)s already.") % {"name": to.name},
            _("Choose somebody else."),
        )
    seen = _seen_by(to, lines)
    batch, made = uuid4(), []
    for line in lines:
        assists = line.party_id not in seen
        if assists:
            role = Assignment.Role.ASSISTANT
            assign(actor=actor, party=line.party, employee=to, reason=reason, role=role)
            seen.add(line.party_id)
        handing = Handing.objects.create(
            item=line,
            batch=batch,
            giver_id=line.employee_id,
            receiver=to,
            by_id=actor.employee_id,
            reason=reason,
            at=clock.now(),
            assists=assists,
        )
        change(
            actor,
            line,
            {"employee": to},
            action="activities.item.hand_over",
            reason=reason,
            party_id=line.party_id,
        )
        must_see(actor, handing)
        made.append(handing)
    _tell(actor, to, made)
    return made


def _seen_by(who: Employee, lines: list[WorkItem]) -> set[int]:
    """Of the lines' customers those that `who` sees anyway."""
    user = getattr(who, "user", None)
    parties = {line.party_id for line in lines}
    if user is None:
        looked_after = Assignment.objects.filter(employee=who, during__contains=clock.today())
        return set(looked_after.filter(party__in=parties).values_list("party_id", flat=True))
    seen = Party.objects.visible_to(actor_for(user)).filter(pk__in=parties)
    return set(seen.values_list("pk", flat=True))


def _tell(actor: Actor, to: Employee, made: list[Handing]) -> None:
    """What comes one by one, from a job over many lines, joins into one notice."""
    mine = reverse("activities:mine")
    many = (gettext_noop("%(count)s lines were handed over to you."), mine)
    notify(
        actor=actor,
        kind=NOTICE.id,
        text=gettext_noop("%(by)s put lines on your list: %(count)s. %(reason)s"),
        params={"by": actor.name, "count": len(made), "reason": made[0].reason},
        employees=[to.pk],
        url=mine,
        many=many if len(made) == 1 else None,
    )


@service("activities.hand_over")
def take_lines_back(*, actor: Actor, handing: Handing) -> list[WorkItem]:
    """Undo: what was given with `handing` and is still open on that list goes back to whoever had it.

    Who was made an assistant for it is one no longer. Raises UserError when nothing is left to be taken back.
    """
    together = Handing.objects.visible_to(actor).filter(
        batch=handing.batch, taken_back_at=None, item__state=WorkItem.State.OPEN
    )
    back = []
    for each in together.select_related("item__party", "giver", "receiver").order_by("pk"):
        line = locked(actor, each.item, "open")
        if line.employee_id != each.receiver_id or each.giver.left_on is not None:
            continue
        action = "activities.item.take_back"
        change(actor, line, {"employee": each.giver}, action=action, party_id=line.party_id)
        Handing.objects.filter(pk=each.pk).update(taken_back_at=clock.now())
        back.append((each, line))
    if not back:
        raise UserError(
            _("Nothing of it is left to be taken back."),
            _("Hand over what is open now."),
        )
    for each, line in back:
        if each.assists:
            _release(actor, each, line)
    return [line for _handing, line in back]


def _release(actor: Actor, handing: Handing, line: WorkItem) -> None:
    """End the help that was begun for the line, unless other lines of the customer still need it."""
    needed = WorkItem.objects.filter(
        party=line.party_id, employee=handing.receiver_id, state=WorkItem.State.OPEN
    )
    helps = Assignment.objects.filter(
        party=line.party_id,
        employee=handing.receiver_id,
        role=Assignment.Role.ASSISTANT,
        during__contains=clock.today(),
    )
    if helps.exists() and not needed.exists():
        release(
            actor=actor, party=line.party, employee=handing.receiver, reason=_("lines taken back")
        )
