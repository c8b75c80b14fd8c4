"""What the rooms below tell people of."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_noop

from zhike.access.events import SecondFactorTaken
from zhike.desk.kinds import NoticeKind, kinds
from zhike.desk.services.notices import notify
from zhike.kernel.actor import system
from zhike.kernel.events import subscribe

FACTOR_TAKEN = NoticeKind("access.second_factor", icon="shield-check")
kinds.register(FACTOR_TAKEN)


@subscribe(SecondFactorTaken)
def tell_whose_second_factor_was_taken(event: SecondFactorTaken) -> None:
    """Whoever did not ask for it learns of it at the next sign-in."""
    notify(
        actor=system("second factor"),
        kind=FACTOR_TAKEN.id,
        text=gettext_noop(
            "A security administrator took your second factor away. If you did not ask for it, tell them."
        ),
        users=[event.user_id],
        url=reverse("second-factor"),
    )
