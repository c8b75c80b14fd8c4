from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProductsConfig(AppConfig):
    name = "zhike.products"
    label = "products"
    verbose_name = _("Products")

    def ready(self) -> None:
        from zhike.products import (
            filters,
            happenings,
            panels,
            search,
            subscribers,  # noqa: F401
        )
        from zhike.ui.navigation import NavItem, navigation

        panels.register()
        happenings.register()
        search.register()
        filters.register()
        navigation.register(
            NavItem(
                id="products",
                label=_("Products"),
                url_name="products:list",
                icon="package",
                permission="products.view",
                order=60,
                key="p",
                section=_("Customers"),
            )
        )
