"""Reject files that somebody takes away, on record."""

from __future__ import annotations

from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.services import must_see, service
from zhike.masterdata.models import ImportFile, Upload


@service("masterdata.view", proof=True)
def note_rejects_taken(*, actor: Actor, file: ImportFile) -> None:
    """Put on record that the actor takes the rejects of a load away."""
    must_see(actor, file)
    audit.record(actor, "export.rejects", file)


@service("masterdata.load", proof=True)
def note_upload_taken(*, actor: Actor, upload: Upload, which: str) -> None:
    """Put on record that the actor takes the rejects, or what was kept, of a file they uploaded."""
    must_see(actor, upload)
    audit.record(actor, "export.rejects", upload, reason=which)
