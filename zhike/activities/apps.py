from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ActivitiesConfig(AppConfig):
    name = "zhike.activities"
    label = "activities"
    verbose_name = _("Activities")

    def ready(self) -> None:
        from zhike.activities import subscribers  # noqa: F401  hangs the guard on leaving
