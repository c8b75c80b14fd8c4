"""What training finds out, as plain data."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

import pyarrow as pa

from zhike.masterdata.matching.comparing import KINDS, SCHEMES, Comparison, Kind

VERSION: Final = 4
SMALLEST: Final = 1e-5  # no level is impossible


@dataclass(frozen=True)
class Likelihoods:
    """Of one comparison: the probability of each level among pairs of one entity (m) and of two (u), in the
    order of the comparison's levels; each adds up to 1."""

    m: tuple[float, ...]
    u: tuple[float, ...]

    def weight(self, place: int) -> float:
        """log2(m / u) of the level at `place` (Fellegi and Sunter 1969)."""
        return math.log2(self.m[place] / self.u[place])


@dataclass(frozen=True)
class Terms:
    """How often a column's values occur: `share` of the records that have one, for the frequent ones; any other
    is taken to occur as often as `rare`. Where a level counts its agreement among strangers, both are what is left
    without those of one entity, and u is the least they can be."""

    share: Mapping[str, float]
    rare: float

    @cached_property
    def table(self) -> Any:
        """The shares as a table of value and share; made once, for a score of two records needs it as well."""
        shares = pa.array(list(self.share.values()), pa.float64())
        return pa.table({"value": pa.array(list(self.share), pa.string()), "share": shares})


@dataclass(frozen=True)
class KindModel:
    """What is known of one kind. `prior`: the probability that two records drawn at random are of one entity;
    `keys`: names of the scheme's keys that are worth their pairs."""

    records: int
    prior: float
    keys: tuple[str, ...]
    likelihoods: Mapping[str, Likelihoods]
    terms: Mapping[str, Terms]
    # A pair of weight w has the probability logistic(offset + slope * w): 0 and ln 2 where nobody judged pairs.
    offset: float = 0.0
    slope: float = math.log(2)

    @property
    def prior_weight(self) -> float:
        """log2 of the prior's odds."""
        return math.log2(self.prior / (1 - self.prior))


@dataclass(frozen=True)
class Model:
    """Everything a score depends on. `secret` keys the digests of private terms; it is no part of the JSON."""

    normaliser: str
    kinds: Mapping[Kind, KindModel]
    secret: bytes = field(repr=False)
    version: int = VERSION

    def as_json(self) -> str:
        """The model as JSON text, without the secret and without any value of a person's own."""
        kinds = {kind: dataclasses.asdict(model) for kind, model in self.kinds.items()}
        return json.dumps(
            {"version": self.version, "normaliser": self.normaliser, "kinds": kinds},
            ensure_ascii=False,
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str, secret: bytes) -> Self:
        """The model that `as_json` wrote, with the secret it was trained with. ValueError for another version."""
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError(
                f"A model of version {data['version']} is not one of {VERSION}: train it anew."
            )
        return cls(
            data["normaliser"],
            {kind: _kind_model(data["kinds"][kind]) for kind in KINDS},
            secret,
        )


def _kind_model(data: Mapping[str, Any]) -> KindModel:
    return KindModel(
        **{
            **data,
            "keys": tuple(data["keys"]),
            "likelihoods": {
                name: Likelihoods(tuple(each["m"]), tuple(each["u"]))
                for name, each in data["likelihoods"].items()
            },
            "terms": {name: Terms(**each) for name, each in data["terms"].items()},
        }
    )


def shares(values: list[float]) -> tuple[float, ...]:
    """Values made into probabilities: none below SMALLEST of their sum, adding up to 1."""
    raised = [max(value, SMALLEST) for value in values]
    return tuple(value / sum(raised) for value in raised)


def expected(comparison: Comparison) -> Likelihoods:
    """The likelihoods a comparison is written down with."""
    m = shares([level.m for level in comparison.levels])
    return Likelihoods(m, tuple(level.u for level in comparison.levels))


def untrained(kind: Kind, records: int) -> KindModel:
    """A model of experience alone, for as few records as nothing can be learned from."""
    scheme = SCHEMES[kind]
    size = max(records, 2)
    return KindModel(
        records=records,
        prior=min(0.5, 1 / size),
        keys=tuple(key.name for key in scheme.keys),
        likelihoods={c.name: expected(c) for c in scheme.comparisons},
        terms={term: Terms({}, 1 / max(size, 10_000)) for term in scheme.terms},
    )
