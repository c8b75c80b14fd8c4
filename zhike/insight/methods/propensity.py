"""Who will leave, buy or answer: a chance that means what it says, and why (R-063, R-200, D-30).

Gradient boosting, or a line where that tells more, over a table of features as known on one day, and whether it
happened in the time after. Numbers may be missing, words are categories; a word not seen while training counts as
missing. The same table, order and seed give the same model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import expit, logit
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from zhike.insight.methods.lifetime import NotFitted

Floats = npt.NDArray[np.float64]
Kind = Literal["boosting", "line"]
WORDS = 200  # categories kept of a feature, the most frequent; the model takes 255
FOLDS = 5
MANY = 50_000
FEWEST = 50  # customers to whom it happened, and to whom not; fewer teach nothing


@dataclass(frozen=True)
class Feature:
    """How a column becomes a number: `words` numbers the categories of one that holds text; `usual` is the median, or
    the most frequent word, that reasons are measured against."""

    name: str
    words: dict[str, int] | None
    usual: float

    @classmethod
    def of(cls, name: str, column: pa.ChunkedArray) -> Feature:
        if not _is_text(column.type):
            numbers = _numbers(column)
            known = numbers[~np.isnan(numbers)]
            return cls(name, None, float(np.median(known)) if len(known) else np.nan)
        counted = pc.value_counts(column.drop_null()).to_pylist()
        kept = sorted(counted, key=lambda each: (-each["counts"], each["values"]))[:WORDS]
        return cls(
            name, {each["values"]: at for at, each in enumerate(kept)}, 0.0 if kept else np.nan
        )

    def numbers(self, column: pa.ChunkedArray) -> Floats:
        if self.words is None:
            return _numbers(column)
        return np.array([self.words.get(each, np.nan) for each in column.to_pylist()], float)


class Scores(Protocol):
    """What scikit-learn's classifiers have in common."""

    def decision_function(self, known: Floats, /) -> Floats: ...


@dataclass(frozen=True)
class Propensity:
    """A trained model. `slope` and `base` bring its score onto the scale of what really happened (Platt)."""

    features: tuple[Feature, ...]
    model: Scores
    slope: float
    base: float

    @classmethod
    def train(
        cls,
        table: pa.Table,
        happened: npt.NDArray[np.bool_],
        *,
        kind: Kind = "boosting",
        whose: npt.NDArray[np.int64] | None = None,
        seed: int = 0,
    ) -> Propensity:
        """From features in rows and whether it happened to each; `whose` row it is, where a customer has several.

        Calibrated on scores that each fifth of the customers got from a model of the other four; of `MANY` rows one
        fifth is enough, and the model of the other four stays. All rows of a customer are in one fifth, or a model
        would be tried on what it has learnt by heart. Raises `NotFitted` with fewer than `FEWEST` rows on either side.
        """
        with _one_thread():
            return cls._train(table, np.asarray(happened, bool), kind, whose, seed)

    @classmethod
    def _train(
        cls,
        table: pa.Table,
        happened: npt.NDArray[np.bool_],
        kind: Kind,
        whose: npt.NDArray[np.int64] | None,
        seed: int,
    ) -> Propensity:
        if min(happened.sum(), (~happened).sum()) < FEWEST:
            raise NotFitted(
                f"fewer than {FEWEST} customers to whom it happened, or to whom it did not"
            )
        features = tuple(Feature.of(name, table[name]) for name in table.column_names)
        known = _matrix(features, table)
        many = len(happened) >= MANY
        made = _boosted if kind == "boosting" else _line
        scores, held = np.empty(len(happened)), np.zeros(len(happened), bool)
        for rest, part in _fifths(happened, whose, seed):
            model = made(features, len(rest), seed).fit(known[rest], happened[rest])
            scores[part], held[part] = model.decision_function(known[part]), True
            if many:
                break
        if not many:
            model = made(features, len(happened), seed).fit(known, happened)
        scale = LogisticRegression(C=1e6).fit(scores[held, None], happened[held])
        return cls(features, model, float(scale.coef_[0, 0]), float(scale.intercept_[0]))

    def chance(self, table: pa.Table) -> Floats:
        """The chance that it happens to each, 0 to 1."""
        return self._chance(_matrix(self.features, table))

    def reasons(self, table: pa.Table, *, top: int = 3) -> list[list[tuple[str, float]]]:
        """For each row the features that raise its chance most, with how many points lower it would be (0 to 1)
        were this one feature as usual and everything else as it is. Only what raises it by a thousandth or more.

        Costs a scoring for each feature: ask for those who are shown, not for everybody.
        """
        known = _matrix(self.features, table)
        chance = self._chance(known)
        raised = np.empty_like(known)
        for at, feature in enumerate(self.features):
            usual = known.copy()
            usual[:, at] = feature.usual
            raised[:, at] = chance - self._chance(usual)
        order = np.argsort(-raised, axis=1, kind="stable")[:, :top]
        return [
            [(self.features[at].name, float(row[at])) for at in best if row[at] >= 0.001]
            for row, best in zip(raised, order, strict=True)
        ]

    def _chance(self, known: Floats) -> Floats:
        with _one_thread():
            return np.asarray(expit(self.base + self.slope * self.model.decision_function(known)))


@dataclass(frozen=True)
class Validation:
    """How good chances were, told on customers and a time the model has not seen.

    `auc`: how often one of those it happened to had the higher chance than one of the others. `brier`: the mean square
    between chance and what happened. `bands`: by tenths of customers in order of chance, the mean chance and the share
    it happened to. `slope`, `base`: what logistic regression makes of the chances; 1 and 0 where they say what happens.
    """

    customers: int
    happened: int
    auc: float
    brier: float
    slope: float
    base: float
    bands: tuple[tuple[int, float, float], ...]

    @classmethod
    def of(cls, chance: Floats, happened: npt.NDArray[np.bool_], *, parts: int = 10) -> Validation:
        happened = np.asarray(happened, bool)
        clear = logit(np.clip(chance, 1e-6, 1 - 1e-6))[:, None]
        told = LogisticRegression(C=1e6).fit(clear, happened)
        order = np.argsort(chance, kind="stable")
        return cls(
            customers=len(happened),
            happened=int(happened.sum()),
            auc=float(roc_auc_score(happened, chance)),
            brier=float(brier_score_loss(happened, chance)),
            slope=float(told.coef_[0, 0]),
            base=float(told.intercept_[0]),
            bands=tuple(
                (len(part), float(chance[part].mean()), float(happened[part].mean()))
                for part in np.array_split(order, parts)
                if len(part)
            ),
        )


def drift(before: Floats, after: Floats, *, parts: int = 10) -> float:
    """Population stability index between the chances of two days, by tenths of the earlier one.

    Below 0.1 the customers are as they were, above 0.25 the model no longer knows them (the usual reading in scoring).
    """
    edges = np.unique(np.quantile(before, np.linspace(0, 1, parts + 1)[1:-1]))
    shares = [
        np.bincount(np.searchsorted(edges, each, side="right"), minlength=len(edges) + 1)
        / len(each)
        for each in (before, after)
    ]
    was, now = (np.maximum(each, 1e-4) for each in shares)  # an empty tenth is not infinitely far
    return float(((now - was) * np.log(now / was)).sum())


def _boosted(features: tuple[Feature, ...], rows: int, seed: int) -> HistGradientBoostingClassifier:
    """Shallow trees for few customers, deeper ones for many; stops when a held-out tenth gains nothing more."""
    settings: dict[str, Any] = (
        {"max_leaf_nodes": 8, "min_samples_leaf": 40}
        if rows < MANY
        else {"max_leaf_nodes": 31, "min_samples_leaf": 100}
    )
    return HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=400,
        l2_regularization=1.0,
        early_stopping=True,
        n_iter_no_change=15,
        validation_fraction=0.1,
        categorical_features=[each.words is not None for each in features],
        random_state=seed,
        **settings,
    )


def _line(features: tuple[Feature, ...], rows: int, seed: int) -> Pipeline:
    """Logistic regression: each number as it stands, each word for itself."""
    words = np.array([each.words is not None for each in features])
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    columns = make_column_transformer(
        (numbers, np.flatnonzero(~words)),
        (OneHotEncoder(handle_unknown="ignore"), np.flatnonzero(words)),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1_000, random_state=seed))


def _fifths(
    happened: npt.NDArray[np.bool_], whose: npt.NDArray[np.int64] | None, seed: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Rows to train on and rows to try on, five times; no customer on both sides."""
    if whose is None:
        yield from StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(happened, happened)
    else:
        folds = GroupKFold(FOLDS, shuffle=True, random_state=seed)
        yield from folds.split(happened, happened, whose)


def _one_thread() -> threadpool_limits:
    """Beside a site that serves pages its threads would wait for each other: minutes instead of seconds."""
    return threadpool_limits(1, user_api="openmp")


def _matrix(features: tuple[Feature, ...], table: pa.Table) -> Floats:
    return np.column_stack([each.numbers(table[each.name]) for each in features])


def _numbers(column: pa.ChunkedArray) -> Floats:
    if pa.types.is_boolean(column.type):
        column = column.cast("int8")
    return np.asarray(column.cast("float64").to_numpy(), float)


def _is_text(kind: pa.DataType) -> bool:
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary)
    return any(each(kind) for each in texts)
