"""The customer list, the customer page, and the forms for a customer as a whole."""

from __future__ import annotations

from zhike.customers.views.edits import PartyEdit, PartyNew
from zhike.customers.views.lists import Export, PartyList, Search
from zhike.customers.views.pages import PartyPage

__all__ = ["Export", "PartyEdit", "PartyList", "PartyNew", "PartyPage", "Search"]
