"""The refresh as a whole: what it writes, twice the same, and nothing when it is stopped."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.compute as pc
import pytest

from zhike.customers.models import Merge, Party, Standing, Tier, TierRating
from zhike.customers.services import (
    add_timeline_entry,
    merge_parties,
    split_party,
    take_out,
    withdraw_timeline_entries,
)
from zhike.customers.tests.factories import actor_with_role
from zhike.insight import services
from zhike.insight.marts import CUSTOMER_DAY
from zhike.insight.models import RefreshRun, Score, Threshold
from zhike.insight.queries.transactions import flows
from zhike.insight.seed import DEFAULTS, seed
from zhike.insight.services import refresh, refreshing, set_thresholds
from zhike.insight.tests.factories import (
    AS_OF,
    SYSTEM,
    agreement,
    load,
    movement,
    party,
    product,
    seeded,
    state_balances,
    unit,
)
from zhike.kernel import clock
from zhike.kernel.actor import NOBODY
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.kernel.warehouse import Warehouse
from zhike.organisation.models import Unit
from zhike.products.facts import TRANSACTION_COLUMNS, TRANSACTIONS
from zhike.products.models import Agreement

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Unit:
    seeded()
    return unit()


@pytest.fixture
def rich(home: Unit) -> Party:
    return party(home, "富")


@pytest.fixture
def account(rich: Party, home: Unit) -> Agreement:
    account = agreement(rich, product())
    small = agreement(party(home, "贫"), product())
    load(
        [
            movement(account, date(2026, 1, 5), "400000", "400000", key="1"),
            movement(account, date(2026, 11, 18), "-1000", "399000", key="2"),
            movement(small, date(2026, 11, 1), "10", "10", key="3"),
        ]
    )
    return account


def everything() -> dict[str, list[Any]]:
    """All that a refresh writes, but for the run's own key."""
    return {
        "scores": list(
            Score.objects.order_by("party", "as_of").values_list(
                "party", "as_of", "values", "reasons"
            )
        ),
        "standings": list(Standing.objects.order_by("party").values()),
        "ratings": list(TierRating.objects.order_by("party", "during").values()),
    }


def test_a_refresh_brings_scores_tiers_and_standings(rich: Party, account: Agreement) -> None:
    told: list[tuple[str, float]] = []
    run = refresh(actor=SYSTEM, as_of=AS_OF, progress=lambda *each: told.append(each))
    assert run.state == RefreshRun.State.DONE
    assert run.counts == {"scores": 2, "standings": 2, "tiers_changed": 2}
    assert told == [(step, share) for step in services.STEPS for share in (0.0, 1.0)]
    score = Score.objects.get(party=rich)
    assert score.as_of == AS_OF
    assert score.run_id == run.pk
    assert score.values["balance"] == "399000.00"
    assert score.values["tier"] == "platinum"
    assert score.values["tier_gap"] == "5601000.00"
    assert score.values["last_movement_on"] == "2026-11-18"
    parts = score.reasons["contribution_12m"]
    earned = sum(Decimal(value) for name, value in parts.items() if name != "service_cost_12m")
    assert Decimal(score.values["contribution_12m"]) == earned - Decimal(parts["service_cost_12m"])
    assert score.reasons["value_class"] == {"current_cut": "75.0000", "potential_cut": "60.0000"}
    standing = Standing.objects.select_related("tier").get(party=rich)
    assert standing.balance == Decimal("399000.00")
    assert standing.tier is not None
    assert standing.tier.code == "platinum"
    rating = TierRating.objects.get(party=rich)
    assert (rating.during.lower, rating.during.upper, rating.reason) == (AS_OF, None, "first")
    assert rating.figures["balance"] == "399000.00"


def test_the_same_day_again_gives_the_same_and_rewrites_no_standing(account: Agreement) -> None:
    refresh(actor=SYSTEM, as_of=AS_OF)
    before = everything()
    again = refresh(actor=SYSTEM, as_of=AS_OF)
    assert everything() == before
    assert again.counts["scores"] == 2
    assert again.counts["standings"] == 0


def test_a_day_put_right_leaves_no_trace_of_the_wrong_one(rich: Party, account: Agreement) -> None:
    refresh(actor=SYSTEM, as_of=AS_OF - timedelta(days=5))
    load([movement(account, AS_OF, "9000000", "9399000", key="9")], "wrong")
    refresh(actor=SYSTEM, as_of=AS_OF)
    assert TierRating.objects.filter(party=rich).count() == 2
    load([movement(account, AS_OF, "-9000000", "399000", key="91")], "right")
    refresh(actor=SYSTEM, as_of=AS_OF)
    rating = TierRating.objects.select_related("tier").get(party=rich)
    assert (rating.tier.code, rating.during.upper) == ("platinum", None)


def test_a_refresh_of_new_facts_equals_a_full_one(account: Agreement) -> None:
    refresh(actor=SYSTEM, as_of=AS_OF - timedelta(days=1))
    load([movement(account, AS_OF, "5", "399005", key="4")], "2")
    refresh(actor=SYSTEM, as_of=AS_OF)
    before = everything()
    refresh(actor=SYSTEM, as_of=AS_OF, full=True)
    assert everything() == before
    assert before["scores"][1][2]["balance"] == "399005.00", "yesterday's come first"


def test_of_a_month_only_the_last_day_is_kept(account: Agreement) -> None:
    for day in (date(2026, 10, 30), date(2026, 11, 19), AS_OF):
        refresh(actor=SYSTEM, as_of=day)
    assert set(Score.objects.values_list("as_of", flat=True)) == {
        date(2026, 10, 30),
        date(2026, 11, 19),
        AS_OF,
    }, "the last of each month, and the one before the last"


def test_who_stays_below_loses_the_tier_after_the_hold_period(
    rich: Party, account: Agreement
) -> None:
    out_of_reach = {
        f"tier.{code}.contribution": Decimal(10**9 + rank)
        for rank, code in enumerate(("gold", "platinum", "private"))
    }
    set_thresholds(actor=SYSTEM, values=out_of_reach, since=date(2020, 1, 1), reason="test")
    refresh(actor=SYSTEM, as_of=AS_OF)
    day = AS_OF + timedelta(days=1)
    load([movement(account, day, "-398990", "10", key="5")], "2")
    refresh(actor=SYSTEM, as_of=day)
    rating = TierRating.objects.select_related("tier").get(party=rich)
    assert rating.tier.code == "platinum"
    assert rating.figures["below_since"] == day.isoformat()
    assert rating.figures["balance"] == "399000.00", "the figures it began with are kept"
    refresh(actor=SYSTEM, as_of=day + timedelta(days=89))
    assert TierRating.objects.get(party=rich).during.upper is None
    refresh(actor=SYSTEM, as_of=day + timedelta(days=90))
    old, new = TierRating.objects.filter(party=rich).select_related("tier").order_by("during")
    assert old.during.upper == new.during.lower == day + timedelta(days=90)
    assert (new.tier.code, new.reason) == ("ordinary", "demoted")


def test_a_unit_may_have_its_own_terms(home: Unit, account: Agreement) -> None:
    branch = unit("002", home)
    elsewhere = party(branch, "外")
    other = agreement(elsewhere, product())
    load([movement(other, date(2026, 11, 1), "30000", "30000", key="7")], "2")
    set_thresholds(
        actor=SYSTEM, values={"tier.gold.balance": Decimal(20000)}, unit=branch,
        since=date(2026, 1, 1), reason="a poor county",
    )  # fmt: skip
    refresh(actor=SYSTEM, as_of=AS_OF)
    standing = Standing.objects.select_related("tier").get(party=elsewhere)
    assert standing.tier is not None
    assert standing.tier.code == "gold"


def test_a_stopped_refresh_leaves_the_old_scores(
    account: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(actor=SYSTEM, as_of=AS_OF)
    before = everything()
    load([movement(account, AS_OF + timedelta(days=1), "5", "399005", key="4")], "2")

    def stop(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(refreshing, "record_standings", stop)
        with pytest.raises(KeyboardInterrupt):
            refresh(actor=SYSTEM, as_of=AS_OF + timedelta(days=1))
    assert everything() == before
    run = RefreshRun.objects.latest("pk")
    assert (run.state, run.error) == (RefreshRun.State.FAILED, "KeyboardInterrupt")
    after = refresh(actor=SYSTEM, as_of=AS_OF + timedelta(days=1))
    assert after.state == RefreshRun.State.DONE
    assert Score.objects.get(party=account.party, run=after).values["balance"] == "399005.00"


def test_a_killed_run_is_told_as_failed_by_the_next(account: Agreement) -> None:
    killed = RefreshRun.objects.create(as_of=AS_OF, model_version="1", started_at=clock.now())
    refresh(actor=SYSTEM, as_of=AS_OF)
    killed.refresh_from_db()
    assert killed.state == RefreshRun.State.FAILED
    assert killed.ended_at is not None


def called(party: Party, on: date) -> None:
    with clock.stopped_at(on):
        add_timeline_entry(
            actor=SYSTEM,
            party=party,
            kind="contact",
            channel="phone",
            title="Called",
            direction="out",
            source="calls",
            source_key=str(on),
        )


def last_contact(party: Party) -> date | None:
    return Standing.objects.get(party=party).last_contact_on


def test_a_refresh_leaves_the_last_contact_to_the_timeline(rich: Party, account: Agreement) -> None:
    first, second = date(2026, 11, 10), date(2026, 11, 12)
    called(rich, first)
    called(rich, second)
    refresh(actor=SYSTEM, as_of=AS_OF)
    assert last_contact(rich) == second
    load([movement(account, AS_OF + timedelta(days=1), "5", "399005", key="4")], "2")

    def taken_back(step: str, share: float) -> None:
        # The snapshot knows of it still.
        if (step, share) == ("crm", 1.0):
            withdraw_timeline_entries(
                actor=SYSTEM, party=rich, source="calls", source_key=str(second)
            )

    refresh(actor=SYSTEM, as_of=AS_OF + timedelta(days=1), progress=taken_back)
    assert Standing.objects.get(party=rich).balance == Decimal("399005.00")
    assert last_contact(rich) == first


def test_a_contact_made_during_a_refresh_stands(rich: Party, account: Agreement) -> None:
    later = AS_OF + timedelta(days=1)
    called(rich, AS_OF)

    def made(step: str, share: float) -> None:
        if (step, share) == ("crm", 1.0):
            called(rich, later)

    refresh(actor=SYSTEM, as_of=AS_OF, progress=made)
    assert Standing.objects.get(party=rich).balance > 0
    assert last_contact(rich) == later


def test_refusals(account: Agreement) -> None:
    with pytest.raises(Refused):
        refresh(actor=NOBODY, as_of=AS_OF)
    assert not RefreshRun.objects.exists()
    with pytest.raises(UserError, match="nothing called sorcery"):
        refresh(actor=SYSTEM, as_of=AS_OF, names=["sorcery"])
    refresh(actor=SYSTEM, as_of=AS_OF)
    with pytest.raises(UserError, match="lies before it"):
        refresh(actor=SYSTEM, as_of=AS_OF - timedelta(days=1))
    with pytest.raises(UserError, match=r"tier\.nobody"):
        set_thresholds(actor=SYSTEM, values={"tier.nobody": Decimal(1)}, reason="")


def test_named_steps_alone(account: Agreement) -> None:
    run = refresh(actor=SYSTEM, as_of=AS_OF, names=["customer_day"])
    assert list(run.snapshot["built"]) == [CUSTOMER_DAY]
    assert not Score.objects.exists()


def test_without_a_day_it_is_the_last_the_facts_know(account: Agreement) -> None:
    with clock.stopped_at(date(2026, 12, 24)):
        assert refresh(actor=SYSTEM).as_of == date(2026, 11, 18)


def test_without_any_fact_there_are_still_figures(home: Unit) -> None:
    lone = party(home)
    state_balances([(agreement(lone, product()), date(2026, 10, 31), "100.00", "100.00")])
    refresh(actor=SYSTEM, as_of=AS_OF)
    assert Score.objects.get(party=lone).values["balance"] == "100.00"
    assert "rfm_cell" not in Score.objects.get(party=lone).values


def test_seeding_twice_adds_nothing_and_keeps_what_people_set(home: Unit) -> None:
    Tier.objects.filter(code="gold").update(name="金卡")
    set_thresholds(
        actor=SYSTEM, values={"abc.a": Decimal(70)}, since=date(2026, 1, 1), reason="narrower"
    )
    assert seed(actor=SYSTEM) == 0
    assert Tier.objects.get(code="gold").name == "金卡"
    assert set(Threshold.objects.values_list("name", flat=True)) == set(DEFAULTS)
    held = Threshold.objects.filter(name="abc.a").order_by("during")
    assert [(row.value, row.during.lower, row.during.upper) for row in held] == [
        (Decimal(80), None, date(2026, 1, 1)),
        (Decimal(70), date(2026, 1, 1), None),
    ]
    assert AuditEntry.objects.filter(action="insight.threshold.set").count() == 1


def test_two_that_are_one_are_worth_the_sum_and_apart_again_what_they_were(
    rich: Party, account: Agreement, home: Unit
) -> None:
    other = party(home, "富")
    card = agreement(other, product("card", "card", "intermediary"))
    load(
        [
            movement(card, date(2026, 11, 18), "-30", "70", kind="fee", key="5"),
            movement(card, date(2026, 3, 2), "100", "100", channel="counter", key="6"),
        ],
        "card",
    )
    named = ("balance", "inflow_12m", "outflow_12m", "movements_12m")

    def values(of: Party) -> dict[str, Decimal]:
        refresh(actor=SYSTEM, as_of=AS_OF)
        found = Score.objects.get(party=of, as_of=AS_OF).values
        return {name: Decimal(str(found[name])) for name in named}

    one, two = values(rich), values(other)
    merge = merge_parties(actor=SYSTEM, absorbed=other, into=rich, reason="同一人")
    together = values(rich)
    assert together == {name: one[name] + two[name] for name in named}
    # As if both agreements had been one customer's all along.
    as_loaded = everything()["scores"]
    Merge.objects.update(undone_at=clock.now())
    with Warehouse().reading(TRANSACTIONS) as backend:
        rows = backend.table("transactions").to_pyarrow().cast(TRANSACTION_COLUMNS)
    moved = pc.if_else(pc.equal(rows["party_id"], other.pk), rich.pk, rows["party_id"])
    at = rows.schema.get_field_index("party_id")
    Warehouse().overwrite(
        TRANSACTIONS, rows.set_column(at, "party_id", moved), partition_by=["month"]
    )
    refresh(actor=SYSTEM, as_of=AS_OF, full=True)
    assert everything()["scores"] == as_loaded
    moved = pc.if_else(pc.equal(rows["agreement_id"], card.pk), other.pk, rows["party_id"])
    Warehouse().overwrite(
        TRANSACTIONS, rows.set_column(at, "party_id", moved), partition_by=["month"]
    )
    Merge.objects.update(undone_at=None)
    split_party(actor=SYSTEM, merge=merge, reason="两个人")
    assert (values(rich), values(other)) == (one, two)


def test_what_moved_on_an_agreement_goes_with_it(
    rich: Party, account: Agreement, home: Unit
) -> None:
    card = agreement(rich, product("card", "card", "intermediary"))
    load(
        [
            movement(card, date(2026, 11, 18), "-30", "70", kind="fee", key="5"),
            movement(card, date(2026, 3, 2), "100", "100", channel="counter", key="6"),
        ],
        "card",
    )
    named = ("balance", "inflow_12m", "outflow_12m", "movements_12m")
    actor = actor_with_role("branch_head", home)

    def values(of: Party) -> dict[str, Decimal]:
        refresh(actor=SYSTEM, as_of=AS_OF)
        found = Score.objects.get(party=of, as_of=AS_OF).values
        return {name: Decimal(str(found[name])) for name in named}

    def moved(of: Party) -> dict[tuple[str, str], Decimal]:
        return {(each.month, each.kind): each.amount for each in flows(actor, of, AS_OF)}

    before, all_moved = values(rich), moved(rich)
    new = take_out(
        actor=SYSTEM,
        party=rich,
        home=rich.pk,
        fields={"name": "乙", "type": rich.type, "stage": rich.stage},
        rows={"products_agreement.party_id": [card.pk]},
        since=clock.now(),
        reason="另一个人",
    )
    theirs, own = values(new), values(rich)
    assert theirs == {
        "balance": Decimal(70), "inflow_12m": Decimal(100), "outflow_12m": Decimal(30), "movements_12m": Decimal(2),
    }  # fmt: skip
    assert own == {name: before[name] - theirs[name] for name in named}
    assert moved(new) == {("2026-11", "fee"): Decimal(30), ("2026-03", "transfer"): Decimal(100)}
    assert moved(rich).keys() | moved(new).keys() == all_moved.keys()
    assert ("2026-11", "fee") not in moved(rich)
    merge_parties(actor=SYSTEM, absorbed=new, into=rich, reason="同一人")
    assert values(rich) == before
    assert moved(rich) == all_moved
