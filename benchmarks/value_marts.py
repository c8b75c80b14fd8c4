"""Value marts as Ibis expressions against the same questions in hand-written DuckDB SQL on the same Parquet files.

    python benchmarks/value_marts.py [TRANSACTIONS] [--rounds N]

Both sides build the same four tables in memory: customer day, agreement month, customer month, and RFM, ABC and
80/20 over them; their check values must be equal. The figure is CPU seconds (user and system, all threads) of one
whole build, the median of interleaved rounds, so that other work on the machine weighs on both sides alike.
Goal: a ratio of at most 1.1.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zhike.insight import marts, staging
from zhike.insight.methods.abc import abc
from zhike.insight.methods.concentration import concentration
from zhike.insight.methods.rfm import rfm
from zhike.products.facts import BALANCE_COLUMNS, TRANSACTION_COLUMNS

MONTHS = [f"{2024 + n // 12}-{n % 12 + 1:02d}" for n in range(24)]
FIRST_MONTH = MONTHS[12]
KINDS = np.array(["transfer", "card", "fee", "salary", "cash"])
CHANNELS = np.array(["mobile", "counter", "atm", "pos", "web"])
CHECKS = {
    "days": "SELECT count(*), sum(inflow), sum(outflow), sum(fee_income), sum(movements) FROM days",
    "agreements": "SELECT count(*), sum(closing), sum(balance_days) FROM agreements",
    "months": "SELECT count(*), sum(inflow), max(last_on), sum(assisted) FROM months",
    "value": "SELECT rfm_cell, abc_class, in_top20, max(top20_share), count(*), sum(turnover) "
    "FROM value GROUP BY ALL ORDER BY ALL",
}


def generate(folder: Path, rows: int) -> str:
    """`rows` invented movements of rows / 20 customers over 24 months, sorted by party within a month."""
    chance = np.random.default_rng(7)
    each = rows // len(MONTHS)
    for month in MONTHS:
        party = np.sort(chance.zipf(1.3, each) % (rows // 20)) + 1
        start = np.datetime64(f"{month}-01")
        length = int(((np.datetime64(month) + 1).astype("datetime64[D]") - start).astype(int))
        booked = start + chance.integers(0, length, each)
        cents = np.maximum((chance.pareto(1.5, each) * 10_000).astype(np.int64), 1) % 10**10
        balance = chance.integers(0, 10**8, each)
        columns = {
            "party_id": pa.array(party, pa.int64()),
            "agreement_id": pa.array(party * 2 + chance.integers(0, 2, each), pa.int64()),
            "booked_on": pa.array(booked),
            "direction": pa.array(np.where(chance.random(each) < 0.6, "out", "in")),
            "amount": _money(cents),
            "balance": _money(balance),
            "kind": pa.array(KINDS[chance.integers(0, len(KINDS), each)]),
            "channel": pa.array(CHANNELS[chance.integers(0, len(CHANNELS), each)]),
            "source": pa.array(np.full(each, "core")),
            "transaction_key": pa.array(np.char.add(month, np.arange(each).astype(str))),
        }
        schema = pa.schema([field for field in TRANSACTION_COLUMNS if field.name != "month"])
        target = folder / f"month={month}"
        target.mkdir()
        table = pa.table(columns).cast(schema)
        pq.write_table(table, target / "part.parquet", compression="zstd")
    return f"{folder}/*/*.parquet"


def _money(cents: np.ndarray) -> pa.Array:
    """Whole cents as decimal(18, 2), by laying the integers under the type: no division, no rounding."""
    wide = np.zeros((len(cents), 2), np.int64)
    wide[:, 0] = cents
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(wide)])


def connection(files: str) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("SET memory_limit = '4GB'")
    con.execute("SET threads = 2")
    con.execute(
        f"CREATE TEMP VIEW transactions AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)"
    )
    return con


def ours(files: str) -> duckdb.DuckDBPyConnection:
    con = connection(files)
    con.register("balances", BALANCE_COLUMNS.empty_table())
    backend = ibis.duckdb.from_connection(con)

    def keep(name: str, expression: ibis.Table) -> ibis.Table:
        con.execute(f"CREATE TEMP TABLE {name} AS {backend.compile(expression)}")
        return backend.table(name)

    facts = staging.transactions(backend.table("transactions"))
    stated = staging.balances(backend.table("balances"))
    days = keep("days", marts.customer_day(facts))
    keep("agreements", marts.agreement_month(facts, stated))
    months = keep("months", marts.customer_month(days))
    late = months.filter(months.month >= FIRST_MONTH)
    totals = late.group_by("party_id").agg(
        last_on=late.last_on.max(),
        movements=late.movements.sum(),
        turnover=(late.inflow + late.outflow).sum().cast("decimal(18, 2)"),
    )
    scored = rfm(totals, id="party_id", last_on="last_on", count="movements", amount="turnover")
    scored = abc(scored, id="party_id", value="turnover")
    keep("value", concentration(scored, id="party_id", value="turnover"))
    return con


RAW = f"""
CREATE TEMP TABLE days AS
SELECT party_id, month, booked_on AS day,
    coalesce(sum(amount) FILTER (WHERE direction <> 'out'), 0)::DECIMAL(18, 2) AS inflow,
    coalesce(sum(amount) FILTER (WHERE direction = 'out'), 0)::DECIMAL(18, 2) AS outflow,
    coalesce(sum(amount) FILTER (WHERE kind = 'loan_drawdown'), 0)::DECIMAL(18, 2) AS borrowed,
    coalesce(sum(amount) FILTER (WHERE direction = 'out' AND kind IN ('fee', 'penalty_interest')), 0)
        ::DECIMAL(18, 2) AS fee_income,
    count(*)::INTEGER AS movements,
    count(*) FILTER (WHERE channel = 'counter')::INTEGER AS assisted,
    count(*) FILTER (WHERE channel IN ('atm', 'pos'))::INTEGER AS device
FROM transactions GROUP BY ALL;

CREATE TEMP TABLE agreements AS
WITH daily AS (
    SELECT agreement_id, month, booked_on,
        arg_max(balance, lpad(length(transaction_key)::VARCHAR, 4, '0') || transaction_key) AS balance
    FROM transactions WHERE balance IS NOT NULL GROUP BY ALL
), held AS (
    SELECT *, coalesce(lead(booked_on) OVER (PARTITION BY agreement_id, month ORDER BY booked_on),
        ((month || '-01')::DATE + INTERVAL 1 MONTH)::DATE) AS held_to
    FROM daily
)
SELECT agreement_id, month, min(booked_on) AS first_on, arg_max(balance, booked_on) AS closing,
    sum(balance * (held_to - booked_on)::SMALLINT)::DECIMAL(28, 2) AS balance_days
FROM held GROUP BY agreement_id, month;

CREATE TEMP TABLE months AS
SELECT party_id, month, sum(inflow)::DECIMAL(18, 2) AS inflow, sum(outflow)::DECIMAL(18, 2) AS outflow,
    sum(borrowed)::DECIMAL(18, 2) AS borrowed, sum(fee_income)::DECIMAL(18, 2) AS fee_income,
    sum(movements)::INTEGER AS movements, sum(assisted)::INTEGER AS assisted,
    sum(device)::INTEGER AS device, max(day) AS last_on
FROM days GROUP BY party_id, month;

CREATE TEMP TABLE value AS
WITH totals AS (
    SELECT party_id, max(last_on) AS last_on, sum(movements) AS movements,
        sum(inflow + outflow)::DECIMAL(18, 2) AS turnover
    FROM months WHERE month >= '{FIRST_MONTH}' GROUP BY party_id
), ranked AS (
    SELECT *, (turnover * 100)::BIGINT AS cents,
        ntile(5) OVER (ORDER BY last_on, party_id) AS r,
        ntile(5) OVER (ORDER BY movements, party_id) AS f,
        ntile(5) OVER (ORDER BY turnover, party_id) AS m
    FROM totals
), run AS (
    SELECT *, sum(cents) OVER best - cents AS before, sum(cents) OVER () AS total,
        row_number() OVER best - 1 AS place, count(*) OVER () AS size
    FROM ranked WINDOW best AS (ORDER BY cents DESC, party_id ROWS UNBOUNDED PRECEDING)
)
SELECT party_id, turnover, r::VARCHAR || f::VARCHAR || m::VARCHAR AS rfm_cell,
    CASE WHEN cents = 0 THEN 'C' WHEN before * 100 < total * 80 THEN 'A'
         WHEN before * 100 < total * 95 THEN 'B' ELSE 'C' END AS abc_class,
    place * 100 < size * 20 AS in_top20,
    (sum(CASE WHEN place * 100 < size * 20 THEN cents ELSE 0 END) OVER () / total)::DECIMAL(9, 6)
        AS top20_share
FROM run;
"""


def raw(files: str) -> duckdb.DuckDBPyConnection:
    con = connection(files)
    con.execute(RAW)
    return con


def cpu(
    build: Callable[[str], duckdb.DuckDBPyConnection], files: str
) -> tuple[float, dict[str, object]]:
    """CPU seconds of one build, and its check values."""
    start = _spent()
    con = build(files)
    seconds = _spent() - start
    checks: dict[str, object] = {name: con.execute(sql).fetchall() for name, sql in CHECKS.items()}
    con.close()
    return seconds, checks


def _spent() -> float:
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("transactions", nargs="?", type=int, default=20_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="zhike-bench-") as folder:
        files = generate(Path(folder), asked.transactions)
        figures: dict[str, list[float]] = {"ours": [], "raw": []}
        for number in range(asked.rounds):
            order = [("ours", ours), ("raw", raw)]
            found = {}
            for name, build in order if number % 2 == 0 else reversed(order):
                seconds, found[name] = cpu(build, files)
                figures[name].append(seconds)
            if found["ours"] != found["raw"]:
                raise SystemExit("The two sides do not agree.")
            print(
                f"round {number + 1}: Ibis {figures['ours'][-1]:.2f}, SQL {figures['raw'][-1]:.2f} CPU-s"
            )
    mine, peer = (statistics.median(figures[name]) for name in ("ours", "raw"))
    print(
        f"value marts on {asked.transactions:,} transactions: {mine:.2f} CPU-s; "
        f"hand-written DuckDB SQL {peer:.2f} CPU-s; ratio {mine / peer:.2f} (goal <= 1.1)"
    )


if __name__ == "__main__":
    main()
