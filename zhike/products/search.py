"""Accounts and cards lead to their customers: this room's part of the one search box."""

from __future__ import annotations

from django.db.models import QuerySet

from zhike.customers import identifiers
from zhike.customers.search import NumberSearcher, number_searchers
from zhike.kernel import crypto
from zhike.products.models import Agreement

ACCOUNT = "account"


def by_number(text: str) -> QuerySet[Agreement]:
    """The agreement with this whole number."""
    try:
        number = identifiers.account_number(text)
    except identifiers.Implausible:
        return Agreement.objects.none()
    return Agreement.objects.filter(blind=crypto.blind_index(ACCOUNT, number))


def by_tail(last_four: str) -> QuerySet[Agreement]:
    """Agreements whose number ends so."""
    return Agreement.objects.filter(tail=crypto.tail_index(ACCOUNT, last_four))


def register() -> None:
    """Called once when the room starts."""
    number_searchers.register(NumberSearcher(id="products.accounts", exact=by_number, tail=by_tail))
