from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Stands last among the applications: what the rooms registered is complete when it is ready."""

    name = "zhike.config"
    label = "config"

    def ready(self) -> None:
        from zhike.customers.search import number_searchers
        from zhike.insight.metrics import metrics
        from zhike.masterdata.values import readers
        from zhike.ui.navigation import navigation
        from zhike.ui.panels import panels

        for registry in (navigation, panels, number_searchers, metrics, readers):
            registry.close()
