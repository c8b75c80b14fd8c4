from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MasterdataConfig(AppConfig):
    name = "zhike.masterdata"
    label = "masterdata"
    verbose_name = _("Master data")

    def ready(self) -> None:
        from zhike.access.services.pace import note_taken
        from zhike.customers.queries.reads import source_names
        from zhike.customers.queries.tracing import recognised
        from zhike.customers.services.parties import word_keepers
        from zhike.customers.services.sealed import claim_keepers, sealed_keepers
        from zhike.masterdata import conditions, customer_panels, pair_conditions, panels, queries
        from zhike.masterdata.quality import panels as quality_panels
        from zhike.masterdata.services.claims import keep_claim
        from zhike.masterdata.services.surviving import keep_sealed, keep_words
        from zhike.ui.hints import Hint, hints
        from zhike.ui.lists.taking import Source, sources
        from zhike.ui.navigation import NavItem, navigation

        sources.register(Source("pairs", _("Duplicates"), "zhike.masterdata.views.review.Export"))
        sources.register(
            Source(
                "data_quality",
                _("Data quality"),
                "zhike.masterdata.views.quality.Export",
                recognised,
                note_taken,
            )
        )
        panels.register()
        conditions.register()
        pair_conditions.register()
        customer_panels.register()
        quality_panels.register()
        hints.register(
            Hint("masterdata.alike", "customers.new", "masterdata:alike", "customers.edit")
        )
        source_names.append(queries.system_names)
        word_keepers.append(keep_words)
        sealed_keepers.append(keep_sealed)
        claim_keepers.append(keep_claim)
        navigation.register(
            NavItem(
                id="pairs",
                label=_("Duplicates"),
                url_name="review:pairs",
                icon="git-merge",
                permission="customers.merge",
                order=78,
                key="d",
                section=_("Data"),
            )
        )
        navigation.register(
            NavItem(
                id="matching",
                label=_("Matching runs"),
                url_name="review:matching",
                icon="arrows-exchange",
                permission="masterdata.view",
                order=82,
                section=_("Data"),
            )
        )
        navigation.register(
            NavItem(
                id="imports",
                label=_("Imports"),
                url_name="masterdata:runs",
                icon="database-import",
                permission="masterdata.view",
                order=80,
                key="i",
                section=_("Data"),
            )
        )
