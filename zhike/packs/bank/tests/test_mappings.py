"""The sample institution through the pack's own mappings: what is read and refused is what its manifest says."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from zhike.customers.models import Assignment, Party
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.kernel.packs import find_mapping
from zhike.masterdata.services import load, match
from zhike.packs.bank.sample import Manifest, generate

SOURCES = ("core", "card", "notebooks", "contacts")
AS_OF = date(2025, 11, 22)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("sample") / "bank"
    return folder, generate(folder, customers=1_000, seed=3, as_of=AS_OF, months=2)


@pytest.mark.django_db
def test_the_sample_arrives_as_its_manifest_says(sample: tuple[Path, Manifest]) -> None:
    folder, manifest = sample
    expected: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for facts in manifest.files:
        source, rest = facts.path.split("/", 1)
        table = "people" if source == "notebooks" else rest.partition("/")[0].partition(".")[0]
        expected[source, table][0] += facts.rows
        expected[source, table][1] += sum(facts.rejects.values()) + facts.orphans
    with clock.stopped_at(AS_OF):
        reports = {
            source: load(actor=system("test"), mapping=find_mapping(source), paths=[folder])
            for source in SOURCES
        }
        found = {
            (source, table.table): [table.read, table.rejected]
            for source, report in reports.items()
            for table in report.tables
        }
        wanted = {key: count for key, count in expected.items() if key[0] in SOURCES}
        assert {
            key: (count, wanted.get(key))
            for key, count in found.items()
            if count != wanted.get(key)
        } == {}
        assert set(found) == set(wanted)
        assert all(
            table.read == table.accepted + table.rejected + table.unchanged
            for report in reports.values()
            for table in report.tables
        )
        listed = sum(
            len(Path(path).read_text(encoding="utf-8").splitlines()) - 1
            for path in reports["core"].reject_files
        )
        assert listed == sum(t.rejected + t.left_out for t in reports["core"].tables)
        report = match(actor=system("test"))
        assert report.records > report.customers == Party.objects.count()
        assert Assignment.objects.filter(role="main").exists()
        again = [
            load(actor=system("test"), mapping=find_mapping(source), paths=[folder])
            for source in SOURCES
        ]
        assert sum(table.read for report in again for table in report.tables) == 0


@pytest.mark.django_db
def test_nobody_is_two_customers_by_a_valid_document(sample: tuple[Path, Manifest]) -> None:
    from zhike.customers.models import Identifier
    from zhike.masterdata.models import SourceRecord

    folder, _manifest = sample
    for source in ("core", "card"):
        load(actor=system("test"), mapping=find_mapping(source), paths=[folder])
    shared = SourceRecord.objects.filter(system__code="card").filter(
        party__source_records__system__code="core"
    )
    assert shared.exists()
    blinds = [bytes(each) for each in Identifier.objects.values_list("blind", flat=True)]
    assert len(blinds) == len(set(blinds))
