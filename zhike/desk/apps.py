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
        from zhike.ui.panels import keepers

        keepers.append(PanelPlaces())
        kept.keepers.append(shelves.Shelves())
        taking.gates.append(FileGate())
        shell.register()
        kinds.register(NoticeKind("desk.bulk", icon="list-check"))
        kinds.register(NoticeKind("desk.file_asked", icon="download"))
        kinds.register(NoticeKind("desk.file_answered", icon="download"))
