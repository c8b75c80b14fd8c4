"""Whose uploads one sees: one's own."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope


class Own(Scope):
    """The rows of the signed-in user, as long as they may load."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        return Q(user=actor.user_id) if actor.user_id and actor.may("masterdata.load") else NO_ROWS
