"""One file on its way in: where it comes from, where its rejects go, what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from zhike.customers.rules import sealed_kinds_in
from zhike.kernel.actor import Actor
from zhike.masterdata.mapping import SourceMapping, Table
from zhike.masterdata.models import ImportFile, SourceSystem
from zhike.masterdata.rejects import Reject, masked
from zhike.masterdata.rows import LEFT_OUT, Told
from zhike.masterdata.targets import Takes
from zhike.organisation.models import Employee, Unit
from zhike.products import services as products
from zhike.products.models import Product

Row = dict[str, Any]


@dataclass
class Count:
    """What became of a file's rows; `left_out` counts values, not rows."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    unchanged: int = 0
    left_out: int = 0
    sums: dict[str, Any] = field(default_factory=dict)


@dataclass
class Filing:
    """One file on its way in: where it comes from, where its rejects go, what was seen of it so far. A `trial` is
    rolled back in the end."""

    actor: Actor
    mapping: SourceMapping
    system: SourceSystem
    table: Table
    file: ImportFile
    tell: Told
    trust: Mapping[str, int]
    trial: bool = False
    count: Count = field(default_factory=Count)
    seen: dict[str, int] = field(default_factory=dict)

    @cached_property
    def units(self) -> dict[str, int]:
        return dict(Unit.objects.values_list("code", "pk"))

    @cached_property
    def employees(self) -> dict[str, int]:
        return dict(Employee.objects.values_list("code", "pk"))

    @cached_property
    def units_by_employee(self) -> dict[int, int]:
        return dict(Employee.objects.values_list("pk", "unit_id"))

    @cached_property
    def products(self) -> dict[str, int]:
        return dict(Product.objects.values_list("code", "pk"))

    @cached_property
    def root_unit(self) -> int | None:
        return Unit.objects.filter(parent=None).order_by("pk").values_list("pk", flat=True).first()

    def refuse(self, line: int, name: str, raw: Any, reason: str) -> None:
        """A row goes to the reject file because of one field, "" for its key."""
        self.count.rejected += 1
        self._tell(line, name, raw, reason)

    def leave_out(self, line: int, name: str, raw: Any, reason: str) -> None:
        """A value goes to the reject file; its row is taken without it."""
        self.count.left_out += 1
        self._tell(line, name, raw, f"{LEFT_OUT}: {reason}")

    def _tell(self, line: int, name: str, raw: Any, reason: str) -> None:
        takes = self.table.target.takes(name)
        spec = self.table.fields.get(name)
        column = " + ".join(spec.columns if spec else self.table.key)
        value = "" if raw is None else shown(str(raw), takes)
        self.tell(Reject(line, column or name, value, reason))

    def took(self, what: str) -> None:
        if what == products.UNCHANGED:
            self.count.unchanged += 1
        else:
            self.count.accepted += 1

    def add_sums(self, row: Row) -> None:
        for name, takes in self.table.target.fields.items():
            if takes.kind == "decimal" and name != "rate" and row.get(name) is not None:
                self.count.sums[name] = self.count.sums.get(name, 0) + row[name]


def shown(raw: str, takes: Takes | None) -> str:
    """A value as rejects and previews may show it: the number of a customer may be the number of their document."""
    if takes is not None and takes.kind == "ref" and sealed_kinds_in(raw):
        return masked(raw, "identity")
    return masked(raw, takes.mask if takes else "")


def source_key(table: str, key: str) -> str:
    """The key of an agreement within its source: two tables may use the same numbers."""
    return f"{table}/{key}"
