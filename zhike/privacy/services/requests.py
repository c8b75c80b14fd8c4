"""A request taken, refused with a reason, or granted where it is a correction."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from zhike.customers.models import Party
from zhike.customers.services import update_party
from zhike.customers.services.parties import EDITABLE
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_see, service
from zhike.kernel.wording import sentences
from zhike.masterdata.services.surviving import WORDS, hand_record, pin_value
from zhike.privacy.models import Step, SubjectRequest
from zhike.privacy.rules import due_on

Kind, State = SubjectRequest.Kind, SubjectRequest.State
CORRECTABLE = tuple(name for name in WORDS if name in EDITABLE)
"""Fields that a request may name; numbers and addresses are corrected at their own place."""


@service("privacy.request")
def ask(
    *,
    actor: Actor,
    party: Party,
    kind: str,
    how: str,
    words: str = "",
    field: str = "",
    wanted: str = "",
) -> SubjectRequest:
    """Take somebody's request. `field` and `wanted` are of a correction; without a field `words` say what is wrong.

    Raises UserError where the same is asked already, and for a correction that says nothing.
    """
    must_see(actor, party)
    must_hide_nothing(words=words, wanted=wanted)
    if kind == Kind.CORRECTION:
        if field and field not in CORRECTABLE:
            raise UserError(_("This field is not corrected here."), _("Choose another field."))
        if not words.strip() and not (field and wanted.strip()):
            raise UserError(
                _("What is wrong is missing."), _("Name the field and its right value.")
            )
        if field:
            _value(field, wanted)
    today = clock.today()
    try:
        with transaction.atomic():
            request: SubjectRequest = SubjectRequest.objects.create(
                kind=Kind(kind),
                party=party,
                subject=party.public_id,
                key=party.pk,
                how=SubjectRequest.How(how),
                words=words.strip(),
                field=field if kind == Kind.CORRECTION else "",
                wanted=wanted.strip() if kind == Kind.CORRECTION else "",
                asked_on=today,
                due_on=due_on(today, settings.ZHIKE_PRIVACY_DAYS),
                asked_by_id=actor.user_id,
                asked_name=actor.name,
            )
    except IntegrityError as error:
        raise UserError(
            _("The customer has asked for this already."), _("See the request that is open.")
        ) from error
    must_see(actor, request)
    stepped(actor, request, State.ASKED)
    return request


@service("account.use")
def refuse(*, actor: Actor, request: SubjectRequest, reason: str) -> SubjectRequest:
    """Say no, with the reason that the person is told. Corrections by their owner, the rest by whoever decides."""
    right = "privacy.answer" if request.kind == Kind.CORRECTION else "privacy.decide"
    actor.must(right)
    request = locked(actor.within(right), request, State.ASKED, State.READY)
    return answered(actor, request, State.REFUSED, must_say(reason))


@service("privacy.answer")
def correct(*, actor: Actor, request: SubjectRequest, reason: str) -> SubjectRequest:
    """What was checked and found right is changed by the ordinary edit, and stands whatever other sources say.

    Without a field the change has been made at its own place, and `reason` says what.
    """
    request = locked(actor, request, State.ASKED)
    party = request.party
    if request.kind != Kind.CORRECTION or party is None:
        raise UserError(_("This is no request for a correction."), _("Reload the page."))
    why = must_say(reason)
    if request.field:
        value = _value(request.field, request.wanted)
        update_party(actor=actor, party=party, changes={request.field: value}, reason=why)
        record = hand_record(party)
        if request.field in record.values:
            pin_value(actor=actor, party=party, field=request.field, record=record, reason=why)
    return answered(actor, request, State.DONE, why)


def locked(actor: Actor, request: SubjectRequest, *states: str) -> SubjectRequest:
    """The request as it stands now, held until the end. Raises UserError when somebody else was quicker."""
    must_see(actor, request)
    now = SubjectRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if now.state not in states:
        raise UserError(_("Somebody has dealt with this request by now."), _("Reload the page."))
    return now


def answered(actor: Actor, request: SubjectRequest, state: str, reason: str = "") -> SubjectRequest:
    """The request in its next state, the step on record."""
    request.state, request.answered_name = state, actor.name
    request.reason = reason
    if not request.is_open and request.ended_on is None:
        request.ended_on = clock.today()
    request.version += 1
    request.save()
    stepped(actor, request, state, reason)
    return request


def stepped(actor: Actor, request: SubjectRequest, state: str, note: str = "") -> None:
    Step.objects.create(
        request=request, state=state, at=clock.now(), by=actor.name, note=note[:300]
    )
    audit.record(
        actor,
        f"privacy.{request.kind}.{state}",
        request,
        reason=note,
        party_id=request.key,
    )


def must_say(reason: str) -> str:
    said = reason.strip()
    if len(said) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=said)
    return said


def _value(field: str, said: str) -> Any:
    """What the person said as the field takes it; UserError where the field does not."""
    taken: Any = Party._meta.get_field(field)
    try:
        return taken.clean(said.strip() or taken.get_default(), Party())
    except ValidationError as error:
        raise UserError(
            _("The field does not take this value: %(why)s") % {"why": sentences(error.messages)}
        ) from error
