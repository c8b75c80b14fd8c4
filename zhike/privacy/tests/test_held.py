"""The copy of everything is complete against the declarations of all models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zhike.customers.services import merge_parties
from zhike.customers.tests import factories
from zhike.customers.tests.factories import SYSTEM
from zhike.privacy.queries.held import as_data, everything, kept_models, subject_of
from zhike.privacy.tests.everything import plant

pytestmark = pytest.mark.django_db


def said_of(data: dict[str, Any], model: str) -> str:
    tables = [each for each in data["tables"] if each["name"] == model.lower()]
    return json.dumps([each["rows"] for each in tables], ensure_ascii=False)


def test_every_classified_field_of_every_table_is_in_the_answer() -> None:
    world = plant(factories.person("钱多多"))
    data = as_data(everything(world.party), world.party)
    missing = []
    for place, value in world.planted.items():
        model, _dot, _name = place.rpartition(".")
        if value not in said_of(data, model):
            missing.append(f"{place}: {value}")
    assert missing == []
    assert {each["name"] for each in data["tables"]} == {
        model._meta.label_lower for model in kept_models()
    }


def test_nobody_else_is_in_the_answer() -> None:
    world = plant(factories.person("钱多多"))
    said = json.dumps(as_data(everything(world.party), world.party), ensure_ascii=False)
    assert "邻居" not in said


def test_what_was_merged_into_somebody_is_theirs() -> None:
    party, same = factories.person("钱多多"), factories.person("钱多多", note="爱喝茶")
    merge_parties(actor=SYSTEM, absorbed=same, into=party, reason="同一人")
    assert set(subject_of(party).keys) == {party.pk, same.pk}
    said = json.dumps(as_data(everything(party), party), ensure_ascii=False)
    assert "爱喝茶" in said
    assert "同一人" in said
