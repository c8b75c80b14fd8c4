from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "zhike.customers"
    label = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from zhike.customers import panels, subscribers  # noqa: F401  hangs the guard on leaving
        from zhike.ui.navigation import NavItem, navigation

        panels.register()
        navigation.register(
            NavItem(
                id="customers",
                label=_("Customers"),
                url_name="customers:list",
                icon="users",
                permission="customers.view",
                order=20,
                section=_("Customers"),
            )
        )
