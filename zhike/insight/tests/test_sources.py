"""What goes out of PostgreSQL is what the models have, and nothing that identifies a person."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlglot
from django.apps import apps
from sqlglot import exp

from zhike.insight import queries, snapshot, staging
from zhike.insight.sources import AGREEMENTS, EXTRACTS, PARTIES, Extract
from zhike.insight.tests import factories
from zhike.kernel.classes import FieldClass
from zhike.kernel.money import MoneyField
from zhike.kernel.warehouse import Warehouse


def _columns(model: Any) -> dict[str, Any]:
    return {field.column: field for field in model._meta.concrete_fields}


@pytest.mark.parametrize("extract", EXTRACTS, ids=lambda each: each.table)
def test_the_named_columns_stand_in_the_models_and_are_no_c2(extract: Extract) -> None:
    for source in extract.reads:
        model: Any = apps.get_model(source.model)
        columns = _columns(model)
        for name in source.columns:
            assert name in columns, f"{source.model} has no column {name}"
            field = columns[name]
            secret = model.field_classes.get(field.name) is FieldClass.C2
            assert not secret or isinstance(field, MoneyField), f"{source.model}.{name} is C2"


@pytest.mark.parametrize("extract", EXTRACTS, ids=lambda each: each.table)
def test_the_statement_reads_the_named_columns_and_no_other(extract: Extract) -> None:
    tree = sqlglot.parse_one(extract.query.replace("%(as_of)s", "'2026-01-01'"), "postgres")
    tables = {table.alias: table.name for table in tree.find_all(exp.Table)}
    read = {
        (tables[column.table], column.name)
        for column in tree.find_all(exp.Column)
        if column.table in tables
    }
    named = {
        (apps.get_model(source.model)._meta.db_table, column)
        for source in extract.reads
        for column in source.columns
    }
    unqualified = [column.name for column in tree.find_all(exp.Column) if not column.table]
    assert read == named
    assert unqualified == []


@pytest.mark.django_db
def test_the_snapshot_holds_every_party_and_agreement() -> None:
    factories.seeded()
    home = factories.unit()
    prospect = factories.party(home, "乙", stage="prospect")
    customer = factories.party(home, "甲")
    manager = factories.employee(home)
    factories.assign(customer, manager)
    loan = factories.product("loan", "loan", "asset", rate="5.5")
    agreement = factories.agreement(customer, loan, principal="1000.00")
    warehouse = Warehouse()
    day = date(2026, 11, 20)
    snapshot.take(warehouse, day, queries.book(day))
    with staging.reading(warehouse) as staged:
        parties = {row["party_id"]: row for row in staged.rows(staged[PARTIES.table])}
        agreements = list(staged.rows(staged[AGREEMENTS.table]))
    assert parties.keys() == {prospect.pk, customer.pk}
    assert parties[customer.pk]["manager_id"] == manager.pk
    assert parties[prospect.pk]["manager_id"] is None
    assert [row["agreement_id"] for row in agreements] == [agreement.pk]
    assert str(agreements[0]["rate"]) == "5.5000"
    assert str(agreements[0]["principal"]) == "1000.00"


@pytest.mark.django_db
def test_an_empty_institution_makes_an_empty_snapshot() -> None:
    factories.seeded()
    warehouse = Warehouse()
    day = date(2026, 11, 20)
    snapshot.take(warehouse, day, queries.book(day))
    with staging.reading(warehouse) as staged:
        assert list(staged.rows(staged[PARTIES.table])) == []
