"""What the customer page says of requests: the way to them, and one that is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.privacy.models import SubjectRequest
from zhike.ui.heads import HeadSource, actions
from zhike.ui.navigation import Action, Counter, counters

PAGE = "customers.party"


def personal_data(actor: Actor, party: Party, day: date | None) -> Sequence[Action]:
    """The way to the page of somebody's own data."""
    if day is not None:
        return ()
    url = reverse("privacy:party", args=[party.public_id])
    return (Action(_("Personal data"), url, icon="shield-lock"),)


def register() -> None:
    actions.register(HeadSource("privacy.party", PAGE, "privacy.request", 60, personal_data))
    counters.register(
        Counter(
            "privacy",
            "privacy.decide",
            lambda actor: SubjectRequest.objects.visible_to(actor).filter(
                state__in=SubjectRequest.OPEN
            ),
        )
    )
