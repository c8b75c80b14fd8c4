"""Signing in at a real directory: who gets in, in which positions, and who does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from zhike.access import directory, rules
from zhike.access.models import GroupAppointment, Identity, SignInTries
from zhike.access.queries import actor_for
from zhike.access.services import (
    end_who_is_gone,
    make_group_seat,
    prove,
    remove_group_seat,
)
from zhike.access.tests import slapd
from zhike.access.tests.factories import PASSWORD, SYSTEM, client_of, unit, user
from zhike.access.tests.slapd import GROUPS, PEOPLE, SERVICE, Directory
from zhike.access.tests.test_sign_in import sign_in
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Appointment, Employee, Role, User
from zhike.organisation.services import hire

pytestmark = pytest.mark.django_db
MANAGERS = f"cn=managers,{GROUPS}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with slapd.running(tmp_path_factory.mktemp("slapd")) as directory:
        people = (("li", "D1"), ("wang", "D2"), ("zhao", ""), ("qian", "none such"))
        entries = [slapd.person(*each) for each in people]
        entries += [slapd.group(name) for name in ("managers", "tellers", "auditors")]
        directory.change("\n".join(entries))
        yield directory


@pytest.fixture(params=["search", "as the user"])
def there(running: Directory, request: Any, settings: Any) -> Directory:
    """The directory, asked both ways: by an account of ours over ldaps, and as the user with StartTLS."""
    settings.ZHIKE_LDAP = told(running, searching=request.param == "search")
    return running


@pytest.fixture
def at_once(running: Directory, settings: Any) -> Directory:
    settings.ZHIKE_LDAP = told(running, searching=True)
    return running


def told(running: Directory, *, searching: bool) -> dict[str, str]:
    (running.home / "password").write_text(slapd.SERVICE_PASSWORD + "\n")
    return {
        "url": running.secure if searching else running.plain,
        "ca": str(running.authority),
        "bind_dn": SERVICE if searching else "",
        "bind_password_file": str(running.home / "password"),
        "user": f"uid={{login}},{PEOPLE}",
        "base": PEOPLE,
        "filter": "(uid={login})",
        "number": "employeeNumber",
        "group_base": GROUPS,
        "group_filter": "(member={dn})",
    }


def employee(code: str) -> Employee:
    return hire(actor=SYSTEM, code=code, name=f"员工{code}", unit=unit())


def seat(group: str, role: str, place: Any = None) -> Any:
    maker = actor_for(user(Role.SECURITY_ADMINISTRATOR))
    return make_group_seat(actor=maker, group=group, unit=place, role=role, title="岗位")


def opens(login: str, password: str = slapd.PASSWORD) -> bool:
    client = Client()
    answer = sign_in(login, password, client)
    assert (answer.status_code == 302) == (client.get("/me/").status_code == 200)
    return bool(answer.status_code == 302)


def test_the_first_sign_in_makes_the_login_of_an_employee_who_is_here(there: Directory) -> None:
    who = employee("D1")
    assert opens("li")
    made = User.objects.get(employee=who)
    assert (made.login, made.has_usable_password()) == ("li", False)
    assert opens("li")
    assert User.objects.filter(employee=who).count() == 1
    identity = Identity.objects.get()
    assert (identity.user, identity.login, identity.seen_at is not None) == (made, "li", True)
    done = AuditEntry.objects.filter(action="sign_in", actor_user_id=made.pk, outcome="done")
    assert done.count() == 2
    assert not SignInTries.objects.exists()


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("li", "a-wrong-passphrase"),
        ("li", ""),
        ("li", "\0"),
        ("nobody", slapd.PASSWORD),
        ("*", slapd.PASSWORD),
        ("li)(uid=*", slapd.PASSWORD),
        ("l*", slapd.PASSWORD),
        (f"li,{PEOPLE}", slapd.PASSWORD),
        ("li,ou=people", slapd.PASSWORD),
        ("\\6ci", slapd.PASSWORD),
        ("li\0", slapd.PASSWORD),
        ("", slapd.PASSWORD),
    ],
)
def test_nobody_else_gets_in(at_once: Directory, settings: Any, login: str, password: str) -> None:
    employee("D1")
    for searching in (True, False):
        settings.ZHIKE_LDAP = told(at_once, searching=searching)
        assert directory.who_signs_in(login, password) is None
    assert sign_in(login, password).status_code == 422
    assert not User.objects.filter(login="li").exists()
    assert directory.who_signs_in("li", slapd.PASSWORD) is not None


def test_an_empty_password_is_an_anonymous_call_to_the_server_itself(at_once: Directory) -> None:
    """Why it is refused before: were it sent, the server would not say no to it as to a wrong one."""
    import subprocess

    call = ["ldapwhoami", "-x", "-H", at_once.plain, "-D", "", "-w", ""]
    assert subprocess.run(call, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("login", ["zhao", "qian"])
def test_who_is_nobody_here_is_told_so(at_once: Directory, login: str) -> None:
    answer = sign_in(login, slapd.PASSWORD)
    assert answer.status_code == 422
    assert "目录" in answer.content.decode()
    assert not Identity.objects.exists()
    assert not User.objects.filter(login=login).exists()


def test_who_left_does_not_come_back_by_the_directory(at_once: Directory) -> None:
    who = employee("D1")
    assert opens("li")
    Employee.objects.filter(pk=who.pk).update(left_on="2026-01-01")
    assert not opens("li")
    Employee.objects.filter(pk=who.pk).update(left_on=None)
    User.objects.filter(employee=who).update(is_active=False)
    assert not opens("li")


def test_positions_come_with_groups_and_end_with_them(there: Directory) -> None:
    who, place = employee("D2"), unit()
    seat(MANAGERS.upper(), Role.CUSTOMER_MANAGER)
    seat(f"cn=tellers,{GROUPS}", Role.TELLER, place)
    assert opens("wang")
    made = User.objects.get(employee=who)
    assert actor_for(made).roles == set()
    there.put_in("managers", "wang")
    there.put_in("tellers", "wang")
    try:
        assert opens("wang")
        assert actor_for(made).roles == {Role.CUSTOMER_MANAGER, Role.TELLER}
        held = dict(Appointment.objects.values_list("position__role", "position__unit"))
        assert held[Role.CUSTOMER_MANAGER] == who.unit_id
        assert held[Role.TELLER] == place.pk
        assert opens("wang")
        assert GroupAppointment.objects.count() == 2
    finally:
        there.take_out("tellers", "wang")
    assert opens("wang")
    assert actor_for(made).roles == {Role.CUSTOMER_MANAGER}
    there.take_out("managers", "wang")
    assert opens("wang")
    assert actor_for(made).roles == set()


def test_a_position_given_by_hand_stays_and_roles_apart_stay_apart(at_once: Directory) -> None:
    from zhike.organisation.services import appoint

    who = employee("D1")
    appoint(actor=SYSTEM, employee=who, unit=who.unit, role=Role.TELLER, title="柜员")
    seat(f"cn=auditors,{GROUPS}", Role.AUDITOR)
    at_once.put_in("auditors", "li")
    try:
        assert opens("li")
    finally:
        at_once.take_out("auditors", "li")
    made = User.objects.get(employee=who)
    assert actor_for(made).roles == {Role.TELLER}
    refused = AuditEntry.objects.filter(action="organisation.appoint", outcome="refused")
    assert refused.count() == 1
    assert opens("li")
    assert actor_for(made).roles == {Role.TELLER}


def test_a_seat_that_is_removed_ends_what_it_gave(at_once: Directory) -> None:
    who = employee("D1")
    made_by = user(Role.SECURITY_ADMINISTRATOR)
    given = seat(MANAGERS, Role.TELLER)
    at_once.put_in("managers", "li")
    try:
        assert opens("li")
    finally:
        at_once.take_out("managers", "li")
    made = User.objects.get(employee=who)
    assert actor_for(made).roles == {Role.TELLER}
    remove_group_seat(actor=actor_for(made_by), seat=given)
    assert actor_for(made).roles == set()


def test_nobody_seats_themselves_by_a_group(at_once: Directory) -> None:
    who = employee("D1")
    assert opens("li")
    made = User.objects.get(employee=who)
    from zhike.organisation.services import appoint

    appoint(actor=SYSTEM, employee=who, unit=who.unit, role=Role.SECURITY_ADMINISTRATOR, title="安")
    make_group_seat(
        actor=actor_for(made),
        group=MANAGERS,
        unit=None,
        role=Role.SECURITY_ADMINISTRATOR,
        title="二",
    )
    at_once.put_in("managers", "li")
    try:
        assert opens("li")
    finally:
        at_once.take_out("managers", "li")
    assert Appointment.objects.filter(employee=who).count() == 1


def test_who_has_a_password_here_is_not_asked_for_there(at_once: Directory) -> None:
    who = employee("D1")
    local = user(Role.TELLER, password=PASSWORD)
    User.objects.filter(pk=local.pk).update(login="li")
    assert not opens("li")
    assert opens("li", PASSWORD)
    assert not User.objects.filter(employee=who).exists()


def test_a_subject_that_is_somebody_else_now_is_refused(at_once: Directory) -> None:
    who, other = employee("D1"), user(Role.TELLER)
    assert opens("li")
    Identity.objects.update(user=other)
    assert not opens("li")
    assert User.objects.filter(employee=who).exists()


def test_without_the_directory_accounts_of_this_site_open(
    settings: Any, running: Directory
) -> None:
    local = user(Role.TELLER, password=PASSWORD)
    settings.ZHIKE_LDAP = {**told(running, searching=True), "url": "ldaps://127.0.0.1:1"}
    assert opens(local.login, PASSWORD)
    answer = sign_in("li", slapd.PASSWORD)
    assert answer.status_code == 503
    assert "没有应答" in answer.content.decode()
    assert not SignInTries.objects.filter(failures__gt=0).exists()


@pytest.mark.parametrize("searching", [True, False])
def test_a_server_that_is_not_the_directory_is_not_told_a_password(
    running: Directory, settings: Any, tmp_path: Any, searching: bool
) -> None:
    other = slapd.write_certificate(tmp_path)
    settings.ZHIKE_LDAP = {**told(running, searching=searching), "ca": str(other)}
    with pytest.raises(directory.Unreachable):
        directory.who_signs_in("li", slapd.PASSWORD)


def test_guesses_wait_as_for_any_account(at_once: Directory) -> None:
    employee("D1")
    for _ in range(rules.FREE_TRIES):
        assert sign_in("li", "a-wrong-passphrase").status_code == 422
    assert sign_in("li", slapd.PASSWORD).status_code == 429


def test_the_directory_s_password_is_a_proof(at_once: Directory) -> None:
    who = employee("D1")
    seat(MANAGERS, Role.TELLER)
    at_once.put_in("managers", "li")
    try:
        assert opens("li")
    finally:
        at_once.take_out("managers", "li")
    actor = actor_for(User.objects.get(employee=who))
    assert prove(actor=actor, proof="wrong", address="127.0.0.1").user is None
    assert prove(actor=actor, proof=slapd.PASSWORD, address="127.0.0.1").user is not None


def test_who_moves_between_groups_moves_between_roles_apart(at_once: Directory) -> None:
    who = employee("D1")
    seat(f"cn=auditors,{GROUPS}", Role.AUDITOR)
    seat(f"cn=tellers,{GROUPS}", Role.TELLER)
    for group, role in (("auditors", Role.AUDITOR), ("tellers", Role.TELLER)):
        at_once.put_in(group, "li")
        try:
            assert opens("li")
        finally:
            at_once.take_out(group, "li")
        assert actor_for(User.objects.get(employee=who)).roles == {role}


CLOSED = """dn: uid={login},{people}
changetype: modify
{how}: employeeType
{what}"""


def test_who_is_closed_there_ends_here_at_the_next_asking(
    at_once: Directory, settings: Any
) -> None:
    """Sessions and tokens end, once; whoever is let in there again comes in here again."""
    settings.ZHIKE_LDAP["filter"] = "(&(uid={login})(!(employeeType=closed)))"
    clients = {}
    for login, code in (("li", "D1"), ("wang", "D2")):
        employee(code)
        clients[login] = Client()
        assert sign_in(login, slapd.PASSWORD, clients[login]).status_code == 302
    here = client_of(user(Role.TELLER))

    def close(how: str, what: str = "") -> None:
        at_once.change(CLOSED.format(login="li", people=PEOPLE, how=how, what=what))

    def are_in() -> list[bool]:
        every = (clients["li"], clients["wang"], here)
        return [each.get("/me/").status_code == 200 for each in every]

    assert end_who_is_gone(actor=SYSTEM) == 0
    close("add", "employeeType: closed\n")
    try:
        assert are_in() == [True, True, True]
        assert end_who_is_gone(actor=SYSTEM) == 1
        assert are_in() == [False, True, True]
        assert end_who_is_gone(actor=SYSTEM) == 0, "once"
        assert AuditEntry.objects.filter(action="identity.gone").count() == 1
        assert not opens("li")
    finally:
        close("delete")
    assert opens("li")
    assert end_who_is_gone(actor=SYSTEM) == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"base": "ou=nowhere,dc=example"},
        {"filter": "(uid=x{login})"},
        {"url": "ldaps://127.0.0.1:9"},
    ],
)
def test_a_directory_that_knows_nobody_ends_nobody(
    at_once: Directory, settings: Any, odd: dict[str, str]
) -> None:
    employee("D1")
    client = Client()
    assert sign_in("li", slapd.PASSWORD, client).status_code == 302
    settings.ZHIKE_LDAP = {**settings.ZHIKE_LDAP, **odd}
    Identity.objects.update(source=directory.source())
    with pytest.raises(directory.Unreachable):
        end_who_is_gone(actor=SYSTEM)
    assert client.get("/me/").status_code == 200
