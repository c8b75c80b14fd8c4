"""Rows that hang on a customer already found are read without asking for the customer again, and no wider."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from zhike.customers.models import Assignment, ContactPoint, Party, TimelineEntry
from zhike.customers.tests import factories
from zhike.kernel.scope import Via, found
from zhike.organisation.models import Unit

pytestmark = pytest.mark.django_db


def test_only_a_row_that_was_found_for_this_very_actor_is_a_short_cut() -> None:
    actor = factories.actor_with_role("analyst")
    other = factories.actor_with_role("customer_manager")
    party = factories.party("冯禾")
    found(actor, party)
    short = str(Assignment.objects.visible_to(actor, party=party).query)
    assert "organisation" not in short
    for whoever in (other, replace(actor)):
        assert short != str(Assignment.objects.visible_to(whoever, party=party).query)
    fresh = Party.objects.get(pk=party.pk)
    assert short != str(Assignment.objects.visible_to(actor, party=fresh).query)


def test_a_customer_out_of_sight_shows_nothing_of_theirs() -> None:
    party = factories.party("冯禾")
    stranger = factories.actor_with_role("customer_manager", factories.unit("城西支行"))
    assert not Party.objects.visible_to(stranger).filter(pk=party.pk).exists()
    for kind in (Assignment, ContactPoint, TimelineEntry):
        assert not kind.objects.visible_to(stranger, party=party).exists()


def test_the_short_cut_stays_with_the_one_customer() -> None:
    actor = factories.actor_with_role("analyst")
    one, two = factories.party("冯禾"), factories.party("褚禾")
    found(actor, one)
    rows = Assignment.objects.visible_to(actor, party=one)
    assert set(rows.values_list("party", flat=True)) <= {one.pk}
    with CaptureQueriesContext(connection) as queries:
        list(Assignment.objects.visible_to(actor, party=two))
    assert len(queries) == 1


def test_a_permission_is_asked_all_the_same() -> None:
    actor = replace(factories.actor_with_role("analyst"), permissions=frozenset())
    party = factories.party("冯禾")
    found(actor, party)
    condition = Via("party", "customers.view").rows_of(actor, {"party": party})
    assert condition is not None
    assert not Party.objects.filter(condition).exists()


def _latest_first(rows: QuerySet[Party]) -> QuerySet[Party]:
    return rows.order_by("-pk")


def _of_kind(rows: QuerySet[Assignment], role: str) -> QuerySet[Assignment]:
    return rows.filter(role=role).order_by("pk")


def test_kept_words_show_each_actor_their_own() -> None:
    here, there = factories.unit("城东支行"), factories.unit("城西支行")
    for unit, name in ((here, "冯禾"), (there, "褚禾"), (here, "卫禾")):
        factories.party(name, unit=unit)
    actors = [
        factories.actor_with_role("branch_head", here),
        factories.actor_with_role("branch_head", there),
        factories.actor_with_role("customer_manager", here),
        factories.actor_with_role("analyst"),
        factories.actor_with_role("auditor"),
    ]
    seen = []
    for _turn in range(2):
        for actor in actors:
            rows = Party.objects.visible_rows(actor, _latest_first)
            assert rows == list(_latest_first(Party.objects.visible_to(actor)))
            seen.append([row.name for row in rows])
    assert seen[:5] == [["卫禾", "冯禾"], ["褚禾"], [], ["卫禾", "褚禾", "冯禾"], []]


def test_kept_words_of_hanging_rows_follow_the_scope() -> None:
    head = factories.actor_with_role("branch_head", factories.unit("城东支行"))
    stranger = factories.actor_with_role("branch_head", factories.unit("城西支行"))
    manager = factories.employee_with_role(unit=Unit.objects.get(name="城东支行"))
    party = factories.party("冯禾", unit=manager.unit, manager=manager)
    for actor, was_found in ((head, True), (head, False), (stranger, False), (head, True)):
        fresh = Party.objects.get(pk=party.pk)
        if was_found:
            found(actor, fresh)
        for role in Assignment.Role.values:
            rows = Assignment.objects.visible_rows(
                actor, _of_kind, party=fresh, given={"role": role}
            )
            assert rows == list(_of_kind(Assignment.objects.visible_to(actor, party=fresh), role))
            assert len(rows) == (actor is head and role == Assignment.Role.MAIN)
