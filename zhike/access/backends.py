"""Who a session belongs to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from zhike.organisation.models import User


class WithEmployee(ModelBackend):
    """The user with the employee in one query: every request asks for both."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("employee").filter(pk=user_id).first()
        return user if self.user_can_authenticate(user) else None
