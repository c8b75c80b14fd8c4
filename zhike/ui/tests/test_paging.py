from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Model, Q
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhike.ui.paging import BadCursor, Count, Order, capped_count, page
from zhike.ui.tests.sample import Thing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("thing_table")]

CASES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
DOORS = [Q(name__in=["甲", "a"]), Q(amount__gt=0), Q(tier="g"), Q(amount__isnull=True)]
# Few values, so that ties and rows without a value are the rule.
values = st.lists(
    st.tuples(
        st.sampled_from(["甲", "乙", "a", ""]),
        st.none() | st.sampled_from([Decimal("-1.50"), Decimal(0), Decimal("99999999999999.99")]),
        st.none() | st.sampled_from([date(2026, 1, 1) + timedelta(n) for n in range(3)]),
    ),
    max_size=24,
)
keys = st.builds(Order, st.sampled_from(["name", "amount", "opened_on", "id"]), st.booleans())
orders = st.lists(keys, min_size=1, max_size=3, unique_by=lambda key: key.field).map(Order.joined)


def expected(order: Order) -> list[int]:
    """What a person would sort by hand, the last column first; empty values at the end of each."""
    rows = list(Thing.objects.all())
    rows.sort(key=lambda row: row.pk, reverse=order.descending)
    for key in reversed(order.keys):
        # Text is compared by its UTF-8 bytes, as the database's C.UTF-8 does.
        def value(row: Thing, field: str = key.field) -> Any:
            found = getattr(row, field)
            return found.encode() if isinstance(found, str) else found

        valued = [row for row in rows if value(row) is not None]
        valued.sort(key=value, reverse=key.descending)
        rows = valued + [row for row in rows if value(row) is None]
    return [row.pk for row in rows]


def ids(rows: Sequence[Model]) -> list[int]:
    return [row.pk for row in rows]


@CASES
@given(values, orders, st.integers(1, 7))
def test_pages_forward_and_back_are_the_whole_list(
    rows: list[tuple[Any, ...]], order: Order, size: int
) -> None:
    Thing.objects.all().delete()
    Thing.objects.bulk_create(
        Thing(name=name, amount=amount, opened_on=opened, tier="a") for name, amount, opened in rows
    )
    whole = expected(order)
    chunks = [whole[i : i + size] for i in range(0, len(whole), size)] or [[]]

    here = page(Thing.objects.all(), order, size)
    assert here.previous is None
    for chunk in chunks[:-1]:
        assert ids(here.rows) == chunk
        assert here.next is not None
        here = page(Thing.objects.all(), order, size, here.next)
    assert ids(here.rows) == chunks[-1]
    assert here.next is None
    for chunk in reversed(chunks[:-1]):
        assert here.previous is not None
        here = page(Thing.objects.all(), order, size, here.previous)
        assert ids(here.rows) == chunk
        assert here.next is not None
    assert here.previous is None


def some_rows() -> None:
    Thing.objects.all().delete()
    Thing.objects.bulk_create(
        Thing(name=f"{n}", amount=None if n % 5 == 0 else Decimal(n % 7), tier="a")
        for n in range(30)
    )


def test_no_condition_holds_an_or_and_the_row_value_is_compared() -> None:
    some_rows()
    order = Order("amount", descending=True)
    first = page(Thing.objects.all(), order, 5)
    assert first.next is not None
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(Thing.objects.all(), order, 5, first.next)
    assert len(queries) == 1
    sql = queries[0]["sql"]
    assert " OR " not in sql
    assert 'ROW("ui_thing"."amount", "ui_thing"."id") < ' in sql


def test_the_row_value_is_an_index_condition() -> None:
    some_rows()
    first = page(Thing.objects.all(), Order("amount"), 5)
    assert first.next is not None
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON ui_thing (amount, id)")
        # A few rows are as quickly sorted: what is asked is whether the index can answer at all.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        with CaptureQueriesContext(connection) as queries:
            page(Thing.objects.all(), Order("amount"), 5, first.next)
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Cond: ((amount IS NOT NULL) AND (ROW(amount, id) > ROW(" in plan
    assert "Sort" not in plan


def test_a_row_that_left_does_not_lose_its_neighbours() -> None:
    some_rows()
    order = Order("amount")
    whole = expected(order)
    first = page(Thing.objects.all(), order, 4)
    Thing.objects.filter(pk=whole[3]).delete()
    assert first.next is not None
    assert ids(page(Thing.objects.all(), order, 4, first.next).rows) == whole[4:8]


def test_an_annotation_may_be_sorted_by() -> None:
    some_rows()
    rows = Thing.objects.annotate(twice=F("amount") * 2)
    order = Order("twice")
    first = page(rows, order, 6)
    assert first.next is not None
    second = page(rows, order, 6, first.next)
    assert ids(first.rows + second.rows) == expected(Order("amount"))[:12]


@pytest.mark.parametrize("cursor", ["x", "gAAAAA", "字", "A" * 500])
def test_a_cursor_of_another_hand_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        page(Thing.objects.all(), Order("amount"), 5, cursor)


def test_a_cursor_of_another_order_is_refused() -> None:
    some_rows()
    first = page(Thing.objects.all(), Order("amount"), 5)
    assert first.next is not None
    with pytest.raises(BadCursor):
        page(Thing.objects.all(), Order("amount", descending=True), 5, first.next)


def test_a_cursor_does_not_show_the_value() -> None:
    Thing.objects.bulk_create(Thing(name="secretname", tier="a") for _ in range(3))
    first = page(Thing.objects.all(), Order("name"), 1)
    assert first.next is not None
    assert "secret" not in first.next
    assert len(first.next) < 300


def test_counts_stop_at_the_cap() -> None:
    some_rows()
    assert capped_count(Thing.objects.all(), cap=30) == Count(30, capped=False)
    assert capped_count(Thing.objects.all(), cap=29) == Count(29, capped=True)
    assert str(Count(2000, capped=True)) == "2,000+"


@CASES
@given(
    values,
    st.lists(st.sampled_from(DOORS), min_size=1, max_size=3, unique_by=str),
    st.integers(0, 12),
)
def test_counted_by_doors_is_counted_at_once(
    found: list[tuple[Any, ...]], doors: list[Q], cap: int
) -> None:
    Thing.objects.all().delete()
    for name, amount, *_rest in found:
        Thing.objects.create(name=name, tier="g" if amount else "s", amount=amount)
    rows = Thing.objects.filter(reduce(or_, doors)).exclude(name="")
    count = rows.count()
    assert capped_count(rows, cap, doors) == Count(min(count, cap), count > cap)
