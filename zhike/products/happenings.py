"""What this room tells on the timeline of a customer: agreements opened and closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers.models import Party
from zhike.customers.queries.timeline import (
    Asked,
    Happening,
    TimelineSource,
    earlier_of,
    on_day,
    sources,
)
from zhike.kernel.actor import Actor
from zhike.products.models import Agreement


def agreements(actor: Actor, party: Party, asked: Asked) -> Sequence[Happening]:
    """The customer's own agreements; those of others they may use are told on the owner's timeline."""
    return earlier_of(
        _steps(Agreement.objects.visible_rows(actor, _with_product, party=party)), asked
    )


def _with_product(rows: QuerySet[Agreement]) -> QuerySet[Agreement]:
    return rows.select_related("product", "unit")


def _steps(rows: Iterable[Agreement]) -> Iterable[Happening]:
    for row in rows:
        what = {"product": row.product.name}
        yield Happening(
            at=on_day(row.opened_on),
            key=row.pk * 2,
            kind="agreement",
            title=_("Opened: %(product)s") % what,
            where=row.unit.name,
            icon="circle-plus",
            tone="teal",
            dated=True,
        )
        if row.closed_on is not None:
            yield Happening(
                at=on_day(row.closed_on),
                key=row.pk * 2 + 1,
                kind="agreement",
                title=_("Closed: %(product)s") % what,
                where=str(row.get_status_display()),
                icon="circle-minus",
                dated=True,
            )


def register() -> None:
    """Called once when the room starts."""
    sources.register(
        TimelineSource(
            "products.agreements",
            {"agreement": gettext_lazy("agreement")},
            agreements,
            permission="products.view",
        )
    )
