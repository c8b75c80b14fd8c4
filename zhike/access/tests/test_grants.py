"""Rights beside positions: who is given them, for how long, and what they may not be joined with."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.access import rules
from zhike.access.models import ApprovalKind, ApprovalLevel, Grant
from zhike.access.queries import actor_for, must_approve, rights_of, roles_agreeing
from zhike.access.roles import PERMISSIONS, RIGHTS
from zhike.access.services import give_right, set_approval_level, take_right_back
from zhike.access.tests.factories import SYSTEM, client_of, unit, user
from zhike.kernel import clock
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Employee, Role, TeamMember, Unit, User
from zhike.organisation.rules import ADMINISTRATORS
from zhike.organisation.services import (
    appoint,
    end_appointment,
    join_team,
    leave_team,
    open_team,
)

REASON = "替班一周"


def person(of: User) -> Employee:
    assert of.employee is not None
    return of.employee


def grant(to: User, what: str, where: Unit | None = None, days: int = 7) -> Grant:
    until = clock.today() + timedelta(days=days)
    place = where or person(to).unit
    return give_right(
        actor=SYSTEM, employee=person(to), what=what, where=place, until=until, reason=REASON
    )


@pytest.mark.django_db
def test_a_grant_adds_to_the_positions_and_ends_by_itself() -> None:
    branch = unit()
    outlet = unit(branch)
    who = user(Role.TELLER, place=unit())
    grant(who, Role.BRANCH_HEAD, branch)
    actor = actor_for(who)
    assert actor.roles == {Role.TELLER, Role.BRANCH_HEAD}
    assert {branch.pk, outlet.pk} < actor.units
    with clock.stopped_at(clock.today() + timedelta(days=7)):
        assert actor_for(who).may("customers.assign")
    with clock.stopped_at(clock.today() + timedelta(days=8)):
        assert actor_for(who).roles == {Role.TELLER}


@pytest.mark.django_db
def test_each_right_reaches_as_far_as_what_gives_it() -> None:
    here, there = unit(), unit()
    who = user(Role.TELLER, place=here)
    appoint(
        actor=SYSTEM, employee=person(who), unit=there, role=Role.BRANCH_HEAD, title="行长",
        since=date(2000, 1, 1),
    )  # fmt: skip
    actor = actor_for(who)
    assert actor.within("customers.view").units == {here.pk, there.pk}
    assert actor.within("customers.assign").units == {there.pk}
    assert not actor.within("access.administer").units
    grant(who, "customers.export", here)
    assert actor_for(who).within("customers.export").units == {here.pk, there.pk}
    assert actor_for(who).within("customers.assign").units == {there.pk}


@pytest.mark.django_db
def test_an_action_reaches_no_further_than_itself() -> None:
    """Who may hand over in a unit does not see its customers by that."""
    who, other = user(Role.CUSTOMER_MANAGER), unit()
    grant(who, "customers.assign", other)
    actor = actor_for(who)
    assert actor.roles == {Role.CUSTOMER_MANAGER}
    assert actor.within("customers.assign").units == {other.pk}
    assert not actor.within("customers.view").units


@pytest.mark.django_db
def test_the_lead_of_a_team_reaches_its_people() -> None:
    lead, one, other = user(Role.CUSTOMER_MANAGER), user(Role.CUSTOMER_MANAGER), user(Role.TELLER)
    team = open_team(actor=SYSTEM, name="银团")
    for who in (lead, one, other):
        join_team(actor=SYSTEM, team=team, employee=person(who), leads=who is lead)
    actor = actor_for(lead)
    assert actor.people == {person(each).pk for each in (lead, one, other)}
    assert actor.may("customers.assign")
    assert not actor_for(one).people
    leave_team(
        actor=SYSTEM, member=TeamMember.objects.get(employee=person(one)), on=clock.today(),
        reason="调离",
    )  # fmt: skip
    assert person(one).pk not in actor_for(lead).people
    with pytest.raises(UserError):
        join_team(actor=SYSTEM, team=team, employee=person(one), leads=True)
    # A role at a team reaches its people as it would a unit's customers.
    substitute = user(Role.CUSTOMER_MANAGER)
    until = clock.today()
    give_right(
        actor=SYSTEM, employee=person(substitute), what=Role.TEAM_LEAD, where=team, until=until,
        reason=REASON,
    )  # fmt: skip
    assert actor_for(substitute).people == actor_for(lead).people


@pytest.mark.django_db
def test_nothing_is_given_without_a_position_and_nothing_outlives_the_last() -> None:
    bare = user()
    with pytest.raises(Refused):
        grant(bare, "customers.view")
    who = user(Role.TELLER)
    given = grant(who, Role.BRANCH_HEAD)
    end_appointment(
        actor=SYSTEM, appointment=person(who).appointments.get(), on=clock.today(), reason="调离"
    )
    assert not actor_for(who).permissions
    given.refresh_from_db()
    assert given.during.isempty


@pytest.mark.django_db
def test_nobody_gives_themselves_a_right_and_one_is_taken_back() -> None:
    security = actor_for(user(Role.SECURITY_ADMINISTRATOR))
    assert security.employee_id is not None
    until = clock.today()
    themselves = Employee.objects.get(pk=security.employee_id)
    with pytest.raises(Refused, match=r"own request|自己的申请"):
        give_right(
            actor=security, employee=themselves, what="customers.view", where=unit(), until=until,
            reason=REASON,
        )  # fmt: skip
    who = user(Role.TELLER)
    given = give_right(
        actor=security, employee=person(who), what="customers.export", where=unit(), until=until,
        reason=REASON,
    )  # fmt: skip
    assert AuditEntry.objects.filter(action="access.grant", object_id=given.pk).exists()
    assert actor_for(who).may("customers.export")
    take_right_back(actor=security, grant=given, reason="不再需要")
    assert not actor_for(who).may("customers.export")
    for bad in ({"what": "no.such"}, {"until": until + timedelta(days=400)}, {"reason": " "}):
        asked: dict[str, Any] = {"what": "customers.export", "until": until, "reason": REASON} | bad
        with pytest.raises(UserError):
            give_right(actor=security, employee=person(who), where=unit(), **asked)
    with pytest.raises(Refused):
        give_right(
            actor=actor_for(who), employee=person(user(Role.TELLER)), what="customers.export",
            where=unit(), until=until, reason=REASON,
        )  # fmt: skip


@pytest.mark.django_db
def test_administrators_stay_apart_through_grants_and_teams() -> None:
    teller, auditor = user(Role.TELLER), user(Role.AUDITOR)
    for what in (*ADMINISTRATORS, "access.read_audit", "access.administer", "system.operate"):
        with pytest.raises(Refused):
            grant(teller, what)
    for what in (Role.TELLER, "customers.view", Role.AUDITOR, "privacy.register"):
        with pytest.raises(Refused):
            grant(auditor, what)
    team = open_team(actor=SYSTEM, name="银团")
    with pytest.raises(Refused):
        join_team(actor=SYSTEM, team=team, employee=person(auditor))
    grant(teller, "customers.export")
    end_appointment(
        actor=SYSTEM, appointment=person(teller).appointments.get(), on=clock.today(), reason="调离"
    )
    appoint(actor=SYSTEM, employee=person(teller), unit=unit(), role=Role.TELLER, title="柜员")
    grant(teller, "customers.export", days=30)
    end_appointment(
        actor=SYSTEM,
        appointment=person(teller).appointments.get(during__contains=clock.today()),
        on=clock.today() + timedelta(days=1),
        reason="调离",
    )
    # The position is over tomorrow, the granted action is not.
    with pytest.raises(Refused):
        appoint(
            actor=SYSTEM, employee=person(teller), unit=unit(), role=Role.AUDITOR, title="审计",
            since=clock.today() + timedelta(days=1),
        )  # fmt: skip


@given(
    st.sampled_from([*Role.values, *PERMISSIONS]),
    st.sets(st.sampled_from([*Role.values, *PERMISSIONS]), min_size=1),
)
def test_no_grant_joins_an_administrators_duty_with_another(what: str, held: set[str]) -> None:
    rights = {role: each.permissions for role, each in RIGHTS.items()}
    administrators = {role.value for role in ADMINISTRATORS}
    theirs = {
        name
        for name in PERMISSIONS
        if not any(name in rights[role] for role in set(Role.values) - administrators)
    }
    if rules.may_be_granted(what, held, rights):
        assert not held & administrators
        assert what not in administrators | theirs


@pytest.mark.django_db
def test_a_role_agrees_up_to_its_level() -> None:
    assert roles_agreeing(ApprovalKind.FILE, 5_001) == {
        Role.BRANCH_HEAD, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR,
    }  # fmt: skip
    lead, asker = actor_for(user(Role.TEAM_LEAD)), user(Role.CUSTOMER_MANAGER)
    asked: dict[str, Any] = {"asked_by": asker.pk, "kind": ApprovalKind.FILE, "action": "x"}
    must_approve(lead, amount=5_000, **asked)
    with pytest.raises(Refused):
        must_approve(lead, amount=5_001, **asked)
    with pytest.raises(Refused):
        must_approve(lead, amount=1, **asked | {"asked_by": lead.user_id})
    security = actor_for(user(Role.SECURITY_ADMINISTRATOR))
    level = ApprovalLevel.objects.get(kind="file", role=Role.TEAM_LEAD)
    set_approval_level(actor=security, level=level, up_to=10, reason="收紧")
    with pytest.raises(Refused):
        must_approve(lead, amount=11, **asked)
    own = ApprovalLevel.objects.get(kind="file", role=Role.SECURITY_ADMINISTRATOR)
    with pytest.raises(Refused):
        set_approval_level(actor=security, level=own, up_to=None, reason="放宽")


@pytest.mark.django_db
def test_the_pages_tell_what_was_granted_and_why() -> None:
    who = user(Role.TELLER)
    given = grant(who, "customers.export")
    mine = client_of(who).get("/me/").content.decode()
    assert REASON in mine
    [right] = [each for each in rights_of(actor_for(who)) if each.permission == "customers.export"]
    assert [seat.reason for seat in right.seats] == [REASON]
    page = f"/organisation/people/{person(who).public_id}/"
    assert REASON in client_of(user(Role.AUDITOR)).get(page).content.decode()
    security = client_of(user(Role.SECURITY_ADMINISTRATOR))
    assert f"/grants/{given.public_id}/end/" in security.get(page).content.decode()
    assert REASON in security.get("/grants/").content.decode()
    sent = {
        "what": Role.TEAM_LEAD.value,
        "unit": str(person(who).unit.public_id),
        "since": clock.today().isoformat(),
        "until": (clock.today() + timedelta(days=3)).isoformat(),
        "reason": "代理主管",
    }
    at = f"/grants/people/{person(who).public_id}/"
    assert security.post(at, {**sent, "unit": ""}).status_code == 422
    assert security.post(at, sent).status_code == 303
    assert actor_for(who).may("customers.assign")
    assert security.post(f"/grants/{given.public_id}/end/", {"reason": "收回"}).status_code == 303
    assert not actor_for(User.objects.get(pk=who.pk)).within("customers.export").units - {
        person(who).unit_id
    }
    level = ApprovalLevel.objects.get(kind="clear", role=Role.TEAM_LEAD)
    to = f"/approvals/levels/{level.public_id}/"
    assert security.post(to, {"up_to": "7", "reason": "收紧"}).status_code == 303
    level.refresh_from_db()
    assert level.up_to == 7
    for wrong in ("-7", "9" * 40, "seven"):
        refused = security.post(to, {"up_to": wrong, "reason": "收得更紧"})
        assert refused.status_code == 422
        assert "收得更紧" in refused.content.decode()  # what was typed is still there
        assert refused.content.count(b'class="field-errors"') == 1
    level.refresh_from_db()
    assert level.up_to == 7
