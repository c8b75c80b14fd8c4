"""Rooms stand on lower floors: by import (import-linter), by foreign key, and only on open doors."""

from __future__ import annotations

import ast
import enum
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from tests.architecture.sources import (
    FLOOR_OF,
    FLOORS,
    PACKAGE,
    ROOT,
    Source,
    dotted,
    imported,
    python_sources,
    room_of,
    room_sources,
)

PRIVATE = {
    "views",
    "forms",
    "tables",
    "filters",
    "panels",
    "urls",
    "api",
    "tasks",
    "seed",
    "subscribers",
}
# Ground rooms are libraries of such things: their tables and views are what they are for.
LIBRARIES = {"kernel", "ui"}
CLOCKS = (["now"], ["today"], ["utcnow"])
RELATIONS = {"ForeignKey", "OneToOneField", "ManyToManyField"}


def private_imports(source: Source) -> Iterator[str]:
    """Imports of another room's views, forms, panels, tests and the like."""
    for node, name in imported(source):
        room, parts = room_of(name), name.split(".")
        if not room or room == source.room:
            continue
        inside = parts[1 + len(room.split(".")) :]
        if not inside:
            continue
        if inside[0] == "tests":
            prepared = inside[1:2] == ["factories"] or not inside[-1].startswith("test_")
            measures = source.path.startswith("benchmarks/") and prepared
            if not measures and (not source.is_test or inside[1:2] != ["factories"]):
                yield f"{source.at(node)} imports {name}: tests are the room's own"
        elif inside[0] in PRIVATE and room not in LIBRARIES and not may_open_all(source):
            yield f"{source.at(node)} imports {name}: {inside[0]} is private to {room}"


def may_open_all(source: Source) -> bool:
    """The roof puts rooms together, and the tests across rooms look at all of them."""
    return source.room == "config" or (source.is_test and not source.room)


def rising_keys(source: Source) -> Iterator[str]:
    """Relations of a model to a model on a higher floor, or beside it, by name."""
    labels = {"auth": 0, "contenttypes": 0}
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        called = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        if called not in RELATIONS:
            continue
        target = (
            node.args[0]
            if node.args
            else next((word.value for word in node.keywords if word.arg == "to"), None)
        )
        name = target.value if isinstance(target, ast.Constant) else None
        if not isinstance(name, str) or "." not in name:
            continue
        label = name.partition(".")[0]
        own_label = source.room.rpartition(".")[2]
        if label == own_label:
            continue
        floor = {**FLOOR_OF, **labels}.get(label)
        if floor is None:
            yield f"{source.at(node)} points at {name}: no such room"
        elif floor >= source.floor:
            yield f"{source.at(node)} points at {name}: {label} does not stand lower"


def is_enumeration(name: str) -> bool:
    """Whether a dotted name is a list of choices, which holds no rows."""
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute, None)
    return isinstance(found, type) and issubclass(found, enum.Enum)


def impurities(source: Source) -> Iterator[str]:
    """What a pure module reaches for: Django, other parts of zhike, the clock."""
    own = ".".join(source.parts[: 3 if not source.is_called("rules") else 2])
    for node in ast.walk(source.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if source.is_called("rules"):
                if name.startswith(("django.db", "zhike.kernel.clock")) or (
                    {"models", "queries", "services"} & set(name.split(".")[2:3])
                    and not is_enumeration(name)
                ):
                    yield f"{source.at(node)} imports {name}: rules decide without ORM and clock"
            elif name.split(".")[0] in {"django", "zhike"} and not name.startswith(own):
                yield f"{source.at(node)} imports {name}: this must work in a notebook"
        if isinstance(node, ast.Call) and dotted(node.func)[-1:] in CLOCKS:
            yield f"{source.at(node)} reads the clock: time is an argument"


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_contract_and_these_tests_speak_of_the_same_floors() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(each for each in contracts if each["id"] == "floors")["layers"]
    assert [tuple(layer.split(" | ")) for layer in layers] == list(FLOORS[::-1])
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(FLOOR_OF)


@pytest.mark.parametrize(
    ("imports", "importer", "broken"),
    [
        ("zhike.products.models", "customers", True),
        ("zhike.masterdata.models", "insight", True),
        ("zhike.customers.models", "products", False),
    ],
)
def test_import_contract_catches_a_planted_import(
    tmp_path: Path, imports: str, importer: str, broken: bool
) -> None:
    for room in FLOOR_OF:
        (tmp_path / "zhike" / room).mkdir(parents=True)
        for name in ("__init__", "models"):
            (tmp_path / "zhike" / room / f"{name}.py").touch()
    (tmp_path / "zhike" / "__init__.py").touch()
    (tmp_path / "zhike" / importer / "models.py").write_text(f"import {imports}\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    done = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-logo",
            "--no-cache",
            "--contract",
            "floors",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("BROKEN" in done.stdout) is broken, done.stdout + done.stderr
    assert (done.returncode != 0) is broken


def test_no_room_enters_anothers_private_modules() -> None:
    assert [fault for source in python_sources() for fault in private_imports(source)] == []


@pytest.mark.parametrize(
    ("path", "text", "faults"),
    [
        ("zhike/products/services.py", "from zhike.customers.views import PartyPage", 1),
        ("zhike/products/services.py", "from zhike.customers import forms", 1),
        ("zhike/products/tests/test_x.py", "import zhike.customers.tests.test_rules", 1),
        ("zhike/products/tests/test_x.py", "from zhike.customers.tests.factories import person", 0),
        ("benchmarks/load.py", "from zhike.masterdata.tests import uploads", 0),
        ("zhike/products/services.py", "from zhike.customers.tests import factories", 1),
        ("zhike/products/views.py", "from zhike.ui.views import ListView", 0),
        ("zhike/products/views.py", "from . import forms", 0),
        ("zhike/config/urls.py", "from zhike.customers.api import router", 0),
        ("zhike/packs/bank/panels.py", "from zhike.packs.power.panels import METER", 1),
    ],
)
def test_private_import_is_caught(path: str, text: str, faults: int) -> None:
    assert len(list(private_imports(Source(path, text)))) == faults


def test_named_foreign_keys_point_down() -> None:
    assert [fault for source in room_sources() for fault in rising_keys(source)] == []


@pytest.mark.parametrize(
    ("path", "text", "faults"),
    [
        ("zhike/customers/models.py", 'models.ForeignKey("products.Agreement", models.CASCADE)', 1),
        ("zhike/insight/models.py", 'models.ForeignKey(to="activities.WorkItem")', 1),
        ("zhike/insight/models.py", 'models.OneToOneField("customers.Party")', 0),
        ("zhike/customers/models.py", 'models.ForeignKey("customers.Party")', 0),
        ("zhike/customers/models.py", 'models.ForeignKey("nowhere.Thing")', 1),
        ("zhike/customers/models.py", 'models.ForeignKey("self")', 0),
    ],
)
def test_rising_key_is_caught(path: str, text: str, faults: int) -> None:
    assert len(list(rising_keys(Source(path, text)))) == faults


def test_every_relation_of_every_model_points_down() -> None:
    rising = [
        f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
        for model in apps.get_models()
        if model.__module__.startswith("zhike.")
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model is not None
        if field.related_model.__module__.startswith("zhike.")
        if room_of(field.related_model.__module__) != room_of(model.__module__)
        if FLOOR_OF[room_of(field.related_model.__module__).partition(".")[0]]
        >= FLOOR_OF[room_of(model.__module__).partition(".")[0]]
    ]
    assert rising == []


def is_pure(source: Source) -> bool:
    return source.is_called("rules") or (
        source.is_called("methods", "matching") and source.room in {"insight", "masterdata"}
    )


def test_rules_methods_and_matching_are_pure() -> None:
    assert [fault for each in room_sources() if is_pure(each) for fault in impurities(each)] == []


@pytest.mark.parametrize(
    ("path", "text", "faults"),
    [
        ("zhike/insight/methods/rfm.py", "from django.conf import settings", 1),
        ("zhike/insight/methods/rfm.py", "from zhike.kernel import clock", 1),
        ("zhike/insight/methods/rfm.py", "from zhike.insight.methods.abc import shares", 0),
        ("zhike/masterdata/matching/names.py", "import numpy as np", 0),
        ("zhike/customers/rules.py", "from django.db.models import Q", 1),
        ("zhike/customers/rules.py", "from zhike.customers.models import Party", 1),
        ("zhike/customers/rules.py", "from datetime import date\ndate.today()", 1),
        ("zhike/customers/rules.py", "from zhike.kernel.money import rounded", 0),
        ("zhike/organisation/rules.py", "from zhike.organisation.models import Role", 0),
    ],
)
def test_impurity_is_caught(path: str, text: str, faults: int) -> None:
    source = Source(path, text)
    assert is_pure(source)
    assert len(list(impurities(source))) == faults
