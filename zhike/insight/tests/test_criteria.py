"""Named metrics as conditions of the customer list: all that a score keeps, the newest alone, for who may see it."""

from __future__ import annotations

from datetime import date, timedelta
from html import unescape

import pytest

from zhike.customers.models import Party
from zhike.customers.tests.factories import actor_with_role, signed_in_client
from zhike.insight import criteria
from zhike.insight.metrics import metrics
from zhike.insight.models import Figures, Score
from zhike.insight.scoring import REASONS, VALUES
from zhike.insight.services import refresh
from zhike.insight.services.figures import FIELDS, keep_figures
from zhike.insight.tests.factories import (
    AS_OF,
    SYSTEM,
    agreement,
    load,
    movement,
    party,
    product,
    scored,
    seeded,
    unit,
)
from zhike.organisation.models import Role, Unit
from zhike.ui.lists.criteria import criteria_for

pytestmark = pytest.mark.django_db
TOLD_BY_STANDING = {
    *("balance", "contribution_12m", "current_value", "potential_value", "value_class", "tier"),
}


@pytest.fixture
def home() -> Unit:
    seeded()
    return unit()


def test_every_metric_that_a_score_keeps_can_be_asked_for() -> None:
    parts = {part for found in REASONS.values() for part in found}
    # The cell is its three parts side by side, which are asked for one by one.
    kept = {*VALUES, *parts, "tier_gap"} - TOLD_BY_STANDING - {"rfm_cell"}
    assert {field.name for field in FIELDS} == kept
    assert all(metrics.get(name).grain == "customer and day" for name in kept)


def test_a_refresh_leaves_the_figures_of_the_newest_scores(home: Unit) -> None:
    rich = party(home, "富")
    account = agreement(rich, product())
    load(
        [
            movement(account, date(2026, 1, 5), "400000", "400000", key="1"),
            movement(account, date(2026, 11, 18), "-1000", "399000", key="2"),
        ]
    )
    refresh(actor=SYSTEM, as_of=AS_OF - timedelta(days=5))
    refresh(actor=SYSTEM, as_of=AS_OF)
    score = Score.objects.get(party=rich, as_of=AS_OF)
    found = Figures.objects.get(party=rich)
    assert str(found.inflow_12m) == score.values["inflow_12m"] == "400000.00"
    assert str(found.outflow_12m) == "1000.00"
    assert found.last_movement_on == date(2026, 11, 18)
    assert found.abc_class == "A"
    assert found.in_top20 is True
    assert found.movements_12m == 2
    assert str(found.fee_income_12m) == score.reasons["contribution_12m"]["fee_income_12m"]
    assert found.rank_growth == float(score.reasons["potential_value"]["rank_growth"])
    cell = (found.rfm_recency, found.rfm_frequency, found.rfm_monetary)
    assert "".join(map(str, cell)) == score.values["rfm_cell"]


def test_who_has_no_score_any_more_has_no_figures(home: Unit) -> None:
    gone, stays = party(home, "去"), party(home, "留")
    scored(gone, AS_OF - timedelta(days=1))
    scored(stays)
    assert keep_figures(AS_OF - timedelta(days=1)) == 1
    assert keep_figures(AS_OF) == 1
    assert list(Figures.objects.values_list("party", flat=True)) == [stays.pk]


def test_the_list_is_narrowed_by_a_metric_in_the_readers_words(home: Unit) -> None:
    lead = signed_in_client(Role.TEAM_LEAD, home)
    for name, inflow, growth in (("多金", "600000", 0.9), ("少金", "400000", 0.2)):
        row: Party = party(home, name)
        Figures.objects.create(
            party=row, inflow_12m=inflow, rank_growth=growth, abc_class="A", in_top20=growth > 0.5
        )
    for where in (
        "inflow_12m.over.50万",
        "rank_growth.from.80%",
        "rank_growth.from.80",
        "in_top20.yes",
        "any(inflow_12m.over.50w,rank_growth.over.95)",
        'abc_class.is.A,inflow_12m.between."0.5m"|1m',
    ):
        page = unescape(lead.get("/customers/", {"where": where}).content.decode())
        assert "多金" in page, where
        assert "少金" not in page, where
        assert "list-problem" not in page, where
    wrong = unescape(lead.get("/customers/", {"where": "inflow_12m.over.many"}).content.decode())
    assert "many" in wrong
    assert "少金" in wrong


def test_who_may_not_see_the_figures_may_not_ask_for_them(home: Unit) -> None:
    row = party(home, "多金")
    Figures.objects.create(party=row, inflow_12m="600000")
    teller = signed_in_client(Role.TELLER, home)
    for where in ("inflow_12m.over.50万", "inflow_12m.under.50万"):
        page = unescape(teller.get("/customers/", {"where": where}).content.decode())
        assert "list-problem" in page
        assert "多金" in page
    actor = actor_with_role(Role.TELLER, home)
    assert not {field.name for field in FIELDS} & set(criteria_for(criteria.PAGE, actor))
    assert Figures.objects.visible_to(actor).count() == 0
