from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OrganisationConfig(AppConfig):
    name = "zhike.organisation"
    label = "organisation"
    verbose_name = _("Organisation")

    def ready(self) -> None:
        from zhike.organisation import (
            panels,  # noqa: F401  hangs its panels on its pages
            people,
            suggestions,
        )
        from zhike.ui.navigation import NavItem, navigation

        suggestions.register()
        people.register()
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
        navigation.register(
            NavItem(
                id="organisation.teams",
                label=_("Teams"),
                url_name="organisation:teams",
                icon="users-group",
                permission="organisation.view",
                order=92,
                section=_("Institution"),
            )
        )
        navigation.register(
            NavItem(
                id="organisation.people",
                label=pgettext_lazy("of the institution", "Employees"),
                url_name="organisation:people",
                icon="id-badge-2",
                permission="organisation.view",
                order=91,
                key="e",
                section=_("Institution"),
            )
        )
