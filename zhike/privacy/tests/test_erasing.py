"""Asked, restricted, erased: what goes at once, what a law keeps until its day, and that nothing comes back."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from zhike.customers.models import Identifier, Party, TimelineEntry
from zhike.customers.services import add_identifier, add_timeline_entry
from zhike.customers.tests import factories
from zhike.customers.tests.factories import SYSTEM, actor_with_role
from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import ImportFile
from zhike.masterdata.tests.factories import ID_ONE, ID_TWO, PEOPLE, read_in
from zhike.organisation.models import Employee, Role, Unit
from zhike.privacy import services
from zhike.privacy.models import KeptByLaw, SubjectRequest
from zhike.privacy.queries.erasure import outlives, preview
from zhike.privacy.queries.held import kept_models, subject_of
from zhike.privacy.services import erasing
from zhike.privacy.services.erasing import read_kept, remembered, replay
from zhike.privacy.tests.everything import plant
from zhike.products.models import Agreement, Product

pytestmark = pytest.mark.django_db
State = SubjectRequest.State


@pytest.fixture(autouse=True)
def keys_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_KEYS", str(tmp_path))


@pytest.fixture
def officer() -> Actor:
    return actor_with_role(Role.SECURITY_ADMINISTRATOR)


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


def closed_agreement(party: Party, closed_on: date | None) -> Agreement:
    product = Product.objects.create(
        code=f"p{party.pk}", name="定期存款", category="deposit", side="liability"
    )
    return Agreement.objects.create(
        party=party,
        product=product,
        unit=party.unit,
        source="core",
        source_key=str(party.pk),
        opened_on=date(2015, 1, 1),
        closed_on=closed_on,
        status="closed" if closed_on else "active",
    )


def asked(party: Party, taker: Actor = SYSTEM) -> SubjectRequest:
    return services.ask(actor=taker, party=party, kind="erasure", how="counter", words="请删除")


def everywhere(value: str) -> list[str]:
    """Tables and columns of text or JSON in which the value still stands."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type IN "
            "('text', 'character varying', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" WHERE "{column}"::text LIKE %s',
                [f"%{value}%"],
            )
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return found


def test_prospect_goes_at_once(officer: Actor, unit: Unit) -> None:
    party = factories.person("奚不留", unit=unit, stage=Party.Stage.PROSPECT, note="只来过一次")
    request = asked(party)
    done = services.restrict(actor=officer, request=request, reason="没有合同")
    assert done.state == State.ERASED
    assert done.key is None
    assert not Party.objects.filter(pk=party.pk).exists()
    assert everywhere("奚不留") == []
    assert everywhere("只来过一次") == []
    assert AuditEntry.objects.filter(action="privacy.erasure.erased").exists()


def test_law_keeps_what_it_asks_for_until_its_day(officer: Actor, unit: Unit) -> None:
    closed = clock.today() - timedelta(days=365)
    party = factories.person("奚有期", unit=unit, note="喜欢兰花", sex="F")
    add_identifier(actor=SYSTEM, party=party, kind="passport", value="E12345678")
    add_timeline_entry(
        actor=SYSTEM, party=party, kind="note", channel="system", title="谈了奚有期的兰花"
    )
    agreement = closed_agreement(party, closed)
    done = services.restrict(actor=officer, request=asked(party), reason="本人书面要求")
    assert done.state == State.RESTRICTED
    assert done.ended_on == closed
    assert not Party.objects.filter(pk=party.pk).exists()
    assert not Agreement.objects.filter(pk=agreement.pk).exists()
    assert everywhere("奚有期") == everywhere("兰花") == []
    told = {kept.term: (kept.until, json.dumps(tables, ensure_ascii=False))
            for kept, tables in read_kept(actor=officer, request=done)}  # fmt: skip
    until, books = told["books"]
    assert until == closed.replace(year=closed.year + 10)
    assert "奚有期" in books
    assert "E12345678" in books
    assert "兰花" not in books
    assert AuditEntry.objects.filter(action="privacy.erasure.read").count() == 1

    day_before = until - timedelta(days=1)
    assert services.forget_due(actor=SYSTEM, today=day_before) == 0
    assert [kept.term for kept in KeptByLaw.objects.all()] == ["books"]  # claims had run out
    assert services.forget_due(actor=SYSTEM, today=until) == 1
    done.refresh_from_db()
    assert (done.state, done.key) == (State.ERASED, None)
    assert not KeptByLaw.objects.exists()
    assert services.forget_due(actor=SYSTEM, today=until) == 0


def test_no_row_of_any_table_is_left(officer: Actor, unit: Unit) -> None:
    world = plant(factories.person("奚全部", unit=unit))
    subject = subject_of(world.party)
    Agreement.objects.update(status="closed", closed_on=clock.today())
    SubjectRequest.objects.filter(party=world.party).update(state=State.DONE)
    request = asked(world.party)
    services.restrict(actor=officer, request=request, reason="本人书面要求")
    left = {
        model._meta.label: model.objects.filter(model.keeping.rows_of(subject)).count()
        for model in kept_models()
        if not outlives(model)
    }
    assert {name: rows for name, rows in left.items() if rows} == {}


def test_running_contract_stands_against_it(officer: Actor, unit: Unit) -> None:
    party = factories.person("奚在约", unit=unit)
    closed_agreement(party, None)
    request = asked(party)
    assert preview(party).blockers
    with pytest.raises(UserError):
        services.restrict(actor=officer, request=request, reason="本人要求")
    assert Party.objects.filter(pk=party.pk).exists()


def test_who_took_the_request_does_not_grant_it(unit: Unit) -> None:
    officer = actor_with_role(Role.SECURITY_ADMINISTRATOR)
    party = factories.person("奚自审", unit=unit)
    request = asked(party)
    SubjectRequest.objects.filter(pk=request.pk).update(asked_by=officer.user_id)
    with pytest.raises(Refused):
        services.restrict(actor=officer, request=request, reason="本人要求")
    assert Party.objects.filter(pk=party.pk).exists()


def test_branch_neither_grants_nor_sees_what_is_kept(officer: Actor, unit: Unit) -> None:
    head = actor_with_role(Role.BRANCH_HEAD, unit)
    party = factories.person("奚所见", unit=unit)
    closed_agreement(party, clock.today())
    request = asked(party, head)
    with pytest.raises(Refused):
        services.restrict(actor=head, request=request, reason="本人要求")
    services.restrict(actor=officer, request=request, reason="本人要求")
    assert not SubjectRequest.objects.visible_to(head).exists()
    assert not KeptByLaw.objects.visible_to(head).exists()
    assert KeptByLaw.objects.visible_to(officer).exists()


def test_source_does_not_bring_them_back(officer: Actor, tmp_path: Path) -> None:
    """The next file of the source, with something new about them, makes nobody; the row is rejected with the reason."""
    rows = f"1,奚再来,{ID_ONE},,,\n2,奚留下,{ID_TWO},,,\n"
    read_in(tmp_path, {"people.csv": PEOPLE + rows})
    party = Party.objects.get(name="奚再来")
    services.restrict(actor=officer, request=asked(party), reason="没有合同")
    assert Party.objects.count() == 1
    read_in(tmp_path, {"people.csv": PEOPLE + rows.replace(",,,", ",,1990-01-02,")})
    assert [each.name for each in Party.objects.all()] == ["奚留下"]
    assert everywhere("奚再来") == []
    assert ImportFile.objects.latest("pk").rows_rejected == 1


def test_restore_does_not_bring_them_back(
    officer: Actor, unit: Unit, django_capture_on_commit_callbacks: Any
) -> None:
    """A database of before the erasure is put in place; the first daily run erases again."""
    party = factories.person("奚复原", unit=unit, stage=Party.Stage.PROSPECT)
    public_id = party.public_id
    with django_capture_on_commit_callbacks(execute=True):
        services.restrict(actor=officer, request=asked(party), reason="没有合同")
    assert remembered() == {public_id}
    SubjectRequest.objects.all().delete()
    factories.person("奚复原", unit=unit, public_id=public_id)
    assert replay(actor=SYSTEM) == 1
    assert not Party.objects.filter(public_id=public_id).exists()
    assert SubjectRequest.objects.get().state == State.ERASED
    assert replay(actor=SYSTEM) == 0


def test_preview_says_what_goes_and_what_stays(unit: Unit) -> None:
    party = factories.person("奚预览", unit=unit, note="要删的备注")
    closed_agreement(party, clock.today())
    shown = preview(party)
    kept = {each.title for each in shown.fates if each.until}
    assert str(Agreement._meta.verbose_name) in kept
    assert any(not each.until and not each.stays for each in shown.fates)
    assert shown.last_until == clock.today().replace(year=clock.today().year + 10)
    assert Party.objects.filter(pk=party.pk).exists()


def test_two_customers_of_one_name_are_not_confused(officer: Actor, unit: Unit) -> None:
    party, other = (factories.person("奚同名", unit=unit, stage="prospect") for _ in range(2))
    add_timeline_entry(actor=SYSTEM, party=other, kind="note", channel="system", title="留下")
    services.restrict(actor=officer, request=asked(party), reason="没有合同")
    assert Party.objects.filter(pk=other.pk).exists()
    assert TimelineEntry.objects.filter(party=other).count() == 1
    assert Identifier.objects.count() == 0


def test_officer_works_from_the_list_to_what_is_kept(officer: Actor, unit: Unit) -> None:
    """Behind the second wall too: who decides sees no customer, and the one they decide on."""
    party = factories.person("奚页面", unit=unit, note="页面备注")
    closed_agreement(party, clock.today() - timedelta(days=30))
    request = asked(party)
    client = factories.client_of(Employee.objects.get(pk=officer.employee_id or 0))
    address = reverse("privacy:request", args=[request.public_id])
    assert address in client.get(reverse("privacy:requests")).content.decode()
    page = client.get(address).content.decode()
    assert "奚页面" in page
    assert "页面备注" not in page
    assert reverse("privacy:restrict", args=[request.public_id]) in page
    sent = client.post(reverse("privacy:restrict", args=[request.public_id]), {"reason": "本人"})
    assert sent.status_code == 303
    assert not Party.objects.filter(pk=party.pk).exists()
    assert "奚页面" not in client.get(address).content.decode()
    kept = client.post(reverse("privacy:kept", args=[request.public_id])).content.decode()
    assert "奚页面" in kept
    assert "页面备注" not in kept


@pytest.mark.parametrize("step", ["_seal", "_withdraw", "answered", "_remember"])
def test_broken_off_anywhere_it_is_as_before(
    officer: Actor, unit: Unit, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = factories.person("奚中断", unit=unit, note="中断")
    closed_agreement(party, clock.today())
    request = asked(party)
    done = getattr(erasing, step)

    def broken(*given: Any) -> None:
        done(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasing, step, broken)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            services.restrict(actor=officer, request=request, reason="本人要求")
    party.refresh_from_db()
    request.refresh_from_db()
    assert (party.note, request.state) == ("中断", State.ASKED)
    assert not KeptByLaw.objects.exists()
    services.restrict(actor=officer, request=request, reason="本人要求")
    assert [kept.term for kept in KeptByLaw.objects.order_by("term")] == ["books"]
