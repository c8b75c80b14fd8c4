"""The customer list, the customer page, and the forms for a customer as a whole."""

from __future__ import annotations

from zhike.customers.views.edits import FieldEdit, PartyEdit, PartyNew
from zhike.customers.views.lists import PartyList, Search
from zhike.customers.views.pages import Brief, PartyPage, Story, Ties

__all__ = [
    "Brief",
    "FieldEdit",
    "PartyEdit",
    "PartyList",
    "PartyNew",
    "PartyPage",
    "Search",
    "Story",
    "Ties",
]
