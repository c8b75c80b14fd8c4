"""What the desk keeps for lists: views, their places, and where bulk jobs begin."""

from __future__ import annotations

from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.desk.models import Arrangement, SavedView
from zhike.desk.services.arrangements import of_page
from zhike.desk.services.views import LENDING
from zhike.kernel.actor import Actor
from zhike.ui.lists.kept import KeptView, Shelf


class Shelves:
    """Fills `ui.lists.kept`: each person's views, and those lent to them."""

    def shelf(self, actor: Actor, page: str) -> Shelf:
        """Two queries: what is pinned and opened with, and the views."""
        arranged = Arrangement.objects.visible_rows(actor, of_page, given={"page": page})
        kept = arranged[0] if arranged else None
        pinned: list[str] = kept.pinned if kept else []
        views = [
            _kept(view, actor, pinned, kept.view_id if kept else None)
            for view in SavedView.objects.visible_rows(actor, _with_owners, given={"page": page})
        ]
        place = {id: n for n, id in enumerate(pinned)}
        views.sort(key=lambda each: (place.get(each.id, len(place)), not each.mine, each.name))
        allowed = [
            (value, str(label))
            for value, label in SavedView.Sharing.choices
            if value not in LENDING or actor.may(LENDING[SavedView.Sharing(value)])
        ]
        return Shelf(views, reverse("desk:views"), allowed)

    def bulk_url(self) -> str:
        return reverse("desk:bulk")

    def move_url(self, page: str, by: str) -> str:
        return f"{reverse('desk:move')}?{urlencode({'page': page, 'by': by})}"


def _with_owners(rows: QuerySet[SavedView], page: str) -> QuerySet[SavedView]:
    return rows.filter(page=page).select_related("user__employee").distinct()


def _kept(view: SavedView, actor: Actor, pinned: list[str], default: int | None) -> KeptView:
    mine = view.user_id == actor.user_id
    lent = "" if view.sharing == "private" else str(view.get_sharing_display())
    return KeptView(
        id=str(view.public_id),
        name=view.name,
        query=view.query,
        owner=view.user.get_full_name(),
        lent=_("Shown to: %(whom)s") % {"whom": lent} if lent else "",
        sharing=view.sharing,
        mine=mine,
        pinned=str(view.public_id) in pinned,
        default=view.pk == default,
    )
