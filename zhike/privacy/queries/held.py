"""Everything held about one customer: from the declarations of all models to their rows, opened and in words.

A model opened tomorrow is in the answer without a word here, for it must say how its rows are found
(`kernel.keeping`), and a test gives every classified field a value and looks for it in the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext as _
from psycopg.types.range import Range

from zhike.customers.models import Merge, Party, SealedValue, SetAside
from zhike.customers.queries.merges import taken_of
from zhike.kernel import clock, crypto
from zhike.kernel.classes import ROW_MECHANICS, FieldClass
from zhike.kernel.keeping import CONTRACT, Keeping, Rule, Subject, Term
from zhike.kernel.models import AuditEntry
from zhike.kernel.warehouse import Warehouse
from zhike.masterdata.models import Displaced, SourceRecord
from zhike.privacy.words import label_of, words_of
from zhike.products.facts import BALANCES, TRANSACTIONS
from zhike.products.models import Agreement

MECHANICS = frozenset(ROW_MECHANICS.split())
CLASSIFIED = frozenset({FieldClass.C1, FieldClass.C2})
HEX = "\\x"
LISTS = (models.JSONField, ArrayField)


@dataclass(frozen=True)
class Value:
    """One field of a row in words. `own` says whether it is classified, so something about the person."""

    field: str
    label: str
    text: str
    own: bool
    rule: Rule


@dataclass(frozen=True)
class Part:
    """The rows of one table (`name`: "customers.party", "facts/transactions") about the subject."""

    name: str
    title: str
    rows: tuple[tuple[Value, ...], ...]


def subject_of(party: Party) -> Subject:
    """The party and all that was merged into it, however the merges lie."""
    merged = Merge.objects.filter(root=party, undone_at__isnull=True)
    found = merged.values_list("absorbed", "absorbed_public_id")
    keys, public_ids = zip((party.pk, party.public_id), *found, strict=True)
    return Subject(keys, public_ids)


def kept_models() -> list[Any]:
    """Every model that has rows about customers, the customers first, the trail last."""
    models_of: list[Any] = apps.get_models()
    found = [
        each
        for each in models_of
        if isinstance(getattr(each, "keeping", None), Keeping) and each.keeping.about
    ]
    return sorted(found, key=lambda each: (each is not Party, each is AuditEntry))


def everything(party: Party) -> list[Part]:
    """All of it, in the language of the moment. Whoever calls has asked for the right and writes the trail."""
    subject = subject_of(party)
    parts = [_part(model, subject) for model in kept_models()]
    facts = [_facts(name, title, subject) for name, title in _fact_tables()]
    return [part for part in (*parts, *facts) if part.rows]


def _part(model: Any, subject: Subject) -> Part:
    rows = model.objects.filter(model.keeping.rows_of(subject))
    fields = [each for each in model._meta.concrete_fields if each.name not in MECHANICS]
    order = "pk" if model._meta.pk.name in {"id", "party"} else "id"
    if model.__name__ in {"AuditEntry", "TimelineEntry"}:
        order = "at"
    return Part(
        model._meta.label_lower,
        str(model._meta.verbose_name),
        tuple(tuple(_values(row, fields, subject)) for row in rows.order_by(order)),
    )


def _values(row: Any, fields: list[Any], subject: Subject) -> Iterator[Value]:
    keeping: Keeping = row.keeping
    for each in fields:
        own = row.field_classes.get(each.name) in CLASSIFIED
        # Open lists and objects are of keys: of the row's mechanics, or of other people's.
        label = label_of(each)
        if each.name in keeping.derived or (not own and (isinstance(each, LISTS) or not label)):
            continue
        if text := _text(row, each, subject):
            yield Value(each.name, label or each.name, text, own, keeping.rule(each.name))


def _text(row: Any, each: Any, subject: Subject) -> str:
    opener = OPENERS.get((row._meta.label, each.name))
    if opener is not None:
        return opener(row)
    value = getattr(row, each.attname)
    if value in (None, "", [], {}):
        return ""
    if each.is_relation:
        if each.related_model is Party:
            return "" if value in subject.keys else _("another customer")
        return str(getattr(row, each.name) or "")
    if each.choices:
        return str(getattr(row, f"get_{each.name}_display")())
    return _said(value)


def _said(value: Any) -> str:
    match value:
        case Range():
            return f"{value.lower or ''} – {value.upper or ''}"
        case datetime():
            return value.astimezone(clock.BUSINESS_ZONE).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case bool():
            return str(_("yes")) if value else str(_("no"))
        case dict():
            return "; ".join(
                f"{words_of(name) or name}: {_said(each)}" for name, each in value.items()
            )
        case list():
            return ", ".join(map(_said, value))
        case bytes() | memoryview():
            return ""
        case _:
            return str(value)


def _set_aside(row: SetAside) -> str:
    return json.dumps(_opened(row.table, row.row), ensure_ascii=False)


def _beside(row: SetAside) -> str:
    beside = {table: [_opened(table, each) for each in rows] for table, rows in row.beside.items()}
    return json.dumps(beside, ensure_ascii=False) if beside else ""


def _opened(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that stands aside after a merge, what is sealed in it opened as at its own place."""
    said = {name: value for name, value in row.items() if name not in {"blind", "tail", "keys"}}
    for column in ("sealed", "sealed_number"):
        stored = said.get(column)
        if isinstance(stored, str) and stored.startswith(HEX):
            place = place_aside(table, column, row)
            said[column] = crypto.decrypt(bytes.fromhex(stored.removeprefix(HEX)), place)
    return said


def place_aside(table: str, column: str, row: Mapping[str, Any]) -> str:
    """The place for which a column is sealed in a row that stands aside: its own, as before."""
    if table == SourceRecord._meta.db_table:
        return SourceRecord(table=row["table"], key=row["key"]).place
    return f"{table}.{column}:{row['public_id']}"


def _words(row: SourceRecord) -> str:
    said = row.identifying()
    return json.dumps(said, ensure_ascii=False) if said else ""


def _displaced(row: Displaced) -> str:
    return crypto.decrypt(bytes(row.sealed), row.record.place) if row.sealed else ""


def _sealed(row: SealedValue) -> str:
    return row.in_clear()


def _number(row: Agreement) -> str:
    return row.number_in_clear()


def _law(row: Any) -> str:
    return crypto.decrypt(bytes(row.sealed), row.place)


# How the sealed columns of a row are opened; what a derived column says stands in another one.
OPENERS: Mapping[tuple[str, str], Callable[[Any], str]] = {
    ("customers.Identifier", "sealed"): _sealed,
    ("customers.ContactPoint", "sealed"): _sealed,
    ("customers.Address", "sealed"): _sealed,
    ("customers.SetAside", "row"): _set_aside,
    ("customers.SetAside", "beside"): _beside,
    ("products.Agreement", "sealed_number"): _number,
    ("masterdata.SourceRecord", "sealed"): _words,
    ("masterdata.Displaced", "sealed"): _displaced,
    ("privacy.KeptByLaw", "sealed"): _law,
}


def _fact_tables() -> tuple[tuple[str, str], ...]:
    return (TRANSACTIONS, _("movements on agreements")), (
        BALANCES,
        _("balances at the end of a month"),
    )


def _facts(name: str, title: str, subject: Subject) -> Part:
    """Rows of the warehouse under any of the subject's keys, and of agreements that came to them with a record."""
    warehouse = Warehouse()
    if not warehouse.exists(name):
        return Part(name, title, ())
    taken = taken_of(subject.keys)
    with warehouse.reading(name) as backend:
        facts = backend.table(name.rsplit("/", 1)[-1])
        own = facts.party_id.isin(list(subject.keys))
        if taken.left:
            own &= ~facts.agreement_id.isin(sorted(taken.left))
        if taken.came:
            own |= facts.agreement_id.isin(sorted(taken.came))
        rows = facts.filter(own).to_pyarrow().to_pylist()
    return Part(
        name,
        title,
        tuple(
            tuple(
                Value(column, words_of(column) or column, _said(value), True, CONTRACT)
                for column, value in row.items()
                if value is not None and column not in {"party_id", "agreement_id", "month"}
            )
            for row in rows
        ),
    )


def as_data(parts: list[Part], party: Party) -> dict[str, Any]:
    """The same for machines: tables with rows of field → value, and beside each table why and how long."""
    return {
        "subject": str(party.public_id),
        "made_at": clock.now().isoformat(timespec="seconds"),
        "tables": [
            {
                "name": part.name,
                "title": part.title,
                "kept": [
                    {"field": value.label, **_terms(value.rule)} for value in _one_of_each(part)
                ],
                "rows": [{value.field: value.text for value in row} for row in part.rows],
                "labels": {value.field: value.label for row in part.rows for value in row},
            }
            for part in parts
        ],
    }


def _one_of_each(part: Part) -> list[Value]:
    first: dict[str, Value] = {}
    for row in part.rows:
        for value in row:
            if value.own:
                first.setdefault(value.field, value)
    return list(first.values())


def _terms(rule: Rule) -> dict[str, str]:
    return {
        "purpose": str(rule.purpose.label),
        "basis": str(rule.basis.label),
        "term": str(Term(rule.term).label),
    }
