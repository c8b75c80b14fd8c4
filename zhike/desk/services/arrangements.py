"""How a person keeps the panels of a page."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet

from zhike.desk.models import Arrangement
from zhike.kernel.actor import Actor
from zhike.kernel.services import service
from zhike.organisation.models import User
from zhike.ui.panels import Place


class PanelPlaces:
    """Keeps arrangements for `ui.panels`: each person their own."""

    def kept(self, actor: Actor, page: str) -> Sequence[Place]:
        mine = Arrangement.objects.visible_rows(actor, of_page, given={"page": page})
        return [
            Place(
                each["id"],
                side=each.get("side", False),
                hidden=each.get("hidden", False),
                closed=each.get("closed", False),
            )
            for arrangement in mine
            for each in arrangement.panels
        ]

    def keep(self, actor: Actor, page: str, places: Sequence[Place]) -> None:
        keep_panels(actor=actor, page=page, places=places)

    def forget(self, actor: Actor, page: str) -> None:
        keep_panels(actor=actor, page=page, places=())


def of_page(rows: QuerySet[Arrangement], page: str) -> QuerySet[Arrangement]:
    """Among one's own at most one."""
    return rows.filter(page=page)


@service("account.use")
def keep_panels(*, actor: Actor, page: str, places: Sequence[Place]) -> Arrangement:
    """Keep where the actor wants the panels of `page`, the first at the top; none means as at the start.

    Nobody but its owner ever sees an arrangement, so it leaves nothing on the trail.
    """
    panels = [
        {"id": place.id, "side": place.side, "hidden": place.hidden, "closed": place.closed}
        for place in places
    ]
    user = User.objects.get(pk=actor.user_id or 0)
    made, _new = Arrangement.objects.update_or_create(
        user=user, page=page, defaults={"panels": panels}
    )
    return made
