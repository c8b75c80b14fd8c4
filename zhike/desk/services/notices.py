"""Notices, and what is told to the open pages of a person as it happens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.http import Http404
from django.utils.http import url_has_allowed_host_and_scheme

from zhike.desk.models import Notice
from zhike.desk.subjects import subject_of
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.services import service
from zhike.organisation.models import User

CHANNEL = "zhike_desk"
"""Where PostgreSQL's NOTIFY carries what `tell` says to the event stream (`zhike.config.asgi`)."""

CHANGED = "notices"
"""The event after which a page asks how many notices are unread."""

SIGNED_OUT = "signed-out"
"""The event that ends every stream of its user."""

JOIN_WITHIN = timedelta(hours=12)


def tell(user_id: int, event: str, data: Mapping[str, int | str]) -> None:
    """Say `event` to every open page of a user when the transaction commits; whoever is away misses it.

    `event` is lower case with dashes and reaches the page as the client event `zhike:<event>`. `data`
    carries public ids, counts and states, never a name; 7,000 bytes at most.
    """
    said = json.dumps({"user": user_id, "event": event, "data": dict(data)})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, said])


@service("account.use")
def notify(
    *,
    actor: Actor,
    kind: str,
    text: str,
    users: Iterable[int] = (),
    employees: Iterable[int] = (),
    params: Mapping[str, int | str] | None = None,
    row: Model | None = None,
    url: str = "",
    many: tuple[str, str] | None = None,
) -> int:
    """Put a notice on the desks of users and employees (their keys); answers how many got it.

    `text` is an English msgid, filled with `params` (class C1 at most) in each reader's language. `row`,
    of a registered subject, stands in it as %(row)s: only its key is kept, and the name is read in the
    reader's scope. `url` is a path of this site. Whoever acts needs no notice of it, nor does a closed
    account.

    With `many`, a msgid with %(count)s and its url, what comes on top of an unread notice of the same
    kind and day joins it: a hundred customers handed over are one line.
    """
    if url and not (url.startswith("/") and url_has_allowed_host_and_scheme(url, None)):
        raise ValueError(f"a notice leads to a path of this site, not to {url}")
    readers = set(
        User.objects.filter(is_active=True, pk__in=list(users)).values_list("pk", flat=True)
    ) | set(
        User.objects.filter(is_active=True, employee__in=list(employees)).values_list(
            "pk", flat=True
        )
    )
    readers.discard(actor.user_id or 0)
    now = clock.now()
    kept: dict[str, Any] = dict(params or {})
    if row is not None and (subject := subject_of(row)) is not None:
        kept["row"] = [subject.id, row.pk]
    joined = _join(readers, kind, many, now) if many else set()
    Notice.objects.bulk_create(
        Notice(user_id=reader, kind=kind, text=text, params=kept, url=url, at=now)
        for reader in sorted(readers - joined)
    )
    for reader in sorted(readers):
        tell(reader, CHANGED, {})
    return len(readers)


def _join(readers: set[int], kind: str, many: tuple[str, str], now: datetime) -> set[int]:
    """Let the unread notices of today count one more; answers whose."""
    joined = set()
    waiting = Notice.objects.select_for_update().filter(
        user__in=readers, kind=kind, read_at__isnull=True, at__gte=now - JOIN_WITHIN
    )
    for notice in waiting.order_by("user", "-at"):
        if notice.user_id not in joined:
            joined.add(notice.user_id)
            notice.text, notice.url = many
            notice.params = {"count": notice.params.get("count", 1) + 1}
            notice.at = now
            notice.save(update_fields=["text", "url", "params", "at"])
    return joined


@service("account.use")
def mark_read(*, actor: Actor, public_id: UUID) -> Notice:
    """One's own notice is known from now on. Raises Http404 for another's, as for none."""
    mine = Notice.objects.visible_to(actor).select_for_update()
    notice = mine.filter(public_id=public_id).first()
    if notice is None:
        raise Http404
    if notice.read_at is None:
        notice.read_at = clock.now()
        notice.save(update_fields=["read_at"])
        tell(notice.user_id, CHANGED, {})
    return notice


@service("account.use")
def mark_all_read(*, actor: Actor) -> int:
    """Every unread notice of one's own; answers how many there were."""
    unread = Notice.objects.visible_to(actor).filter(user=actor.user_id, read_at__isnull=True)
    count = unread.update(read_at=clock.now())
    if count and actor.user_id:
        tell(actor.user_id, CHANGED, {})
    return count
