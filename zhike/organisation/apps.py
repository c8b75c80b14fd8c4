from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrganisationConfig(AppConfig):
    name = "zhike.organisation"
    label = "organisation"
    verbose_name = _("Organisation")

    def ready(self) -> None:
        from zhike.organisation import (
            panels,  # noqa: F401  hangs its panels on its pages
            suggestions,
        )
        from zhike.ui.navigation import NavItem, navigation

        suggestions.register()
        navigation.register(
            NavItem(
                id="organisation",
                label=_("Units and people"),
                url_name="organisation:tree",
                icon="sitemap",
                permission="organisation.view",
                order=90,
                key="o",
                section=_("Institution"),
            )
        )
