"""Customers over the API: the same scopes, masks and services as the screens. Money is text, ids are public."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status

from zhike.access.models import SeenKind
from zhike.access.services.pace import note_seen
from zhike.customers import parameters, queries, search, services
from zhike.customers.models import Party, SealedValue, Tier, TimelineEntry
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.ui import paging

router = Router(tags=["customers"])

PAGE_SIZE = 50


class PartyLine(Schema):
    id: UUID
    name: str
    kind: str
    type: str
    stage: str
    unit: str
    """Code of the unit."""
    manager: str | None
    """Code of today's main manager."""
    tier: str | None
    value_class: str
    last_contact_on: date | None
    balance: str | None = None
    """In CNY; null for those who see no money."""
    contribution: str | None = None


class PartyPage(Schema):
    items: list[PartyLine]
    next: str | None


class SealedLine(Schema):
    id: UUID
    kind: str
    masked: str
    source: str
    observed_on: date | None
    verified_on: date | None


class RelationLine(Schema):
    kind: str
    is_source: bool
    """Whether this customer is the `kind` of the other one."""
    other: UUID | None
    """Null when the other side is outside the caller's scope."""
    since: date | None
    until: date | None


class PartyDetail(PartyLine):
    since_on: date | None
    birth_on: date | None
    sex: str
    occupation: str
    industry: str
    version: int
    completeness: int
    missing: list[str]
    identifiers: list[SealedLine]
    contact_points: list[SealedLine]
    addresses: list[SealedLine]
    relations: list[RelationLine]


class SearchText(Schema):
    text: str
    limit: int = 20


class SearchHit(PartyLine):
    match: str


class NewContact(Schema):
    channel: str
    title: str
    direction: str = ""
    body: str = ""
    result: str = ""
    at: datetime | None = None


class TimelineLine(Schema):
    at: datetime
    kind: str
    channel: str
    direction: str
    title: str
    body: str
    result: str
    employee: str | None


class TimelinePage(Schema):
    items: list[TimelineLine]
    next: str | None


def actor_of(request: HttpRequest) -> Actor:
    """The caller, who must be one who may see customers."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actor.must("customers.view")
    return actor.within("customers.view")


@router.get("/", response=PartyPage)
def list_customers(
    request: HttpRequest, kind: str = "", stage: str = "", tier: str = "", cursor: str = ""
) -> dict[str, Any]:
    """Customers in scope by name, 50 at a time; `next` is the cursor of the page after."""
    actor = actor_of(request)
    rows = queries.with_standing(Party.objects.visible_to(actor))
    for field, value in (("kind", kind), ("stage", stage), ("standing__tier__code", tier)):
        if value:
            rows = rows.filter(**{field: value})
    try:
        page = paging.page(rows, paging.Order("name_key"), PAGE_SIZE, cursor)
    except paging.BadCursor as error:
        raise UserError(_("This cursor is not valid."), _("Begin with the first page.")) from error
    note_seen(actor, SeenKind.PROGRAM, keys=[party.pk for party in page.rows])
    return {"items": [line(actor, party) for party in page.rows], "next": page.next}


@router.post("/search", response=list[SearchHit])
def search_customers(request: HttpRequest, asked: SearchText) -> list[dict[str, Any]]:
    """Best matches first. The text goes in the body, for it may be a document's or account's number."""
    actor = actor_of(request)
    hits = search.search(actor, asked.text, max(1, min(asked.limit, 100)))
    note_seen(actor, SeenKind.PROGRAM, keys=[hit.party.pk for hit in hits])
    return [line(actor, hit.party) | {"match": hit.match.name.lower()} for hit in hits]


@router.get("/tiers", response=list[str])
def list_tiers(request: HttpRequest) -> list[str]:
    """Codes of the tiers, lowest first."""
    return list(Tier.objects.visible_to(actor_of(request)).values_list("code", flat=True))


@router.get("/{uuid:public_id}", response=PartyDetail)
def get_customer(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One customer with its masked documents and contact points."""
    actor = actor_of(request)
    party = one(actor, public_id)
    note_seen(actor, SeenKind.PROGRAM, keys=[party.pk])
    completeness = queries.completeness_of(party)
    return line(actor, party) | {
        **{
            name: getattr(party, name)
            for name in ("since_on", "birth_on", "sex", "occupation", "industry", "version")
        },
        "completeness": completeness.percent,
        "missing": list(completeness.missing),
        "identifiers": [sealed(row) for row in party.identifiers.order_by("pk")],
        "contact_points": [sealed(row) for row in party.contact_points.order_by("pk")],
        "addresses": [sealed(row) for row in party.addresses.order_by("pk")],
        "relations": [
            {
                "kind": each.relation.kind,
                "is_source": each.relation.party_id == party.pk,
                "other": each.other.public_id if each.other else None,
                "since": each.since,
                "until": each.until,
            }
            for each in queries.relations_of(actor, party)
        ],
    }


@router.get("/{uuid:public_id}/timeline", response=TimelinePage)
def list_timeline(
    request: HttpRequest, public_id: UUID, kind: str = "", channel: str = "", cursor: str = ""
) -> dict[str, Any]:
    """What happened, the newest first; `next` is the cursor of the page after."""
    actor = actor_of(request)
    page = queries.timeline_page(
        actor,
        one(actor, public_id),
        kind=kind,
        channel=channel,
        before=parameters.opened_edge(cursor),
    )
    return {"items": [event(entry) for entry in page.entries], "next": page.older_from or None}


@router.post("/{uuid:public_id}/contacts", response={201: TimelineLine})
def add_contact(
    request: HttpRequest, public_id: UUID, contact: NewContact
) -> Status[dict[str, Any]]:
    """Put a contact on the timeline. 422 when the text holds a number that has a field of its own."""
    actor = actor_of(request)
    if contact.channel not in TimelineEntry.Channel.values:
        raise UserError(_("There is no such channel."), ", ".join(TimelineEntry.Channel.values))
    if contact.direction not in TimelineEntry.Direction.values:
        raise UserError(_("There is no such direction."), "in, out")
    entry = services.add_timeline_entry(
        actor=actor,
        party=one(actor, public_id),
        kind=TimelineEntry.Kind.CONTACT,
        **contact.model_dump(),
    )
    return Status(201, event(entry))


def one(actor: Actor, public_id: UUID) -> Party:
    """The customer of this id, or the one it is part of by now."""
    rows = queries.with_standing(Party.objects.visible_to(actor))
    found = rows.filter(public_id=public_id).first()
    root = None if found else queries.root_of(actor, public_id)
    return found or get_object_or_404(rows, pk=root and root.pk)


def line(actor: Actor, party: Party) -> dict[str, Any]:
    standing = queries.standing_of(party)
    manager = queries.manager_of(party)
    money: dict[str, str] = {}
    if standing is not None and queries.sees_money(actor):
        money = {
            "balance": money_text(standing.balance),
            "contribution": money_text(standing.contribution),
        }
    return {
        "id": party.public_id,
        "name": party.name,
        "kind": party.kind,
        "type": party.type,
        "stage": party.stage,
        "unit": party.unit.code,
        "manager": manager.code if manager else None,
        "tier": standing.tier.code if standing and standing.tier else None,
        "value_class": standing.value_class if standing else "",
        "last_contact_on": standing.last_contact_on if standing else None,
        **money,
    }


def money_text(amount: Decimal) -> str:
    """Two places, a point, no separators."""
    return f"{amount:.2f}"


def sealed(row: SealedValue) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "kind": getattr(row, "kind", ""),
        "masked": row.masked,
        "source": row.source,
        "observed_on": row.observed_on,
        "verified_on": row.verified_on,
    }


def event(entry: TimelineEntry) -> dict[str, Any]:
    names = ("at", "kind", "channel", "direction", "title", "body", "result")
    return {name: getattr(entry, name) for name in names} | {
        "employee": entry.employee.code if entry.employee else None
    }
