"""What every page of this installation is told."""

from __future__ import annotations

from django.http import HttpRequest

from zhike.config.institution import sample_file


def installation(request: HttpRequest) -> dict[str, bool]:
    """Whether everyone on the page is invented."""
    return {"sample_data": sample_file().exists()}
