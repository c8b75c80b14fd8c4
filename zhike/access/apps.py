from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "zhike.access"
    label = "access"
    verbose_name = _("Access")

    def ready(self) -> None:
        from zhike.ui.navigation import NavItem, navigation

        navigation.register(
            NavItem(
                id="access.trail",
                label=_("Audit trail"),
                url_name="access:trail",
                icon="history",
                permission="access.read_audit",
                order=80,
                key="a",
                section=_("Supervision"),
            )
        )
        navigation.register(
            NavItem(
                id="access.me",
                label=_("What I may do"),
                url_name="me",
                icon="shield-check",
                permission="",
                order=95,
                section=_("Institution"),
            )
        )
