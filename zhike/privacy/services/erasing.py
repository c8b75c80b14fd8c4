"""Erasure in three states: asked, restricted (kept sealed because a law says so, out of all work), erased.

A restricted customer leaves every table, so that no list, count, search, matching or refresh can meet them; what a law
still asks for lies sealed in `KeptByLaw`, a text a law. Each goes on its day; with the last one the request is erased.
One transaction a customer: killed at any moment and begun again it ends the same.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils.translation import gettext as _

from zhike.customers.models import Party
from zhike.kernel import audit, clock, crypto, keys
from zhike.kernel.actor import Actor
from zhike.kernel.errors import UserError
from zhike.kernel.keeping import Subject, Term
from zhike.kernel.services import must_be_another, must_see, service
from zhike.kernel.wording import sentences
from zhike.masterdata.services.barring import bar
from zhike.privacy.models import KeptByLaw, SubjectRequest
from zhike.privacy.queries.erasure import blockers_of, ended_on, outlives, stays, untils
from zhike.privacy.queries.held import Part, everything, kept_models, subject_of
from zhike.privacy.services.requests import answered, locked, must_say

Kind, State = SubjectRequest.Kind, SubjectRequest.State
ANSWERS_FOR = timedelta(days=30)


@service("privacy.decide", proof=True)
def restrict(*, actor: Actor, request: SubjectRequest, reason: str) -> SubjectRequest:
    """Grant an erasure: what no law asks for goes at once, the rest is sealed until its day.

    Raises UserError while a contract runs (its fulfilment needs the data, 个人信息保护法 13 (2)); Refused to whoever
    took the request.
    """
    request = locked(actor, request, State.ASKED)
    if request.kind != Kind.ERASURE or request.party is None:
        raise UserError(_("Nobody asks for erasure here."), _("Reload the page."))
    must_be_another(actor, "privacy.decide", user=request.asked_by_id)
    why = must_say(reason)
    party = Party.objects.select_for_update().get(pk=request.party.pk)
    if blockers := blockers_of(party):
        raise UserError(sentences(blockers), _("The data can go once this has ended."))
    _take_out(actor, request, party, why)
    return request


def _take_out(actor: Actor, request: SubjectRequest, party: Party, why: str) -> None:
    request.ended_on = ended_on(party)[0]
    _seal(request, everything(party), untils(party))
    _withdraw(party, request)
    answered(actor, request, State.RESTRICTED, why)
    if not KeptByLaw.objects.filter(request=request).exists():
        _erased(actor, request)
    _remember(request)


def _seal(request: SubjectRequest, parts: list[Part], running: dict[Term, date]) -> None:
    """One sealed text for each law that still runs, of the fields it asks for and what their rows are."""
    texts: dict[Term, list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        if stays(part):
            continue
        for term in running:
            rows = [
                {
                    value.label: value.text
                    for value in row
                    if not value.own or value.rule.term is term
                }
                for row in part.rows
                if any(value.own and value.rule.term is term for value in row)
            ]
            if rows:
                texts[term].append({"name": part.name, "title": part.title, "rows": rows})
    for term, tables in texts.items():
        kept = KeptByLaw(request=request, term=term, until=running[term])
        kept.sealed = crypto.encrypt(json.dumps(tables, ensure_ascii=False), kept.place)
        kept.save(force_insert=True)


def _withdraw(party: Party, request: SubjectRequest) -> None:
    """The rows about the party leave their tables; other requests of theirs end with it."""
    subject = subject_of(party)
    bar(party_ids=subject.keys)
    for other in SubjectRequest.objects.filter(party=party).exclude(pk=request.pk):
        other.words = other.wanted = ""
        other.answer = None
        other.party = None
        other.save()
    request.party, request.words = None, ""
    request.save()
    _remove(subject)


def _remove(subject: Subject) -> None:
    waiting = [each for each in kept_models() if not outlives(each)]
    # Rows that only carry the key, without a foreign key, are written by triggers until the very end.
    last = [each for each in waiting if each.keeping.about == "party_id"]
    waiting = [each for each in reversed(waiting) if each not in last]
    while waiting:
        left = [each for each in waiting if not _emptied(each, subject)]
        if len(left) == len(waiting):
            raise RuntimeError(f"rows of {[each.__name__ for each in left]} hold each other")
        waiting = left
    for each in last:
        each.objects.filter(each.keeping.rows_of(subject)).delete()


def _emptied(model: Any, subject: Subject) -> bool:
    """Whether its rows could go; rows that others hold on to wait until those have gone."""
    try:
        with transaction.atomic():
            model.objects.filter(model.keeping.rows_of(subject)).delete()
    except (ProtectedError, RestrictedError):
        return False
    return True


def _erased(actor: Actor, request: SubjectRequest) -> None:
    """The last word: not even the key by which movements are told apart is known any more."""
    answered(actor, request, State.ERASED, request.reason)
    SubjectRequest.objects.filter(subject=request.subject).update(key=None)
    request.key = None


def forget_due(*, actor: Actor, today: date | None = None) -> int:
    """What the laws no longer ask for goes; answers how many customers were erased. Each in its own transaction."""
    actor.must("privacy.decide")
    day = today or clock.today()
    replay(actor=actor)
    due = SubjectRequest.objects.filter(state=State.RESTRICTED).order_by("pk")
    count = 0
    for pk in list(due.values_list("pk", flat=True)):
        count += _forget(actor, pk, day)
    old = SubjectRequest.objects.filter(answer__isnull=False, ended_on__lt=day - ANSWERS_FOR)
    old.update(answer=None)
    return count


def _forget(actor: Actor, pk: int, day: date) -> bool:
    with transaction.atomic():
        request = SubjectRequest.objects.select_for_update(of=("self",)).get(pk=pk)
        if request.state != State.RESTRICTED:
            return False
        for kept in KeptByLaw.objects.filter(request=request, until__lte=day):
            audit.record(actor, "privacy.erasure.kept", request, reason=kept.term)
            kept.delete()
        if KeptByLaw.objects.filter(request=request).exists():
            return False
        _erased(actor, request)
    _remember(request)
    return True


@service("privacy.decide")
def read_kept(*, actor: Actor, request: SubjectRequest) -> list[tuple[KeptByLaw, list[Any]]]:
    """What is kept of a restricted customer, in clear; each reading on record."""
    must_see(actor, request)
    found = KeptByLaw.objects.visible_to(actor).filter(request=request).order_by("until")
    audit.record(actor, "privacy.erasure.read", request, party_id=request.key)
    return [(kept, json.loads(crypto.decrypt(bytes(kept.sealed), kept.place))) for kept in found]


def _list() -> Path:
    """Who was restricted or erased, by an id that means nothing: beside the keys, so that no restore loses it."""
    return keys.folder() / "erased"


def _remember(request: SubjectRequest) -> None:
    """Once committed; a line too many does no harm, and the daily job writes those that a killed process left out."""
    subject = request.subject

    def write() -> None:
        _list().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(_list(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{subject}\n")
            file.flush()
            os.fsync(file.fileno())

    transaction.on_commit(write)


def remembered() -> frozenset[UUID]:
    try:
        lines = _list().read_text().split()
    except FileNotFoundError:
        return frozenset()
    return frozenset(map(UUID, lines))


def replay(*, actor: Actor) -> int:
    """After a restore: whoever was restricted or erased since that backup leaves the tables again.

    Of whom the restored database does not know a granted request, what the laws ask for is sealed anew.
    """
    actor.must("privacy.decide")
    known = remembered()
    granted = SubjectRequest.objects.filter(state__in=(State.RESTRICTED, State.ERASED))
    for request in granted.exclude(subject__in=known):
        with transaction.atomic():
            _remember(request)
    back = list(Party.objects.filter(public_id__in=known).values_list("pk", flat=True))
    for pk in back:
        with transaction.atomic():
            party = Party.objects.select_for_update().get(pk=pk)
            day = clock.today()
            request = SubjectRequest.objects.filter(
                party=party, kind=Kind.ERASURE, state=State.ASKED
            ).first() or SubjectRequest(
                kind=Kind.ERASURE, party=party, subject=party.public_id, key=party.pk,
                how=SubjectRequest.How.LETTER, asked_on=day, due_on=day, asked_name=actor.name,
            )  # fmt: skip
            request.save()
            _take_out(actor, request, party, _("restored from a backup"))
    return len(back)
