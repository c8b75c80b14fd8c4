"""A token lets a program do part of what its owner may, until a day, and not a moment longer."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from zhike.access.models import ApiToken
from zhike.access.queries import actor_for, actor_of_token
from zhike.access.roles import FOR_PROGRAMS, PERMISSIONS
from zhike.access.services import make_token, revoke_token
from zhike.access.tests.factories import client_of, user
from zhike.kernel import clock
from zhike.kernel.actor import NOBODY
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, User

pytestmark = pytest.mark.django_db
CUSTOMERS = "/api/customers/"


@pytest.fixture
def manager() -> User:
    return user(Role.CUSTOMER_MANAGER)


def made(owner: User, *permissions: str, days: int = 30) -> tuple[ApiToken, str]:
    asked = permissions or ("customers.view",)
    return make_token(actor=actor_for(owner), name="报表程序", permissions=asked, days=days)


def ask(secret: str, path: str = CUSTOMERS, method: str = "GET", **more: Any) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return Client().generic(method, path, headers=headers, **more).status_code


def test_a_program_gets_in_with_a_token_and_no_cookie(manager: User) -> None:
    token, secret = made(manager)
    assert ask(secret) == 200
    assert ask(secret + "x") == 401
    assert ask("") == 401
    assert ask(secret, "/customers/") == 302, "pages are for people"
    token.refresh_from_db()
    assert token.used_at is not None


def test_a_token_may_what_its_owner_may_and_it_was_given(manager: User) -> None:
    _token, secret = made(manager, "products.view")
    assert ask(secret) == 403
    actor, _ = actor_of_token(secret)
    assert actor.permissions == {"products.view"}
    assert actor.employee_id == manager.employee_id
    assert "报表程序" in actor.origin
    with clock.stopped_at(clock.now() + timedelta(seconds=1)):
        manager.employee.appointments.all().delete()  # type: ignore[union-attr]
        assert ask(secret) == 403, "a right of the owner that ended ended for the token"


def test_a_token_ends_with_its_day_its_owner_or_by_hand(manager: User) -> None:
    token, secret = made(manager, days=7)
    with clock.stopped_at(clock.now() + timedelta(days=7)):
        assert ask(secret) == 200
    with clock.stopped_at(clock.now() + timedelta(days=8)):
        assert ask(secret) == 401
    revoke_token(actor=actor_for(manager), token=token)
    assert ask(secret) == 401
    _other, second = made(manager)
    assert ask(second) == 200
    User.objects.filter(pk=manager.pk).update(is_active=False)
    assert ask(second) == 401
    assert actor_of_token(second) == (NOBODY, None)


@pytest.mark.parametrize(
    ("permissions", "days"),
    [
        ((), 30),
        (("customers.reveal",), 30),
        (("customers.view", "customers.export"), 30),
        (("access.administer",), 30),
        (("customers.view",), 0),
        (("customers.view",), 367),
        (("nonsense",), 30),
    ],
)
def test_too_much_is_refused_and_nothing_is_made(
    manager: User, permissions: tuple[str, ...], days: int
) -> None:
    with pytest.raises(UserError):
        make_token(actor=actor_for(manager), name="x", permissions=permissions, days=days)
    assert not ApiToken.objects.exists()


def test_nobody_gives_a_program_what_they_lack() -> None:
    with pytest.raises(UserError):
        made(user(Role.AUDITOR))
    assert set(FOR_PROGRAMS) <= set(PERMISSIONS)


def test_the_secret_is_shown_once_and_kept_nowhere(manager: User) -> None:
    client = client_of(manager)
    asked = {"name": "接口", "permissions": ["customers.view"], "days": "90"}
    answer = client.post("/me/tokens/", asked)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    [secret] = re.findall(r'value="(zhike_[^"]+)"', answer.content.decode())
    assert ask(secret) == 200
    page = client.get("/me/tokens/").content.decode()
    assert secret not in page
    assert f"…{secret[-4:]}" in page
    entry = AuditEntry.objects.get(action="token.make")
    assert secret not in str(entry.changes)
    assert secret.encode() not in bytes(ApiToken.objects.get().digest)


def test_a_form_that_is_wrong_says_where(manager: User) -> None:
    answer = client_of(manager).post("/me/tokens/", {"name": "", "days": "5000"})
    assert answer.status_code == 422
    assert not ApiToken.objects.exists()


def test_one_sees_and_revokes_ones_own_and_security_everybodys(manager: User) -> None:
    token, secret = made(manager)
    other, security = user(Role.CUSTOMER_MANAGER), user(Role.SECURITY_ADMINISTRATOR)
    address = f"/me/tokens/{token.public_id}/revoke/"
    assert token.name not in client_of(other).get("/me/tokens/").content.decode()
    assert client_of(other).post(address).status_code == 404
    with pytest.raises(Refused):
        revoke_token(actor=actor_for(other), token=token)
    assert ask(secret) == 200
    assert token.name in client_of(security).get("/me/tokens/").content.decode()
    assert client_of(security).post(address).status_code == 302
    assert ask(secret) == 401
    assert client_of(manager).post(address).status_code == 302, "once more does nothing"
    assert AuditEntry.objects.filter(action="token.revoke").count() == 1


def test_tokens_cost_the_page_no_query_each(
    manager: User, django_assert_max_num_queries: Any
) -> None:
    for _number in range(9):
        made(manager)
    client = client_of(manager)
    client.get("/me/tokens/")
    with django_assert_max_num_queries(10):
        client.get("/me/tokens/")
