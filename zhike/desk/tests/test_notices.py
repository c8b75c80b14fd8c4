"""Notices reach their readers and nobody else."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.http import Http404

from zhike.access.events import SecondFactorTaken
from zhike.access.queries import actor_for
from zhike.desk.models import Notice
from zhike.desk.services.notices import CHANNEL, mark_all_read, mark_read, notify, tell
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import Refused
from zhike.kernel.events import publish
from zhike.organisation.models import Employee, Role
from zhike.organisation.tests.factories import employee

TEXT = "%(customer)s is yours now."


def actor_of(who: Employee) -> Actor:
    return actor_for(who.user)


def handed(*readers: Employee, actor: Actor | None = None, **more: Any) -> int:
    return notify(
        actor=actor or system("test"),
        kind="test",
        text=TEXT,
        employees=[each.pk for each in readers],
        params={"customer": "张伟"},
        **more,
    )


@pytest.mark.django_db
def test_a_notice_reaches_users_and_employees_once() -> None:
    one, other = employee(Role.CUSTOMER_MANAGER), employee(Role.TELLER)
    assert handed(one, other, users=[one.user.pk], url="/customers/") == 2
    assert set(Notice.objects.values_list("user", flat=True)) == {one.user.pk, other.user.pk}


@pytest.mark.django_db
def test_whoever_acts_and_closed_accounts_get_none() -> None:
    acting, closed = employee(Role.CUSTOMER_MANAGER), employee(Role.TELLER)
    closed.user.is_active = False
    closed.user.save()
    assert handed(acting, closed, actor=actor_of(acting)) == 0
    assert not Notice.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/", "//elsewhere.example/", "customers/"]
)
def test_a_notice_leads_nowhere_else(url: str) -> None:
    with pytest.raises(ValueError, match="path of this site"):
        handed(employee(Role.TELLER), url=url)


@pytest.mark.django_db
def test_nobody_without_a_position_notifies() -> None:
    with pytest.raises(Refused):
        handed(employee(Role.TELLER), actor=actor_of(employee()))
    assert not Notice.objects.exists()


@pytest.mark.django_db
def test_only_ones_own_notices_can_be_marked_read() -> None:
    mine, theirs = employee(Role.CUSTOMER_MANAGER), employee(Role.TELLER)
    handed(mine, theirs)
    (own,) = Notice.objects.visible_to(actor_of(mine))
    other = Notice.objects.get(user=theirs.user)
    assert mark_read(actor=actor_of(mine), public_id=own.public_id).read_at is not None
    with pytest.raises(Http404):
        mark_read(actor=actor_of(mine), public_id=other.public_id)
    other.refresh_from_db()
    assert other.read_at is None


@pytest.mark.django_db
def test_all_read_means_all_of_mine() -> None:
    mine, theirs = employee(Role.CUSTOMER_MANAGER), employee(Role.TELLER)
    handed(mine, theirs)
    handed(mine)
    assert mark_all_read(actor=actor_of(mine)) == 2
    assert mark_all_read(actor=system("test")) == 0
    assert Notice.objects.filter(read_at__isnull=True).get().user == theirs.user


@pytest.mark.django_db(transaction=True)
def test_what_is_told_leaves_at_commit_and_holds_no_name() -> None:
    who = employee(Role.CUSTOMER_MANAGER)
    parameters = connection.get_connection_params()
    where = {key: parameters[key] for key in parameters.keys() & {"host", "port", "user", "dbname"}}
    with psycopg.connect(**where, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        handed(who)
        tell(who.user.pk, "job", {"run": "r1", "done": 5})
        said = [json.loads(each.payload) for each in listener.notifies(timeout=5, stop_after=2)]
    assert said == [
        {"user": who.user.pk, "event": "notices", "data": {}},
        {"user": who.user.pk, "event": "job", "data": {"run": "r1", "done": 5}},
    ]


@pytest.mark.django_db
def test_whose_second_factor_was_taken_is_told(django_capture_on_commit_callbacks: Any) -> None:
    one, other = employee(Role.CUSTOMER_MANAGER), employee(Role.TELLER)
    with django_capture_on_commit_callbacks(execute=True):
        publish(SecondFactorTaken(one.user.pk))
    notice = Notice.objects.get(kind="access.second_factor")
    assert (notice.user, notice.url) == (one.user, "/me/second-factor/")
    assert other.user != notice.user
