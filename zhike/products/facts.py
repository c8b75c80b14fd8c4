"""What moves on an agreement. Facts live in the warehouse, never in PostgreSQL; these are their columns.

Written by loads (masterdata), read by staging (insight). `party_id` and `agreement_id` are the keys inside;
numbers of accounts never come here. `amount` is positive, `direction` is the customer's: in or out.
Both tables are partitioned by `month` ("2026-11") and sorted by party within a file.
"""

from __future__ import annotations

import pyarrow as pa

MONEY = pa.decimal128(18, 2)

TRANSACTIONS = "facts/transactions"
TRANSACTION_COLUMNS = pa.schema(
    [
        ("party_id", pa.int64()),
        ("agreement_id", pa.int64()),
        ("booked_on", pa.date32()),
        ("direction", pa.string()),
        ("amount", MONEY),
        ("balance", MONEY),
        ("kind", pa.string()),
        ("channel", pa.string()),
        ("source", pa.string()),
        ("transaction_key", pa.string()),
        ("month", pa.string()),
    ]
)

BALANCES = "facts/balances"
BALANCE_COLUMNS = pa.schema(
    [
        ("party_id", pa.int64()),
        ("agreement_id", pa.int64()),
        ("month_end", pa.date32()),
        ("balance", MONEY),
        ("average_balance", MONEY),
        ("source", pa.string()),
        ("month", pa.string()),
    ]
)

DIRECTIONS = ("in", "out")

# The institution's words for kinds of movement; packs map a source's codes onto them.
KINDS = (
    "salary",
    "pension",
    "interest",
    "penalty_interest",
    "fee",
    "transfer",
    "cash",
    "card",
    "loan_drawdown",
    "loan_repayment",
    "wealth_buy",
    "wealth_redeem",
    "agriculture_sale",
    "household",
    "insurance",
    "leasing",
    "rent",
    "tax",
    "utility",
    "other",
)
CHANNELS = ("counter", "mobile", "web", "atm", "pos", "transfer", "auto", "unknown")
