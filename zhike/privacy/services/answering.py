"""The copy of everything: agreed to by a second person, made by a job, handed over on record."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _

from zhike.kernel import audit, crypto
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.services import must_be_another, must_see, service
from zhike.privacy.models import SubjectRequest
from zhike.privacy.queries.held import as_data, everything
from zhike.privacy.services.requests import answered, locked

Kind, State = SubjectRequest.Kind, SubjectRequest.State


@service("privacy.decide")
def approve_access(*, actor: Actor, request: SubjectRequest) -> SubjectRequest:
    """Agree, as the second person, that the copy is made; a job makes it. Who agrees does not see it."""
    request = locked(actor, request, State.ASKED)
    if request.kind != Kind.ACCESS:
        raise UserError(_("Nobody asks for a copy here."), _("Reload the page."))
    must_be_another(actor, "privacy.decide", user=request.asked_by_id)
    answered(actor, request, State.APPROVED)
    from zhike.privacy.tasks import make  # the queue is ready only when the rooms are

    make.configure(lock=f"privacy-{request.pk}").defer(request=request.pk)
    return request


@service("privacy.answer")
def make_answer(*, actor: Actor, request: SubjectRequest) -> SubjectRequest:
    """The copy, sealed. Begun again after its worker was killed it is the same, of that moment."""
    request = SubjectRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if request.state != State.APPROVED or request.party is None:
        return request
    said = json.dumps(as_data(everything(request.party), request.party), ensure_ascii=False)
    request.answer = crypto.encrypt(said, request.place)
    return answered(actor, request, State.READY)


@service("privacy.answer", proof=True)
def hand_over(*, actor: Actor, request: SubjectRequest) -> dict[str, Any]:
    """The copy in clear, for the person it is about; each time on record as a reading of all identifiers."""
    must_see(actor, request)
    request = SubjectRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if request.answer is None or request.party is None:
        raise UserError(
            _("There is no copy: it is not made yet, or has grown old."), _("Take a new request.")
        )
    must_see(actor, request.party)
    audit.record(
        actor,
        "privacy.access.hand_over",
        request,
        reason=request.get_how_display(),
        party_id=request.party_id,
    )
    if request.state == State.READY:
        answered(actor, request, State.DONE)
    told: dict[str, Any] = json.loads(crypto.decrypt(bytes(request.answer), request.place))
    return told
