from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Stands last among the applications: what the rooms registered is complete when it is ready."""

    name = "zhike.config"
    label = "config"

    def ready(self) -> None:
        from zhike.config import mail  # noqa: F401  registers its carrier
        from zhike.customers.search import number_searchers
        from zhike.desk.kinds import NoticeKind, kinds
        from zhike.desk.subjects import subjects
        from zhike.insight.metrics import metrics
        from zhike.kernel.outbox import carriers
        from zhike.masterdata.values import readers
        from zhike.ui.commands import commands
        from zhike.ui.lists.bulk import bulk_actions, listings
        from zhike.ui.lists.criteria import criteria
        from zhike.ui.lists.offers import offers
        from zhike.ui.navigation import counters, navigation, tools
        from zhike.ui.panels import panels
        from zhike.ui.suggestions import suggesters

        kinds.register(NoticeKind("activities.today", icon="checklist"))
        for registry in (
            *(navigation, counters, tools, commands, suggesters, subjects, kinds),
            *(panels, number_searchers, metrics, readers, carriers),
            *(criteria, bulk_actions, listings, offers),
        ):
            registry.close()
