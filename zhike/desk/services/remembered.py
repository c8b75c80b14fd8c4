"""What a person opened lately and what they pinned."""

from __future__ import annotations

from django.db import connection
from django.db.models import F, Model, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from zhike.desk.models import Remembered
from zhike.desk.subjects import subject_of
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.prepared import execute
from zhike.kernel.services import must_see, service

KEEP = 50
"""Records remembered for one person beside those they pinned."""
MOST_PINS = 30

_OPENED = """
INSERT INTO desk_remembered (user_id, subject, object_id, opened_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (user_id, subject, object_id) DO UPDATE SET opened_at = excluded.opened_at
RETURNING pinned_at IS NOT NULL OR EXISTS (
    SELECT 1 FROM desk_remembered r JOIN ({merged}) m ON m.key = r.object_id
    WHERE m.root = desk_remembered.object_id AND r.user_id = desk_remembered.user_id
        AND r.subject = desk_remembered.subject AND r.pinned_at IS NOT NULL)
"""


def remember(*, actor: Actor, row: Model) -> bool | None:
    """The actor opened the page of `row`; answers whether it is pinned, None for what is not remembered.

    One statement, for it is part of every such page; the caller has found the row in the actor's scope.
    """
    actor.must("account.use")
    subject = subject_of(row)
    if subject is None or actor.user_id is None:
        return None
    opened = _OPENED.format(merged=subject.merged)
    found = execute(connection, opened, [actor.user_id, subject.id, row.pk, clock.now()])
    return bool(found[0][0])


@service("account.use")
def pin(*, actor: Actor, row: Model, pinned: bool) -> None:
    """Keep `row` at hand, or no longer. Refused out of scope; raises UserError beyond `MOST_PINS`."""
    must_see(actor, row)
    subject = subject_of(row)
    if subject is None or actor.user_id is None:
        raise ValueError(f"{row._meta.label} is not registered as a subject")
    mine = Remembered.objects.visible_to(actor).filter(user=actor.user_id)
    if pinned and mine.filter(pinned_at__isnull=False).count() >= MOST_PINS:
        raise UserError(
            _("You have pinned %(count)d records.") % {"count": MOST_PINS},
            _("Unpin one you no longer need, then pin this one."),
        )
    if not pinned:  # the pin may be that of a row that is part of this one by now
        mine.filter(subject=subject.id, object_id__in=subject.parts(row.pk)).update(pinned_at=None)
    now = clock.now()
    Remembered.objects.update_or_create(
        user_id=actor.user_id,
        subject=subject.id,
        object_id=row.pk,
        defaults={"pinned_at": now if pinned else None},
        create_defaults={"pinned_at": now if pinned else None, "opened_at": now},
    )


@service("system.operate")
def forget_old(*, actor: Actor) -> int:
    """Drop what lies beyond the newest `KEEP` of each person and is not pinned; answers how many."""
    newest_first = Window(RowNumber(), partition_by="user", order_by=F("opened_at").desc())
    loose = Remembered.objects.filter(pinned_at__isnull=True).annotate(place=newest_first)
    old = loose.filter(place__gt=KEEP).values_list("pk", flat=True)
    return Remembered.objects.filter(pk__in=list(old)).delete()[0]
