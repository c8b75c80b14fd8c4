"""Another key for sealed values: each opens and is found before, meanwhile and after; then the older is laid aside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from zhike.customers.models import ContactPoint, Party
from zhike.customers.services import add_contact_point
from zhike.customers.tests import factories
from zhike.kernel import crypto, keys, outbox
from zhike.kernel.actor import system
from zhike.kernel.classes import FieldClass
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry, Outgoing
from zhike.privacy.models import SubjectRequest
from zhike.privacy.queries.held import OPENERS
from zhike.privacy.services import resealing
from zhike.privacy.tests.everything import World, plant

pytestmark = pytest.mark.django_db
OPERATOR = system("test")
COUNT = 7


@pytest.fixture(autouse=True)
def ring(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> keys.Ring:
    """Keys of this test's own, seen at once, and batches of three."""
    settings.ZHIKE_KEYS = tmp_path / "keys"
    settings.ZHIKE_HOME = tmp_path
    settings.ZHIKE_DATA_KEYS = keys.Ring(settings.ZHIKE_KEYS, "data")
    monkeypatch.setattr(resealing, "BATCH", 3)
    monkeypatch.setattr(keys, "LOOKS_EVERY", 0.0)
    made: keys.Ring = settings.ZHIKE_DATA_KEYS
    return made


@pytest.fixture
def everything() -> World:
    """One customer of whom every sealed column says something, and others with numbers."""
    person = factories.person("张伟明")
    world = plant(person)
    request = SubjectRequest.objects.get(pk=world.rows[SubjectRequest].pk)
    request.answer = crypto.encrypt("answer-83", request.place)
    request.save()
    for number in range(COUNT):
        other = factories.person(f"赵{chr(0x4E00 + number)}")
        add_contact_point(
            actor=factories.SYSTEM, party=other, kind="mobile", value=f"1541234{number:04}"
        )
    outbox.post("mail", {"text": "message-84"})
    return world


def opens_and_is_found(world: World) -> None:
    """Every value says what it said, and the search finds its customer."""
    for (label, field), opener in OPENERS.items():
        if (said := world.planted.get(f"{label}.{field}")) is not None:
            row = apps.get_model(label).objects.get(pk=world.rows[apps.get_model(label)].pk)
            assert said in opener(row), f"{label}.{field}"
    request = SubjectRequest.objects.get(pk=world.rows[SubjectRequest].pk)
    assert crypto.decrypt(bytes(request.answer or b""), request.place) == "answer-83"
    message = Outgoing.objects.latest("pk")
    assert "message-84" in crypto.decrypt(bytes(message.sealed or b""), message.place)
    for number in range(COUNT):
        mobile = f"1541234{number:04}"
        (point,) = ContactPoint.objects.filter(blind=crypto.blind_index("mobile", mobile))
        assert point.in_clear() == mobile
        assert point.party in Party.objects.filter(
            contact_points__tail=crypto.tail_index("mobile", mobile)
        )


def test_every_sealed_column_is_known() -> None:
    """A column that is not written anew would be lost with the older key."""
    others = {"blind", "tail", "digest", "key", "credential", "public_key", "answered"}
    found = {
        (model._meta.db_table, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.BinaryField)
        and getattr(model, "field_classes", {}).get(field.name) is FieldClass.C2
        and field.name not in others
    }
    assert found == {(each.table, each.column) for each in resealing.COLUMNS}


def test_each_value_opens_before_meanwhile_and_after(everything: World, ring: keys.Ring) -> None:
    opens_and_is_found(everything)
    (point,) = ContactPoint.objects.filter(blind=crypto.blind_index("mobile", "15412340000"))
    assert resealing.new_key(actor=OPERATOR) == 2
    assert resealing.standing()["customers_contactpoint"] == COUNT + 1
    assert resealing.standing()["customers_setaside"] == 1
    opens_and_is_found(everything)

    class Killed(BaseException):
        pass

    def dies(table: str, written: int) -> None:
        opens_and_is_found(everything)
        if written >= 4:
            raise Killed

    with pytest.raises(Killed):
        resealing.reseal(actor=OPERATOR, told=dies)
    left = sum(resealing.standing().values())
    assert left > 0
    opens_and_is_found(everything)
    assert resealing.reseal(actor=OPERATOR) == left
    assert resealing.standing() == {}
    opens_and_is_found(everything)
    assert resealing.reseal(actor=OPERATOR) == 0, "what is done is done"

    with pytest.raises(UserError, match="hours old"):
        resealing.retire(actor=OPERATOR)
    _a_day_later(ring)
    (aside,) = resealing.retire(actor=OPERATOR)
    assert aside.name == "data-1"
    assert ring.numbers() == [2]
    opens_and_is_found(everything)
    with pytest.raises(crypto.Undecipherable):
        crypto.decrypt(bytes(point.sealed), point.place)
    told = AuditEntry.objects.filter(action__startswith="keys.").order_by("id")
    assert [each.action for each in told] == ["keys.new", "keys.reseal", "keys.retire"]
    assert resealing.new_key(actor=OPERATOR) == 3, "and again"


def test_what_somebody_changes_meanwhile_stands(
    everything: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    resealing.new_key(actor=OPERATOR)
    (point,) = ContactPoint.objects.filter(blind=crypto.blind_index("mobile", "15412340000"))
    opened: Callable[[bytes, str], str] = crypto.decrypt

    def somebody_is_faster(stored: bytes, place: str) -> str:
        if place == point.place:
            newer = crypto.encrypt("15412349999", place)
            ContactPoint.objects.filter(pk=point.pk).update(sealed=newer)
        return opened(stored, place)

    monkeypatch.setattr(crypto, "decrypt", somebody_is_faster)
    resealing.reseal(actor=OPERATOR)
    monkeypatch.undo()
    point.refresh_from_db()
    assert point.in_clear() == "15412349999"


def test_nothing_is_laid_aside_while_anything_stands_under_it(
    everything: World, ring: keys.Ring, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="one key"):
        resealing.retire(actor=OPERATOR)
    resealing.new_key(actor=OPERATOR)
    with pytest.raises(UserError, match="changed already"):
        resealing.new_key(actor=OPERATOR)
    _a_day_later(ring)
    with pytest.raises(UserError, match="customers_contactpoint"):
        resealing.retire(actor=OPERATOR)
    resealing.reseal(actor=OPERATOR)
    (tmp_path / "exports").mkdir()
    kept = tmp_path / "exports" / "0123456789abcdef0123456789abcdef"
    kept.touch()
    with pytest.raises(UserError, match="1 in exports"):
        resealing.retire(actor=OPERATOR)
    assert ring.numbers() == [1, 2]
    kept.rename(kept.with_name(crypto.file_name()))
    assert len(kept.name) == 32
    resealing.retire(actor=OPERATOR)
    assert ring.numbers() == [2]


def test_what_nobody_opens_holds_nothing_else_up(everything: World) -> None:
    spoilt = ContactPoint.objects.earliest("pk")
    ContactPoint.objects.filter(pk=spoilt.pk).update(sealed=b"\x01\x01" + bytes(40))
    resealing.new_key(actor=OPERATOR)
    resealing.reseal(actor=OPERATOR)
    assert resealing.standing() == {"customers_contactpoint": 1}


def _a_day_later(ring: keys.Ring) -> None:
    newest = ring.files()[ring.numbers()[-1]]
    then = time.time() - resealing.REST - 1
    os.utime(newest, (then, then))
