"""What a named number is, and the one list of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

from zhike.kernel.registry import Registry

Unit = Literal["money", "share", "score", "count", "ratio", "date", "code"]
Text = str | Promise


@dataclass(frozen=True)
class Metric:
    """One number. `grain` is what there is one value of; `parts` are the metrics that its formula takes.

    A share is 0 to 1, a score 0 to 100; money is in the institution's currency.
    """

    name: str
    label: Text
    unit: Unit
    grain: str
    formula: Text
    owner: str
    explanation: Text
    requirement: str
    parts: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.name


metrics: Registry[Metric] = Registry("insight.metrics")
