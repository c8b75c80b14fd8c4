from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


def _catalogue() -> type[Any]:
    from zhike.products.views import Catalogue

    return Catalogue


def _agreements() -> type[Any]:
    from zhike.products.views import AgreementList

    return AgreementList


class ProductsConfig(AppConfig):
    name = "zhike.products"
    label = "products"
    verbose_name = _("Products")

    def ready(self) -> None:
        from zhike.products import (
            agreements,
            catalogue,
            filters,
            happenings,
            panels,
            search,
            subscribers,  # noqa: F401  they register themselves
        )
        from zhike.products.tracing import recognised
        from zhike.ui.lists.bulk import Listing, listings
        from zhike.ui.lists.taking import Source, sources
        from zhike.ui.navigation import NavItem, navigation

        sources.register(
            Source("agreements", _("Agreements"), "zhike.products.views.Export", recognised)
        )
        panels.register()
        happenings.register()
        search.register()
        filters.register()
        catalogue.register()
        agreements.register()
        listings.register(Listing(catalogue.PAGE, _catalogue, "products:list"))
        listings.register(Listing(agreements.PAGE, _agreements, "products:agreements"))
        navigation.register(
            NavItem(
                id="products.agreements",
                label=_("Agreements"),
                url_name="products:agreements",
                icon="file-text",
                permission="products.view",
                order=40,
                section=_("Customers"),
            )
        )
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
