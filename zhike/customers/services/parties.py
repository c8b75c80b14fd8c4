"""Opening, changing, converting and closing customers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhike.customers import names, rules
from zhike.customers.events import PartyChanged, PartyCreated, ProspectConverted
from zhike.customers.models import Assignment, Party, Standing, TierRating, TimelineEntry
from zhike.customers.services.assignments import seat
from zhike.customers.services.standing import clear_standings, end_ratings
from zhike.customers.services.text import must_hide_nothing
from zhike.customers.services.timeline import tell
from zhike.kernel import audit, clock, events
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Conflict, Refused, UserError
from zhike.kernel.services import change, must_see, service
from zhike.kernel.wording import listed, sentences
from zhike.organisation.models import Employee, Unit

EDITABLE = frozenset(
    {
        *("name", "type", "unit", "sex", "birth_on", "lunar_birthday", "since_on", "note"),
        *("occupation", "industry", "education", "marital_status", "employees_count"),
    }
)
BY_HAND = "zhike"

# A room above may name a reason why a customer cannot be closed yet (agreements are open).
CloseGuard = Callable[[Party], str | None]
close_guards: list[CloseGuard] = []

# A room above keeps what people entered here (or confirmed, then `verified`), word for word, in the same transaction.
WordKeeper = Callable[[Actor, Party, Collection[str], bool], None]
word_keepers: list[WordKeeper] = []


@service("customers.edit")
def create_party(
    *,
    actor: Actor,
    kind: str,
    type: str,
    name: str,
    unit: Unit | None = None,
    stage: str = Party.Stage.CUSTOMER,
    fields: Mapping[str, Any] | None = None,
    source: str = BY_HAND,
    manager: Employee | None = None,
) -> Party:
    """A new prospect or customer, person or organisation; `fields` are further fields of `EDITABLE`.

    Without `unit` it belongs to the actor's own. Without `manager`, somebody who sees only customers
    of their own becomes its main manager; otherwise it waits on the list of the unassigned.
    Raises UserError for implausible values, Refused for a unit outside the actor's scope.
    """
    values = {"name": name.strip(), "type": Party.Type(type), **(fields or {})}
    _must_be_editable(values)
    party = Party(
        kind=Party.Kind(kind),
        stage=Party.Stage(stage),
        unit=unit or _own_unit(actor),
        **values,
    )
    if party.stage == Party.Stage.CUSTOMER and party.since_on is None:
        party.since_on = clock.today()
    _must_be_plausible(party)
    must_hide_nothing(name=party.name, note=party.note)
    _index_name(party)
    given = [field for field in values if values[field] not in (None, "")]
    party.provenance = {field: _origin(source) for field in sorted(given)}
    party.save(force_insert=True)
    keep_words(actor, party, {*given, "stage", "since_on"})
    alone = actor.may("activities.work") and not actor.within("activities.work").units
    seen = actor.everywhere or party.unit_id in actor.units
    if manager is None and alone and not seen and actor.employee_id is not None:
        manager = Employee.objects.get(pk=actor.employee_id)
    if manager is not None:
        seat(
            actor,
            party,
            manager,
            Assignment.Role.MAIN,
            since=clock.today(),
            reason=_("new customer"),
        )
    must_see(actor, party)
    audit.record(
        actor,
        "customers.party.create",
        party,
        changes={field: (None, getattr(party, field)) for field in ("kind", "stage", *given)},
        party_id=party.pk,
    )
    events.publish(PartyCreated(party.pk))
    return party


@service("customers.edit")
def update_party(
    *,
    actor: Actor,
    party: Party,
    changes: Mapping[str, Any],
    version: int | None = None,
    originals: Mapping[str, Any] | None = None,
    source: str = BY_HAND,
    reason: str = "",
) -> Party:
    """Change fields of `EDITABLE`; each changed field then stands as seen today in `source`, unverified.

    `version` and `originals` are what the person saw. Raises Conflict where somebody else changed the
    same fields meanwhile, UserError for implausible values or fields that are not changed here.
    """
    _must_be_editable(changes)
    must_see(actor, party)
    must_hide_nothing(
        name=str(changes.get("name", "")), note=str(changes.get("note", "")), reason=reason
    )
    done = change(
        actor,
        party,
        changes,
        action="customers.party.change",
        version=version,
        originals=originals,
        reason=reason,
        party_id=party.pk,
    )
    if not done:
        return party
    party.refresh_from_db()
    _must_be_plausible(party)
    _index_name(party)
    party.provenance = {**party.provenance, **{field: _origin(source) for field in done}}
    Party.objects.filter(pk=party.pk).update(
        name_key=party.name_key, search_tokens=party.search_tokens, provenance=party.provenance
    )
    keep_words(actor, party, done)
    events.publish(PartyChanged(party.pk, tuple(sorted(done))))
    return party


@service("customers.edit")
def confirm_fields(*, actor: Actor, party: Party, fields: list[str]) -> Party:
    """Somebody checked these fields with the customer: they stand as verified today."""
    _must_be_editable(dict.fromkeys(fields))
    must_see(actor, party)
    current = Party.objects.select_for_update().get(pk=party.pk)
    today = clock.today().isoformat()
    confirmed = {
        field: {**current.provenance.get(field, _origin(BY_HAND)), "verified_on": today}
        for field in fields
    }
    party.provenance = {**current.provenance, **confirmed}
    Party.objects.filter(pk=party.pk).update(provenance=party.provenance)
    keep_words(actor, current, fields, verified=True)
    audit.record(
        actor,
        "customers.party.confirm",
        party,
        changes=dict.fromkeys(fields, (None, "verified")),
        party_id=party.pk,
    )
    return party


@service("customers.edit")
def convert_prospect(
    *, actor: Actor, party: Party, on: date | None = None, version: int | None = None
) -> Party:
    """A prospect becomes a customer: the same row, with everything known and done so far."""
    if party.stage != Party.Stage.PROSPECT:
        raise UserError(_("Only a prospect can become a customer."), _("Reload the page."))
    _move(
        actor,
        party,
        {"stage": Party.Stage.CUSTOMER, "since_on": on or clock.today()},
        action="customers.party.convert",
        version=version,
    )
    tell(
        actor,
        party,
        TimelineEntry.Kind.DECISION,
        TimelineEntry.Channel.SYSTEM,
        _("Prospect became a customer"),
    )
    events.publish(ProspectConverted(party.pk))
    return party


@service("customers.edit")
def close_party(
    *,
    actor: Actor,
    party: Party,
    reason: str,
    on: date | None = None,
    version: int | None = None,
) -> Party:
    """The relation ended: the customer stays on record as a former one, out of the daily lists, without a tier.

    Refused while a room above still needs the customer (agreements are open).
    """
    if party.stage == Party.Stage.FORMER:
        raise UserError(_("This customer is closed already."), _("Reload the page."))
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
    for guard in close_guards:
        if obstacle := guard(party):
            raise Refused(obstacle, action="customers.party.close")
    _move(
        actor,
        party,
        {"stage": Party.Stage.FORMER, "until_on": on or clock.today()},
        action="customers.party.close",
        version=version,
        reason=reason.strip(),
    )
    clear_standings(Standing.objects.filter(party=party))
    end_ratings(TierRating.objects.filter(party=party), clock.today())
    return party


@service("customers.edit")
def reopen_party(*, actor: Actor, party: Party, reason: str, version: int | None = None) -> Party:
    """A former customer is back."""
    if party.stage != Party.Stage.FORMER:
        raise UserError(_("This customer is not closed."), _("Reload the page."))
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
    _move(
        actor,
        party,
        {"stage": Party.Stage.CUSTOMER, "until_on": None},
        action="customers.party.reopen",
        version=version,
        reason=reason.strip(),
    )
    return party


@service("customers.export", proof=True)
def note_export(*, actor: Actor, name: str, count: int) -> None:
    """Put on record that the actor took `count` rows of the list `name` away as a file."""
    rows = ngettext("%(count)d row", "%(count)d rows", count) % {"count": count}
    audit.record(actor, f"export.{name}", reason=rows)


@service("customers.export", proof=True)
def note_brief(*, actor: Actor, party: Party) -> None:
    """Put on record that the actor took the brief of `party` away on paper.

    One customer on one sheet: no second person, but it counts as a customer opened.
    """
    must_see(actor, party)
    audit.record(actor, "export.brief", party, party_id=party.pk)


def _move(
    actor: Actor,
    party: Party,
    changes: Mapping[str, Any],
    *,
    action: str,
    version: int | None,
    reason: str = "",
) -> None:
    """One step of the stage, refused when somebody else has moved it since the page was opened."""
    originals = {field: getattr(party, field) for field in changes}
    try:
        done = change(
            actor,
            party,
            changes,
            action=action,
            version=version,
            originals=originals,
            reason=reason,
            party_id=party.pk,
        )
    except Conflict as error:
        raise UserError(error.message, _("Reload the page.")) from error
    if done:
        keep_words(actor, party, done)
        events.publish(PartyChanged(party.pk, tuple(sorted(done))))


def keep_words(
    actor: Actor, party: Party, fields: Collection[str], *, verified: bool = False
) -> None:
    """Hand what was just written into these fields to those who keep every word."""
    for keep in word_keepers:
        keep(actor, party, fields, verified)


def _own_unit(actor: Actor) -> Unit:
    if actor.employee_id is None:
        raise UserError(_("The customer has no unit."), _("Choose the unit it belongs to."))
    return Unit.objects.get(employees=actor.employee_id)


def _must_be_editable(values: Mapping[str, Any]) -> None:
    if odd := sorted(set(values) - EDITABLE):
        raise Refused(
            _("These fields are not changed by hand: %(fields)s.") % {"fields": listed(odd)},
            action="customers.party.change",
        )


def _must_be_plausible(party: Party) -> None:
    problems = rules.implausible(
        rules.Particulars(
            kind=party.kind,
            type=party.type,
            name=party.name,
            sex=party.sex,
            birth_on=party.birth_on,
            since_on=party.since_on,
            until_on=party.until_on,
            employees_count=party.employees_count,
        ),
        clock.today(),
    )
    if problems:
        raise UserError(sentences(problems.values()), _("Correct the value."))


def _index_name(party: Party) -> None:
    person = party.kind == Party.Kind.PERSON
    party.name_key, party.search_tokens = names.keys(party.name, person=person)


def _origin(source: str) -> dict[str, str | None]:
    return {"source": source, "on": clock.today().isoformat(), "verified_on": None}
