"""Notices, and what is told to the open pages of a person as it happens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection
from django.http import Http404
from django.utils.http import url_has_allowed_host_and_scheme

from zhike.desk.models import Notice
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.services import service
from zhike.organisation.models import User

CHANNEL = "zhike_desk"
"""Where PostgreSQL's NOTIFY carries what `tell` says to the event stream (`zhike.config.asgi`)."""

CHANGED = "notices"
"""The event after which a page asks how many notices are unread."""


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
    url: str = "",
) -> int:
    """Put a notice on the desks of users and employees (their keys); answers how many got it.

    `text` is an English msgid, filled with `params` (class C1 at most) in each reader's language; `url`
    is a path of this site. Whoever acts needs no notice of it, nor does a closed account.
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
    Notice.objects.bulk_create(
        Notice(user_id=reader, kind=kind, text=text, params=dict(params or {}), url=url, at=now)
        for reader in sorted(readers)
    )
    for reader in sorted(readers):
        tell(reader, CHANGED, {})
    return len(readers)


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
