"""Chances of leaving: ours beside a logistic regression and plain gradient boosting, in one run.

    python benchmarks/leaving.py [--home FOLDER]

On `telco_churn` and `churn_modelling` (every third customer held out) and on 200,000 planted customers of whom the true
chance is known. A slope of 1 means that chances are as they say; the gain is (AUC - 0.5) as a share of what knowing
the truth would give. With `--home` also on an institution made by `zhike demo` or `zhike berka`: trained on three cuts,
validated on one three months later (`insight.leaving`). Goals: gain at least 0.96, reasons of 1,000 customers within
2 CPU seconds.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from scipy.special import expit
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from zhike.insight.methods.propensity import Propensity, Validation

DATA = Path(__file__).parents[2] / "shared" / "data"
LEAST = Decimal(10_000)
Customers = tuple[str, pa.Table, np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]
"""Name, features, whether it happened, whether held out, the true chance where it is known, whose row it is where a
customer has several."""


def sets(home: Path | None) -> Iterator[Customers]:
    for name, table, happened, truth in tables():
        yield name, table, happened, np.arange(len(happened)) % 3 == 0, truth, None
    if home:
        yield institution(home)


def institution(home: Path) -> Customers:
    os.environ["ZHIKE_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    import django

    django.setup()
    from zhike.insight import build, leaving, staging
    from zhike.kernel.warehouse import Warehouse
    from zhike.products.facts import TRANSACTIONS

    with staging.reading(Warehouse(), *build.KEPT) as staged:
        last = staged.backend.to_pyarrow(staged[TRANSACTIONS].booked_on.max()).as_py()
        cuts = leaving.Cuts(leaving.whole_until(last))
        told: list[tuple[pa.Table, np.ndarray]] = []
        for cut in (*cuts.trained, cuts.validated):
            known, left = (
                staged.stream(make(staged.tables, cut, least=LEAST).order_by("party_id")).read_all()
                for make in (leaving.features, leaving.left)
            )
            assert known["party_id"] == left["party_id"]
            told.append((known, yes(left["left"], True)))
            print(f"{home.name:16} on {cut}: {len(known):,} customers, {told[-1][1].sum():,} left")
    table = pa.concat_tables([known for known, _left in told])
    happened = np.concatenate([left for _known, left in told])
    return (
        home.name,
        table.drop_columns(["party_id"]),
        happened,
        np.arange(len(happened)) >= len(happened) - len(told[-1][1]),
        None,
        table["party_id"].to_numpy(),
    )


def tables() -> Iterator[tuple[str, pa.Table, np.ndarray, np.ndarray | None]]:
    told = read("telco_churn/telco_customer_churn.csv.gz")
    yield "telco_churn", told.drop_columns(["customerID", "Churn"]), yes(told["Churn"], "Yes"), None
    told = read("churn_modelling/Churn_Modelling.csv.gz")
    features = told.drop_columns(["RowNumber", "CustomerId", "Surname", "Exited"])
    yield "churn_modelling", features, yes(told["Exited"], 1), None
    random = np.random.default_rng(23)
    known = random.normal(size=(200_000, 20))
    score = (
        known[:, :6] @ [0.7, -0.5, 0.4, 0.3, -0.3, 0.2]
        + 0.5 * known[:, 0] * known[:, 1]
        - 0.4 * known[:, 2] ** 2
    )
    truth = expit(score - 1.8)
    table = pa.table({f"f{at}": column for at, column in enumerate(known.T)})
    yield "planted", table, random.random(len(truth)) < truth, truth


def read(name: str) -> pa.Table:
    options = pa.csv.ConvertOptions(null_values=["", " "])
    with gzip.open(DATA / name) as lines:
        return pa.csv.read_csv(lines, convert_options=options)


def yes(column: pa.ChunkedArray, word: object) -> np.ndarray:
    return np.array([each == word for each in column.to_pylist()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path)
    for name, table, happened, held, truth, whose in sets(parser.parse_args().home):
        seen, later = table.filter(~held), table.filter(held)
        best = Validation.of(truth[held], happened[held]).auc if truth is not None else None
        for kind in ("line", "boosting"):
            begun = time.process_time()
            model = Propensity.train(
                seen, happened[~held], kind=kind, whose=None if whose is None else whose[~held]
            )
            ours = time.process_time() - begun
            show(name, f"our {kind}", model.chance(later), happened[held], ours, best)
        numbers = np.column_stack([each.numbers(table[each.name]) for each in model.features])
        words = np.array([each.words is not None for each in model.features])
        for peer, made in (("boosting", boosting), ("logistic", logistic)):
            begun = time.process_time()
            chance = made(words)(numbers[~held], happened[~held], numbers[held])
            show(name, peer, chance, happened[held], time.process_time() - begun, best)
        begun = time.process_time()
        model.reasons(later.slice(0, 1_000))
        print(f"{name:16} reasons of 1,000 customers: {time.process_time() - begun:.2f} CPU s")


Chances = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def boosting(words: np.ndarray) -> Chances:
    plain = HistGradientBoostingClassifier(random_state=0, categorical_features=words)
    return lambda seen, happened, later: plain.fit(seen, happened).predict_proba(later)[:, 1]


def logistic(words: np.ndarray) -> Chances:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (numbers, np.flatnonzero(~words)),
        (OneHotEncoder(handle_unknown="ignore"), np.flatnonzero(words)),
    )
    line = make_pipeline(columns, LogisticRegression(max_iter=1_000))
    return lambda seen, happened, later: line.fit(seen, happened).predict_proba(later)[:, 1]


def show(
    name: str, who: str, chance: np.ndarray, happened: np.ndarray, cpu: float, best: float | None
) -> None:
    told = Validation.of(chance, happened)
    gain = f", gain {(told.auc - 0.5) / (best - 0.5):.3f}" if best else ""
    print(
        f"{name:16} {who:12} AUC {told.auc:.4f}, Brier {told.brier:.4f}, slope {told.slope:.2f}, {cpu:.1f} CPU s{gain}"
    )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
