from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MasterdataConfig(AppConfig):
    name = "zhike.masterdata"
    label = "masterdata"
    verbose_name = _("Master data")

    def ready(self) -> None:
        from zhike.customers.services.parties import word_keepers
        from zhike.customers.services.sealed import sealed_keepers
        from zhike.masterdata import conditions, panels
        from zhike.masterdata.services.surviving import keep_sealed, keep_words
        from zhike.ui.navigation import NavItem, navigation

        panels.register()
        conditions.register()
        word_keepers.append(keep_words)
        sealed_keepers.append(keep_sealed)
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
