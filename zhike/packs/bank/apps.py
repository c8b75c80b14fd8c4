from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BankConfig(AppConfig):
    name = "zhike.packs.bank"
    label = "bank"
    verbose_name = _("Bank pack")

    def ready(self) -> None:
        from zhike.masterdata.matching.normalise import Ranges
        from zhike.masterdata.services.records import SampleRanges, sample_ranges
        from zhike.packs.bank import berka  # noqa: F401  registers itself
        from zhike.packs.bank.sample import marks

        invented = Ranges((marks.ID_AREA_PREFIX,), marks.MOBILE_PREFIXES, (marks.PHONE_AREA_CODE,))
        sample_ranges.register(SampleRanges("bank", invented))
