"""An import taken back: what it made goes, what it changed says again what it said, as long as nobody built on it.

Whatever an import made was created while its transaction wrote (`Upload.wrote_from`, `wrote_until`); what its records
said before lies in `Displaced`. Rows that somebody built on stay, each with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from zhike.customers.models import Address, ContactPoint, Identifier, Merge, Party, SealedValue
from zhike.customers.services.hanging import hanging
from zhike.customers.services.withdrawing import (
    empty_fields,
    withdraw_contacts,
    withdraw_parties,
    withdraw_values,
)
from zhike.kernel import audit
from zhike.kernel.actor import Actor
from zhike.kernel.copying import delete_rows, update_rows
from zhike.kernel.errors import UserError
from zhike.kernel.prepared import Among
from zhike.kernel.services import service
from zhike.masterdata.models import Displaced, ImportFile, ImportRun, Pin, SourceRecord, Upload
from zhike.masterdata.rejects import Reject, RejectFile
from zhike.masterdata.services import importing, loading
from zhike.masterdata.services.filing import source_key
from zhike.masterdata.services.records import sealed_words
from zhike.masterdata.services.surviving import NEVER_EMPTY, WORDS, survive, words
from zhike.masterdata.services.wizard import lock_of
from zhike.masterdata.wizard.drafting import CONTACTS, mapping_of

AT_ONCE = 5_000
SEALED_MODELS: tuple[type[SealedValue], ...] = (Identifier, ContactPoint, Address)
# What is worked out about a customer every night is nobody's building; of lists only what somebody worked off is.
COMPUTED: dict[str, Q] = {
    "customers.standing": Q(pk__in=()),
    "customers.tierrating": Q(pk__in=()),
    "insight.score": Q(pk__in=()),
    "insight.figures": Q(pk__in=()),
    "insight.move": Q(pk__in=()),
    "activities.workitem": Q(closed_at__isnull=False) | Q(rule="promise"),
}
OTHERS = gettext_noop("another source knows this customer by now")
BY_HAND = gettext_noop("somebody changed this customer since")
HANGS = gettext_noop("something was recorded about this customer since")
MERGED = gettext_noop("this customer was merged with another one since")
PINNED = gettext_noop("somebody pinned a value of this record")
VERIFIED = gettext_noop("somebody verified a value of this record")
LATER = gettext_noop("a later import changed this record")


@dataclass
class _Import:
    """The import that is taken back, and what stays of it: line → why."""

    file: ImportFile
    began: datetime
    ended: datetime
    source: str
    kept: dict[int, str] = field(default_factory=dict)
    reverted: int = 0

    @property
    def then(self) -> tuple[datetime, datetime]:
        return self.began, self.ended

    def made(self, row: Party) -> bool:
        return self.began <= row.created_at <= self.ended


@service("masterdata.load")
def ask_revert(*, actor: Actor, run: ImportRun, reason: str) -> Upload:
    """Have an import of the wizard taken back by a job. Raises UserError for another run, and without a reason."""
    from zhike.masterdata.tasks import work_on_upload  # the tasks are read before the rooms are

    upload = Upload.objects.select_for_update().filter(run=run).first()
    if upload is None or upload.state != Upload.State.LOADED:
        raise UserError(
            _("Only an import made here that stands can be taken back."), _("Reload the page.")
        )
    if len(reason.strip()) < 2:
        raise UserError(_("A reason is missing."), _("Say in a few words why."))
    upload.state, upload.done, upload.error = Upload.State.REVERTING, 0, ""
    upload.save(update_fields=["state", "done", "error"])
    audit.record(actor, "masterdata.import.revert", run, reason=reason.strip()[:200])
    work_on_upload.configure(lock=lock_of(upload)).defer(upload=upload.pk)
    return upload


def revert(*, actor: Actor, upload: Upload) -> None:
    """Take back what the import of this upload made, wholly or not at all but for the rows somebody built on."""
    actor.must("masterdata.load")
    assert upload.run is not None
    assert upload.wrote_from is not None
    assert upload.wrote_until is not None
    run: ImportRun = upload.run
    mapping = mapping_of(upload.mapping, upload.name)
    with loading.alone(mapping), transaction.atomic():
        file = run.files.select_for_update().get(state=ImportFile.State.LOADED)
        made = _Import(file, upload.wrote_from, upload.wrote_until, run.system.code)
        with (
            RejectFile(str(run.public_id), file.table, f"kept-{file.name}") as kept,
            importing.progress(upload) as tell,
        ):
            if mapping.tables[0].into == CONTACTS:
                first, last = upload.report["entries"]
                source, table = made.source, source_key(file.table, "")
                made.reverted = withdraw_contacts(
                    actor=actor, source=source, keys=table, first=first, last=last
                )
            else:
                for _chunk in chain(_take_back_changed(actor, made), _take_back_new(actor, made)):
                    # Left to the commit, the checks of a million rows would all stand in memory, and nobody saw them.
                    connection.check_constraints()
                    tell(made.reverted + len(made.kept))
                _note_later(made)
            for line, why in sorted(made.kept.items()):
                kept.add(Reject(line, "", "", why))
        file.state = ImportFile.State.REVERTED
        file.save(update_fields=["state"])
        run.state = ImportRun.State.REVERTED
        run.save(update_fields=["state"])
        counts = {"reverted": made.reverted, "kept": len(made.kept)}
        audit.record(
            actor,
            "masterdata.import.reverted",
            run,
            changes={"state": ("done", "reverted")},
            reason=f"{made.reverted} rows taken back, {len(made.kept)} kept",
        )
        report = {**upload.report, **counts, "kept_file": kept.path}
        importing.settle(actor, upload, Upload.State.REVERTED, report=report)


def _take_back_changed(actor: Actor, made: _Import) -> Iterator[None]:
    """Records that said something else before say it again; yields after some thousands."""
    for chunk in _chunks(Displaced.objects.filter(file=made.file).values_list("pk", flat=True)):
        displaced = list(Displaced.objects.filter(Among(F("pk"), chunk)).select_related("record"))
        for each in displaced:
            if each.record.file_id != made.file.pk:
                made.kept[each.record.line or 0] = LATER
        standing = [each for each in displaced if each.record.file_id == made.file.pk]
        blocked = _blocked(made, [each.record for each in standing])
        back = [each for each in standing if each.record_id not in blocked]
        for each in standing:
            if each.record_id in blocked:
                made.kept[each.record.line or 0] = blocked[each.record_id]
        update_rows(
            SourceRecord,
            ("digest", "file_id", "line", "values", "sealed", "observed_on", "stamps", "keys"),
            [
                (
                    each.record_id,
                    bytes.fromhex(each.words["digest"]),
                    each.before_file_id,
                    each.line,
                    json.dumps(each.words["values"]),
                    each.sealed,
                    each.observed_on,
                    json.dumps(each.words["stamps"]),
                    None,
                )
                for each in back
            ],
        )
        delete_rows(Displaced, [each.pk for each in back])
        _recompute(actor, made, {each.record.party_id for each in back})
        made.reverted += len(back)
        yield


def _take_back_new(actor: Actor, made: _Import) -> Iterator[None]:
    """Records the import brought go: with the customer where it made that too, else out of the one they joined; yields
    after some thousands.
    """
    new = SourceRecord.objects.filter(file=made.file, created_at__range=made.then)
    for parties in _chunks(new.order_by("party").values_list("party", flat=True).distinct()):
        records = list(
            new.filter(Among(F("party"), parties))
            .select_related("party")
            .only("party", "line", "party__created_at", "party__changed_at")
        )
        blocked = _blocked(made, records)
        built = _built_on(made, [r.party for r in records if made.made(r.party)])
        gone: list[int] = []
        joined: set[int] = set()
        for record in records:
            why = blocked.get(record.pk) or built.get(record.party_id)
            if why:
                made.kept[record.line or 0] = why
                built.setdefault(record.party_id, why)
        for record in records:
            # Two rows of one new customer stand or go together.
            if record.party_id in built and made.made(record.party):
                made.kept.setdefault(record.line or 0, built[record.party_id])
            elif record.pk not in blocked:
                gone.append(record.pk)
                if not made.made(record.party):
                    joined.add(record.party_id)
        going = set(gone)
        whole = {r.party_id for r in records if r.pk in going} - joined
        delete_rows(SourceRecord, gone)
        _recompute(actor, made, joined)
        withdraw_parties(actor=actor, party_ids=whole)
        made.reverted += len(gone)
        yield


def _note_later(made: _Import) -> None:
    """Rows the import brought that a later one gave new words."""
    later = Displaced.objects.filter(before_file=made.file, record__created_at__range=made.then)
    for line in later.values_list("line", flat=True):
        made.kept[line or 0] = LATER


def _blocked(made: _Import, records: Iterable[SourceRecord]) -> dict[int, str]:
    """Record → why its words must stay."""
    by_party = {record.pk: record.party_id for record in records}
    parties = list(set(by_party.values()))
    pinned = set(
        Pin.objects.filter(Among(F("record"), list(by_party))).values_list("record_id", flat=True)
    )
    merged = set(
        Merge.objects.filter(Among(F("root"), parties), at__gt=made.ended).values_list(
            "root_id", flat=True
        )
    ) | set(
        Merge.objects.filter(
            Among(F("absorbed"), parties), how=Merge.How.RECORD, undone_at__gt=made.ended
        ).values_list("absorbed", flat=True)
    )
    verified: set[int] = set()
    for model in SEALED_MODELS:
        verified |= set(
            _of_import(made, model, parties)
            .filter(verified_on__isnull=False)
            .values_list("party_id", flat=True)
        )
    found = {}
    for record, party in by_party.items():
        if record in pinned:
            found[record] = PINNED
        elif party in merged:
            found[record] = MERGED
        elif party in verified:
            found[record] = VERIFIED
    return found


def _built_on(made: _Import, parties: Collection[Party]) -> dict[int, str]:
    """Party the import made → what somebody built on it since."""
    found: dict[int, str] = {
        party.pk: BY_HAND for party in parties if party.changed_at > made.ended
    }
    ids = list({party.pk for party in parties})
    others = SourceRecord.objects.filter(Among(F("party"), ids)).exclude(
        file=made.file, created_at__range=made.then
    )
    for party, system in others.values_list("party_id", "system__code"):
        found[party] = BY_HAND if system == SourceRecord.BY_HAND else OTHERS
    for each in hanging():
        label = each.model._meta.label_lower
        if each.model is SourceRecord:
            continue
        rows = each.model._default_manager.filter(Among(F(each.column), ids))
        if label in COMPUTED:
            rows = rows.filter(COMPUTED[label])
        elif issubclass(each.model, SealedValue):
            rows = rows.exclude(created_at__range=made.then)
        for party in rows.values_list(each.column, flat=True):
            found.setdefault(party, HANGS)
    for party in Merge.objects.filter(Among(F("root"), ids)).values_list("root_id", flat=True):
        found[party] = MERGED
    return found


def _recompute(actor: Actor, made: _Import, parties: Collection[int]) -> None:
    """Values nobody says any more go, and of the words that are left the survivors stand."""
    if not parties:
        return
    said = _still_said(parties)
    for model in SEALED_MODELS:
        gone, others = [], {}
        rows: Any = _of_import(made, model, parties)
        rows = rows.values_list("pk", "party_id", "kind", "blind")
        for id, party, kind, blind in rows:
            source = said.get((party, model, kind, bytes(blind)))
            if source is None:
                gone.append(id)
            else:
                others[id] = source
        withdraw_values(actor=actor, model=model, ids=gone, others=others)
    told = words(parties)
    provenance = Party.objects.filter(pk__in=parties).values_list("pk", "provenance")
    empty_fields(
        actor=actor,
        fields={
            party: gone
            for party, stamps in provenance
            if (
                gone := [
                    name
                    for name, stamp in stamps.items()
                    if name in WORDS
                    and name not in NEVER_EMPTY
                    and stamp.get("source") == made.source
                    and name not in told[party]
                ]
            )
        },
    )
    survive(parties)


def _of_import(made: _Import, model: type[SealedValue], parties: Collection[int]) -> Any:
    rows: Any = model._default_manager  # the abstract base has no party; each kind has
    among = Among(F("party"), list(parties))
    return rows.filter(among, source=made.source, created_at__range=made.then)


def _still_said(
    parties: Collection[int],
) -> dict[tuple[int, type[SealedValue], str, bytes], str]:
    """(party, model, kind, blind) → a source that says this sealed value today."""
    records = SourceRecord.objects.filter(Among(F("party"), list(parties)), sealed__isnull=False)
    return {
        (record.party_id, *said): record.system.code
        for record in records.select_related("system")
        for said in sealed_words(record)
    }


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    listed = list(ids)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]
