"""What may be done with many customers at once; each row goes through the service of the customer page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms as django_forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import services
from zhike.customers.filters import PAGE
from zhike.customers.forms import HandOverForm, ReasonForm
from zhike.customers.models import Party, TimelineEntry
from zhike.customers.queries.history import handed_over_alone
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.organisation.models import Employee
from zhike.ui.boards import Move, moves
from zhike.ui.lists.bulk import BulkAction, Listing, bulk_actions, listings

ALONE = 50
"""Customers that one person hands over within a day, at once or one by one, before a second one is asked."""


class NoteForm(django_forms.Form):
    title = django_forms.CharField(label=_("What it is about"), max_length=120)
    body = django_forms.CharField(
        label=_("Text"), required=False, max_length=2000, widget=django_forms.Textarea({"rows": 4})
    )


class ManyHandOverForm(HandOverForm):
    """The new main manager; who assists is settled customer by customer."""

    role = None  # type: ignore[assignment]
    until = None  # type: ignore[assignment]


def hand_over(actor: Actor, party: Party, params: Mapping[str, Any]) -> object:
    return services.hand_over_of_many(
        actor=actor,
        party=party,
        to=Employee.objects.get(pk=params["employee"]),
        reason=params["reason"],
        since=date.fromisoformat(params["since"]) if params.get("since") else None,
    )


def add_note(actor: Actor, party: Party, params: Mapping[str, Any]) -> object:
    return services.add_timeline_entry(
        actor=actor,
        party=party,
        kind=TimelineEntry.Kind.NOTE,
        channel=TimelineEntry.Channel.SYSTEM,
        title=params["title"],
        body=params["body"],
    )


def close(actor: Actor, party: Party, params: Mapping[str, Any]) -> object:
    return services.close_party(actor=actor, party=party, reason=params["reason"])


def reopen(actor: Actor, party: Party, params: Mapping[str, Any]) -> object:
    return services.reopen_party(actor=actor, party=party, reason=params["reason"])


def _successor(form: django_forms.Form) -> dict[str, Any]:
    values = form.cleaned_data
    since = values["since"].isoformat() if values["since"] else ""
    return {"employee": values["employee"].pk, "reason": values["reason"], "since": since}


def _to_whom(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    to = Employee.objects.select_related("unit").filter(pk=params["employee"]).first()
    return [
        (gettext("To whom"), f"{to.name}, {to.unit}" if to else "—"),
        (gettext("Reason"), params["reason"]),
        *([(gettext("From"), params["since"])] if params.get("since") else ()),
    ]


def _party_list() -> type[Any]:
    from zhike.customers.views import PartyList

    return PartyList


def register() -> None:
    """Called once when the room starts."""
    listings.register(Listing(PAGE, _party_list, "customers:list"))
    for action in (
        BulkAction(
            "customers.hand_over",
            PAGE,
            _("Hand over"),
            icon="user-share",
            permission="customers.assign",
            run_one=hand_over,
            form=lambda data, actor: ManyHandOverForm(data, actor=actor),
            params=_successor,
            order=10,
            alone=ALONE,
            level="reassign",
            one_by_one=lambda actor, since: len(handed_over_alone(actor.user_id, since)),
            said=_to_whom,
        ),
        BulkAction(
            "customers.note",
            PAGE,
            _("Add a note"),
            icon="note",
            permission="customers.edit",
            run_one=add_note,
            form=lambda data, actor: NoteForm(data),
            order=20,
        ),
        BulkAction(
            "customers.close",
            PAGE,
            _("Close"),
            icon="user-off",
            permission="customers.edit",
            run_one=close,
            form=lambda data, actor: ReasonForm(data),
            order=40,
        ),
        BulkAction(
            "customers.reopen",
            PAGE,
            _("Open again"),
            icon="user-plus",
            permission="customers.edit",
            run_one=reopen,
            form=lambda data, actor: ReasonForm(data),
            order=50,
        ),
    ):
        bulk_actions.register(action)
    moves.register(
        Move(
            "customers.stage",
            PAGE,
            "stage",
            "customers.edit",
            step,
            _step_form,
            _step_back,
            _has_way_back,
        )
    )


def _step_form(party: Party, column: str, data: Any) -> django_forms.Form | None:
    """A reason to close or to open again; none to become a customer."""
    prospect = party.stage == Party.Stage.PROSPECT and column == Party.Stage.CUSTOMER
    return None if prospect or column == Party.Stage.PROSPECT else ReasonForm(data)


def step(actor: Actor, party: Party, column: str, params: Mapping[str, Any]) -> object:
    """The customer into another stage, by the service of their page."""
    if column == Party.Stage.FORMER:
        return close(actor, party, params)
    if column == Party.Stage.CUSTOMER and party.stage == Party.Stage.FORMER:
        return reopen(actor, party, params)
    if column == Party.Stage.CUSTOMER:
        return services.convert_prospect(actor=actor, party=party)
    raise UserError(
        gettext("Whoever was a customer does not become a prospect again."),
        gettext("Close the customer, or leave the stage as it is."),
    )


def _step_back(actor: Actor, party: Party, was: str) -> object:
    reason = {"reason": gettext("taken back at once")}
    if was == Party.Stage.CUSTOMER:
        return reopen(actor, party, reason)
    return close(actor, party, reason)


def _has_way_back(was: str, column: str) -> bool:
    """Closing and opening again undo each other; a prospect who became a customer stays one."""
    return {was, column} == {Party.Stage.CUSTOMER.value, Party.Stage.FORMER.value}
