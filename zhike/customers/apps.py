from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "zhike.customers"
    label = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from zhike.access.services.pace import note_taken
        from zhike.customers import (
            bulk_actions,
            filters,
            panels,
            subscribers,  # noqa: F401  the guard on leaving, the notice on handing over
            suggestions,
        )
        from zhike.customers.queries.tracing import recognised
        from zhike.ui.lists.taking import Source, sources
        from zhike.ui.navigation import NavItem, navigation

        sources.register(
            Source(
                "customers",
                _("Customers"),
                "zhike.customers.exports.Export",
                recognised,
                note_taken,
            )
        )
        panels.register()
        suggestions.register()
        filters.register()
        bulk_actions.register()
        navigation.register(
            NavItem(
                id="customers",
                label=_("Customers"),
                url_name="customers:list",
                icon="users",
                permission="customers.view",
                order=20,
                key="c",
                section=_("Customers"),
            )
        )
