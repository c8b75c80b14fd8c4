"""The trail as a file, for auditors; above five hundred entries another auditor agrees first."""

from __future__ import annotations

from typing import Any

from zhike.access.views import TrailView
from zhike.kernel.wording import labelled
from zhike.ui.views.exports import FileView


class Export(FileView, TrailView):
    """The entries that the questions of the address find. What stands on the trail is masked already."""

    permission = "access.read_audit"
    approval = "access.read_audit"
    name = "trail"
    file_order = ("-at", "-id")
    key_field = "id"

    def said(self) -> list[str]:
        asked = self.asked()
        given: dict[str, Any] = asked.cleaned_data if asked.is_valid() else {}
        words = [
            labelled(asked.fields[name].label, value) for name, value in given.items() if value
        ]
        return [*words, *super().said()]
