"""The desk as the gate of files: alone what is small and masked, the rest with a second person."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.desk.services import files
from zhike.kernel.actor import Actor
from zhike.ui.lists.taking import Taken, Wanted


class FileGate:
    """What `ui.views.exports` asks before anything leaves."""

    def obstacle(self, actor: Actor, wanted: Wanted) -> str:
        if not files.second_person_wanted(actor, wanted):
            return ""
        if wanted.clear:
            return _("Values in clear leave only when a second person agrees.")
        return _(
            "With what you took today this is more than %(n)s rows: a second person agrees first."
        ) % {"n": files.limit()}

    def take(self, actor: Actor, wanted: Wanted) -> Taken:
        file = files.take(actor=actor, wanted=wanted)
        if file.state == file.State.TAKEN:
            return Taken(files.mark_of(file))
        return Taken(None, reverse("desk:file", kwargs={"public_id": file.public_id}))
