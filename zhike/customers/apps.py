from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "zhike.customers"
    label = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from zhike.customers import subscribers  # noqa: F401  hangs the guard on leaving
