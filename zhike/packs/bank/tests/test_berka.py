"""The public Berka bank, end to end: every row arrives, every relation, every haléř."""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from zhike.customers.models import Party
from zhike.kernel.actor import system
from zhike.kernel.packs import find_mapping
from zhike.kernel.warehouse import Warehouse
from zhike.masterdata.queries import summary
from zhike.masterdata.services import LoadReport, load, match
from zhike.organisation.models import Unit
from zhike.products import facts
from zhike.products.models import Agreement, Holding

DATA = Path(__file__).parents[5] / "shared" / "data" / "berka"
pytestmark = [
    pytest.mark.data,
    pytest.mark.django_db,
    pytest.mark.skipif(
        not DATA.is_dir() and "CI" not in os.environ,
        reason="the Berka files are not beside the project (../shared/data/berka)",
    ),
]
MONTHS = [f"1993-{month:02d}" for month in range(1, 13)] + ["1994-01", "1994-02", "1994-03"]


def raw(table: str) -> Iterator[dict[str, str]]:
    (path,) = DATA.glob(f"{table}*.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")


def loaded() -> LoadReport:
    return load(actor=system("test"), mapping=find_mapping("berka"), paths=[DATA])


def query(sql: str) -> list[Any]:
    with Warehouse().reading(facts.TRANSACTIONS) as backend:
        rows: list[Any] = backend.con.execute(sql).fetchall()
        return rows


def test_every_row_and_every_relation_arrives() -> None:
    report = loaded()
    counts = {each.table: (each.read, each.accepted, each.rejected) for each in report.tables}
    assert counts == {
        "region": (77, 8, 0),
        "district": (77, 77, 0),
        "client": (5369, 5369, 0),
        "account": (4500, 4500, 0),
        "disp": (5369, 5369, 0),
        "card": (892, 892, 0),
        "loan": (682, 682, 0),
        "order": (6471, 6471, 0),
        "trans": (49102, 49102, 0),
    }
    assert report.reject_files == ()
    assert Party.objects.count() == 5369
    assert Unit.objects.filter(kind="outlet").count() == 77
    assert Unit.objects.filter(kind="branch", children__kind="outlet").distinct().count() == 8

    key = "source_key"
    held = {
        tuple(each)
        for each in Holding.objects.values_list("party__name", f"agreement__{key}", "role")
    }
    roles = {"OWNER": "owner", "DISPONENT": "authorised_user"}
    assert held == {
        (f"Client {row['client_id']}", f"account/{row['account_id']}", roles[row["type"]])
        for row in raw("disp")
    }
    owner = {row["account_id"]: row["client_id"] for row in raw("disp") if row["type"] == "OWNER"}
    client = {row["disp_id"]: row["client_id"] for row in raw("disp")}
    expected = {
        (f"account/{row['account_id']}", owner[row["account_id"]]) for row in raw("account")
    }
    expected |= {(f"card/{row['card_id']}", client[row["disp_id"]]) for row in raw("card")}
    expected |= {(f"loan/{row['loan_id']}", owner[row["account_id"]]) for row in raw("loan")}
    expected |= {(f"order/{row['order_id']}", owner[row["account_id"]]) for row in raw("order")}
    assert expected == {
        (source_key, name.removeprefix("Client "))
        for source_key, name in Agreement.objects.values_list(key, "party__name")
    }
    districts = {f"Client {row['client_id']}": f"CZ-D{row['district_id']}" for row in raw("client")}
    assert districts == dict(Party.objects.values_list("name", "unit__code"))


def test_birth_dates_and_sexes() -> None:
    loaded()
    first = {
        party.name: (party.birth_on.isoformat(), party.sex)
        for party in Party.objects.filter(name__in=("Client 1", "Client 2", "Client 3"))
        if party.birth_on
    }
    assert first == {
        "Client 1": ("1970-12-13", "F"),
        "Client 2": ("1945-02-04", "M"),
        "Client 3": ("1940-10-09", "F"),
    }


def test_amounts_per_account_to_the_haler() -> None:
    loaded()
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in raw("trans"):
        direction = "in" if row["type"] == "PRIJEM" else "out"
        expected[f"account/{row['account_id']}", direction] += Decimal(row["amount"])
    keys = dict(Agreement.objects.values_list("pk", "source_key"))
    sums = query("SELECT agreement_id, direction, sum(amount) FROM transactions GROUP BY ALL")
    assert {(keys[agreement], way): total for agreement, way, total in sums} == expected
    assert len({agreement for agreement, _way, _total in sums}) == 1229

    owners = dict(Agreement.objects.values_list("pk", "party_id"))
    pairs = query("SELECT DISTINCT agreement_id, party_id FROM transactions")
    assert all(owners[agreement] == party for agreement, party in pairs)
    assert sorted(month for (month,) in query("SELECT DISTINCT month FROM transactions")) == MONTHS
    loans = {f"loan/{row['loan_id']}": Decimal(row["amount"]) for row in raw("loan")}
    orders = {f"order/{row['order_id']}": Decimal(row["amount"]) for row in raw("order")}
    principals = dict(
        Agreement.objects.exclude(principal=None).values_list("source_key", "principal")
    )
    assert principals == loans | orders
    told = summary("berka")["tables"]
    assert Decimal(told["trans"]["sums"]["amount"]) == sum(expected.values())
    assert Decimal(told["loan"]["sums"]["principal"]) == sum(loans.values())
    assert Decimal(told["order"]["sums"]["principal"]) == sum(orders.values())


def test_the_same_files_again_add_nothing() -> None:
    loaded()
    version = Warehouse().version(facts.TRANSACTIONS)
    again = loaded()
    assert {(each.read, each.accepted, each.already) for each in again.tables} == {(0, 0, 1)}
    assert Party.objects.count() == 5369
    assert Warehouse().version(facts.TRANSACTIONS) == version
    report = match(actor=system("test"))
    assert (report.records, report.customers, report.pairs_for_review) == (5369, 5369, 0)


def test_the_same_rows_in_another_file_are_unchanged(tmp_path: Path) -> None:
    loaded()
    for path in DATA.glob("*.csv.gz"):
        plain = gzip.decompress(path.read_bytes())
        (tmp_path / path.name.removesuffix(".gz")).write_bytes(plain)
    version = Warehouse().version(facts.TRANSACTIONS)
    report = load(actor=system("test"), mapping=find_mapping("berka"), paths=[tmp_path])
    assert all(each.accepted == each.rejected == 0 for each in report.tables)
    assert all(each.unchanged == each.read > 0 for each in report.tables)
    assert Warehouse().version(facts.TRANSACTIONS) == version
