"""Copies of everything on the queue, and each night what the laws no longer ask us to keep."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation
from procrastinate.contrib.django import app


@app.task
def make(request: int) -> None:
    """The copy that somebody asked for, in the institution's language."""
    from zhike.kernel.actor import system
    from zhike.privacy.models import SubjectRequest
    from zhike.privacy.services import make_answer

    row = SubjectRequest.objects.get(pk=request)
    with translation.override(settings.LANGUAGE_CODE):
        make_answer(actor=system("job privacy"), request=row)


@app.periodic(cron="50 18 * * *")
@app.task(queueing_lock="privacy", lock="privacy")
def forget(timestamp: int) -> None:
    """Customers whose last term has run out, and whoever a restore brought back."""
    from zhike.kernel.actor import system
    from zhike.privacy.services import forget_due

    forget_due(actor=system("job privacy"))
