"""Where sessions are kept: in Django's table, read by a query that keeps its SQL, for every request asks it.

A session changes its key when somebody proves anew who they are, and stays the same sitting.
"""

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

    def cycle_key(self) -> None:
        from zhike.access.services.sittings import go_on  # this module is read before the models

        before = self.session_key
        super().cycle_key()
        if before and self.session_key:
            go_on(before, self.session_key)


def _alive(key: str, now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=now)
