from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


class KernelConfig(AppConfig):
    name = "zhike.kernel"
    label = "kernel"

    def ready(self) -> None:
        from zhike.kernel import checks  # noqa: F401  registers the system checks

        post_migrate.connect(_wall_up, sender=self)


def _wall_up(**_signal: Any) -> None:
    """After the last migration of all rooms."""
    from zhike.kernel import wall

    wall.build(settings.ZHIKE_PAGES_ROLE)
