"""What the findings and the customer list may be asked for about data quality."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.kernel.actor import Actor
from zhike.masterdata.quality.rules import RULES
from zhike.masterdata.quality.words import DIMENSIONS, tone_of, wrong
from zhike.ui.lists import criteria
from zhike.ui.lists.bulk import Listing, listings
from zhike.ui.lists.criteria import Choices, Criterion
from zhike.ui.lists.groups import Grouping
from zhike.ui.lists.offers import Offer, offers
from zhike.ui.tables import Column

PAGE, CUSTOMERS = "masterdata.finding", "customers.party"


def _score(party: Party) -> int | None:
    """None before anything was measured."""
    quality = getattr(party, "quality", None)
    return quality.score if quality else None


SCORE = Column(
    "quality",
    _("Data quality"),
    "badge",
    value=_score,
    tone=lambda party: tone_of(_score(party)),
    align="end",
    sortable=True,
    sort_field="quality__score",
    minor=True,
    optional=True,
    needs="quality",
)
GROUPINGS = (
    Grouping("type", _("Type"), "type", lambda actor: dict(Party.Type.choices), board=False),
)


def _rules(actor: Actor) -> Choices:
    return [(code, wrong(rule)) for code, rule in RULES.items()]


def _breaking(actor: Actor, q: Q) -> Q:
    """Any of the rules chosen is broken."""
    asked: Any = q.children[0]
    return Q(quality__broken__overlap=asked[1])


def _faulty(actor: Actor, q: Q) -> Q:
    return Q(quality__score__lt=100)


def _list() -> type[Any]:
    from zhike.masterdata.views.quality import FindingList

    return FindingList


def register() -> None:
    """Called once when the room starts."""
    listings.register(Listing(PAGE, _list, "quality:findings"))
    offers.register(Offer("quality:score", CUSTOMERS, SCORE, "insight.view"))
    group, customer = _("Data quality"), _("About the customer")
    for page, prefix in ((PAGE, PAGE), (CUSTOMERS, "quality")):
        criteria.register(
            page,
            Criterion(
                f"{prefix}:quality", page, _("Data quality score"), "number", "quality__score",
                permission="insight.view", group=group, unit=_("0 to 100"),
            ),
            Criterion(
                f"{prefix}:broken", page, _("Something wrong in the data"), "choice", "code", _rules,
                within=_breaking, permission="insight.view", group=group, nullable=False,
            ),
        )  # fmt: skip
    criteria.register(
        CUSTOMERS,
        Criterion(
            "quality:faulty", CUSTOMERS, _("Anything wrong in the data"), "boolean", "faulty",
            within=_faulty, permission="insight.view", group=group, nullable=False,
        ),
    )  # fmt: skip
    criteria.register(
        PAGE,
        *(
            Criterion(f"{PAGE}:{name}", PAGE, label, "number", f"quality__{name}", group=group, unit=_("0 to 100"))
            for name, label in DIMENSIONS.items()
        ),
        Criterion(f"{PAGE}:to_verify", PAGE, _("Facts to verify"), "number", "quality__to_verify", group=group),
        Criterion(
            f"{PAGE}:kind", PAGE, _("Kind"), "choice", "kind", lambda actor: Party.Kind.choices,
            group=customer, nullable=False,
        ),
        Criterion(
            f"{PAGE}:type", PAGE, _("Type"), "choice", "type", lambda actor: Party.Type.choices,
            group=customer, nullable=False,
        ),
        Criterion(f"{PAGE}:since", PAGE, _("With us since"), "date", "since_on", group=customer),
        Criterion(
            f"{PAGE}:last_contact", PAGE, _("Last contact"), "date", "standing__last_contact_on",
            group=customer, counts_as_old=True,
        ),
    )  # fmt: skip
