"""What the rooms below tell people of."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_noop

from zhike.access.events import SecondFactorTaken
from zhike.desk.kinds import NoticeKind, kinds
from zhike.desk.services.files import end_of
from zhike.desk.services.notices import SIGNED_OUT, notify, tell
from zhike.kernel.actor import Actor, system
from zhike.kernel.events import subscribe
from zhike.organisation.models import User
from zhike.organisation.services import endings

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


def end_files_and_streams(actor: Actor, user: User, reason: str) -> None:
    """What somebody who goes asked for is not made, and their open pages hear nothing any more."""
    end_of(actor=actor, user=user, reason=reason)
    tell(user.pk, SIGNED_OUT, {})


if end_files_and_streams not in endings:
    endings.append(end_files_and_streams)
