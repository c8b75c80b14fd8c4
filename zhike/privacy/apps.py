from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    name = "zhike.privacy"
    label = "privacy"
    verbose_name = _("Privacy")

    def ready(self) -> None:
        from zhike.privacy import panels
        from zhike.ui.navigation import NavItem, navigation

        panels.register()
        navigation.register(
            NavItem(
                id="privacy",
                label=_("Requests about one's data"),
                url_name="privacy:requests",
                icon="shield-lock",
                permission="privacy.view",
                order=84,
                section=_("Data"),
            )
        )
        navigation.register(
            NavItem(
                id="processing",
                label=_("Register of processing"),
                url_name="privacy:processing",
                icon="clipboard-list",
                permission="privacy.register",
                order=86,
                section=_("Data"),
            )
        )
