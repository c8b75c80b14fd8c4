from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BankConfig(AppConfig):
    name = "zhike.packs.bank"
    label = "bank"
    verbose_name = _("Bank pack")

    def ready(self) -> None:
        from zhike.packs.bank import berka  # noqa: F401  registers itself
