"""The lists of work and of contacts: columns, quick filters, conditions, groups, and what is done with many rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhike.activities import queries, services
from zhike.activities.models import WorkItem
from zhike.customers.models import Party, Standing, TimelineEntry
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.ui.boards import Move, moves
from zhike.ui.filters import Filter
from zhike.ui.lists import criteria
from zhike.ui.lists.bulk import BulkAction, Listing, bulk_actions, listings
from zhike.ui.lists.criteria import Criterion, midnight
from zhike.ui.lists.groups import Dated, Grouping
from zhike.ui.tables import Column

WORK, CONTACTS = "activities.item", "customers.contact"
WORKS = "activities.work"
STATE_TONES = {
    WorkItem.State.OPEN: "blue",
    WorkItem.State.DONE: "green",
    WorkItem.State.DISMISSED: "secondary",
    WorkItem.State.LAPSED: "secondary",
}
CHANNELS = [
    choice for choice in TimelineEntry.Channel.choices if choice[0] != TimelineEntry.Channel.SYSTEM
]

WORK_COLUMNS: tuple[Column, ...] = (
    Column("party", _("Customer"), url=lambda item: item.get_absolute_url()),
    Column("rule", _("Why"), value=lambda item: item.get_rule_display()),
    Column(
        "state",
        _("State"),
        "badge",
        value=lambda item: item.get_state_display(),
        tone=lambda item: STATE_TONES[WorkItem.State(item.state)],
    ),
    Column("plan_on", _("Planned for"), "date", sortable=True),
    Column("due_on", pgettext_lazy("deadline", "By"), "date", sortable=True, minor=True),
    Column("employee", _("Whose")),
    Column("priority", _("Priority"), "number", sortable=True, optional=True),
    Column("found_on", _("Found on"), "date", sortable=True, optional=True),
    Column("closed_at", _("Closed"), "datetime", sortable=True, minor=True),
    Column("result", _("Result"), minor=True),
    Column("party.unit.name", _("Unit"), optional=True),
)
CONTACT_COLUMNS: tuple[Column, ...] = (
    Column("at", _("When"), "datetime", sortable=True),
    Column("party", _("Customer"), url=lambda entry: entry.party.get_absolute_url()),
    Column("channel", _("Channel"), "badge", value=lambda entry: entry.get_channel_display()),
    Column(
        "direction", _("Direction"), value=lambda entry: entry.get_direction_display(), minor=True
    ),
    Column("title", _("What it was about")),
    Column("result", _("Result")),
    Column("employee", _("Who")),
    Column("party.unit.name", _("Unit"), optional=True),
)


def _names(choices: Any) -> Any:
    def names(actor: Actor) -> Mapping[Any, Any]:
        return dict(choices)

    return names


WORK_GROUPINGS: tuple[Grouping, ...] = (
    Grouping("state", _("State"), "state", _names(WorkItem.State.choices)),
    Grouping("rule", _("Why"), "rule", _names(WorkItem.Rule.choices)),
)
WORK_DATES: tuple[Dated, ...] = (
    Dated("plan", _("Planned for"), "plan_on"),
    Dated("due", pgettext_lazy("deadline", "By"), "due_on"),
)
CONTACT_GROUPINGS: tuple[Grouping, ...] = (
    Grouping("channel", _("Channel"), "channel", _names(CHANNELS), board=False),
    Grouping(
        "direction",
        _("Direction"),
        "direction",
        _names(TimelineEntry.Direction.choices),
        board=False,
    ),
)
CONTACT_DATES: tuple[Dated, ...] = (Dated("at", _("When"), "at", moment=True),)


def work_filters(actor: Actor) -> list[Filter]:
    """The quick filters of the work."""
    today = clock.today()
    spans = {
        "today": Q(plan_on__lte=today),
        "week": Q(plan_on__lte=today + timedelta(days=7)),
        "waiting": Q(plan_on__gt=today),
    }
    return [
        Filter(
            "who", _("Whose"), [("mine", _("mine"))], lambda value: Q(employee=actor.employee_id)
        ),
        Filter("rule", _("Why"), WorkItem.Rule.choices, lambda value: Q(rule=value)),
        Filter("state", _("State"), WorkItem.State.choices, lambda value: Q(state=value)),
        Filter(
            "when",
            _("Planned for"),
            [
                ("today", _("by today")),
                ("week", _("within seven days")),
                ("waiting", _("after today")),
            ],
            spans.__getitem__,
            many=False,
        ),
    ]


def contact_filters(actor: Actor) -> list[Filter]:
    """The quick filters of the contacts."""
    return [
        Filter(
            "who",
            _("Who"),
            [("mine", pgettext_lazy("a contact", "by me"))],
            lambda value: Q(employee=actor.employee_id),
        ),
        Filter("channel", _("Channel"), CHANNELS, lambda value: Q(channel=value)),
        Filter(
            "direction",
            _("Direction"),
            [each for each in TimelineEntry.Direction.choices if each[0]],
            lambda value: Q(direction=value),
        ),
        Filter(
            "within",
            pgettext_lazy("a time", "Within the last"),
            [(days, _("%(n)s days") % {"n": days}) for days in ("7", "30", "90")],
            lambda days: Q(at__gte=midnight(clock.today() - timedelta(days=int(days)))),
            many=False,
        ),
    ]


class LaterForm(forms.Form):
    until = forms.DateField(
        label=_("Put off until"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )


class DoneForm(forms.Form):
    result = forms.CharField(label=_("Result"), max_length=200)
    channel = forms.ChoiceField(
        label=_("How the customers were reached"),
        required=False,
        choices=[("", _("not at all: a note")), *CHANNELS],
    )


class UselessForm(forms.Form):
    because = forms.ChoiceField(label=_("Not useful because"), choices=WorkItem.Useless.choices)
    reason = forms.CharField(label=_("In words"), required=False, max_length=200)


class PromiseForm(forms.Form):
    on = forms.DateField(
        label=_("On which day"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    text = forms.CharField(label=_("What is to be done"), max_length=200)


def put_off(actor: Actor, item: WorkItem, params: Mapping[str, Any]) -> object:
    return services.postpone(actor=actor, item=item, until=date.fromisoformat(params["until"]))


def settle(actor: Actor, item: WorkItem, params: Mapping[str, Any]) -> object:
    return services.complete(
        actor=actor, item=item, result=params["result"], channel=params["channel"]
    )


def dismiss(actor: Actor, item: WorkItem, params: Mapping[str, Any]) -> object:
    return services.dismiss(
        actor=actor, item=item, because=params["because"], reason=params["reason"]
    )


def promise(actor: Actor, row: Any, params: Mapping[str, Any]) -> object:
    """A follow-up on the customer, or on the one an agreement belongs to."""
    party = row if isinstance(row, Party) else row.party
    return services.plan_follow_up(
        actor=actor, party=party, on=date.fromisoformat(params["on"]), text=params["text"]
    )


def hand_over(actor: Actor, item: WorkItem, params: Mapping[str, Any]) -> object:
    to = queries.team_members(actor).filter(pk=params["to"]).first()
    if to is None:
        raise UserError(
            gettext("This person is not of your team any more."), gettext("Choose somebody else.")
        )
    return services.hand_over_lines(actor=actor, items=[item], to=to, reason=params["reason"])


def _hand_over_form(data: Any, actor: Actor) -> forms.Form:
    from zhike.activities.views.handings import HandOverForm

    return HandOverForm(data, actor=actor)


def _receiver(form: forms.Form) -> dict[str, Any]:
    return {"to": form.cleaned_data["to"].pk, "reason": form.cleaned_data["reason"]}


def _as_text(form: forms.Form) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in form.cleaned_data.items()
    }


def _work_list() -> type[Any]:
    from zhike.activities.views.records import WorkList

    return WorkList


def _contact_list() -> type[Any]:
    from zhike.activities.views.records import ContactList

    return ContactList


def register() -> None:
    """Called once when the room starts."""
    listings.register(Listing(WORK, _work_list, "activities:work"))
    listings.register(Listing(CONTACTS, _contact_list, "activities:contacts"))
    _criteria()
    for action in (
        BulkAction(
            "activities.done",
            WORK,
            _("Done"),
            icon="check",
            permission=WORKS,
            run_one=settle,
            form=lambda data, actor: DoneForm(data),
            params=_as_text,
            order=10,
        ),
        BulkAction(
            "activities.later",
            WORK,
            _("Later"),
            icon="clock",
            permission=WORKS,
            run_one=put_off,
            form=lambda data, actor: LaterForm(data),
            params=_as_text,
            order=20,
        ),
        BulkAction(
            "activities.useless",
            WORK,
            _("Not useful"),
            icon="ban",
            permission=WORKS,
            run_one=dismiss,
            form=lambda data, actor: UselessForm(data),
            params=_as_text,
            order=30,
        ),
        BulkAction(
            "activities.hand_over",
            WORK,
            pgettext_lazy("lines", "Hand over"),
            icon="user-share",
            permission="activities.hand_over",
            run_one=hand_over,
            form=_hand_over_form,
            params=_receiver,
            order=40,
        ),
        *(
            BulkAction(
                f"activities.promise_{name}",
                page,
                _("Plan a follow-up"),
                icon="calendar-plus",
                permission=WORKS,
                run_one=promise,
                form=lambda data, actor: PromiseForm(data),
                params=_as_text,
                order=15,
            )
            for name, page in (
                ("customers", "customers.party"),
                ("agreements", "products.agreement"),
            )
        ),
    ):
        bulk_actions.register(action)
    moves.register(
        Move("activities.state", WORK, "state", WORKS, step, _step_form, _step_back, _has_way_back)
    )


def _step_form(item: WorkItem, column: str, data: Any) -> forms.Form | None:
    """What a line needs to be done or dismissed; nothing to be open again."""
    if item.state != WorkItem.State.OPEN:
        return None
    form = {WorkItem.State.DONE: DoneForm, WorkItem.State.DISMISSED: UselessForm}.get(
        WorkItem.State(column)
    )
    return form(data) if form else None


def step(actor: Actor, item: WorkItem, column: str, params: Mapping[str, Any]) -> object:
    """The line into another state, as far as a person decides it."""
    match column:
        case WorkItem.State.OPEN:
            return services.reopen(actor=actor, item=item)
        case WorkItem.State.DONE:
            return settle(actor, item, {"result": "", "channel": "", **params})
        case WorkItem.State.DISMISSED:
            return dismiss(actor, item, {"because": WorkItem.Useless.OTHER, "reason": "", **params})
        case _lapsed:
            raise UserError(
                gettext("A line lapses by itself, when its reason is gone."),
                gettext("Say that it was not useful."),
            )


def _step_back(actor: Actor, item: WorkItem, was: str) -> object:
    return services.reopen(actor=actor, item=item)


def _has_way_back(was: str, column: str) -> bool:
    return was == WorkItem.State.OPEN


def _criteria() -> None:
    line, customer, contact = _("About the line"), _("About the customer"), _("About the contact")

    def of_customer(page: str) -> tuple[Criterion, ...]:
        return (
            Criterion(
                f"{page}:value_class", page, _("Value class"), "choice",
                "party__standing__value_class", lambda actor: Standing.ValueClass.choices,
                group=customer,
            ),
            Criterion(
                f"{page}:balance", page, _("Balance"), "money", "party__standing__balance",
                permission="insight.view", group=customer,
            ),
        )  # fmt: skip

    criteria.register(
        WORK,
        Criterion(
            f"{WORK}:rule", WORK, _("Why"), "choice", "rule",
            lambda actor: WorkItem.Rule.choices, group=line, nullable=False,
        ),
        Criterion(
            f"{WORK}:state", WORK, _("State"), "choice", "state",
            lambda actor: WorkItem.State.choices, group=line, nullable=False,
        ),
        Criterion(f"{WORK}:planned", WORK, _("Planned for"), "date", "plan_on", group=line),
        Criterion(f"{WORK}:due", WORK, pgettext_lazy("deadline", "By"), "date", "due_on", group=line),
        Criterion(f"{WORK}:found", WORK, _("Found on"), "date", "found_on", group=line),
        Criterion(f"{WORK}:closed", WORK, _("Closed"), "moment", "closed_at", group=line),
        Criterion(f"{WORK}:priority", WORK, _("Priority"), "number", "priority", group=line),
        Criterion(f"{WORK}:whose", WORK, _("Whose"), "text", "employee__name", group=line),
        Criterion(
            f"{WORK}:useless", WORK, _("Not useful because"), "choice", "useless_because",
            lambda actor: WorkItem.Useless.choices, group=line,
        ),
        *of_customer(WORK),
    )  # fmt: skip
    criteria.register(
        CONTACTS,
        Criterion(f"{CONTACTS}:at", CONTACTS, _("When"), "moment", "at", group=contact, nullable=False),
        Criterion(
            f"{CONTACTS}:channel", CONTACTS, _("Channel"), "choice", "channel",
            lambda actor: CHANNELS, group=contact, nullable=False,
        ),
        Criterion(
            f"{CONTACTS}:direction", CONTACTS, _("Direction"), "choice", "direction",
            lambda actor: TimelineEntry.Direction.choices[:2], group=contact,
        ),
        Criterion(f"{CONTACTS}:who", CONTACTS, _("Who"), "text", "employee__name", group=contact),
        *of_customer(CONTACTS),
    )  # fmt: skip
