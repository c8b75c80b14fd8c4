"""What people decide about who is who: pairs judged, customers merged and split."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.utils.translation import gettext as _

from zhike.access.models import ApprovalKind
from zhike.access.queries import must_approve
from zhike.customers import rules as customer_rules
from zhike.customers.models import Merge, Party
from zhike.customers.services import merge_parties, split_party
from zhike.customers.services.text import must_hide_nothing
from zhike.desk.models import BulkRun
from zhike.desk.services.bulk import start_run
from zhike.kernel import audit, clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.services import must_see, service
from zhike.masterdata.models import Approval, Pair, SourceRecord
from zhike.masterdata.services.pairs import PLACE, keep_apart, no_longer_apart
from zhike.masterdata.services.surviving import survive

ALONE = 50  # records that one person may join or part at once
VERDICTS = (Pair.State.SAME, Pair.State.DIFFERENT, Pair.State.UNSURE)


@service("customers.merge")
def merge_customers(*, actor: Actor, absorbed: Party, into: Party, reason: str) -> Merge:
    """Two customers are one from now on, and what survives of all their records' words stands.

    Records that were kept apart are so no longer.
    """
    some, others = (list(SourceRecord.objects.filter(party=each)) for each in (absorbed, into))
    merge = merge_parties(actor=actor, absorbed=absorbed, into=into, reason=reason)
    no_longer_apart(actor, merge, some, others)
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
    """They are two again and stay so at the next match; in each stands what survives of its own records' words."""
    party = _undo(actor, merge, reason, along)
    some, others = (
        list(SourceRecord.objects.filter(party=each)) for each in (party, merge.root_id)
    )
    keep_apart(actor, some, others, reason.strip())
    return party


def _undo(
    actor: Actor, merge: Merge, reason: str, along: Mapping[str, Collection[int]] | None = None
) -> Party:
    root = merge.root_id
    party = split_party(actor=actor, merge=merge, reason=reason, along=along)
    survive([root, party.pk])
    return party


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
        _undo(actor, pair.merge, _("judgement taken back"))
    pair.state, pair.merge = Pair.State.OPEN, None
    pair.decided_at, pair.decided_by, pair.note = None, "", ""
    pair.save()
    audit.record(actor, "masterdata.pair.reopen", pair)
    return pair


@service("customers.merge")
def judge_many(*, actor: Actor, pairs: Sequence[Pair], verdict: str) -> Approval | int:
    """The same word on many pairs; answers how many were judged, or the approval they wait for.

    One person alone joins or parts at most `ALONE` records at once; being unsure neither joins nor parts.
    """
    if verdict not in VERDICTS:
        raise UserError(_("This is no judgement."), _("Choose same, different or unsure."))
    records = {id for pair in pairs for id in (pair.left_id, pair.right_id)}
    if verdict == Pair.State.UNSURE or len(records) <= ALONE or actor.user_id is None:
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
def approve(*, actor: Actor, approval: Approval) -> BulkRun:
    """A second person confirms; what was asked for is done as a job of theirs, with a report.

    Refused to whoever asked, for more records than one's role agrees to, and where a pair is out of sight. Pairs
    judged meanwhile are refused one by one.
    """
    approval = _waiting(actor, approval)
    pairs = Pair.objects.filter(pk__in=approval.pairs)
    seen = list(
        Pair.objects.visible_to(actor).filter(pk__in=pairs).values_list("public_id", flat=True)
    )
    if len(seen) < pairs.count():
        raise Refused(
            _("Some of these pairs are outside what you look after."),
            action="masterdata.approval.approve",
            way_out=_("Ask somebody who sees all of them."),
        )
    run = start_run(
        actor=actor, action=f"masterdata.{approval.verdict}", params={}, public_ids=seen
    )
    _answer(actor, approval, Approval.State.APPROVED, "")
    return run


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
    must_approve(
        actor,
        asked_by=approval.asked_by_id,
        kind=ApprovalKind.MERGE,
        amount=approval.records,
        action="masterdata.approval.approve",
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
    _undo(actor, merge, reason)


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
