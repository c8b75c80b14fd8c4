"""What the desk adds around every page: bell, clock, star, and its lines in the search box."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.desk import queries
from zhike.desk.models import SavedView
from zhike.desk.services.remembered import remember
from zhike.desk.subjects import Subject, subject_of, subjects
from zhike.kernel.actor import Actor
from zhike.organisation.models import Employee, Unit
from zhike.ui.lists.bulk import listings
from zhike.ui.navigation import Counter, Tool, counters, tools
from zhike.ui.suggestions import Hit, Suggester, suggesters
from zhike.ui.views.pages import opened


def starred(actor: Actor, row: Any) -> Mapping[str, Any]:
    """Remember the row a person opened; the star of its page."""
    subject = subject_of(row)
    if subject is None or not actor.may("account.use"):
        return {}
    pinned = remember(actor=actor, row=row)
    if pinned is None:
        return {}
    star = queries.Star(subject.id, str(row.public_id), pinned)
    return {"star": star, "beside_heading": "desk/star.html"}


def register() -> None:
    """Called once when the room starts."""
    tools.register(Tool("remembered", "account.use", order=10, template="desk/clock.html"))
    tools.register(Tool("notices", "account.use", order=20, template="desk/bell.html"))
    counters.register(Counter("notices", "account.use", queries.unread))
    suggesters.register(
        Suggester("desk.pinned", _("Pinned"), "account.use", 10, pinned, when_empty=True)
    )
    suggesters.register(
        Suggester("desk.recent", _("Opened lately"), "account.use", 20, recent, when_empty=True)
    )
    suggesters.register(Suggester("desk.views", _("Views"), "account.use", 70, views))
    opened.append(starred)
    # The room of units and people stands below this one and cannot register them itself.
    subjects.register(
        Subject(
            id="unit",
            label=_("Unit"),
            model=Unit,
            permission="organisation.view",
            icon="building-bank",
            subtitle=lambda unit: unit.get_kind_display(),
        )
    )
    subjects.register(
        Subject(
            id="person",
            label=_("Person"),
            model=Employee,
            permission="organisation.view",
            icon="user-circle",
            subtitle=lambda person: person.unit.name,
            narrowed=lambda rows: rows.select_related("unit"),
        )
    )


def views(actor: Actor, text: str, limit: int) -> list[Hit]:
    """Kept views by a part of the name, of the lists the actor may open; one's own first."""
    pages = [each.id for each in listings if actor.may(each.view().permission)]
    rows = (
        SavedView.objects.visible_to(actor)
        .filter(page__in=pages, name__icontains=text)
        .select_related("user__employee")
        .annotate(others=~Q(user=actor.user_id))
        .order_by("others", "name", "pk")
        .distinct()
    )
    return [
        Hit(
            each.name,
            f"{reverse(listings.get(each.page).url_name)}?{each.query}&view={each.public_id}",
            str(listings.get(each.page).view().title),
            icon="bookmark",
            badge="" if each.user_id == actor.user_id else each.user.get_full_name(),
        )
        for each in rows[:limit]
    ]


def pinned(actor: Actor, text: str, limit: int) -> list[Hit]:
    return queries.remembered(actor, pinned=True, limit=limit)


def recent(actor: Actor, text: str, limit: int) -> list[Hit]:
    return queries.remembered(actor, pinned=False, limit=limit)
