"""Accounts and cards lead to their customers: this room's part of the one search box."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from zhike.customers import identifiers
from zhike.customers.search import NumberSearcher, number_searchers
from zhike.kernel import crypto
from zhike.products.models import Agreement

ACCOUNT = "account"


def parties_by_number(text: str) -> QuerySet[Any, int]:
    """Ids of the owners of the agreement with this whole number."""
    try:
        number = identifiers.account_number(text)
    except identifiers.Implausible:
        return Agreement.objects.none().values_list("party_id", flat=True)
    return _parties(Q(blind=crypto.blind_index(ACCOUNT, number)))


def parties_by_tail(last_four: str) -> QuerySet[Any, int]:
    """Ids of the owners of agreements whose number ends so."""
    return _parties(Q(tail=crypto.tail_index(ACCOUNT, last_four)))


def _parties(condition: Q) -> QuerySet[Any, int]:
    return Agreement.objects.filter(condition).values_list("party_id", flat=True)


def register() -> None:
    """Called once when the room starts."""
    number_searchers.register(
        NumberSearcher(id="products.accounts", exact=parties_by_number, tail=parties_by_tail)
    )
