"""What people decide about who is who: pairs judged, customers merged and split, each with a look before it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext as _

from zhike.customers import rules as customer_rules
from zhike.customers.models import Identifier, Merge, Party
from zhike.customers.services import merge_parties, split_party
from zhike.customers.services.text import must_hide_nothing
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service
from zhike.masterdata.models import Approval, Pair, SourceRecord
from zhike.masterdata.services.pairs import PLACE
from zhike.masterdata.services.surviving import WORDS, survive

ALONE = 50  # records that one person may join or part at once
VERDICTS = (Pair.State.SAME, Pair.State.DIFFERENT, Pair.State.UNSURE)
Look = TypeVar("Look")


@dataclass(frozen=True)
class FieldChange:
    """A field that another word will stand in, whose and why; values as they are kept."""

    field: str
    label: str
    before: Any
    after: Any
    source: str
    why: str


@dataclass(frozen=True)
class MergePreview:
    """Rows that move and that are set aside, by what they are; fields that change; what speaks against it."""

    moved: Mapping[str, int]
    left: Mapping[str, int]
    fields: tuple[FieldChange, ...]
    contradictions: tuple[str, ...]


@dataclass(frozen=True)
class SplitPreview:
    """Rows that go back with the customer, and the fields that change in the one that stays."""

    back: Mapping[str, int]
    fields: tuple[FieldChange, ...]


@service("customers.merge")
def merge_customers(*, actor: Actor, absorbed: Party, into: Party, reason: str) -> Merge:
    """Two customers are one from now on, and what survives of all their records' words stands."""
    merge = merge_parties(actor=actor, absorbed=absorbed, into=into, reason=reason)
    survive([into.pk])
    return merge


@service("customers.merge")
def split_customer(
    *,
    actor: Actor,
    merge: Merge,
    reason: str,
    along: Mapping[str, Collection[int]] | None = None,
) -> Party:
    """They are two again; in each stands what survives of its own records' words."""
    root = merge.root_id
    party = split_party(actor=actor, merge=merge, reason=reason, along=along)
    survive([root, party.pk])
    return party


def preview_merge(*, actor: Actor, absorbed: Party, into: Party) -> MergePreview:
    """What a merge would do: it is done, looked at and rolled back, so that the look cannot differ from the deed."""

    def look() -> MergePreview:
        before = Party.objects.get(pk=into.pk)
        against = contradictions(absorbed, into)
        merge = merge_customers(actor=actor, absorbed=absorbed, into=into, reason=_("preview"))
        after = Party.objects.get(pk=into.pk)
        return MergePreview(
            _counted({place: len(ids) for place, ids in merge.moved.items()}),
            _counted(merge.left),
            _changes(before, after),
            against,
        )

    return _tried(look)


def preview_split(*, actor: Actor, merge: Merge) -> SplitPreview:
    """What a split would do, found in the same way."""

    def look() -> SplitPreview:
        before = Party.objects.get(pk=merge.root_id)
        moved = {place: len(ids) for place, ids in merge.moved.items()}
        split_customer(actor=actor, merge=merge, reason=_("preview"))
        return SplitPreview(_counted(moved), _changes(before, Party.objects.get(pk=before.pk)))

    return _tried(look)


def contradictions(one: Party, other: Party) -> tuple[str, ...]:
    """What speaks against their being one: documents, birth dates or sexes that differ."""
    found = []
    for kind in (Identifier.Kind.RESIDENT_ID, Identifier.Kind.CREDIT_CODE):
        held = [
            {
                bytes(each)
                for each in party.identifiers.filter(kind=kind).values_list("blind", flat=True)
            }
            for party in (one, other)
        ]
        if all(held) and held[0] != held[1]:
            found.append(_("Their documents differ: %(kind)s.") % {"kind": kind.label})
    if one.birth_on and other.birth_on and one.birth_on != other.birth_on:
        found.append(_("Their birth dates differ."))
    if one.sex and other.sex and one.sex != other.sex:
        found.append(_("Their sexes differ."))
    return tuple(found)


@service("customers.merge")
def judge(*, actor: Actor, pair: Pair, verdict: str, note: str = "") -> Pair:
    """A person's word on a pair: "same" makes their customers one, "different" keeps the records apart for good.

    Raises UserError when the pair was judged meanwhile, or its records were made one customer by hand.
    """
    if verdict not in VERDICTS:
        raise UserError(_("This is no judgement."), _("Choose same, different or unsure."))
    must_hide_nothing(note=note)
    must_see(actor, pair)
    pair = Pair.objects.select_for_update().select_related("left", "right").get(pk=pair.pk)
    if pair.state in (Pair.State.SAME, Pair.State.DIFFERENT):
        raise UserError(_("Somebody judged this pair already."), _("Reload the page."))
    if verdict == Pair.State.SAME:
        pair.merge = _join(actor, pair, note)
    elif verdict == Pair.State.DIFFERENT:
        _part(actor, pair, note)
    pair.state = Pair.State(verdict)
    pair.decided_at, pair.decided_by, pair.note = clock.now(), actor.name, note.strip()
    pair.save()
    for party in {pair.left.party_id, pair.right.party_id}:
        audit.record(actor, f"masterdata.pair.{verdict}", pair, reason=note.strip(), party_id=party)
    return pair


@service("customers.merge")
def reopen(*, actor: Actor, pair: Pair) -> Pair:
    """A judgement is taken back, and with it the merge it made."""
    must_see(actor, pair)
    pair = Pair.objects.select_for_update().get(pk=pair.pk)
    if pair.merge is not None and pair.merge.undone_at is None:
        split_customer(actor=actor, merge=pair.merge, reason=_("judgement taken back"))
    pair.state, pair.merge = Pair.State.OPEN, None
    pair.decided_at, pair.decided_by, pair.note = None, "", ""
    pair.save()
    audit.record(actor, "masterdata.pair.reopen", pair)
    return pair


@service("customers.merge")
def judge_many(*, actor: Actor, pairs: Sequence[Pair], verdict: str) -> Approval | int:
    """The same word on many pairs; answers how many were judged, or the approval they wait for.

    One person alone joins or parts at most `ALONE` records at once.
    """
    if verdict not in VERDICTS:
        raise UserError(_("This is no judgement."), _("Choose same, different or unsure."))
    records = {id for pair in pairs for id in (pair.left_id, pair.right_id)}
    if len(records) <= ALONE or actor.user_id is None:
        return _each(actor, [pair.pk for pair in pairs], verdict)
    for pair in pairs:
        must_see(actor, pair)
    approval = Approval.objects.create(
        verdict=verdict,
        pairs=[pair.pk for pair in pairs],
        records=len(records),
        asked_by_id=actor.user_id,
        asked_name=actor.name,
        asked_at=clock.now(),
    )
    audit.record(actor, "masterdata.approval.ask", approval)
    return approval


@service("customers.merge")
def approve(*, actor: Actor, approval: Approval) -> int:
    """A second person confirms; answers how many pairs were judged. Refused to whoever asked."""
    approval = _waiting(actor, approval)
    done = _each(actor, approval.pairs, approval.verdict)
    _answer(actor, approval, Approval.State.APPROVED, "")
    return done


@service("customers.merge")
def decline(*, actor: Actor, approval: Approval, reason: str) -> None:
    """A second person, or whoever asked, says no."""
    must_see(actor, approval)
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    must_hide_nothing(reason=reason)
    approval = Approval.objects.select_for_update().get(pk=approval.pk)
    _must_wait(approval)
    _answer(actor, approval, Approval.State.DECLINED, reason.strip())


def _waiting(actor: Actor, approval: Approval) -> Approval:
    must_see(actor, approval)
    approval = Approval.objects.select_for_update().get(pk=approval.pk)
    _must_wait(approval)
    if approval.asked_by_id == actor.user_id:
        raise Refused(
            _("Nobody confirms their own request."),
            action="masterdata.approval.approve",
            way_out=_("Ask somebody else who may merge customers."),
        )
    return approval


def _must_wait(approval: Approval) -> None:
    if approval.state != Approval.State.WAITING:
        raise UserError(_("This request was answered already."), _("Reload the page."))


def _answer(actor: Actor, approval: Approval, state: Approval.State, reason: str) -> None:
    approval.state, approval.reason = state, reason
    approval.answered_name, approval.answered_at = actor.name, clock.now()
    approval.save()
    audit.record(actor, f"masterdata.approval.{state}", approval, reason=reason)


def _each(actor: Actor, ids: Sequence[int], verdict: str) -> int:
    done = 0
    for id in ids:
        pair = Pair.objects.filter(pk=id).first()
        if pair is None or pair.state in (Pair.State.SAME, Pair.State.DIFFERENT):
            continue  # judged meanwhile, or gone with the doubt
        judge(actor=actor, pair=pair, verdict=verdict)
        done += 1
    return done


def _join(actor: Actor, pair: Pair, note: str) -> Merge | None:
    if pair.left.party_id == pair.right.party_id:
        return None
    parties = Party.objects.filter(pk__in=(pair.left.party_id, pair.right.party_id))
    into, absorbed = sorted(
        parties, key=lambda party: customer_rules.precedence(party.stage, party.since_on, party.pk)
    )
    reason = note.strip() or _("judged to be the same")
    return merge_customers(actor=actor, absorbed=absorbed, into=into, reason=reason)


def _part(actor: Actor, pair: Pair, note: str) -> None:
    if pair.left.party_id != pair.right.party_id:
        return
    merge = _between(pair)
    if merge is None:
        raise UserError(
            _("These records were made one customer by hand or by rule."),
            _("Split the customer on its page."),
        )
    reason = note.strip() or _("judged to be different")
    split_customer(actor=actor, merge=merge, reason=reason)


def _between(pair: Pair) -> Merge | None:
    """The last merge by likeness that lies between the two records of one customer."""
    in_force = {
        merge.absorbed: merge
        for merge in Merge.objects.filter(root=pair.left.party_id, undone_at__isnull=True)
    }
    one, other = (_way(record, in_force) for record in (pair.left, pair.right))
    likely = [in_force[id] for id in one ^ other if in_force[id].how == Merge.How.LIKENESS]
    return max(likely, key=lambda merge: merge.pk, default=None)


def _way(record: SourceRecord, in_force: Mapping[int, Merge]) -> set[int]:
    """The absorbed parties from a record's home up to the root."""
    home = next(
        (id for id, merge in in_force.items() if record.pk in merge.moved.get(PLACE, ())), None
    )
    way: set[int] = set()
    while home is not None and home in in_force:
        way.add(home)
        home = in_force[home].into
    return way


class _Looked(Exception):
    """Ends a transaction that was only for looking."""


def _tried(look: Callable[[], Look]) -> Look:
    found = []
    try:
        with transaction.atomic():
            found.append(look())
            raise _Looked
    except _Looked:
        return found[0]


def _counted(places: Mapping[str, int]) -> dict[str, int]:
    """What kind of row → how many, for places "table.column" or tables."""
    names = {model._meta.db_table: str(model._meta.verbose_name) for model in apps.get_models()}
    found: dict[str, int] = {}
    for place, count in places.items():
        name = names[place.partition(".")[0]]
        found[name] = found.get(name, 0) + count
    return found


def _changes(before: Party, after: Party) -> tuple[FieldChange, ...]:
    found = []
    for name in WORDS:
        field: Any = Party._meta.get_field(name)
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            stamp = after.provenance.get(name, {})
            found.append(
                FieldChange(
                    name,
                    str(field.verbose_name),
                    old,
                    new,
                    stamp.get("source", ""),
                    stamp.get("why", "only"),
                )
            )
    return tuple(found)
