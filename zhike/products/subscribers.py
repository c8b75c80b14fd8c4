"""What this room hangs on the rooms below."""

from __future__ import annotations

from django.utils.translation import ngettext

from zhike.customers.models import Party
from zhike.customers.services import close_guards
from zhike.products.models import Agreement


def has_open_agreements(party: Party) -> str | None:
    """Nobody is closed who still holds something; the source that keeps the agreements ends them."""
    ended = (Agreement.Status.CLOSED, Agreement.Status.LOSS)
    count = Agreement.objects.filter(party=party).exclude(status__in=ended).count()
    if not count:
        return None
    return ngettext(
        "This customer still has %(count)d open agreement. End it in its source and load it, then close.",
        "This customer still has %(count)d open agreements. End them in their source and load them, then close.",
        count,
    ) % {"count": count}


if has_open_agreements not in close_guards:
    close_guards.append(has_open_agreements)
