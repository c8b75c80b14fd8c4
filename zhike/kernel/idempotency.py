"""A request that comes twice is answered twice and done once.

The first request with a key puts it down in its own transaction, together with what it does and what it answers; a
second one at the same time waits for it at the key's unique index. An answer that is no success leaves nothing behind,
the key neither: whoever was refused may try again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from zhike.kernel import clock, crypto, wall
from zhike.kernel.errors import UserError
from zhike.kernel.models import Answered

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e]{8,200}")
KEPT_FOR = timedelta(hours=24)


class OtherRequest(UserError):
    """The key was used for something else."""


def once(request: HttpRequest, user_id: int, answer: Callable[[], HttpResponse]) -> HttpResponse:
    """What `answer` says, done once for this user, key and request; later ones are told the same within a day.

    Raises UserError for a key that is none, OtherRequest where the key came with another request.
    """
    key = request.headers[HEADER]
    if not KEY.fullmatch(key):
        raise UserError(
            _("An idempotency key has 8 to 200 characters, none of them a space."),
            _("A random UUID will do."),
        )
    digest = _digest(request)
    with transaction.atomic():
        kept = _claim(user_id, key, digest)
        if kept is not None:
            return _again(kept, digest)
        response = answer()
        if response.status_code < 400:
            _keep(user_id, key, response)
        else:
            transaction.set_rollback(True)
    return response


def forget_old() -> int:
    """Answers older than a day; answers how many."""
    return Answered.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()[0]


def _digest(request: HttpRequest) -> bytes:
    parts = (request.method or "", request.get_full_path(), request.content_type or "")
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + request.body).digest()


@wall.lowered()
def _claim(user_id: int, key: str, digest: bytes) -> Answered | None:
    """None where the key is ours now; waits while another request with it is under way."""
    Answered.objects.filter(
        user_id=user_id, key=key, created_at__lt=clock.now() - KEPT_FOR
    ).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_answered (user_id, key, digest, status, kind) VALUES (%s, %s, %s, 0, '') "
            "ON CONFLICT DO NOTHING",
            [user_id, key, digest],
        )
        if cursor.rowcount:
            return None
    return Answered.objects.get(user_id=user_id, key=key)


@wall.lowered()
def _keep(user_id: int, key: str, response: HttpResponse) -> None:
    kept = Answered.objects.get(user_id=user_id, key=key)
    kept.status, kept.kind = response.status_code, response.headers.get("Content-Type", "")
    kept.sealed = crypto.encrypt(response.content.decode(), kept.place)
    kept.save(update_fields=["status", "kind", "sealed"])


def _again(kept: Answered, digest: bytes) -> HttpResponse:
    if bytes(kept.digest) != digest:
        raise OtherRequest(
            _("This idempotency key came with another request before."),
            _("Send each request under a key of its own."),
        )
    body = crypto.decrypt(bytes(kept.sealed or b""), kept.place)
    response = HttpResponse(body, status=kept.status, content_type=kept.kind)
    response.headers[REPLAYED] = "true"
    return response
