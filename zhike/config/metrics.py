"""What a monitoring system asks the institution for, as Prometheus writes it: counts and ages, nobody's data.

Written by a command, for what collects it on the machine; and at `/metrics/` for who has the token of
ZHIKE_METRICS_TOKEN_FILE. Where there is no such file there is no such address.
"""

from __future__ import annotations

import hmac
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from zhike.insight.models import RefreshRun
from zhike.kernel import clock, sealing, wall
from zhike.kernel.models import AuditEntry, AuditSeal, Outgoing, Reaction

SHORTEST = 32
"""Characters of the token; a shorter one opens nothing."""

Measured = Mapping[str, float]
"""By label, `status="failed"`, or "" where there is but one."""


@require_safe
def answer(request: HttpRequest) -> HttpResponse:
    """The figures, for `Authorization: Bearer TOKEN`; whoever has another token, or none, finds nothing here."""
    token = _token()
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if len(token) < SHORTEST or not hmac.compare_digest(given, token):
        raise Http404
    with wall.lowered():  # counts and ages of everything; nobody's rows
        said = text()
    return HttpResponse(said, content_type="text/plain; version=0.0.4; charset=utf-8")


def _token() -> bytes:
    """Read for each request, so that another token counts at once."""
    try:
        return Path(settings.ZHIKE_METRICS_TOKEN_FILE or "/dev/null").read_bytes().strip()
    except OSError:
        return b""


def text() -> str:
    """Every figure with what it means; an age is in seconds, and missing where it has never happened."""
    return "".join(
        f"# HELP {name} {meaning}\n# TYPE {name} gauge\n"
        + "".join(f"{name}{{{label}}} {value:.0f}\n" if label else f"{name} {value:.0f}\n"
                  for label, value in measured.items())
        for name, meaning, measured in _figures()
    )  # fmt: skip


def _figures() -> list[tuple[str, str, Measured]]:
    verified = AuditEntry.objects.filter(action=sealing.VERIFIED).order_by("-at").first()
    sealed_to = AuditSeal.objects.aggregate(last=Max("last_id"))["last"] or 0
    unsealed = AuditEntry.objects.filter(id__gt=sealed_to).aggregate(first=Min("at"))["first"]
    waiting = Reaction.objects.count()
    refreshed = RefreshRun.objects.filter(state="done").aggregate(last=Max("ended_at"))["last"]
    whole = verified is None or verified.outcome == AuditEntry.Outcome.DONE
    return [
        ("zhike_jobs", "Jobs of the queue by state.", _jobs()),
        ("zhike_reactions_waiting", "Events that nobody has reacted to yet.", {"": waiting}),
        ("zhike_messages", "Messages to the outside by state.", _messages()),
        ("zhike_trail_whole", "1 unless the last verification of the trail found a fault.",
         {"": whole}),
        ("zhike_trail_verified_age_seconds", "Since the trail was verified.",
         _age(verified.at if verified else None)),
        ("zhike_trail_unsealed_age_seconds", "Of the oldest entry without a seal.", _age(unsealed)),
        ("zhike_refresh_age_seconds", "Since the last whole daily run.", _age(refreshed)),
        ("zhike_free_bytes", "Free space of the data folder.",
         {"": shutil.disk_usage(settings.ZHIKE_HOME).free}),
    ]  # fmt: skip


def _jobs() -> Measured:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, count(*) FROM procrastinate_jobs GROUP BY status")
        found = dict(cursor.fetchall())
    return {f'status="{each}"': found.get(each, 0) for each in ("todo", "doing", "failed")}


def _messages() -> Measured:
    found = dict(Outgoing.objects.values_list("state").annotate(Count("pk")))
    return {f'state="{state}"': found.get(state, 0) for state in Outgoing.State.values}


def _age(at: datetime | None) -> Measured:
    return {} if at is None else {"": (clock.now() - at).total_seconds()}
