"""Addresses: how well the parts are found, and how well two addresses are graded, beside 2-gram cosine.

    python benchmarks/addresses.py [--data ../shared/data] [--fit]

Parts: precision and recall on addresses cut by people (the half set aside; rules were written looking at the other).
Pairs: share graded right (exactly, partly, not the same place), on the half that nothing was fitted on. The peer's
two thresholds are the best for the fitting half. --fit prints the weights that belong into likeness.py.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import math
import re
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from zhike.masterdata.matching.normalise.addresses import clean, in_digits, parse
from zhike.masterdata.matching.normalise.characters import simplified
from zhike.masterdata.matching.normalise.divisions import divisions
from zhike.masterdata.matching.normalise.likeness import FACTS, WEIGHTS, facts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LABELS: Final = {
    "prov": "province",
    "city": "city",
    "district": "county",
    "town": "township",
    "community": "village",
    "road": "road",
    "roadno": "number",
    "houseno": "building",
}
DIVISIONS: Final = ("province", "city", "county")
GRADES: Final = {"不匹配": 0, "部分匹配": 1, "完全匹配": 2}
COUNTED = re.compile(r"(?<=[0-9a-z])(?:号楼|号|栋|幢|座|#|排|楼|弄)$")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    parts(rows(arguments.data / "cn_address_parsing" / "address_dev.csv.gz"))
    pairs(rows(arguments.data / "cn_address_match" / "address_pairs_a.csv.gz"), arguments.fit)


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


def parts(addresses: list[dict[str, str]]) -> None:
    """The divisions as written, before they are completed; 号, 幢 and the like do not count."""
    found, told, right = Counter[str](), Counter[str](), Counter[str]()
    for row in addresses:
        truth: dict[str, str] = {}
        for segment in row["segments"].split(" "):
            text, _, label = segment.rpartition("/")
            if label in LABELS:
                truth.setdefault(LABELS[label], bare(text))
        written = divisions(clean(simplified(row["address"])))
        parsed = parse(row["address"])
        for part in LABELS.values():
            value = getattr(written if part in DIVISIONS else parsed, part)
            found[part] += value is not None
            told[part] += part in truth
            right[part] += value is not None and bare(value) == truth.get(part)
    print(
        f"{len(addresses):,} addresses set aside; of each part found, and of each part there, how many are right:"
    )
    for part in LABELS.values():
        print(f"  {part:10} P {right[part] / found[part]:.3f}  R {right[part] / told[part]:.3f}")
    precision = right.total() / found.total()
    recall = right.total() / told.total()
    print(
        f"  all        P {precision:.3f}  R {recall:.3f}  F1 {2 / (1 / precision + 1 / recall):.3f}"
    )


def bare(text: str) -> str:
    return COUNTED.sub("", in_digits(clean(simplified(text))))


def pairs(graded: list[dict[str, str]], fit: bool) -> None:
    truth = np.array([GRADES[row["label"]] for row in graded])
    aside = (
        np.array(
            [int(hashlib.sha256(row["text_id"].encode()).hexdigest(), 16) % 2 for row in graded]
        )
        == 1
    )
    cosine = np.array([two_grams(row["query"], row["candidate"]) for row in graded])
    low, high = thresholds(cosine[~aside], truth[~aside])
    peer = float(np.mean(((cosine >= low).astype(int) + (cosine >= high) == truth)[aside]))
    seen = np.array([(1.0, *facts(row["query"], row["candidate"])) for row in graded])
    weights = fitted(seen[~aside], truth[~aside]) if fit else np.array(WEIGHTS)
    if fit:
        for row in weights:
            print(f"    ({', '.join(f'{weight:.2f}' for weight in row)}),")
    ours = float(np.mean(((seen @ weights.T).argmax(axis=1) == truth)[aside]))
    print(f"{int(aside.sum()):,} pairs set aside, {len(FACTS)} facts each:")
    print(f"  graded right {ours:.3f}; 2-gram cosine {peer:.3f}; ratio {ours / peer:.2f}x")
    print(
        f"  wrong        {1 - ours:.3f}; 2-gram cosine {1 - peer:.3f}; ratio {(1 - ours) / (1 - peer):.2f}x"
    )
    print(f"  always saying no: {np.mean(truth[aside] == 0):.3f}")


def two_grams(one: str, other: str) -> float:
    first, second = (
        Counter(text[i : i + 2] for i in range(len(text) - 1)) for text in (one, other)
    )
    size = math.sqrt(sum(n * n for n in first.values()) * sum(n * n for n in second.values()))
    return sum(n * second[gram] for gram, n in first.items()) / size if size else 0.0


def thresholds(score: Floats, truth: Ints) -> tuple[float, float]:
    """The two that grade most pairs right, among 120 quantiles."""
    cuts = np.quantile(score, np.linspace(0, 1, 120))
    tried = [
        (
            float(np.mean((score >= low).astype(int) + (score >= high) == truth)),
            float(low),
            float(high),
        )
        for place, low in enumerate(cuts)
        for high in cuts[place:]
    ]
    _, low, high = max(tried)
    return low, high


def fitted(seen: Floats, truth: Ints, steps: int = 5_000) -> Floats:
    """Weights of the multinomial logit, a row a grade: gradient descent with momentum, a touch of shrinking."""
    weights, speed = np.zeros((3, seen.shape[1])), np.zeros((3, seen.shape[1]))
    wanted = np.eye(3)[truth]
    for _ in range(steps):
        powers = np.exp(seen @ weights.T)
        chance = powers / powers.sum(axis=1, keepdims=True)
        speed = 0.9 * speed - 0.5 * ((chance - wanted).T @ seen / len(seen) + 1e-4 * weights)
        weights += speed
    return weights


if __name__ == "__main__":
    main()
