"""A customer of whom every table holds a row, with a value of its own in every classified field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import models

from zhike.customers.models import Merge, Party, SealedValue, SetAside, Standing
from zhike.customers.tests import factories
from zhike.desk.models import Notice, Remembered
from zhike.kernel import clock, crypto
from zhike.kernel.classes import ROW_MECHANICS
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import Displaced, SourceRecord
from zhike.organisation.models import Employee, Unit, User
from zhike.privacy.queries.held import CLASSIFIED, kept_models
from zhike.products.models import Agreement

MECHANICS = frozenset(ROW_MECHANICS.split())


@dataclass
class World:
    """`planted` maps "app.model.field" to what must be found in the answer."""

    party: Party
    unit: Unit
    employee: Employee
    user: User
    rows: dict[Any, Any] = field(default_factory=dict)
    planted: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(101))


def plant(party: Party) -> World:
    """A row in every table that may hold one about the party; made from the declarations alone."""
    employee = factories.employee_with_role()
    world = World(party, employee.unit, employee, User.objects.get(employee=employee))
    world.rows[Party] = party
    _fill(world, party, Party)
    party.save()
    for model in kept_models():
        if model is not Party:
            _row(world, model)
    return world


def _row(world: World, model: Any) -> Any:
    if model in world.rows:
        return world.rows[model]
    # Where a party stands the database wrote with the party.
    row: Any = model.objects.get(party=world.party) if model is Standing else model()
    world.rows[model] = row
    _fill(world, row, model)
    if model is AuditEntry:
        row.at = clock.now()
    row.save()
    return row


def _fill(world: World, row: Any, model: Any) -> None:
    for each in model._meta.concrete_fields:
        if (
            each.name in MECHANICS
            or each.name == "pk"
            or isinstance(each, models.CompositePrimaryKey)
        ):
            continue
        if row is world.party and each.name in {"unit", "kind", "stage", "type"}:
            continue
        setattr(row, each.attname, _value(world, row, model, each))
    _special(world, row, model)
    if model in kept_models():
        for name in _classified(model):
            place = f"{model._meta.label}.{name}"
            if place not in world.planted:
                world.planted[place] = _words(row, name)


def _classified(model: Any) -> list[str]:
    return [
        name
        for name, each in model.field_classes.items()
        if each in CLASSIFIED and name not in model.keeping.derived
    ]


def _value(world: World, row: Any, model: Any, each: Any) -> Any:
    if each.is_relation:
        return _related(world, each)
    number = next(world.numbers)
    if each.choices:
        return each.choices[0][0]
    match each:
        case ArrayField():
            return [number]
        case DateRangeField():
            return (date(1970, 1, 1), date(2000 + number % 20, 1, 1 + number % 27))
        case models.DateTimeField():
            return clock.now()
        case models.DateField():
            return date(1990, 1 + number % 12, 1 + number % 28)
        case models.DecimalField():
            return Decimal(number % 97) if each.max_digits < 7 else Decimal(number)
        case models.BooleanField():
            return True
        case models.UUIDField():
            return uuid4()
        case models.PositiveSmallIntegerField() | models.SmallIntegerField():
            return number
        case models.IntegerField() | models.BigIntegerField():
            return world.party.pk if each.name in {"party_id", "key"} else number
        case models.FloatField():
            return number / 4
        case models.JSONField():
            return {"planted": f"json-{number}"}
        case models.BinaryField():
            return number.to_bytes(16, "big")
        case _:
            return f"t{number}"[: each.max_length or 40]


def _related(world: World, each: Any) -> Any:
    if each.related_model is Party:
        if each.name == "other":
            return factories.person("邻居甲").pk
        return world.party.pk
    known = {Unit: world.unit, Employee: world.employee, User: world.user}
    if each.related_model in known:
        return known[each.related_model].pk
    if each.null and each.related_model not in kept_models():
        return None
    if each.null and each.remote_field.on_delete is models.SET_NULL:
        return None
    if each.name == "right":
        record = SourceRecord(
            system=world.rows[SourceRecord].system, table="t", key="right", digest=b"", party=factories.person("邻居乙")
        )  # fmt: skip
        record.save()
        return record.pk
    return _row(world, each.related_model).pk


def _special(world: World, row: Any, model: Any) -> None:
    """What cannot be anything: sealed columns, rows without a foreign key."""
    label = model._meta.label
    if isinstance(row, SealedValue):
        value = f"sealed-{next(world.numbers)}"
        row.sealed = crypto.encrypt(value, row.place)
        world.planted[f"{label}.sealed"] = value
    if model is Agreement:
        row.sealed_number = crypto.encrypt("number-77", row.place)
        world.planted[f"{label}.sealed_number"] = "number-77"
    if model is SourceRecord:
        row.sealed = crypto.encrypt(json.dumps({"mobile": "words-78"}), row.place)
        world.planted[f"{label}.sealed"] = "words-78"
    if model is Displaced:
        row.sealed = crypto.encrypt("displaced-79", world.rows[SourceRecord].place)
        world.planted[f"{label}.sealed"] = "displaced-79"
    if model is SetAside:
        aside = factories.person("邻居丙")
        public_id = uuid4()
        sealed = crypto.encrypt("aside-80", f"customers_identifier.sealed:{public_id}")
        row.table, row.homes = "customers_identifier", [world.party.pk, aside.pk]
        row.row = {"public_id": str(public_id), "sealed": "\\x" + sealed.hex(), "blind": "\\x00"}
        row.beside = {"products_holding": [{"role": "beside-82"}]}
        world.planted[f"{label}.beside"] = "beside-82"
        world.planted[f"{label}.row"] = "aside-80"
    if model is Merge:
        row.absorbed = 10_000_000
        row.undone_at = clock.now()
    if model is Remembered:
        row.subject, row.object_id = "customer", world.party.pk
    if model is Notice:
        row.url = world.party.get_absolute_url()
    if label == "desk.TakenFile":
        row.source, row.keys = "customers", [world.party.pk]
    if label == "privacy.KeptByLaw":
        row.sealed = crypto.encrypt("law-81", row.place)
        world.planted[f"{label}.sealed"] = "law-81"


def _words(row: Any, name: str) -> str:
    """What of the value must stand in the answer."""
    each: Any = row._meta.get_field(name)
    value = getattr(row, each.attname)
    if each.is_relation:
        return str(getattr(row, name))
    if each.choices:
        return str(getattr(row, f"get_{name}_display")())
    match value:
        case dict():
            return str(value["planted"])
        case list():
            return str(value[0])
        case tuple():
            return str(value[1].isoformat())
        case bool():
            return ""
        case bytes():
            raise AssertionError(f"{row._meta.label}.{name}: how is it opened?")
        case _:
            moment = hasattr(value, "hour")
            return str(value.astimezone(clock.BUSINESS_ZONE).date() if moment else value)
