"""Whose uploads one sees (one's own), and who may see a pair of records."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.customers.models import Party
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope, SystemOnly, Via


class Own(Scope):
    """The rows of the signed-in user, as long as they may load."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        return Q(user=actor.user_id) if actor.user_id and actor.may("masterdata.load") else NO_ROWS

    def wall(self, model: type[Model]) -> str:
        return wall.both(wall.may("masterdata.load"), f"user_id = {wall.USER}")


class RecordScope(SystemOnly):
    """No record through this door; the wall lets those of customers in sight through, for pairs are asked with them."""

    def wall(self, model: type[Model]) -> str:
        return Via("party").wall(model)


class PairScope(Scope):
    """Pairs of whose both customers one sees, for those who may join them."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if not actor.may("customers.merge"):
            return NO_ROWS
        if actor.everywhere:
            return Q()
        seen = Party.objects.visible_to(actor).order_by()
        return Q(left__party__in=seen, right__party__in=seen)

    def wall(self, model: type[Model]) -> str:
        seen = "EXISTS (SELECT FROM masterdata_sourcerecord upon WHERE upon.id = {}_id)"
        return wall.both(
            wall.may("customers.merge"),
            wall.either(wall.EVERYWHERE, wall.both(seen.format("left"), seen.format("right"))),
        )
