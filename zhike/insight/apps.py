from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class InsightConfig(AppConfig):
    name = "zhike.insight"
    label = "insight"
    verbose_name = _("Insight")

    def ready(self) -> None:
        from zhike.insight import criteria, panels, panels_flows
        from zhike.ui.lists.taking import Source, sources
        from zhike.ui.navigation import NavItem, navigation

        sources.register(
            Source(
                "insight.movers",
                _("Customers behind the number"),
                "zhike.insight.views.portfolio.Export",
            )
        )
        panels.register()
        panels_flows.register()
        criteria.register()
        section = pgettext_lazy("navigation", "Value")
        for item in (
            NavItem("insight", _("Four classes"), "insight:overview",
                icon="layout-grid", permission="insight.view", order=40, section=section, key="v"),
            NavItem("insight.concentration", _("Concentration"), "insight:concentration",
                icon="chart-pie", permission="insight.view", order=41, section=section),
            NavItem("insight.movements", _("Tier movements"), "insight:movements",
                icon="arrows-up-down", permission="insight.view", order=42, section=section),
            NavItem("insight.bulletin", _("Bulletin"), "insight:bulletin",
                icon="report-analytics", permission="insight.view", order=43, section=section),
            NavItem("insight.targets", _("Targets"), "insight:targets",
                icon="target", permission="insight.view", order=44, section=section),
            NavItem("insight.thresholds", _("Thresholds"), "insight:thresholds",
                icon="adjustments-horizontal", permission="insight.thresholds", order=45, section=section),
            NavItem("insight.metrics", _("Metrics"), "insight:metrics",
                icon="math-function", permission="insight.view", order=46, section=section),
        ):  # fmt: skip
            navigation.register(item)
