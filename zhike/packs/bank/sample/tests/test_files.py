"""The files are whole: the same every time, and the manifest tells the truth about each."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from zhike.kernel.errors import UserError
from zhike.packs.bank.sample import Dirt, generate
from zhike.packs.bank.sample.identifiers import ID_SPACE, person_ids
from zhike.packs.bank.sample.institution import found
from zhike.packs.bank.sample.people import settle
from zhike.packs.bank.sample.plan import CHUNK, LEAST, MOST, Plan
from zhike.packs.bank.sample.tests.conftest import AS_OF, Reading, Sample


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_same_question_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        generate(tmp_path / name, customers=1_000, seed=3, as_of=AS_OF, months=6)
    first, second = contents(tmp_path / "first"), contents(tmp_path / "second")
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []


def test_other_seed_makes_another_bank(tmp_path: Path) -> None:
    for seed in (3, 4):
        generate(tmp_path / str(seed), customers=1_000, seed=seed, as_of=AS_OF, months=2)
    first, second = contents(tmp_path / "3"), contents(tmp_path / "4")
    assert first["core/customers.csv"] != second["core/customers.csv"]


def test_progress_is_told(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    generate(
        tmp_path / "bank",
        customers=1_000,
        seed=3,
        as_of=AS_OF,
        months=1,
        progress=lambda stage, share: heard.append((stage, share)),
    )
    assert ("customers", 1.0) in heard
    assert heard[-1] == ("notebooks", 1.0)


def test_clean_sample_has_no_rejects(tmp_path: Path) -> None:
    none = Dirt(**dict.fromkeys(Dirt.__dataclass_fields__, 0.0))
    made = generate(tmp_path / "bank", customers=1_000, seed=3, as_of=AS_OF, months=2, dirt=none)
    assert all(not facts.rejects and not facts.orphans for facts in made.files)
    assert made.file("core/customers.csv").rows == 1_000


@pytest.mark.parametrize(
    ("customers", "seed", "months", "as_of"),
    [
        (999, 1, 24, AS_OF),
        (10_000_001, 1, 24, AS_OF),
        (1_000, -1, 24, AS_OF),
        (1_000, 1, 0, AS_OF),
        (1_000, 1, 61, AS_OF),
        (1_000, 1, 24, datetime.date(2040, 1, 1)),
    ],
)
def test_figures_out_of_range_are_refused(
    tmp_path: Path, customers: int, seed: int, months: int, as_of: datetime.date
) -> None:
    with pytest.raises(UserError) as refusal:
        generate(tmp_path / "bank", customers=customers, seed=seed, as_of=as_of, months=months)
    assert refusal.value.way_out
    assert not (tmp_path / "bank").exists()


def test_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        generate(tmp_path, customers=1_000, seed=1, as_of=AS_OF)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_manifest_names_every_file(sample: Sample) -> None:
    on_disk = set(contents(sample.folder)) - {"manifest.json"}
    assert {facts.path for facts in sample.manifest.files} == on_disk
    written = json.loads((sample.folder / "manifest.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(sample.manifest.as_json()))


def test_months_end_with_as_of(sample: Sample) -> None:
    names = sorted(path.stem for path in (sample.folder / "core/transactions").iterdir())
    assert names[0] == "2023-12"
    assert names[-1] == "2025-11"
    assert len(names) == 24
    assert pc.max(sample.table("core/transactions")["booked_on"]).as_py() <= AS_OF
    assert pc.max(sample.table("core/balances")["month_end"]).as_py() == AS_OF


def test_rows_are_as_the_manifest_says(sample: Sample) -> None:
    for facts in sample.manifest.files:
        path = sample.folder / facts.path
        if path.suffix == ".csv":
            rows = sum(1 for _ in sample.lines(facts.path))
        elif path.suffix == ".parquet":
            rows = pq.read_metadata(path).num_rows
        else:
            rows = len(notebook_rows(path))
        assert rows == facts.rows, facts.path


def notebook_rows(path: Path) -> dict[int, list[Any]]:
    """Rows of a workbook that speak of somebody, by Excel's row number."""
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)
    return {
        number: row
        for number, row in enumerate(rows[1:], start=2)
        if row[0] and not str(row[0]).startswith("【")
    }


def test_skipped_rows_of_notebooks_are_counted(sample: Sample) -> None:
    for facts in sample.manifest.files:
        if facts.path.startswith("notebooks/"):
            path = sample.folder / facts.path
            sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
            whole = len(sheet.to_python(skip_empty_area=False)) - 1
            assert whole == facts.rows + facts.skipped


def test_rejects_are_as_the_manifest_says(sample: Sample, strict: dict[str, Reading]) -> None:
    for path, reading in strict.items():
        assert dict(reading.reasons) == sample.manifest.file(path).rejects, path
    assert {reason for reading in strict.values() for reason in reading.reasons} == {
        "impossible_date",
        "unknown_product",
        "bad_amount",
        "long_line",
        "short_line",
    }


def test_few_rows_are_rejected(sample: Sample) -> None:
    for facts in sample.manifest.files:
        assert sum(facts.rejects.values()) <= 0.005 * facts.rows, facts.path


def test_orphans_are_as_the_manifest_says(sample: Sample, strict: dict[str, Reading]) -> None:
    nobody = {line[0] for line in strict["core/customers.csv"].rejected}
    no_account = {line[0] for line in strict["core/accounts.csv"].rejected}
    accounts = strict["core/accounts.csv"].accepted
    lost = {row["account_key"] for row in accounts if row["customer_no"] in nobody}
    no_account |= lost
    no_member = {line[0] for line in strict["card/customers.csv"].rejected}
    counted = {
        "core/accounts.csv": len(lost),
        "core/relations.csv": sum(
            row["customer_no"] in nobody or row["related_customer_no"] in nobody
            for row in strict["core/relations.csv"].accepted
        ),
        "core/account_parties.csv": sum(
            row["customer_no"] in nobody or row["account_key"] in no_account
            for row in strict["core/account_parties.csv"].accepted
        ),
        "contacts/contacts.csv": sum(
            row["customer_no"] in nobody for row in strict["contacts/contacts.csv"].accepted
        ),
        **{
            path: sum(row["card_customer_no"] in no_member for row in strict[path].accepted)
            for path in ("card/cards.csv", "card/wealth.csv")
        },
    }
    for facts in sample.manifest.files:
        if facts.path.startswith(("core/transactions/", "core/balances/")):
            keys = sample.table(facts.path)["account_key"].to_pylist()
            counted[facts.path] = sum(str(key) in no_account for key in keys)
    said = {facts.path: facts.orphans for facts in sample.manifest.files}
    assert counted == {path: said[path] for path in counted}
    assert sum(said.values()) == sum(counted.values()) > 0


def test_sums_are_as_the_manifest_says(sample: Sample, strict: dict[str, Reading]) -> None:
    for path, column in (
        ("core/accounts.csv", "principal"),
        ("card/wealth.csv", "principal"),
        ("card/cards.csv", "credit_limit"),
    ):
        total = sum((Decimal(row[column] or 0) for row in strict[path].accepted), Decimal(0))
        assert total == Decimal(sample.manifest.file(path).sums[column])
    for facts in sample.manifest.files:
        if facts.path.startswith("core/transactions/"):
            table = sample.table(facts.path)
            for direction in ("in", "out"):
                rows = table.filter(pc.field("direction") == direction)
                total = pc.sum(rows["amount"]).as_py()
                assert total == Decimal(facts.sums[f"amount_{direction}"])
        if facts.path.startswith("core/balances/"):
            table = sample.table(facts.path)
            for column in ("balance", "average_balance"):
                assert pc.sum(table[column]).as_py() == Decimal(facts.sums[column])


def test_keys_are_unique_and_references_hold(sample: Sample, strict: dict[str, Reading]) -> None:
    for path, key in (
        ("core/customers.csv", 0),
        ("core/accounts.csv", 0),
        ("core/accounts.csv", 1),
        ("card/customers.csv", 0),
        ("card/cards.csv", 0),
        ("card/cards.csv", 1),
        ("card/wealth.csv", 0),
        ("contacts/contacts.csv", 0),
        ("core/units.csv", 0),
        ("core/employees.csv", 0),
        ("core/employees.csv", 5),
    ):
        keys = [line[key] for line in sample.lines(path)]
        assert len(set(keys)) == len(keys), (path, key)
    units = {line[0] for line in sample.lines("core/units.csv")}
    staff = {line[0] for line in sample.lines("core/employees.csv")}
    customers = {line[0] for line in sample.lines("core/customers.csv")}
    for row in strict["core/customers.csv"].accepted:
        assert row["outlet_code"] in units
        assert row["manager_code"] in staff | {""}
        assert row["legal_representative_no"] in customers | {""}
    for row in strict["core/relations.csv"].accepted:
        assert row["customer_no"] != row["related_customer_no"]
        assert {row["customer_no"], row["related_customer_no"]} <= customers
    transactions = sample.table("core/transactions")["transaction_key"]
    assert pc.count_distinct(transactions).as_py() == len(transactions)


@given(st.integers(LEAST, MOST))
def test_chunks_share_out_the_customers(customers: int) -> None:
    plan = Plan(customers, 1, AS_OF, 1)
    sizes = [plan.chunk_size(chunk) for chunk in range(plan.chunks)]
    assert sum(sizes) == customers
    assert all(LEAST <= size < CHUNK + LEAST for size in sizes)


def test_id_numbers_never_repeat_where_areas_run_out() -> None:
    plan = Plan(5_000_000, 1, AS_OF, 1)
    bank = found(plan)
    # The last chunk's persons share areas and sequence numbers with the first chunk's.
    chunks = [settle(plan, bank, chunk) for chunk in (0, plan.chunks - 1)]
    assert chunks[1].entity.max() >= ID_SPACE
    for people in chunks:
        assert ((people.birth - people.entity // ID_SPACE) % 3 == 0).all()
    numbers = [
        number
        for people in chunks
        for number in person_ids(people.entity, people.birth, people.female, 5).to_pylist()
    ]
    assert len(set(numbers)) == len(numbers)
