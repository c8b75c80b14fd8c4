"""A waterfall of weights: from how rare two records of one customer are, comparison by comparison, to the sum."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from zhike.ui.charts import Cell, Chart

PRIOR, FOR, AGAINST, SUM = "soft", "good", "bad", "accent"


@dataclass(frozen=True)
class Bar:
    """From where to where a bar reaches, in the tone of what it says."""

    label: str
    start: float
    end: float
    tone: str

    @property
    def weight(self) -> float:
        return self.end - self.start


def bars(steps: Sequence[tuple[str, float]]) -> list[Bar]:
    """A bar a step (label, weight), each beginning where the one before ended, and one for the sum."""
    found, reached = [], 0.0
    for at, (label, weight) in enumerate(steps):
        tone = PRIOR if at == 0 else FOR if weight >= 0 else AGAINST
        found.append(Bar(label, reached, reached + weight, tone))
        reached += weight
    return [*found, Bar(_("Sum"), 0.0, reached, SUM)]


def waterfall(steps: Sequence[tuple[str, float]], probability: float) -> Chart:
    """`steps` are (label, weight), the prior first; weights are log2 of how much likelier one customer is.

    The table says the same: weight and sum after each step, and the probability at the end.
    """
    drawn = bars(steps)
    low, high = (
        pick(each for bar in drawn for each in (bar.start, bar.end)) for pick in (min, max)
    )
    step = 5 if high - low > 12 else 1
    room = (high - low) * 0.12  # for the figures at the ends
    option = {
        "legend": {"show": False},
        "grid": {"top": 8},
        "xAxis": {
            "type": "value", "name": _("Weight: each 1 doubles the odds, each −1 halves them"),
            "nameLocation": "middle", "nameGap": 26,
            "min": step * math.floor((low - room) / step),
            "max": step * math.ceil((high + room) / step), "minInterval": step,
            "axisLabel": {"formatter": "number"},
        },
        "yAxis": {"type": "category", "data": [bar.label for bar in drawn], "inverse": True},
        "series": list(_series(drawn)),
    }  # fmt: skip
    rows = [[Cell(bar.label), Cell(bar.weight, "number"), Cell(bar.end, "number")] for bar in drawn]
    rows.append([Cell(_("Probability")), Cell(""), Cell(probability, "percent")])
    head = [
        (_("Comparison"), ""),
        (_("Weight"), "number"),
        (pgettext("chart", "Sum so far"), "number"),
    ]
    return Chart(option, head, rows)


def _series(drawn: Sequence[Bar]) -> Iterator[dict[str, Any]]:
    """Bars that float: an unseen one from zero to where each begins, then its parts on either side of zero."""
    yield _stack("none", [_nearest(bar) for bar in drawn])
    for tone in (PRIOR, FOR, AGAINST, SUM):
        for side in (1, -1):
            parts = [_part(bar, side) if bar.tone == tone else None for bar in drawn]
            if any(parts):
                data = [
                    part and {"value": part, "label": _label(bar, side)}
                    for part, bar in zip(parts, drawn, strict=True)
                ]
                yield _stack(tone, data)


def _stack(tone: str, data: Sequence[Any]) -> dict[str, Any]:
    return {
        "type": "bar", "stack": "weights", "tone": tone, "silent": True, "barMaxWidth": 22,
        "data": list(data),
    }  # fmt: skip


def _nearest(bar: Bar) -> float:
    """The end of the bar nearest to zero; zero where it crosses."""
    low, high = sorted((bar.start, bar.end))
    return round(low if low > 0 else min(high, 0.0), 3)


def _part(bar: Bar, side: int) -> float | None:
    """What of the bar lies on the positive (1) or negative (-1) side of zero."""
    reach = abs(max(bar.end * side, 0) - max(bar.start * side, 0))
    return round(reach * side, 3) or None


def _label(bar: Bar, side: int) -> dict[str, Any]:
    """The weight in figures, once a bar: where it ends."""
    last = 1 if bar.end > 0 or (bar.end == 0 and bar.start > 0) else -1
    place = "right" if bar.weight >= 0 else "left"
    return {"show": side == last, "position": place, "formatter": weighed(bar.weight)}


def weighed(weight: float) -> str:
    """A weight as it is written: with its sign, one place."""
    return f"{weight:+.1f}".replace("-", "−")
