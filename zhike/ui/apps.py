from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UiConfig(AppConfig):
    name = "zhike.ui"
    label = "ui"

    def ready(self) -> None:
        from zhike.ui.navigation import NavItem, navigation

        navigation.register(
            NavItem(
                id="ui.gallery",
                label=_("Components"),
                url_name="gallery:words",
                icon="palette",
                permission="system.operate",
                order=99,
                section=_("Administration"),
            )
        )
