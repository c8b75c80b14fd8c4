"""What this room keeps of its own: counters of failed sign-ins."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.kernel.classes import classify
from zhike.kernel.models import Base
from zhike.kernel.scope import SystemOnly


class SignInTries(Base):
    """Failed tries of one login from one address; the key is a keyed digest of both, never in clear."""

    scope = SystemOnly()
    field_classes = classify(open="key failures last_at")

    key = models.BinaryField(unique=True, max_length=16, editable=False)
    failures = models.PositiveSmallIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("tries to sign in")
