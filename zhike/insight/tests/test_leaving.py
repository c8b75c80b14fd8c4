"""What is known of a customer on a cut holds nothing of what came after it; who left is told from that alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers.models import Party
from zhike.insight import build, leaving, queries, snapshot, staging
from zhike.insight.leaving import AHEAD, Cuts
from zhike.insight.marts import month_end
from zhike.insight.tests import factories
from zhike.kernel.warehouse import Warehouse
from zhike.products.models import Agreement

CUT = date(2026, 6, 30)
LEAST = Decimal(1000)
Rows = dict[int, dict[str, Any]]


@pytest.fixture
def accounts(db: None) -> dict[str, Agreement]:
    """A current account each of four customers with us for years and of one since May."""
    factories.seeded()
    home, demand = factories.unit(), factories.product()
    since = {name: date(2020, 1, 1) for name in ("stays", "goes", "harvest", "poor")}
    return {
        name: factories.agreement(
            factories.party(home, name, since_on=day, stage=Party.Stage.CUSTOMER),
            demand,
            name,
            opened_on=day,
        )
        for name, day in (since | {"new": date(2026, 5, 2)}).items()
    }


def balances(account: Agreement, told: dict[str, int], batch: str) -> None:
    """Month → balance: a movement on the tenth that leaves it so."""
    before, rows = 0, []
    for month, balance in told.items():
        on = date.fromisoformat(f"{month}-10")
        rows.append(factories.movement(account, on, str(balance - before), str(balance)))
        before = balance
    factories.load(rows, batch)


BEFORE = {
    "stays": {"2025-07": 9000, "2026-03": 10000, "2026-06": 12000},
    "goes": {"2025-07": 9000, "2026-05": 10000},
    "harvest": {"2025-06": 9000, "2025-09": 500, "2025-11": 9000},
    "new": {"2026-05": 8000},
    "poor": {"2026-05": 900},
}


def tables(warehouse: Warehouse) -> Any:
    snapshot.take(warehouse, CUT, queries.book(CUT))
    for mart in build.KEPT:
        build.keep_up(warehouse, mart, None)
    return staging.reading(warehouse, *build.KEPT)


def known(accounts: dict[str, Agreement]) -> tuple[Rows, Rows]:
    with tables(Warehouse()) as staged:
        found = []
        for expression in (leaving.features, leaving.left):
            rows = staged.rows(expression(staged.tables, CUT, least=LEAST))
            found.append({row["party_id"]: row for row in rows})
        return found[0], found[1]


def of(name: str, accounts: dict[str, Agreement]) -> int:
    return int(accounts[name].party_id)


def test_the_features_of_a_day_say_what_was_known_that_day(accounts: dict[str, Agreement]) -> None:
    for name, told in BEFORE.items():
        balances(accounts[name], told, name)
    features, left = known(accounts)
    assert (
        features.keys() == left.keys() == {of(n, accounts) for n in BEFORE} - {of("poor", accounts)}
    )
    stays = features[of("stays", accounts)]
    assert stays["balance"] == 12000
    assert stays["kept_3m"] == pytest.approx(12000 / 10000)
    assert stays["kept_9m"] == stays["kept_6m"] == pytest.approx(12000 / 9000)
    assert stays["kept_12m"] is None
    # 9,000 from 10 July, 10,000 from 10 March, 12,000 from 10 June, over the year to 30 June.
    days = 9000 * 243 + 10000 * 92 + 12000 * 21
    assert stays["mean_balance_12m"] == pytest.approx(days / 365)
    assert stays["inflow_12m"] == 12000
    assert stays["inflow_trend"] == pytest.approx((2000 / 3) / (12000 / 12))
    assert stays["outflow_trend"] is None
    assert stays["days_still"] == 20
    assert stays["movements_12m"] == stays["active_months_12m"] == 3
    assert features[of("new", accounts)]["opened_12m"] == 1


def test_nothing_that_came_later_reaches_a_feature(accounts: dict[str, Agreement]) -> None:
    for name, told in BEFORE.items():
        balances(accounts[name], told, name)
    before, _left = known(accounts)
    goes = accounts["goes"]
    for name in BEFORE:
        balances(accounts[name], {"2026-07": 90000, "2026-09": 5}, f"{name} later")
    factories.agreement(goes.party, goes.product, "later", opened_on=date(2026, 7, 1))
    Agreement.objects.filter(pk=goes.pk).update(closed_on=date(2026, 8, 1), status="closed")
    Party.objects.filter(pk=goes.party_id).update(stage=Party.Stage.FORMER)
    after, left = known(accounts)
    assert after == before
    assert left[of("goes", accounts)]["left"]


def test_who_kept_less_than_the_share_has_left_but_not_who_always_does_at_that_time(
    accounts: dict[str, Agreement],
) -> None:
    for name, told in BEFORE.items():
        balances(accounts[name], told, name)
    for name, balance in (("stays", 2800), ("goes", 2600), ("harvest", 400), ("new", 300)):
        balances(accounts[name], {"2026-08": balance}, f"{name} later")
    _features, left = known(accounts)
    told = {name: left[of(name, accounts)]["left"] for name in ("stays", "goes", "harvest", "new")}
    # 0.3 of the year's mean: 2,761 and 2,676. In September before, the harvest was not in either; the new one was not
    # with us then, and had 8,000 for 52 days of the year.
    assert told == {"stays": False, "goes": True, "harvest": False, "new": True}


def test_a_customer_who_came_after_the_cut_is_not_known_on_it(
    accounts: dict[str, Agreement],
) -> None:
    for name, told in BEFORE.items():
        balances(accounts[name], told, name)
    Party.objects.filter(name="new").update(since_on=date(2026, 7, 1))
    features, left = known(accounts)
    assert of("new", accounts) not in features.keys() | left.keys()


def test_whoever_no_source_dates_is_known_all_the_same(accounts: dict[str, Agreement]) -> None:
    balances(accounts["goes"], BEFORE["goes"], "goes")
    Party.objects.filter(name="goes").update(since_on=None)
    features, _left = known(accounts)
    assert features[of("goes", accounts)]["months_with_us"] is None


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_what_a_model_is_trained_on_was_settled_when_it_is_validated(day: date) -> None:
    cuts = Cuts(month_end(day))
    assert month_end(cuts.validated, -AHEAD) == cuts.known
    assert all(month_end(cut, -AHEAD) <= cuts.validated for cut in cuts.trained)
    assert len({*cuts.trained, cuts.validated}) == len(cuts.trained) + 1
