"""Which requests an actor sees: those about customers in sight; all of them for whoever decides."""

from __future__ import annotations

from django.db.models import Model, Q

from zhike.customers.models import Party
from zhike.kernel import wall
from zhike.kernel.actor import Actor
from zhike.kernel.scope import NO_ROWS, Scope, Via


class RequestScope(Scope):
    """Once a customer is restricted nobody but the deciders sees them, nor that they asked."""

    def rows(self, actor: Actor, model: type[Model]) -> Q:
        if actor.may("privacy.decide"):
            return Q()
        if not actor.may("privacy.view"):
            return NO_ROWS
        return Q(party__in=Party.objects.visible_to(actor).order_by())

    def wall(self, model: type[Model]) -> str:
        seen = Via("party", permission="privacy.view").wall(model)
        return wall.either(self.whole(), seen)

    def whole(self) -> str:
        return wall.may("privacy.decide")
