"""What the customer list may ask about what customers are worth: every metric that a score keeps, by its own name."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.insight.catalogue import Metric, metrics
from zhike.insight.services.figures import FIELDS
from zhike.ui.lists import criteria
from zhike.ui.lists.criteria import Criterion, Kind

PAGE = "customers.party"
ABC = (("A", "A"), ("B", "B"), ("C", "C"))
KINDS: dict[str, Kind] = {
    "money": "money",
    "share": "share",
    "date": "date",
    "code": "choice",
}
FLAGS = ("in_top20",)
UNITS: dict[str, str | Promise] = {
    "rfm_recency": _("1 to 5"),
    "rfm_frequency": _("1 to 5"),
    "rfm_monetary": _("1 to 5"),
}


def of(metric: Metric) -> Criterion:
    """The metric as something to ask customers for."""
    kind: Kind = "boolean" if metric.name in FLAGS else KINDS.get(metric.unit, "number")
    return Criterion(
        f"insight:{metric.name}",
        PAGE,
        metric.label,
        kind,
        f"figures__{metric.name}",
        (lambda actor: ABC) if kind == "choice" else None,
        permission="insight.view",
        group=_("Named metrics"),
        unit=UNITS.get(metric.name, ""),
        # A share is typed in per cent; its explanation speaks of 0 and 1.
        hint=metric.formula if metric.unit == "share" else metric.explanation,
    )


def register() -> None:
    """Called once when the room starts."""
    criteria.register(PAGE, *(of(metrics.get(field.name)) for field in FIELDS))
