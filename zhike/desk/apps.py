from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    name = "zhike.desk"
    label = "desk"
    verbose_name = _("Desk")

    def ready(self) -> None:
        from zhike.desk import shell, shelves, subscribers  # noqa: F401  it subscribes
        from zhike.desk.gate import FileGate
        from zhike.desk.kinds import NoticeKind, kinds
        from zhike.desk.services.arrangements import PanelPlaces
        from zhike.ui.lists import kept, taking
        from zhike.ui.navigation import NavItem, navigation
        from zhike.ui.panels import keepers

        keepers.append(PanelPlaces())
        kept.keepers.append(shelves.Shelves())
        taking.gates.append(FileGate())
        shell.register()
        kinds.register(NoticeKind("desk.bulk", icon="list-check"))
        kinds.register(NoticeKind("desk.run_asked", icon="list-check"))
        kinds.register(NoticeKind("desk.run_answered", icon="list-check"))
        kinds.register(NoticeKind("desk.file_asked", icon="download"))
        kinds.register(NoticeKind("desk.file_answered", icon="download"))
        navigation.register(
            NavItem(
                id="desk.files",
                label=_("Files taken"),
                url_name="desk:files",
                icon="download",
                permission="account.use",
                order=94,
                section=_("Institution"),
            )
        )
        navigation.register(
            NavItem(
                id="desk.trace",
                label=_("Where a row came from"),
                url_name="desk:trace",
                icon="fingerprint",
                permission="access.read_audit",
                order=83,
                section=_("Supervision"),
            )
        )
