"""How alike two addresses are, as a person would grade them: exactly the same place, partly, or not.

A multinomial logit over eight facts about the two texts, alike in both directions. Its weights were fitted by
benchmarks/addresses.py on one half of a set of graded pairs; the other half gives the figure printed there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Final, Literal

from zhike.masterdata.matching.normalise.addresses import Address, clean, parse
from zhike.masterdata.matching.normalise.characters import simplified
from zhike.masterdata.matching.normalise.divisions import divisions

Grade = Literal["none", "partial", "exact"]
GRADES: Final[tuple[Grade, ...]] = ("none", "partial", "exact")
FACTS: Final = (
    "common run", "named in both", "same building", "road in both", "other number", "same signs",
    "same pairs of signs", "building in one alone",
)  # fmt: skip
# A row a grade: the constant, then a weight for each of FACTS.
WEIGHTS: Final[tuple[tuple[float, ...], ...]] = (
    (2.61, -2.64, -0.72, 0.28, -0.45, 0.47, -0.69, -0.97, 0.12),
    (-0.03, 1.61, 0.14, -0.92, 0.40, -0.24, -0.33, -0.08, 0.36),
    (-2.58, 1.03, 0.59, 0.64, 0.05, -0.23, 1.02, 1.05, -0.48),
)
_LONGEST_RUN = 12  # characters in common; more of them say no more
_TOWNSHIP = re.compile(r"街道办事处|街道|[镇乡]")
# Words that every other address has.
_GENERAL = re.compile(
    r"[0-9a-z-]+|大道|小区|花园|大厦|广场|公司|有限|中心|附近|交叉口|公寓|宿舍|超市"
    r"|[路街巷弄号栋幢座楼层室单元院区苑园门村市县省店东西南北米第一二三四五六七八九十]"
)


def similarity(one: str, other: str) -> float:
    """0 (different places) to 1 (the same), symmetric: the expected grade, a partial one counting half."""
    _, partial, exact = chances(one, other)
    return partial / 2 + exact


def same_place(one: str, other: str) -> bool:
    """Whether the two most likely name the same place exactly."""
    return grade(one, other) == "exact"


def grade(one: str, other: str) -> Grade:
    """The likeliest of `GRADES`."""
    likely = chances(one, other)
    return GRADES[likely.index(max(likely))]


def chances(one: str, other: str) -> tuple[float, float, float]:
    """Probability of each of `GRADES`."""
    seen = (1.0, *facts(one, other))
    powers = [
        math.exp(sum(weight * fact for weight, fact in zip(row, seen, strict=True)))
        for row in WEIGHTS
    ]
    none, partial, exact = (power / sum(powers) for power in powers)
    return none, partial, exact


def facts(one: str, other: str) -> tuple[float, ...]:
    """The `FACTS` of a pair, each 0 to 1."""
    texts = _local(one), _local(other)
    parts = parse(one), parse(other)
    shorter, longer = sorted(texts)
    run = SequenceMatcher(None, shorter, longer, autojunk=False).find_longest_match().size
    pairs = _pairs(texts[0]), _pairs(texts[1])
    return (
        min(run, _LONGEST_RUN) / _LONGEST_RUN,
        (_named_in(texts[0], texts[1]) + _named_in(texts[1], texts[0])) / 2,
        float(_agree(parts[0].building, parts[1].building) is True),
        float(_road_in(parts[0], texts[1]) or _road_in(parts[1], texts[0])),
        float(_agree(parts[0].number, parts[1].number) is False),
        _cosine(Counter(texts[0]), Counter(texts[1])),
        _cosine(*pairs),
        float((parts[0].building is None) != (parts[1].building is None)),
    )


def _local(raw: str) -> str:
    """What an address says below its county, without the words for a township."""
    return _TOWNSHIP.sub(" ", divisions(clean(simplified(raw))).rest)


def _pairs(text: str) -> Counter[str]:
    return Counter(text[place : place + 2] for place in range(len(text) - 1))


def _named_in(text: str, other: str) -> bool:
    """Whether the last distinctive name of a text stands in the other."""
    names = [name for name in _GENERAL.split(text) if len(name.strip()) > 1]
    return bool(names) and names[-1].strip() in other


def _road_in(address: Address, text: str) -> bool:
    return address.road is not None and address.road in text


def _agree(one: str | None, other: str | None) -> bool | None:
    return None if one is None or other is None else one == other


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    sizes = sum(n * n for n in one.values()) * sum(n * n for n in other.values())
    return sum(n * other[sign] for sign, n in one.items()) / math.sqrt(sizes) if sizes else 0.0
