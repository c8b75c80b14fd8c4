"""Need points: what customers alike hold and this one does not; silence where the figures say nothing."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.customers.models import Party, Standing
from zhike.customers.tests import factories
from zhike.kernel import clock
from zhike.organisation.models import Role, Unit
from zhike.products import rules
from zhike.products.models import Agreement, Holding, Product
from zhike.products.queries import need_points

CATEGORIES = st.sampled_from(list(Product.Category.values))


@given(
    st.frozensets(CATEGORIES),
    st.integers(0, 500).flatmap(
        lambda peers: st.tuples(st.just(peers), st.dictionaries(CATEGORIES, st.integers(0, peers)))
    ),
)
def test_a_need_is_a_gap_that_two_thirds_have_not(
    held: frozenset[str], counted: tuple[int, dict[str, int]]
) -> None:
    peers, holders = counted
    found = rules.needs(held, holders, peers)
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)
    named = {each.category for each in found}
    if peers < rules.FEWEST_PEERS:
        assert not named
        return
    for category in Product.Category.values:
        usual = 3 * holders.get(category, 0) >= 2 * peers
        assert (category in named) == (usual and category not in held)


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


def customer(unit: Unit, *products: Product, value_class: str = "high") -> Party:
    party = factories.person(unit=unit)
    Party.objects.filter(pk=party.pk).update(stage="customer")
    Standing.objects.filter(party=party).update(value_class=value_class)
    for product in products:
        agreement = Agreement.objects.create(
            party=party, product=product, unit=unit, source="t",
            source_key=f"{party.pk}.{product.pk}", opened_on=clock.today(),
        )  # fmt: skip
        Holding.objects.create(party=party, agreement=agreement, during=(clock.today(), None))
    return party


def told(party: Party, unit: Unit) -> str:
    lead = factories.signed_in_client(Role.TEAM_LEAD, unit)
    answer = lead.get(f"{party.get_absolute_url()}brief/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


@pytest.mark.django_db
def test_the_brief_names_the_gap_with_its_share(
    unit: Unit, django_assert_max_num_queries: Any
) -> None:
    card = Product.objects.create(code="C.1", name="贷记卡", category="card", side="asset")
    fund = Product.objects.create(code="F.1", name="货币基金", category="fund", side="intermediary")
    for number in range(40):
        customer(unit, card, *([fund] if number < 20 else []))
    for _number in range(40):
        customer(factories.unit(), fund)
        customer(unit, fund, value_class="low")
    mine = customer(unit)
    sheet = told(mine, unit)
    assert "100.0%（共 40 位）的同类型、同价值类别客户已持有" in sheet
    assert sheet.count("同价值类别客户已持有") == 1
    assert "同价值类别客户已持有" not in told(customer(unit, card), unit)
    actor = factories.signed_in_client(Role.TEAM_LEAD, unit).actor  # type: ignore[attr-defined]
    with django_assert_max_num_queries(4):
        [need] = need_points(actor, mine, ()).needs
    assert (need.category, need.share) == ("card", 1)


@pytest.mark.django_db
@pytest.mark.parametrize(("peers", "value_class"), [(rules.FEWEST_PEERS - 1, "high"), (40, "")])
def test_without_figures_nothing_is_said(unit: Unit, peers: int, value_class: str) -> None:
    card = Product.objects.create(code="C.1", name="贷记卡", category="card", side="asset")
    for _number in range(peers):
        customer(unit, card, value_class=value_class)
    assert "同价值类别客户已持有" not in told(customer(unit, value_class=value_class), unit)
