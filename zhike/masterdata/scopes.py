"""Whose uploads one sees (one's own), and who may see a pair of records."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope


class Own(Scope):
    """The rows of the signed-in user, as long as they may load."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        return Q(user=actor.user_id) if actor.user_id and actor.may("masterdata.load") else NO_ROWS


class PairScope(Scope):
    """Pairs of whose both customers one sees, for those who may join them."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may("customers.merge"):
            return NO_ROWS
        if actor.everywhere:
            return Q()
        seen = Party.objects.visible_to(actor).order_by()
        return Q(left__party__in=seen, right__party__in=seen)
