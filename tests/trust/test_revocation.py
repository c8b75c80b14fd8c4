"""G-04: what is taken away is gone at once, on every channel."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import pytest
from django.test import Client

from tests.access_matrix.rows import taken_file
from tests.access_matrix.world import build
from zhike.access.queries import actor_for
from zhike.access.services import make_token
from zhike.config import asgi
from zhike.desk.models import TakenFile
from zhike.kernel import clock
from zhike.kernel.actor import system
from zhike.organisation.models import Role, User
from zhike.organisation.services import leave

SYSTEM = system("test")


@pytest.mark.django_db(transaction=True)
def test_who_leaves_has_no_way_in_a_second_later(
    record_property: Callable[[str, object], None],
) -> None:
    world = build()
    who = world.people[Role.CUSTOMER_MANAGER]
    user = User.objects.get(employee=who)
    browser, other = Client(), Client()
    for each in (browser, other):
        each.force_login(user)
    key = browser.session.session_key or ""
    actor = actor_for(user)
    _token, secret = make_token(actor=actor, name="表", permissions=["customers.view"], days=7)
    file = taken_file(world, world.inside)
    TakenFile.objects.filter(pk=file.pk).update(user=user)

    def program() -> int:
        bearer = f"Bearer {secret}"
        return Client().get("/api/customers/", HTTP_AUTHORIZATION=bearer).status_code

    channels: dict[str, Callable[[], bool]] = {
        "page": lambda: browser.get("/customers/").status_code == 200,
        "second browser": lambda: other.get("/today/").status_code == 200,
        "API by session": lambda: browser.get("/api/customers/").status_code == 200,
        "API by token": lambda: program() == 200,
        "event stream": lambda: asgi._reader(key) == user.pk,
        "file": lambda: TakenFile.objects.get(pk=file.pk).state == TakenFile.State.WAITING,
    }
    assert [name for name, is_open in channels.items() if not is_open()] == []
    successor = world.people[Role.TEAM_LEAD]
    leave(actor=SYSTEM, employee=who, on=clock.today(), reason="离职", successor=successor)
    began = perf_counter()
    assert [name for name, is_open in channels.items() if is_open()] == []
    record_property("seconds", perf_counter() - began)
    record_property("channels", len(channels))
