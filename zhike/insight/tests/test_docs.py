"""docs/metrics.md lists the catalogue, no more and no less; docs/insight.md every threshold."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import override

from zhike.insight.metrics import Metric, metrics
from zhike.insight.seed import DEFAULTS

DOCS = Path(__file__).parents[3] / "docs"


def line(metric: Metric) -> str:
    """A metric as docs/metrics.md must have it."""
    return (
        f"| `{metric.name}` | {metric.label} | {metric.unit} | {metric.grain} | {metric.formula} | "
        f"{metric.owner} | {metric.explanation} | {metric.requirement} |"
    )


def test_every_metric_stands_in_the_docs_and_no_other() -> None:
    lines = (DOCS / "metrics.md").read_text(encoding="utf-8").splitlines()
    with override("en"):
        expected = [line(metric) for metric in metrics]
    assert [row for row in lines if row.startswith("| `")] == expected


def test_every_threshold_stands_in_the_docs_with_its_default() -> None:
    text = (DOCS / "insight.md").read_text(encoding="utf-8")
    for name, value in DEFAULTS.items():
        assert f"| `{name}` | {value} |" in text
