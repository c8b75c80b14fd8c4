"""Who a session belongs to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import QuerySet

from zhike.kernel.prepared import prepared
from zhike.organisation.models import User


class WithEmployee(ModelBackend):
    """The user with the employee in one query: every request asks for both."""

    def get_user(self, user_id: Any) -> User | None:
        # The session's text, as Django hands it on.
        found = prepared("access.user", _with_employee, {"pk": User._meta.pk.to_python(user_id)})
        return found[0] if found and self.user_can_authenticate(found[0]) else None


def _with_employee(pk: int) -> QuerySet[User]:
    return User.objects.select_related("employee").filter(pk=pk)
