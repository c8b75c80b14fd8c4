"""What the database answers the pages, whatever the query says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import ProgrammingError, connection, transaction
from django.db.models import Q
from django.test import Client

from tests.cluster import url_of
from zhike.config.institution import _wall
from zhike.customers.models import Assignment, ContactPoint, Party, Standing
from zhike.customers.services import update_party
from zhike.customers.tests import factories
from zhike.kernel import wall
from zhike.kernel.actor import NOBODY, Actor
from zhike.kernel.models import AuditEntry, ScopedManager
from zhike.kernel.roles import PAGES_ROLE
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db

LONG_AGO = (date(2000, 1, 1), None)


@contextmanager
def behind(actor: Actor) -> Iterator[None]:
    """As a request of the actor reads."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {django_settings.ZHIKE_PAGES_ROLE}")
        wall.in_test.set(True)
        try:
            wall.face(actor)
            yield
        finally:
            wall.in_test.set(False)
            if not connection.needs_rollback:
                cursor.execute("RESET ROLE")


@pytest.fixture
def manager() -> Actor:
    return factories.actor_with_role(Role.CUSTOMER_MANAGER)


@pytest.fixture
def mine(manager: Actor) -> Party:
    party = factories.person("孔有缘")
    Assignment.objects.create(
        party=party, employee_id=manager.employee_id or 0, role="main", during=LONG_AGO
    )
    return party


@pytest.fixture
def theirs() -> Party:
    return factories.person("孟无缘")


def test_every_table_of_ours_stands_behind_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid "
            "WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.polname = 'wall'"
        )
        walled = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = %s",
            [django_settings.ZHIKE_PAGES_ROLE],
        )
        granted = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb, "
            "(SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid) FROM pg_roles WHERE rolname = %s",
            [django_settings.ZHIKE_PAGES_ROLE],
        )
        assert cursor.fetchone() == (False, 0)
    scoped = [model for model in apps.get_models() if hasattr(model, "scope")]
    ours = {model._meta.db_table for model in scoped if ".tests." not in model.__module__}
    assert ours - walled == set()
    # Nothing is granted but what stands behind it and what holds no row of ours.
    known = {model._meta.db_table for model in scoped}
    assert not [name for name in granted - known if not name.startswith(wall.SCOPELESS)]


def test_who_says_nothing_sees_nothing(mine: Party, theirs: Party) -> None:
    with behind(NOBODY):
        assert not Party.objects.exists()
        assert not ContactPoint.objects.exists()
        assert not Standing.objects.exists()
        assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.BRANCH_HEAD, {"孔有缘"}),
        (Role.ANALYST, {"孔有缘", "孟无缘"}),
        (Role.SYSTEM_ADMINISTRATOR, set()),
        (Role.AUDITOR, set()),
    ],
)
def test_each_role_sees_what_its_scope_says(
    role: Role, sees: set[str], mine: Party, theirs: Party
) -> None:
    actor = factories.actor_with_role(role, mine.unit)
    ours = Party.objects.filter(pk__in=[mine.pk, theirs.pk])
    with behind(actor):
        assert {each.name for each in ours} == sees
        assert {each.party.name for each in Standing.objects.filter(party__in=ours)} == sees


def test_a_manager_sees_whom_they_look_after(manager: Actor, mine: Party, theirs: Party) -> None:
    with behind(manager):
        assert [each.name for each in Party.objects.all()] == ["孔有缘"]
        assert Party.objects.count() == 1
        assert not ContactPoint.objects.filter(party=theirs).exists()


def test_nothing_is_written_out_of_sight(manager: Actor, mine: Party, theirs: Party) -> None:
    with behind(manager):
        assert Party.objects.filter(pk=theirs.pk).update(note="moved") == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Assignment.objects.create(
                party=theirs,
                employee_id=manager.employee_id or 0,
                role="assistant",
                during=LONG_AGO,
            )
        with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
            connection.cursor().execute("DROP POLICY wall ON customers_party")
    theirs.refresh_from_db()
    assert theirs.note == ""


def test_a_service_asks_the_scope_and_passes(manager: Actor, mine: Party, theirs: Party) -> None:
    with behind(manager):
        update_party(actor=manager, party=mine, changes={"note": "written"})
        assert not AuditEntry.objects.exists(), "up again"
    mine.refresh_from_db()
    assert mine.note == "written"


def test_doctor_tells_who_stands_behind_it(settings: Any) -> None:
    owner = connection.settings_dict["USER"]
    owners = url_of(connection.settings_dict["NAME"])
    assert f"//{owner}" in owners

    def told(role: str) -> Any:
        settings.PAGES_DATABASE_URL = owners.replace(f"//{owner}", f"//{role}") if role else ""
        return _wall()[0]

    for production in (False, True):
        settings.ZHIKE_PRODUCTION = production
        assert told(PAGES_ROLE).ok
        assert not told(owner).ok, "the owner is no role for pages"
        assert "owns tables" in told(owner).found
        assert not told("nobody_there").ok
        assert "does not tell" in told("").found
        assert told("").ok is not production


def test_it_is_not_put_up_by_who_could_not_pass_it() -> None:
    def policy() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT oid FROM pg_policy WHERE polrelid = 'customers_party'::regclass")
            return cursor.fetchall()

    before = policy()
    with behind(NOBODY):
        assert not wall.passes()
        wall.build("another")
    assert wall.passes()
    wall.build(django_settings.ZHIKE_PAGES_ROLE)
    assert policy() == before, "again changes nothing"
    wall.build("another")
    assert policy() != before


def test_a_failed_service_leaves_it_up(manager: Actor, mine: Party, theirs: Party) -> None:
    with behind(manager):
        with pytest.raises(ProgrammingError), transaction.atomic(), wall.lowered():
            assert Party.objects.filter(pk=theirs.pk).exists()
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM nowhere")
        assert not Party.objects.filter(pk=theirs.pk).exists()


def test_pages_that_forget_the_scope_show_nobody_else(
    manager: Actor, mine: Party, theirs: Party
) -> None:
    client: Client = factories.client_of(mine.assignments.get().employee)
    pages = ["/customers/", f"/customers/{theirs.public_id}/", "/api/v1/customers", "/contacts/"]
    with patch.object(ScopedManager, "_condition", lambda *_given: Q()):
        assert "孟无缘" in "".join(Party.objects.visible_to(manager).values_list("name", flat=True))
        answers = [client.get(page) for page in pages]
        found = client.post("/customers/search/", {"q": "孟无缘"})
    said = "".join(answer.content.decode() for answer in answers)
    assert "孔有缘" in said
    assert "孟无缘" not in said
    assert str(theirs.public_id) not in found.content.decode()
    assert answers[1].status_code == 404
