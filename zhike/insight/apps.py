from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InsightConfig(AppConfig):
    name = "zhike.insight"
    label = "insight"
    verbose_name = _("Insight")

    def ready(self) -> None:
        from zhike.insight import panels
        from zhike.ui.navigation import NavItem, navigation

        panels.register()
        navigation.register(
            NavItem(
                id="insight",
                label=_("Customer value"),
                url_name="insight:overview",
                icon="chart-bar",
                permission="insight.view",
                order=40,
                section=_("Customers"),
            )
        )
