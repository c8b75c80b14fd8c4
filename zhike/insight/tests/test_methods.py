"""Each method against a slow, independent reckoning."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.insight.methods.abc import abc
from zhike.insight.methods.concentration import concentration
from zhike.insight.methods.contribution import Prices, net_interest, service_cost
from zhike.insight.methods.rfm import rfm
from zhike.insight.methods.value_grid import (
    Weights,
    current_value,
    potential_value,
    value_class,
)

MONEY = pa.decimal128(18, 2)
money = st.decimals(-10_000, 1_000_000, places=2)
few = settings(max_examples=25, deadline=None)

BACKEND = ibis.duckdb.connect()


@pytest.fixture(scope="module", autouse=True)
def _one_backend() -> Iterator[None]:
    yield
    BACKEND.disconnect()


def run(table: ir.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = BACKEND.to_pyarrow(table.order_by("id")).to_pylist()
    return rows


def of_values(values: list[Decimal]) -> ir.Table:
    return ibis.memtable(
        pa.table({"id": pa.array(range(len(values)), pa.int64()), "value": pa.array(values, MONEY)})
    )


@few
@given(st.lists(money, min_size=1, max_size=60))
def test_abc_is_the_slow_walk_down_the_list(values: list[Decimal]) -> None:
    gains = {i: max(value, Decimal(0)) for i, value in enumerate(values)}
    total, before, expected = sum(gains.values()), Decimal(0), {}
    for i in sorted(gains, key=lambda i: (-gains[i], i)):
        share = before / total * 100 if total else Decimal(0)
        letter = "A" if before * 100 < total * 80 else "B" if before * 100 < total * 95 else "C"
        expected[i] = letter if gains[i] else "C"
        before += gains[i]
        assert share <= 100
    found = {
        row["id"]: row["abc_class"] for row in run(abc(of_values(values), id="id", value="value"))
    }
    assert found == expected


@few
@given(st.lists(money, min_size=1, max_size=60), st.sampled_from([5, 20, 50]))
def test_concentration_takes_the_best_whole_customers(values: list[Decimal], top: int) -> None:
    gains = [max(value, Decimal(0)) for value in values]
    best = sorted(range(len(gains)), key=lambda i: (-gains[i], i))[
        : math.ceil(len(gains) * top / 100)
    ]
    total = sum(gains)
    rows = run(concentration(of_values(values), id="id", value="value", top=top))
    assert {row["id"] for row in rows if row["in_top20"]} == set(best)
    for row in rows:
        if total:
            assert abs(row["top20_share"] - sum(gains[i] for i in best) / total) < Decimal(
                "0.00001"
            )
        else:
            assert row["top20_share"] is None


@few
@given(
    st.lists(
        st.tuples(st.integers(0, 700), st.integers(0, 40), st.decimals(0, 10_000, places=2)),
        min_size=1,
        max_size=60,
    )
)
def test_rfm_is_quintiles_of_those_who_moved(rows: list[tuple[int, int, Decimal]]) -> None:
    start = date(2025, 1, 1)
    table = pa.table(
        {
            "id": pa.array(range(len(rows)), pa.int64()),
            "last_on": pa.array([start + timedelta(days=days) for days, _n, _a in rows]),
            "count": pa.array([count for _d, count, _a in rows], pa.int32()),
            "amount": pa.array([amount for _d, _n, amount in rows], MONEY),
        }
    )
    moved = [i for i, (_days, count, _amount) in enumerate(rows) if count > 0]
    expected: dict[int, list[int]] = {i: [] for i in moved}
    for figure in range(3):
        order = sorted(moved, key=lambda i: (rows[i][figure], i))
        size, extra = divmod(len(order), 5)
        quintiles = [quintile for quintile in range(5) for _ in range(size + (quintile < extra))]
        for i, quintile in zip(order, quintiles, strict=True):
            expected[i].append(quintile + 1)
    found = run(
        rfm(ibis.memtable(table), id="id", last_on="last_on", count="count", amount="amount")
    )
    for row in found:
        if row["id"] in expected:
            scores = expected[row["id"]]
            assert [row["rfm_recency"], row["rfm_frequency"], row["rfm_monetary"]] == scores
            assert row["rfm_cell"] == "".join(map(str, scores))
        else:
            assert row["rfm_cell"] is None


PRICES = Prices(
    *(Decimal(each) for each in ("2.0", "2.2", "0.3", "4.35", "0.5", "6", "1", "0.1", "12"))
)


@pytest.mark.parametrize(
    ("side", "rate", "expected"),
    [
        ("liability", "0.25", "1750.00"),  # 100,000 for a year at 2.00 - 0.25
        ("liability", None, "1700.00"),
        ("asset", "5.00", "2800.00"),
        ("asset", None, "2150.00"),
        ("intermediary", None, "500.00"),
    ],
)
def test_net_interest_of_a_year(side: str, rate: str | None, expected: str) -> None:
    table = ibis.memtable(
        pa.table(
            {
                "id": pa.array([1], pa.int64()),
                "area": pa.array([Decimal("36500000.00")], pa.decimal128(28, 2)),
                "side": [side],
                "rate": pa.array([Decimal(rate) if rate else None], pa.decimal128(8, 4)),
            }
        )
    )
    found = run(table.mutate(interest=net_interest(table.area, table.side, table.rate, PRICES)))
    assert found[0]["interest"] == Decimal(expected)


@few
@given(*[st.integers(0, 5000)] * 4)
def test_service_cost_is_counts_times_prices(
    assisted: int, device: int, remote: int, held: int
) -> None:
    table = ibis.memtable(
        pa.table(
            {
                name: pa.array([value], pa.int32())
                for name, value in (
                    ("id", 1),
                    ("a", assisted),
                    ("d", device),
                    ("r", remote),
                    ("h", held),
                )
            }
        )
    )
    found = run(table.mutate(cost=service_cost(table.a, table.d, table.r, table.h, PRICES)))
    expected = assisted * Decimal(6) + device + remote * Decimal("0.1") + held * Decimal(12)
    assert found[0]["cost"] == expected


WEIGHTS = Weights(*(Decimal(each) for each in ("60", "40", "30", "30", "40", "5000")))


def _rank(values: list[float]) -> list[float]:
    others = max(len(values) - 1, 1)
    return [sum(other < value for other in values) / others for value in values]


@few
@given(st.lists(st.tuples(money, money, st.integers(0, 7), money), min_size=1, max_size=30))
def test_current_and_potential_value_by_hand(
    rows: list[tuple[Decimal, Decimal, int, Decimal]],
) -> None:
    contribution, balance, held, inflow = (list(each) for each in zip(*rows, strict=True))
    before = [value / 2 for value in balance]
    before = [value.quantize(Decimal("0.01")) for value in before]
    table = ibis.memtable(
        pa.table(
            {
                "id": pa.array(range(len(rows)), pa.int64()),
                "contribution": pa.array(contribution, MONEY),
                "balance": pa.array(balance, MONEY),
                "before": pa.array(before, MONEY),
                "held": pa.array(held, pa.int32()),
                "offered": pa.array([7] * len(rows), pa.int32()),
                "inflow": pa.array(inflow, MONEY),
            }
        )
    )
    scored = current_value(table, contribution="contribution", balance="balance", weights=WEIGHTS)
    scored = potential_value(
        scored, balance="balance", balance_before="before", held="held", offered="offered",
        inflow="inflow", weights=WEIGHTS,
    )  # fmt: skip
    found = run(scored)
    by_contribution, by_balance = (
        _rank([float(v) for v in contribution]),
        _rank([float(v) for v in balance]),
    )
    by_inflow = _rank([float(v) for v in inflow])
    growth = _rank(
        [
            (float(now) - float(then)) / (max(float(then), 0.0) + 5000.0)
            for now, then in zip(balance, before, strict=True)
        ]
    )
    for i, row in enumerate(found):
        current = 60 * by_contribution[i] + 40 * by_balance[i]
        potential = 30 * growth[i] + 30 * (1 - held[i] / 7) + 40 * by_inflow[i]
        assert float(row["current_value"]) == pytest.approx(current, abs=0.006)
        assert float(row["potential_value"]) == pytest.approx(potential, abs=0.006)


@few
@given(*[st.integers(0, 100)] * 4)
def test_every_customer_has_one_class_and_a_strategy(
    now: int, could: int, cut: int, other: int
) -> None:
    table = ibis.memtable({"id": [1], "c": [now], "p": [could], "x": [cut], "y": [other]})
    found = run(table.mutate(of=value_class(table.c, table.p, table.x, table.y)))[0]["of"]
    expected = {
        (True, True): "high", (True, False): "second", (False, True): "potential", (False, False): "low"
    }[now >= cut, could >= other]  # fmt: skip
    assert found == expected
