"""What the doctor says of the key of sealed values, and how keys come back once it was changed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from zhike.config.institution import examine
from zhike.config.keychains import backup_keys, restore_keys
from zhike.customers.services import add_contact_point
from zhike.customers.tests import factories
from zhike.kernel import crypto, keys
from zhike.privacy.services import resealing

pytestmark = pytest.mark.django_db
PASSPHRASE = "correct horse battery"


def said() -> tuple[bool, str]:
    found = next(each for each in examine() if each.what == "key of sealed values")
    return found.ok, found.found


def test_a_change_told_and_brought_back(settings: Any, tmp_path: Path) -> None:
    settings.ZHIKE_KEYS, actor = tmp_path / "keys", factories.SYSTEM
    ring = settings.ZHIKE_DATA_KEYS = keys.Ring(settings.ZHIKE_KEYS, "data")
    settings.ZHIKE_HOME = tmp_path
    point = add_contact_point(
        actor=actor, party=factories.person(), kind="mobile", value="15412341234"
    )
    assert said() == (True, "everything stands under 1")
    before = backup_keys(tmp_path / "safe", PASSPHRASE)
    resealing.new_key(actor=actor)
    assert said() == (
        False,
        "older than 2: 1 in customers_contactpoint, 1 in masterdata_sourcerecord",
    )
    resealing.reseal(actor=actor)
    assert said() == (True, "everything stands under 2; 1 still open")
    then = time.time() - resealing.REST - 1
    os.utime(ring.files()[2], (then, then))
    resealing.retire(actor=actor)
    assert said() == (True, "everything stands under 2")

    after = backup_keys(tmp_path / "later", PASSPHRASE)
    assert not (settings.ZHIKE_KEYS / "data").exists(), "a backup makes no key"
    back = tmp_path / "back"
    names = restore_keys(after, PASSPHRASE, back)
    assert ("data-2" in names, "data" in names) == (True, False)
    settings.ZHIKE_DATA_KEYS = keys.Ring(back, "data")
    point.refresh_from_db()
    assert point.in_clear() == "15412341234"
    # A set of before the change wants the older key beside it; the newest goes on sealing.
    restore_keys(before, PASSPHRASE, back)
    assert settings.ZHIKE_DATA_KEYS.numbers() == [1, 2]
    assert crypto.encrypt("x", "t.c:1")[1] == 2
