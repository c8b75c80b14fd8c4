"""Every model says who may see its rows and what each field may be shown as; C2 stays out of the warehouse."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from tests.architecture.sources import room_sources
from zhike.kernel import checks
from zhike.kernel.classes import FieldClass, classify
from zhike.kernel.models import Base, ScopedManager
from zhike.kernel.scope import SignedIn

# What names a person or an account whatever the table calls it.
NEVER_IN_WAREHOUSE = {
    "id_number",
    "identity_number",
    "mobile",
    "phone",
    "email",
    "address",
    "account_number",
    "card_number",
    "login",
    "password",
}
# Amounts and figures are measures: they are what the warehouse is for, under keys without meaning.
MEASURES = (models.DecimalField, models.IntegerField, models.FloatField, models.JSONField)


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("zhike.")]


def unknown_fields(model: type[models.Model]) -> Iterator[str]:
    """Names with a class that are no fields of the model: typing errors."""
    fields = {field.name for field in model._meta.get_fields()}
    declared = set(getattr(model, "field_classes", ()))
    mechanics = {"id", "public_id", "version", "created_at", "changed_at"}
    yield from (f"{model._meta.label}.{name}" for name in sorted(declared - fields - mechanics))


def identifying_fields(among: Iterable[type[models.Model]]) -> set[str]:
    """The names of the class C2 fields that are no measures."""
    return NEVER_IN_WAREHOUSE | {
        name
        for model in among
        for name, field_class in getattr(model, "field_classes", {}).items()
        if field_class is FieldClass.C2
        if not isinstance(model._meta.get_field(name), MEASURES)
    }


def identifying_columns(schema: pa.Schema, forbidden: set[str]) -> list[str]:
    """The columns of a warehouse table that would carry a class C2 value."""
    return [
        name
        for name in schema.names
        if name in forbidden
        or any(f"_{word}" in name or f"{word}_" in name for word in NEVER_IN_WAREHOUSE)
    ]


# Compared in memory and never written: the matching has to see what it compares.
IN_MEMORY = ("zhike", "masterdata", "matching")


def warehouse_schemas() -> Iterator[tuple[str, pa.Schema]]:
    for source in room_sources():
        if "pyarrow" not in source.text or tuple(source.parts[:3]) == IN_MEMORY:
            continue
        module = importlib.import_module(".".join(p for p in source.parts if p != "__init__"))
        for name, value in vars(module).items():
            schema = getattr(value, "schema", value)
            if isinstance(schema, pa.Schema):
                yield f"{module.__name__}.{name}", schema


def test_every_model_declares_its_scope_and_every_field_its_class() -> None:
    assert our_models()
    assert checks.every_model_is_declared() == []


@isolate_apps("tests.architecture")
def test_undeclared_model_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare(models.Model):
        class Meta:
            app_label = "architecture"

    class Forgetful(Base):
        scope = SignedIn()
        field_classes = classify(open="code")
        code = models.TextField()
        mobile = models.TextField()

        class Meta:
            app_label = "architecture"

    class Declared(Base):
        scope = SignedIn()
        field_classes = classify(open="code")
        code = models.TextField()

        class Meta:
            app_label = "architecture"

    for model in (Bare, Forgetful, Declared):
        monkeypatch.setattr(model, "__module__", "zhike.planted.models")
    monkeypatch.setattr(checks, "apps", Bare._meta.apps)
    assert [problem.msg for problem in checks.every_model_is_declared()] == [
        "architecture.Bare declares no scope",
        "architecture.Bare: no class for id",
        "architecture.Forgetful: no class for mobile",
    ]


def test_no_class_is_given_to_a_field_that_is_not_there() -> None:
    assert [fault for model in our_models() for fault in unknown_fields(model)] == []


@isolate_apps("tests.architecture")
def test_class_of_a_missing_field_is_caught() -> None:
    class Misspelt(Base):
        scope = SignedIn()
        field_classes = classify(open="code", c2="mobille")
        code = models.TextField()

        class Meta:
            app_label = "architecture"

    assert list(unknown_fields(Misspelt)) == ["architecture.Misspelt.mobille"]


def test_every_model_is_read_through_the_scoped_door() -> None:
    assert [
        model._meta.label
        for model in our_models()
        if not isinstance(model._default_manager, ScopedManager)
    ] == []


def test_no_identifying_column_in_the_warehouse() -> None:
    schemas = list(warehouse_schemas())
    assert schemas
    forbidden = identifying_fields(our_models())
    assert {"name", "sealed", "blind", "tail"} <= forbidden
    assert {
        name: columns
        for name, schema in schemas
        if (columns := identifying_columns(schema, forbidden))
    } == {}


@pytest.mark.parametrize(
    ("column", "caught"),
    [
        ("mobile", True),
        ("customer_mobile", True),
        ("name", True),
        ("tail", True),
        ("balance", False),
        ("party_id", False),
    ],
)
def test_identifying_column_is_caught(column: str, caught: bool) -> None:
    schema = pa.schema([(column, pa.string())])
    assert bool(identifying_columns(schema, identifying_fields(our_models()))) is caught
