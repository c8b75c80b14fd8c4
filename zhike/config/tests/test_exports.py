"""Files under somebody's rights: what they see and no more, masked, on the trail, whole or not at all."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyarrow import parquet

from zhike.access.queries import actor_for
from zhike.config import exports
from zhike.customers.models import Party
from zhike.customers.services import add_contact_point, assign
from zhike.customers.tests.factories import SYSTEM, employee_with_role, party, unit
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, User

pytestmark = pytest.mark.django_db

MOBILE = "15403334485"


@dataclass(frozen=True)
class World:
    actor: Actor
    login: str
    mine: Party
    foreign: Party


@pytest.fixture
def world() -> World:
    here, there = unit(), unit()
    manager = employee_with_role(Role.CUSTOMER_MANAGER, here)
    mine, foreign = party(unit=here, name="=张甲"), party(unit=there, name="李乙")
    assign(actor=SYSTEM, party=mine, employee=manager, reason="test")
    add_contact_point(actor=SYSTEM, party=mine, kind="mobile", value=MOBILE)
    user = User.objects.get(employee=manager)
    return World(actor_for(user, "test"), user.login, mine, foreign)


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_an_export_holds_the_visible_and_not_the_hidden(
    world: World, tmp_path: Path, format: str
) -> None:
    out = tmp_path / f"customers.{format}"
    assert exports.export(world.actor, "customers", format, out) == 1
    if format == "parquet":
        names = parquet.read_table(out).column("name").to_pylist()
    elif format == "json":
        names = [row["name"] for row in json.loads(out.read_text())]
    else:
        with out.open(encoding="utf-8-sig", newline="") as file:
            names = [row["name"] for row in csv.DictReader(file)]
    assert names == (["'=张甲"] if format == "csv" else ["=张甲"])
    assert MOBILE.encode() not in out.read_bytes()
    assert AuditEntry.objects.get(action="export.customers").reason.startswith("1")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [out.name]


def test_a_refused_export_leaves_no_file(tmp_path: Path) -> None:
    teller = employee_with_role(Role.TELLER, unit())
    actor = actor_for(User.objects.get(employee=teller), "test")
    with pytest.raises(Refused):
        exports.export(actor, "customers", "csv", tmp_path / "x.csv")
    assert not list(tmp_path.glob("x*"))
    assert not AuditEntry.objects.filter(action__startswith="export.").exists()


@pytest.mark.parametrize("name", ["nothing", "../customers"])
def test_an_unknown_export_names_those_there_are(world: World, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="customer_value"):
        exports.export(world.actor, name, "csv", tmp_path / "x.csv")


def test_a_place_that_cannot_be_written(world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        exports.export(world.actor, "customers", "csv", tmp_path / "no" / "x.csv")
    assert not AuditEntry.objects.filter(action__startswith="export.").exists()


def test_one_customer_is_shown_masked_and_another_branchs_not_at_all(
    world: World,
) -> None:
    actor, mine, foreign = world.actor, world.mine, world.foreign
    shown = exports.customer(actor, str(mine.public_id))
    assert shown["contact_points"][0]["masked"] == "154****4485"
    assert MOBILE not in json.dumps(shown)
    for id in (str(foreign.public_id), "00000000-0000-4000-8000-000000000000", "x"):
        with pytest.raises(UserError, match="no such customer"):
            exports.customer(actor, id)


def test_an_unknown_login_is_refused(world: World) -> None:
    assert exports.acting_as(world.login, "test").employee_id
    with pytest.raises(UserError, match="no login"):
        exports.acting_as("nobody", "test")
