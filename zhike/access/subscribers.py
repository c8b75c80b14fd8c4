"""What follows from what happens to logins in the room below."""

from __future__ import annotations

from zhike.access.services.passwords import note_password
from zhike.kernel.events import subscribe
from zhike.organisation.events import PasswordSet


@subscribe(PasswordSet)
def remember_the_password(event: PasswordSet) -> None:
    note_password(event.user_id)
