"""Rows of one batch into units, employees, products, customers, agreements and what hangs on them."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import F, Model

from zhike.customers.models import (
    Address,
    Assignment,
    ContactPoint,
    Identifier,
    Party,
    Relation,
)
from zhike.customers.services import bulk, bulk_ties
from zhike.kernel import clock, crypto
from zhike.kernel.actor import Actor
from zhike.kernel.copying import copy_rows, refresh_statistics, update_rows
from zhike.kernel.prepared import Among
from zhike.masterdata.mapping import Field, SourceMapping
from zhike.masterdata.models import SourceRecord, sealed_place
from zhike.masterdata.rows import Rows
from zhike.masterdata.services import telling
from zhike.masterdata.services.barring import BARRED, barred_keys
from zhike.masterdata.services.filing import Filing, Row, source_key
from zhike.masterdata.services.surviving import survive
from zhike.masterdata.targets import REF_TARGETS
from zhike.masterdata.values import listed
from zhike.organisation.services import EmployeeRow, UnitRow, upsert_employees, upsert_units
from zhike.products import services as products
from zhike.products.models import Agreement, Holding


def take(filing: Filing, rows: Rows) -> None:
    """Write one batch of a file; whatever is refused here is told and counted."""
    # Of the millions of objects of a batch none is part of a circle; looking for such costs about a quarter.
    gc.disable()
    try:
        _take(filing, rows)
    finally:
        gc.enable()


def _take(filing: Filing, rows: Rows) -> None:
    filing.count.read += rows.read
    filing.count.rejected += rows.refused
    filing.count.left_out += rows.left_out
    columns = {name: listed(column) for name, column in rows.values.items()}
    found: list[Row] = []
    names = list(columns)
    for key, line, *values in zip(
        rows.keys.to_pylist(), rows.lines.to_pylist(), *columns.values(), strict=True
    ):
        earlier = filing.seen.setdefault(key, line)
        if earlier != line:
            if filing.table.repeats:
                filing.count.unchanged += 1
            else:
                filing.refuse(line, "", None, f"the key stands on line {earlier} already")
            continue
        found.append(dict(zip(names, values, strict=True)) | {"key": key, "line": line})
    found = _resolved(filing, found)
    found = [row for row in found if _dates_in_order(filing, row)]
    if found:
        WRITERS[filing.table.into](filing, found)


def _dates_in_order(filing: Filing, row: Row) -> bool:
    for first, last in (("since_on", "until_on"), ("opened_on", "closed_on")):
        if row.get(first) and row.get(last) and row[last] < row[first]:
            filing.refuse(row["line"], last, row[last], f"it lies before {first}")
            return False
    return True


def _resolved(filing: Filing, rows: list[Row]) -> list[Row]:
    """References and codes turned into the ids they stand for; rows whose reference leads nowhere are refused."""
    for name, spec in filing.table.fields.items():
        if not rows:
            break
        if spec.ref:
            found = _referred(filing, spec, {row[name] for row in rows if row[name] is not None})
            rows = _replace(filing, rows, name, found, f"not among the loaded rows of “{spec.ref}”")
        elif name in ("unit", "employee", "product", "manager") and filing.table.into in (
            "party",
            "agreement",
            "assignment",
            "contact",
        ):
            codes = {
                "unit": filing.units,
                "product": filing.products,
            }.get(name, filing.employees)
            rows = _replace(filing, rows, name, codes, f"there is no {name} with this code")
    return rows


def _replace(
    filing: Filing, rows: list[Row], name: str, found: Mapping[str, Any], reason: str
) -> list[Row]:
    kept = []
    for row in rows:
        raw = row[name]
        if raw is not None:
            row[name] = found.get(raw)
            if row[name] is None:
                filing.refuse(row["line"], name, raw, reason)
                continue
        kept.append(row)
    return kept


def _referred(filing: Filing, spec: Field, keys: set[str]) -> dict[str, Any]:
    """key → what the field takes of the record it leads to, in this source or another one (source:table)."""
    source, other, table = spec.ref.rpartition(":")
    if other:
        leads_to = REF_TARGETS.get(spec.target, "party")
    else:
        source, leads_to = filing.system.code, filing.mapping.table(table).target.name
    if leads_to == "party":
        known = SourceRecord.objects.filter(system__code=source, table=table)
        parties = dict(known.filter(Among(F("key"), keys)).values_list("key", "party_id"))
        if other and len(parties) < len(keys):
            # Another source's keys that identify a person are kept as keyed digests.
            digests = {crypto.blind_index("key", key).hex(): key for key in keys - set(parties)}
            others = known.filter(Among(F("key"), digests))
            for digest, party in others.values_list("key", "party_id"):
                parties[digests[digest]] = party
        if spec.target != "unit":
            return parties
        units = dict(Party.objects.filter(pk__in=parties.values()).values_list("pk", "unit_id"))
        return {key: units[party] for key, party in parties.items()}
    wanted = spec.take or spec.target
    column = {"party": "party_id", "other": "party_id", "unit": "unit_id", "agreement": "pk"}.get(
        wanted, wanted
    )
    prefix = source_key(table, "")
    return {
        key.removeprefix(prefix): value
        for key, value in Agreement.objects.filter(
            Among(F("source_key"), [prefix + key for key in keys]), source=source
        ).values_list("source_key", column)
    }


def _units(filing: Filing, rows: Sequence[Row]) -> None:
    given = {row["code"] for row in rows}
    sound = [
        row
        for row in rows
        if not row.get("parent") or row["parent"] in given or row["parent"] in filing.units
    ]
    for row in rows:
        if row not in sound:
            filing.refuse(row["line"], "parent", row["parent"], "there is no unit with this code")
    counts = upsert_units(
        actor=filing.actor,
        rows=[UnitRow(**_named(row, UnitRow, parent="", region="")) for row in sound],
    )
    filing.count.accepted += counts.created + counts.changed
    filing.count.unchanged += counts.unchanged


def _employees(filing: Filing, rows: Sequence[Row]) -> None:
    sound = [row for row in rows if row["unit"] in filing.units]
    for row in rows:
        if row["unit"] not in filing.units:
            filing.refuse(row["line"], "unit", row["unit"], "there is no unit with this code")
    counts = upsert_employees(
        actor=filing.actor,
        rows=[EmployeeRow(**_named(row, EmployeeRow, role="", title="")) for row in sound],
    )
    filing.count.accepted += counts.created + counts.changed
    filing.count.unchanged += counts.unchanged


def _named(row: Row, kind: Any, **nothing: Any) -> dict[str, Any]:
    """The fields a row class has, "" for nothing where it wants text."""
    names = kind.__dataclass_fields__
    return {
        name: nothing.get(name) if row.get(name) is None else row[name]
        for name in names
        if row.get(name) is not None or name in nothing
    }


def _products(filing: Filing, rows: Sequence[Row]) -> None:
    made = [products.ProductRow(**_named(row, products.ProductRow)) for row in rows]
    for outcome in products.upsert_products(actor=filing.actor, rows=made):
        filing.took(outcome.what)


OUTSIDE_VALUES = frozenset({*bulk.SEALED, "unit", "manager", "observed_on", "key", "line"})


def _parties(filing: Filing, rows: Sequence[Row]) -> None:
    today = clock.today()
    table = filing.table.name
    known = {
        key: (pk, bytes(digest), party)
        for key, pk, digest, party in SourceRecord.objects.filter(
            Among(F("key"), [row["key"] for row in rows]), system=filing.system, table=table
        ).values_list("key", "pk", "digest", "party_id")
    }
    given: list[tuple[Row, bytes, bulk.PartyRow]] = []
    barred = barred_keys(filing.system.code, table, [row["key"] for row in rows])
    for row, digest in zip(rows, telling.digests(rows), strict=True):
        if row["key"] in barred:
            filing.refuse(row["line"], "", None, BARRED)
            continue
        before = known.get(row["key"])
        if before is not None and before[1] == digest:
            filing.count.unchanged += 1
            continue
        values = _party_values(filing, row)
        if values is None:
            continue
        sealed = [(name, row[name]) for name in bulk.SEALED if row.get(name)]
        observed = row.get("observed_on") or today
        given.append(
            (row, digest, bulk.PartyRow(values, sealed, observed, before[2] if before else None))
        )
    outcomes = bulk.upsert_parties(
        actor=filing.actor,
        source=filing.system.code,
        rows=[party for _row, _digest, party in given],
        attach_by_contact=filing.mapping.source.attach_by_contact,
        trial=filing.trial,
    )
    stamps = telling.stamps(
        [known[row["key"]][0] for row, _digest, _party in given if row["key"] in known]
    )
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    managed = []
    joined: set[int] = set()
    said = telling.words(
        [(party, sealed_place(table, row["key"])) for row, _digest, party in given], filing.trial
    )
    for (row, digest, party), outcome, words in zip(given, outcomes, said, strict=True):
        for name, reason in outcome.left_out:
            filing.leave_out(row["line"], name, row[name], reason)
        filing.count.accepted += 1
        facts = (digest, filing.file.pk, row["line"], *words)
        if before := known.get(row["key"]):
            changed.append((before[0], *facts, stamps[before[0]](party.values), None))
        else:
            new.append((filing.system.pk, table, row["key"], outcome.party_id, *facts))
        if outcome.what != "created":
            joined.add(outcome.party_id)
        if row.get("manager"):
            managed.append(
                bulk_ties.AssignmentRow(
                    outcome.party_id,
                    row["manager"],
                    row.get("since_on") if outcome.what == "created" else None,
                    only_if_free=outcome.what == "attached",
                )
            )
    columns = ("digest", "file_id", "line", "values", "sealed", "observed_on")
    copy_rows(SourceRecord, ("system_id", "table", "key", "party_id", *columns), new)
    if changed:
        update_rows(SourceRecord, (*columns, "stamps", "keys"), changed)
    survive(joined)
    bulk_ties.assign_managers(
        actor=filing.actor, rows=managed, reason=f"{filing.system.name}: {filing.file.name}"[:200]
    )


def _party_values(filing: Filing, row: Row) -> dict[str, Any] | None:
    """The columns of a party, None when the row had to be refused."""
    values = {
        name: value
        for name, value in row.items()
        if value is not None and name not in OUTSIDE_VALUES
    }
    values.setdefault("kind", Party.Kind.PERSON)
    person = values["kind"] == Party.Kind.PERSON
    values.setdefault("type", Party.Type.INDIVIDUAL if person else Party.Type.COMPANY)
    values.setdefault("stage", Party.Stage.CUSTOMER)
    if filing.mapping.source.sample:
        values["sample"] = True
    unit = row.get("unit")
    if unit is None and row.get("manager"):
        unit = filing.units_by_employee.get(row["manager"])
    values["unit_id"] = unit or filing.root_unit
    if values["unit_id"] is None:
        filing.refuse(row["line"], "unit", None, "there is no unit to put the customer in")
        return None
    if row.get("note") and (reason := bulk_ties.hidden_in(row["note"])):
        filing.leave_out(row["line"], "note", row["note"], reason)
        del values["note"]
    return values


def _agreements(filing: Filing, rows: Sequence[Row]) -> None:
    made = []
    for row in rows:
        terms = {
            name.removeprefix("terms."): value
            for name, value in row.items()
            if name.startswith("terms.") and value is not None
        }
        fields = {
            name: row[name]
            for name in (
                "number",
                "currency",
                "principal",
                "rate",
                "opened_on",
                "matures_on",
                "closed_on",
                "status",
            )
            if row.get(name) is not None
        }
        made.append(
            products.AgreementRow(
                source_key=source_key(filing.table.name, row["key"]),
                party_id=row["party"],
                product_id=row["product"],
                unit_id=row["unit"],
                terms=terms,
                **fields,
            )
        )
    outcomes = products.upsert_agreements(actor=filing.actor, source=filing.system.code, rows=made)
    for row, outcome in zip(rows, outcomes, strict=True):
        for name, reason in outcome.left_out:
            filing.leave_out(row["line"], name, row[name], reason)
        filing.took(outcome.what)
        filing.add_sums(row)


def _finish(filing: Filing, rows: Sequence[Row], outcomes: Sequence[Any]) -> None:
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.what == "refused":
            name, reason = outcome.left_out[0]
            filing.refuse(row["line"], name, row.get(name), reason)
        else:
            filing.took(outcome.what)


def _holdings(filing: Filing, rows: Sequence[Row]) -> None:
    made = [
        products.HoldingRow(
            source_key(filing.table.name, row["key"]),
            row["party"],
            row["agreement"],
            row["role"],
            row["since_on"],
            row.get("until_on"),
        )
        for row in rows
    ]
    _finish(
        filing,
        rows,
        products.upsert_holdings(actor=filing.actor, source=filing.system.code, rows=made),
    )


def _relations(filing: Filing, rows: Sequence[Row]) -> None:
    made = [
        bulk_ties.RelationRow(
            row["party"],
            row["other"],
            row["kind"],
            row["since_on"],
            row.get("until_on"),
            row.get("role") or "",
            row.get("note") or "",
        )
        for row in rows
    ]
    _finish(
        filing,
        rows,
        bulk_ties.upsert_relations(actor=filing.actor, source=filing.system.code, rows=made),
    )


def _assignments(filing: Filing, rows: Sequence[Row]) -> None:
    made = [
        bulk_ties.AssignmentRow(
            row["party"],
            row["employee"],
            row["since_on"],
            row.get("until_on"),
            row.get("role") or "main",
        )
        for row in rows
    ]
    reason = f"{filing.system.name}: {filing.file.name}"[:200]
    _finish(filing, rows, bulk_ties.assign_managers(actor=filing.actor, rows=made, reason=reason))


def _contacts(filing: Filing, rows: Sequence[Row]) -> None:
    made = [
        bulk_ties.ContactRow(
            source_key(filing.table.name, row["key"]),
            row["party"],
            row["at"],
            row["channel"],
            row["title"],
            row.get("direction") or "",
            row.get("body") or "",
            row.get("result") or "",
            row.get("employee"),
        )
        for row in rows
    ]
    _finish(
        filing,
        rows,
        bulk_ties.add_contacts(actor=filing.actor, source=filing.system.code, rows=made),
    )


WRITERS: Mapping[str, Callable[[Filing, list[Row]], None]] = {
    "unit": _units,
    "employee": _employees,
    "product": _products,
    "party": _parties,
    "agreement": _agreements,
    "holding": _holdings,
    "relation": _relations,
    "assignment": _assignments,
    "contact": _contacts,
}


WRITTEN: Mapping[str, tuple[type[Model], ...]] = {
    "party": (Party, Identifier, ContactPoint, Address, SourceRecord, Assignment),
    "agreement": (Agreement,),
    "holding": (Holding,),
    "relation": (Relation,),
    "assignment": (Assignment,),
}
MANY = 1_000


def settle(filing: Filing) -> None:
    """What a file's end asks for once its rows are written."""
    if filing.count.accepted >= MANY:
        refresh_statistics(*WRITTEN.get(filing.table.into, ()))


def give(actor: Actor, mapping: SourceMapping) -> Counter[str]:
    """Write the rows that stand in the mapping itself."""
    written: Counter[str] = Counter()
    for given in mapping.given:
        if given.into == "unit":
            unit_rows = [UnitRow(**row) for row in given.rows]  # type: ignore[arg-type]
            counts = upsert_units(actor=actor, rows=unit_rows)
            written["unit"] += counts.created
        else:
            product_rows = [products.ProductRow(**row) for row in given.rows]  # type: ignore[arg-type]
            outcomes = products.upsert_products(actor=actor, rows=product_rows)
            written["product"] += sum(outcome.what == products.CREATED for outcome in outcomes)
    return written
