"""Where sessions are kept: in Django's table, read by a query that keeps its SQL, for every request asks it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from zhike.kernel.prepared import prepared


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        found = prepared(
            "access.session", _alive, {"key": self.session_key or "", "now": timezone.now()}
        )
        if not found:
            self._session_key = None
        return found[0] if found else None


def _alive(key: str, now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=now)
