"""The catalogue: every number by one name, with its unit, grain, formula and one sentence for the reader.

A name is also the column of `marts/customer_value` and the key in `Score.values`; the parts of a metric are the
keys of its reasons. A pack adds its own with `metrics.register` while it starts.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.insight.catalogue import Metric, Text, Unit, metrics

__all__ = ["Metric", "Unit", "metrics"]

CUSTOMER = "customer and day"
INSTITUTION = "institution and day"
FINANCE, ANALYSIS, RETAIL = "finance", "analysis", "customer management"


def _add(
    name: str,
    label: Text,
    unit: Unit,
    formula: Text,
    explanation: Text,
    requirement: str,
    parts: str = "",
    owner: str = ANALYSIS,
    grain: str = CUSTOMER,
) -> None:
    metrics.register(
        Metric(
            name, label, unit, grain, formula, owner, explanation, requirement, tuple(parts.split())
        )
    )


_add(
    "balance",
    _("Balance"),
    "money",
    _("sum of the balances of the customer's own open agreements that are not loans"),
    _("What the customer has placed with us on the day."),
    "R-031",
    owner=FINANCE,
)
_add(
    "loan_balance",
    _("Loans"),
    "money",
    _(
        "sum of what is still owed on open loans; in a straight line to maturity where no balance is reported"
    ),
    _("What the customer owes us on the day."),
    "R-031",
    owner=FINANCE,
)
_add(
    "balance_before",
    _("Balance three months back"),
    "money",
    _("balance at the end of the third month before that of the day"),
    _("Where the change of the balance is measured from."),
    "R-025",
    owner=FINANCE,
)
_add(
    "balance_change_3m",
    _("Change in three months"),
    "money",
    _("balance − balance three months back"),
    _("Whether the customer brings money or takes it away."),
    "R-025",
    "balance_before",
)
_add(
    "average_balance",
    _("Average balance"),
    "money",
    _("sum of each day's balance over the twelve months ÷ days"),
    _("What the customer kept with us on an average day of the last twelve months."),
    "R-031",
    owner=FINANCE,
)
_add(
    "inflow_12m",
    _("Inflow, 12 months"),
    "money",
    _("sum of amounts received in the month of the day and the eleven before"),
    _("Money that came to the customer's accounts, and could stay."),
    "R-029",
)
_add(
    "outflow_12m",
    _("Outflow, 12 months"),
    "money",
    _("sum of amounts spent in the month of the day and the eleven before"),
    _("Money that left the customer's accounts."),
    "R-029",
)
_add(
    "turnover_12m",
    _("Turnover, 12 months"),
    "money",
    _("inflow + outflow"),
    _("Everything that moved through the customer's accounts."),
    "R-029",
    "inflow_12m outflow_12m",
)
_add(
    "movements_12m",
    _("Movements, 12 months"),
    "count",
    _("number of movements in the month of the day and the eleven before"),
    _("How often the customer uses us."),
    "R-029",
)
_add(
    "last_movement_on",
    _("Last movement"),
    "date",
    _("day of the newest movement"),
    _("When the customer last used us."),
    "R-029",
)
_add(
    "net_interest_liability",
    _("Net interest on deposits"),
    "money",
    _("balance days ÷ 365 × (transfer price − rate)"),
    _("What the customer's deposits are worth against the treasury's price of money."),
    "R-031",
    owner=FINANCE,
)
_add(
    "net_interest_asset",
    _("Net interest on loans"),
    "money",
    _("balance days ÷ 365 × (rate − transfer price)"),
    _("What the customer's loans earn above the treasury's price of money."),
    "R-031",
    owner=FINANCE,
)
_add(
    "net_interest_intermediary",
    _("Margin on wealth products"),
    "money",
    _("balance days ÷ 365 × set margin"),
    _("What placing other people's products earns."),
    "R-031",
    owner=FINANCE,
)
_add(
    "fee_income_12m",
    _("Fees, 12 months"),
    "money",
    _("sum of fees and penalty interest paid"),
    _("Fees the customer paid us."),
    "R-031",
    owner=FINANCE,
)
_add(
    "service_cost_12m",
    _("Service cost, 12 months"),
    "money",
    _("movements × cost by the way they were made + open agreements × yearly cost"),
    _("What serving the customer cost us."),
    "R-031",
    owner=FINANCE,
)
_add(
    "contribution_12m",
    _("Contribution, 12 months"),
    "money",
    _(
        "net interest on deposits + net interest on loans + margin on wealth products + fees − service cost"
    ),
    _("What the whole relationship brought in twelve months, all products together."),
    "R-031",
    "net_interest_liability net_interest_asset net_interest_intermediary fee_income_12m service_cost_12m",
    owner=FINANCE,
)
_add(
    "profit_contribution_rate",
    _("Profit contribution rate"),
    "share",
    _("contribution ÷ contribution of all customers"),
    _("The customer's part of all that customers bring."),
    "R-031",
    "contribution_12m",
    owner=FINANCE,
)
_add(
    "input_output_ratio",
    _("Input-output ratio"),
    "ratio",
    _("(contribution + service cost) ÷ service cost"),
    _("How much comes back for each unit spent on service."),
    "R-031",
    "contribution_12m service_cost_12m",
    owner=FINANCE,
)
_add(
    "rfm_recency",
    _("Recency"),
    "score",
    _("quintile of the last movement, 5 the newest"),
    _("How lately the customer used us, from 1 to 5."),
    "R-029",
    "last_movement_on",
)
_add(
    "rfm_frequency",
    _("Frequency"),
    "score",
    _("quintile of the number of movements, 5 the most"),
    _("How often the customer uses us, from 1 to 5."),
    "R-029",
    "movements_12m",
)
_add(
    "rfm_monetary",
    _("Monetary"),
    "score",
    _("quintile of the turnover, 5 the largest"),
    _("How much moves through the customer's accounts, from 1 to 5."),
    "R-029",
    "turnover_12m",
)
_add(
    "rfm_cell",
    _("RFM cell"),
    "code",
    _("recency, frequency and monetary one after another"),
    _("555 uses us lately, often and for much; 111 the opposite."),
    "R-029",
    "rfm_recency rfm_frequency rfm_monetary",
)
_add(
    "abc_class",
    _("ABC class"),
    "code",
    _(
        "customers by contribution from the top: A until 80% are reached, B until 95%, then C (cuts are data)"
    ),
    _("A are the few who bring most."),
    "R-028",
    "contribution_12m",
)
_add(
    "in_top20",
    _("Among the top 20%"),
    "code",
    _("place by contribution within the best fifth of customers"),
    _("Whether the customer stands on the list of key customers."),
    "R-027",
    "contribution_12m",
)
_add(
    "top20_share",
    _("Share of the top 20%"),
    "share",
    _("contribution of the best fifth of customers ÷ contribution of all; losses count as zero"),
    _("How much hangs on few customers: four fifths is the rule of thumb."),
    "R-027",
    grain=INSTITUTION,
)
_add(
    "rank_contribution",
    _("Rank by contribution"),
    "share",
    _("share of the other customers with less contribution"),
    _("0 is the last, 1 the first."),
    "R-025",
)
_add(
    "rank_balance",
    _("Rank by balance"),
    "share",
    _("share of the other customers with a smaller balance"),
    _("0 is the last, 1 the first."),
    "R-025",
)
_add(
    "current_value",
    _("Current value"),
    "score",
    _("60 × rank by contribution + 40 × rank by balance (weights are data)"),
    _("What the customer is worth to us today, from 0 to 100."),
    "R-025",
    "rank_contribution rank_balance",
)
_add(
    "rank_growth",
    _("Rank by growth"),
    "share",
    _("share of the other customers whose balance grew less, against what it was"),
    _("0 is the last, 1 the first."),
    "R-025",
)
_add(
    "holdings_gap",
    _("Gap in products"),
    "share",
    _("1 − product categories held ÷ categories offered"),
    _("How much of the catalogue the customer does not use yet."),
    "R-025",
    "categories_held",
)
_add(
    "rank_inflow",
    _("Rank by inflow"),
    "share",
    _("share of the other customers with less inflow in 12 months"),
    _("0 is the last, 1 the first."),
    "R-025",
)
_add(
    "potential_value",
    _("Potential value"),
    "score",
    _("30 × rank by growth + 30 × gap in products + 40 × rank by inflow (weights are data)"),
    _("What the customer could become worth to us, from 0 to 100."),
    "R-025",
    "rank_growth holdings_gap rank_inflow",
)
_add(
    "value_class",
    _("Value class"),
    "code",
    _(
        "high: current and potential value at their cuts; second: current only; potential: potential only; else low"
    ),
    _("How the customer is best served: keep, deepen, develop or automate."),
    "R-025",
    "current_value potential_value",
)
_add(
    "tier",
    _("Tier"),
    "code",
    _(
        "the highest tier whose balance or contribution is reached; lost only after the hold period (both are data)"
    ),
    _("The level of service the customer has earned."),
    "R-023",
    "balance contribution_12m",
    owner=RETAIL,
)
_add(
    "tier_gap",
    _("Missing to the next tier"),
    "money",
    _("balance of the next tier − balance"),
    _("What is missing for the next tier."),
    "R-023",
    owner=RETAIL,
)
_add(
    "agreements_held",
    _("Open agreements"),
    "count",
    _("number of open agreements the customer owns"),
    _("Accounts, cards, loans and contracts that are open."),
    "R-025",
)
_add(
    "categories_held",
    _("Product categories held"),
    "count",
    _("number of product categories among open agreements"),
    _("How many kinds of product the customer uses."),
    "R-025",
)
_add(
    "recent_inflow",
    _("Inflow of late"),
    "money",
    _("sum of amounts received in the last days, without loans paid out (how many days is data)"),
    _("Money of the customer's own that has just come in."),
    "R-059",
)
_add(
    "recent_outflow",
    _("Outflow of late"),
    "money",
    _("sum of amounts spent in the last days (how many is data)"),
    _("Money that has just left."),
    "R-059",
)
_add(
    "recent_largest",
    _("Largest inflow of late"),
    "money",
    _("the most received on one of the last days, without loans paid out"),
    _("The inflow worth asking about."),
    "R-059",
)
_add(
    "recent_largest_on",
    _("Day of the largest inflow"),
    "date",
    _("the day of the largest inflow of late"),
    _("When the money came."),
    "R-059",
)

PORTFOLIO = "portfolio and day"
_add(
    "portfolio_customers",
    _("Customers looked after"),
    "count",
    _("number of customers of a main manager, or of a unit and all below it"),
    _("How many customers somebody answers for."),
    "R-045",
    owner=RETAIL,
    grain=PORTFOLIO,
)
_add(
    "portfolio_upper",
    _("Customers of upper tiers"),
    "count",
    _("number of those customers above the lowest tier"),
    _("How many of them have earned more than the ordinary service."),
    "R-098",
    "tier",
    owner=RETAIL,
    grain=PORTFOLIO,
)
_add(
    "portfolio_balance",
    _("Balance looked after"),
    "money",
    _("sum of the balances of those customers"),
    _("What these customers have placed with us on the day."),
    "R-045",
    "balance",
    owner=FINANCE,
    grain=PORTFOLIO,
)
_add(
    "portfolio_contribution",
    _("Contribution looked after, 12 months"),
    "money",
    _("sum of the contributions of those customers"),
    _("What these customers brought in twelve months."),
    "R-045",
    "contribution_12m",
    owner=FINANCE,
    grain=PORTFOLIO,
)
_add(
    "top_n_share",
    _("Share of the largest"),
    "share",
    _("gains of the largest 1, 10, 50 or 100 customers ÷ gains of all; losses count as zero"),
    _("What would be missing if the few largest left."),
    "R-098",
    "contribution_12m balance",
    grain=INSTITUTION,
)
_add(
    "upper_growth",
    _("Growth of the upper tiers"),
    "share",
    _("customers above the lowest tier ÷ those on the earlier day − 1"),
    _("Whether the group that carries the business grows."),
    "R-098",
    "portfolio_upper",
    owner=RETAIL,
    grain=INSTITUTION,
)
