"""Who is who: every record exactly once, and the systems overlap as they should."""

from __future__ import annotations

from collections import Counter

from zhike.packs.bank.sample.tests.conftest import Sample
from zhike.packs.bank.sample.tests.test_files import notebook_rows


def test_truth_covers_every_record_once(sample: Sample) -> None:
    keys = [("core", line[0]) for line in sample.lines("core/customers.csv")]
    keys += [("card", line[0]) for line in sample.lines("card/customers.csv")]
    for path in (sample.folder / "notebooks").iterdir():
        keys += [("notebooks", f"{path.stem}:{row}") for row in notebook_rows(path)]
    truth = sample.table("truth/records.parquet").to_pylist()
    assert Counter((row["system"], row["record_key"]) for row in truth) == Counter(keys)
    assert max(Counter(keys).values()) == 1


def test_every_entity_has_one_life(sample: Sample) -> None:
    lives = sample.table("truth/lives.parquet").to_pylist()
    entities = [row["entity_id"] for row in lives]
    assert len(set(entities)) == len(entities) == sample.manifest.entities
    assert {row["entity_id"] for row in sample.table("truth/records.parquet").to_pylist()} <= set(
        entities
    )
    firms = {row["entity_id"] for row in lives if row["kind"] == "C"}
    assert {row["firm_owner_of"] for row in lives} - {None} <= firms
    assert all(row["life"] == "firm" for row in lives if row["entity_id"] in firms)


def test_systems_overlap(sample: Sample) -> None:
    of: dict[str, list[int]] = {"core": [], "card": [], "notebooks": []}
    for row in sample.table("truth/records.parquet").to_pylist():
        of[row["system"]].append(row["entity_id"])
    core, card, notebooks = (set(of[name]) for name in ("core", "card", "notebooks"))
    assert 0.30 < len(core & card) / len(core) < 0.40
    assert len(card - core) == 120
    assert 0.25 < len(notebooks - core - card) / len(notebooks) < 0.35
    assert len(of["core"]) - len(core) == 30  # second records
    assert len(core) == 2_000


def test_records_of_one_entity_agree_somewhere(sample: Sample) -> None:
    """The core and the card record of a person share name or number, else nobody could match them."""
    names: dict[int, list[tuple[str, str]]] = {}
    owner = {
        (row["system"], row["record_key"]): row["entity_id"]
        for row in sample.table("truth/records.parquet").to_pylist()
    }
    for system, path, places in (
        ("core", "core/customers.csv", (2, 4)),
        ("card", "card/customers.csv", (1, 2)),
    ):
        for line in sample.lines(path):
            if len(line) > max(places):
                names.setdefault(owner[system, line[0]], []).append(
                    (line[places[0]], line[places[1]])
                )
    pairs = [records for records in names.values() if len(records) > 1]
    agree = sum(
        any(a and a == b for a, b in zip(records[0], records[1], strict=True)) for records in pairs
    )
    assert len(pairs) > 500
    assert agree / len(pairs) > 0.97
