"""Every classified field says what it is kept for and how long, and every row about a customer is found from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import models

from zhike.customers.models import Party
from zhike.kernel.classes import FieldClass, classify
from zhike.kernel.keeping import CARE, NOBODY, Keeping, Subject, keep

CLASSIFIED = {FieldClass.C1, FieldClass.C2}


def ours() -> list[Any]:
    return [each for each in apps.get_models() if each.__module__.startswith("zhike.")]


def unkept(model: Any) -> Iterator[str]:
    """Classified fields without purpose and retention, rules for fields that are not there."""
    classified = {
        name for name, field_class in model.field_classes.items() if field_class in CLASSIFIED
    }
    keeping = getattr(model, "keeping", None)
    if not isinstance(keeping, Keeping):
        yield from sorted(
            f"{model.__name__}.{name} says not what it is kept for" for name in classified
        )
        return
    for name in sorted({*keeping.other, *keeping.derived} - classified):
        yield f"{model.__name__}.{name} is no classified field"


def out_of_reach(model: Any) -> Iterator[str]:
    """A model that hangs on a customer, however far, and does not say how its rows are found from them."""
    own = getattr(model, "keeping", None)
    if own is not None and own.about != NOBODY:
        return
    for each in model._meta.concrete_fields:
        target = each.related_model
        kept = getattr(target, "keeping", None)
        if target is not None and target is not model and kept is not None and kept.about != NOBODY:
            yield f"{model.__name__}.{each.name} leads to a customer"


def test_every_classified_field_has_purpose_and_retention() -> None:
    assert [fault for model in ours() for fault in unkept(model)] == []


def test_every_row_about_a_customer_is_found_from_them() -> None:
    assert [fault for model in ours() for fault in out_of_reach(model)] == []


@pytest.mark.parametrize("model", [each for each in ours() if hasattr(each, "keeping")])
def test_what_finds_the_rows_can_be_asked(model: Any) -> None:
    condition = model.keeping.rows_of(Subject((1,), (UUID(int=1),)))
    if condition is not None:
        str(model.objects.filter(condition).query)


def test_undeclared_field_is_caught() -> None:
    class Diary:
        field_classes = classify(open="party", c2="text")

    assert list(unkept(Diary)) == ["Diary.text says not what it is kept for"]
    Diary.keeping = keep("party", CARE, derived="words")  # type: ignore[attr-defined]
    assert list(unkept(Diary)) == ["Diary.words is no classified field"]


def test_model_out_of_reach_is_caught() -> None:
    class Meta:
        concrete_fields = (models.ForeignKey(Party, models.CASCADE, name="party"),)

    class Diary:
        _meta = Meta
        keeping = keep(NOBODY, CARE)

    assert list(out_of_reach(Diary)) == ["Diary.party leads to a customer"]
