"""Customers in the search box as somebody types, and among what is remembered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Party
from zhike.customers.queries import root_of
from zhike.customers.search import search
from zhike.desk.subjects import Subject, subjects
from zhike.kernel.actor import Actor
from zhike.ui.commands import Command, commands
from zhike.ui.suggestions import Hit, Suggester, suggesters
from zhike.ui.views.pages import moved


def found(actor: Actor, text: str, limit: int) -> list[Hit]:
    """By name, pinyin, initials, last four or whole number, within the actor's scope."""
    return [
        Hit(
            title=hit.party.name,
            url=hit.party.get_absolute_url(),
            subtitle=_about(hit.party),
            icon="user" if hit.party.kind == Party.Kind.PERSON else "building",
        )
        for hit in search(actor, text, limit)
    ]


def _about(party: Party) -> str:
    return f"{party.get_type_display()} · {party.unit.name}"


def _with_unit(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("unit")


def _went(actor: Actor, model: type[Model], public_id: UUID) -> Party | None:
    return root_of(actor, public_id) if model is Party else None


def register() -> None:
    """Called once when the room starts."""
    moved.append(_went)
    suggesters.register(Suggester("customers", _("Customers"), "customers.view", 30, found))
    subjects.register(
        Subject(
            id="customer",
            label=_("Customer"),
            model=Party,
            permission="customers.view",
            icon="user",
            subtitle=_about,
            narrowed=_with_unit,
            merged="SELECT absorbed AS key, root_id AS root FROM customers_merge WHERE undone_at IS NULL",
        )
    )
    commands.register(
        Command(
            id="customers.new",
            label=_("New customer"),
            url_name="customers:new",
            icon="user-plus",
            permission="customers.edit",
            order=10,
            keywords="create add prospect",
        )
    )
