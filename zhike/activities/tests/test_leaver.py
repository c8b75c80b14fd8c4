"""Somebody goes: nothing they held opens anything any more, and their customers are somebody's, in one act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from zhike.access.models import ApiToken
from zhike.access.services import make_token
from zhike.activities.models import WorkItem
from zhike.customers.models import Assignment, Party, TimelineEntry
from zhike.customers.services import assign
from zhike.customers.tests import factories as people
from zhike.desk.models import Notice, TakenFile
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation import services
from zhike.organisation.models import Employee, Role, Unit, User

pytestmark = pytest.mark.django_db
Act = Callable[[Employee, Employee | None], object]
STATE = (Assignment, ApiToken, Session, TakenFile, WorkItem, User, TimelineEntry)


def leaves(who: Employee, to: Employee | None) -> object:
    today = clock.today()
    return services.leave(actor=people.SYSTEM, employee=who, on=today, reason="离职", successor=to)


def loses_the_last_position(who: Employee, to: Employee | None) -> object:
    return services.end_appointment(
        actor=people.SYSTEM,
        appointment=who.appointments.get(),
        on=clock.today(),
        reason="离职",
        successor=to,
    )


def loses_the_login(who: Employee, to: Employee | None) -> object:
    user = User.objects.get(employee=who)
    return services.close_login(actor=people.SYSTEM, user=user, reason="停职", successor=to)


ACTS: list[Any] = [leaves, loses_the_last_position, loses_the_login]


@pytest.fixture
def unit() -> Unit:
    return people.unit()


@pytest.fixture
def leaver(unit: Unit) -> Employee:
    return people.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def successor(unit: Unit) -> Employee:
    return people.employee_with_role(Role.CUSTOMER_MANAGER, unit)


@pytest.fixture
def book(unit: Unit, leaver: Employee, successor: Employee) -> list[Party]:
    """Two of their own, one where the successor assists; one covered and one shared with them."""
    own = [people.person(name, unit=unit, manager=leaver) for name in ("张伟明", "王小芳")]
    boss = people.actor_with_role(Role.TEAM_LEAD, unit)
    assistant = Assignment.Role.ASSISTANT
    assign(actor=boss, party=own[1], employee=successor, role=assistant, reason="协助")
    others = [people.person(name, unit=unit) for name in ("李思远", "赵敏之")]
    until = clock.today() + timedelta(days=9)
    for party, role in zip(others, (assistant, Assignment.Role.SHARED), strict=True):
        assign(actor=boss, party=party, employee=leaver, role=role, reason="代班", until=until)
    return own + others


def held(who: Employee) -> set[str]:
    seats = Assignment.objects.filter(employee=who, during__contains=clock.today())
    return {f"{seat.role} {seat.party.name}" for seat in seats.select_related("party")}


def state() -> list[Any]:
    return [sorted(map(str, model.objects.values_list())) for model in STATE]


@pytest.mark.parametrize("act", ACTS)
def test_nobody_goes_while_customers_hang_on_them(
    act: Act, leaver: Employee, book: list[Party]
) -> None:
    people.client_of(leaver)
    before = state()
    with pytest.raises(Refused) as refused:
        act(leaver, None)
    assert "2" in refused.value.reason
    assert refused.value.way_out
    for nobody in (leaver, people.employee_with_role(Role.TELLER)):
        before = state()
        with pytest.raises(UserError):
            act(leaver, nobody)
        assert state() == before


@pytest.mark.parametrize("act", ACTS)
def test_the_customers_go_to_a_named_person_and_everything_held_ends(
    act: Act, leaver: Employee, successor: Employee, book: list[Party]
) -> None:
    act(leaver, successor)
    assert held(leaver) == set()
    assert held(successor) == {"main 张伟明", "main 王小芳"}
    entries = AuditEntry.objects.filter(
        action="customers.assignment.begin", reason__in=("离职", "停职")
    )
    assert set(entries.values_list("party_id", flat=True)) == {book[0].pk, book[1].pk}
    told = TimelineEntry.objects.filter(party=book[0]).latest("at")
    assert successor.name in told.title


def test_who_leads_where_the_customers_went_is_told(
    leaver: Employee,
    successor: Employee,
    book: list[Party],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    Notice.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        leaves(leaver, successor)
    told = Notice.objects.filter(kind="customers.assigned", params__name=successor.name)
    lead = Employee.objects.get(appointments__position__role=Role.TEAM_LEAD)
    assert [(each.user.employee, each.params["count"]) for each in told] == [(lead, 2)]


@pytest.mark.parametrize("act", ACTS)
def test_on_every_channel_it_is_over_at_once(
    act: Act, leaver: Employee, successor: Employee, book: list[Party]
) -> None:
    browsers = [people.client_of(leaver) for _n in range(2)]
    colleague = people.client_of(successor)
    actor = people.actor_of(leaver)
    _token, secret = make_token(actor=actor, name="同步", permissions=["customers.view"], days=9)
    api = Client(headers={"Authorization": f"Bearer {secret}"})
    form = {"all": "1", "go": "1", "clear": "mobile", "why": "回访", "as": "csv"}
    assert browsers[0].post("/customers/export/", form).status_code == 303
    file = TakenFile.objects.get()
    page = book[0].get_absolute_url()
    assert [each.get(page).status_code for each in browsers] == [200, 200]
    assert api.get("/api/customers/").status_code == 200
    act(leaver, successor)
    for browser in browsers:
        for address in (page, "/customers/export/", f"/files/{file.public_id}/fetch/", "/me/"):
            answer = browser.get(address)
            assert (answer.status_code, answer["Location"][:9]) == (302, "/sign-in/")
    assert api.get("/api/customers/").status_code == 401
    file.refresh_from_db()
    assert file.state == TakenFile.State.ENDED
    assert not Session.objects.filter(
        pk__in=[each.session.session_key for each in browsers]
    ).exists()
    assert colleague.get(page).status_code == 200


def test_another_position_keeps_the_customers(
    unit: Unit, leaver: Employee, book: list[Party]
) -> None:
    services.appoint(
        actor=people.SYSTEM, employee=leaver, unit=unit, role=Role.TEAM_LEAD, title="主管"
    )
    first = leaver.appointments.order_by("pk")[0]
    services.end_appointment(
        actor=people.SYSTEM, appointment=first, on=clock.today(), reason="轮岗"
    )
    assert len(held(leaver)) == 4


def test_open_lines_go_along(leaver: Employee, successor: Employee, book: list[Party]) -> None:
    line = WorkItem.objects.create(
        party=book[2],
        employee=leaver,
        rule="promise",
        due_on=clock.today(),
        found_on=clock.today(),
        figures={"text": "回电"},
    )
    leaves(leaver, successor)
    line.refresh_from_db()
    assert line.employee == successor


def test_the_screen_says_what_hangs_and_takes_the_name(
    leaver: Employee, successor: Employee, book: list[Party]
) -> None:
    admin = people.signed_in_client(Role.SYSTEM_ADMINISTRATOR)
    address = f"/organisation/people/{leaver.public_id}/leave/"
    page = admin.get(address).content.decode()
    assert "2 位客户" in page
    assert "张伟明" not in page
    form = {"on": clock.today().isoformat(), "reason": "离职"}
    assert admin.post(address, form).status_code == 422
    assert admin.post(address, form | {"successor": "nobody"}).status_code == 422
    assert held(leaver)
    assert admin.post(address, form | {"successor": successor.code}).status_code == 303
    assert not held(leaver)


def test_a_closed_login_is_opened_again_without_what_went(
    leaver: Employee, successor: Employee, book: list[Party]
) -> None:
    user = User.objects.get(employee=leaver)
    with pytest.raises(Refused):
        services.close_login(
            actor=people.actor_of(leaver), user=user, reason="x", successor=successor
        )
    loses_the_login(leaver, successor)
    services.open_login(actor=people.SYSTEM, user=user, reason="复职")
    user.refresh_from_db()
    assert user.is_active
    assert not held(leaver)
