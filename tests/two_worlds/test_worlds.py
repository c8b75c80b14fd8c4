"""Two institutions that differ only in what somebody does not see answer them byte for byte the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from django.db.models import Q
from django.test import override_settings

from tests.two_worlds.asking import Question, ask, difference
from tests.two_worlds.institution import Institution, change, found, stand_in
from tests.two_worlds.questions import (
    PRINCIPALS,
    of_entries,
    of_lists,
    of_routes,
    of_searches,
    shared_out,
    texts,
)
from zhike.customers.models import ContactPoint
from zhike.kernel import clock
from zhike.kernel.models import ScopedManager
from zhike.organisation.models import Role

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 12, tzinfo=clock.BUSINESS_ZONE)
EVERYTHING = bool(os.environ.get("ZHIKE_TWO_WORLDS"))
"""Every question of every principal: more than ten thousand pairs, which take half an hour of one core."""
FEW = (Role.CUSTOMER_MANAGER.value, Role.BRANCH_HEAD.value, Role.SYSTEM_ADMINISTRATOR.value)
ONE_IN = 60


class Undone(Exception):
    """Ends a savepoint."""


@pytest.fixture(scope="module")
def institution(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Institution]:
    home = str(tmp_path_factory.mktemp("worlds"))
    with (
        django_db_blocker.unblock(),
        # Sessions end by the machine's clock, and the long form takes longer than one of them lasts.
        override_settings(ZHIKE_HOME=home, WAREHOUSE_URL=home, SESSION_COOKIE_AGE=86_400),
        clock.stopped_at(NOON),
        transaction.atomic(),
    ):
        yield found()
        transaction.set_rollback(True)


def questions(institution: Institution, principal: str) -> list[Question]:
    unseen = institution.unseen(principal)
    more = [
        *of_lists(institution, principal),
        *of_searches(principal, texts(unseen)),
        *of_entries(institution, principal, unseen),
    ]
    if EVERYTHING:
        return [*of_routes(principal), *more]
    mine = [each for each in shared_out(FEW) if each.principal == principal]
    return [*mine, *islice(more, 0, None, ONE_IN)]


def compared(institution: Institution, principal: str, asked: Sequence[Question]) -> list[str]:
    """Where the world of the principal and the one that is different out of their sight answer differently."""
    stand_in(institution, "A")
    before = [ask(institution, each) for each in asked]
    after: list[bytes] = []
    try:
        with transaction.atomic():
            change(institution, principal, f"B-{principal}")
            after += [ask(institution, each) for each in asked]
            raise Undone
    except Undone:
        pairs = zip(asked, before, after, strict=True)
        return [difference(*each) for each in pairs if each[1] != each[2]]


@pytest.mark.parametrize("principal", PRINCIPALS if EVERYTHING else FEW)
def test_the_unseen_leaves_no_trace(
    institution: Institution, principal: str, settings: Any, record_property: Any
) -> None:
    asked = questions(institution, principal)
    record_property("pairs", len(asked))
    differ = compared(institution, principal, asked)
    assert not differ, f"{len(differ)} of {len(asked)} pairs differ\n" + "\n".join(differ)


@pytest.mark.parametrize("principal", PRINCIPALS if EVERYTHING else FEW[:1])
def test_the_database_alone_leaves_no_trace(institution: Institution, principal: str) -> None:
    """The scope of every query switched off: the second wall is all there is."""
    asked = questions(institution, principal)[:: 1 if EVERYTHING else 3]
    with patch.object(ScopedManager, "_condition", lambda *_given: Q()):
        differ = compared(institution, principal, asked)
    assert not differ, f"{len(differ)} of {len(asked)} pairs differ\n" + "\n".join(differ)


@override_settings(ROOT_URLCONF="tests.two_worlds.planted_urls")
def test_what_tells_of_the_unseen_is_found(institution: Institution, settings: Any) -> None:
    principal = Role.CUSTOMER_MANAGER.value
    theirs = ContactPoint.objects.filter(party=institution.world.outside, kind="mobile").get()
    planted = ["planted/all/", "planted/rank/", f"planted/number/{theirs.in_clear()[-6:]}/"]
    asked = [Question(principal, "GET", path) for path in ("planted/sound/", *planted)]
    differ = compared(institution, principal, asked)
    assert [each.split()[1] for each in differ] == [f"/{path}" for path in planted]
