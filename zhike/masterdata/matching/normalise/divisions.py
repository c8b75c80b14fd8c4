"""Provinces, prefectures and counties in front of an address or a company's name, as people write them.

Known names (with or without 省, 市, 县) first; a name nobody knows is taken by the word it ends with.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

from zhike.masterdata.matching.normalise.areas import areas
from zhike.masterdata.matching.normalise.characters import simplified

LEVELS: Final = ("province", "city", "county")
MUNICIPALITIES: Final = ("11", "12", "31", "50")  # provinces that are cities
_KIND = re.compile(
    r"(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|(?:\w+?族)*自治[州县旗]|地区|林区|特区|矿区|新区|[省市县区盟旗州])$"
)
_NOT_A_NAME = re.compile(
    r"直辖|省属|^(?:市辖区|县|郊区|城区|矿区|新区|市区|市|阿里|自治县|工农区)$"
)
# After a short name these make it the beginning of another one: 西湖大道, 中山西路, 余姚西站.
_GOES_ON = re.compile(
    r"[东南西北中大新老小内外环一二三四五六七八九十]{0,2}(?:路|街|巷|道|村|里|桥|站|门|湾)|镇|乡"
)
_NO_COUNTY = "[小社园业发税景校库一二三四五六七八九十东西南北]"  # 小区, 开发区, 三区
_UNKNOWN = (
    re.compile(r"[^\W\d]{2,6}?(?:省|自治区)"),
    re.compile(r"[^\W\d路街村镇号]{2,5}?(?:市(?!场|区|政|民|中心|府)|自治州|地区)"),
    re.compile(r"[^\W\d路街村镇号]{1,5}?(?:县(?!道|政)|旗(?=.)|(?<!{_NO_COUNTY})区)"),
)
_LONGEST = 12
_NOW = 9999
_FAR = 24  # characters within which divisions are said again


@dataclass(frozen=True, slots=True)
class Division:
    """What a known name may stand for at one level: codes in use and former ones, whether the name is whole (浙江省,
    not 浙江), and whether it is told apart without its province (义乌, not 朝阳)."""

    level: int
    whole: bool
    current: tuple[str, ...]
    former: tuple[str, ...]
    alone: bool

    def within(self, code: str) -> tuple[str, ...]:
        """The codes in use that agree with one already found; else those of former times."""
        return _agreeing(self.current, code) or _agreeing(self.former, code)


@dataclass(frozen=True, slots=True)
class Divisions:
    """Names as written, None where absent; `code` is the deepest one known, cut to what it says (33, 3301,
    330106); `rest` the text behind."""

    province: str | None = None
    city: str | None = None
    county: str | None = None
    code: str = ""
    rest: str = ""

    @property
    def official(self) -> tuple[str | None, str | None, str | None]:
        """Names of province, prefecture and county as the code has them, those above it filled in; where there is
        no code, as written."""
        names: list[str | None] = [self.province, self.city, self.county]
        for level in range(len(self.code) // 2):
            names[level] = _official(self.code[: 2 * level + 2]) or names[level]
        if self.code[:2] in MUNICIPALITIES:
            names[1] = names[0]
        return names[0], names[1], names[2]


@cache
def _official(code: str) -> str | None:
    """The last name of a code cut to what it says; None for the prefectures that only count (市辖区)."""
    eras = areas().get(code.ljust(6, "0"), ())
    name = simplified(max(eras, key=lambda era: era.until or _NOW).name) if eras else None
    return None if name is None or _NOT_A_NAME.search(name) else name


@cache
def known_names() -> dict[str, tuple[Division, ...]]:
    """Every known name, simplified, with what it may stand for, the highest level first."""
    found: dict[tuple[str, int, bool], dict[str, int]] = defaultdict(dict)
    districts: set[str] = set()
    for code, eras in areas().items():
        level = 0 if code.endswith("0000") else 1 if code.endswith("00") else 2
        stands = code[: 2 * level + 2]
        for area in eras:
            full = simplified(area.name)
            if _NOT_A_NAME.search(full):
                continue
            gone = area.until or 0
            found[full, level, True][stands] = gone
            short = _KIND.sub("", full)
            if len(short) > 1 and short != full and not _NOT_A_NAME.search(short):
                found[short, level, False][stands] = gone
                if full.endswith("区"):
                    districts.add(short)
    names: dict[str, list[Division]] = defaultdict(list)
    for (name, level, whole), codes in sorted(found.items(), key=lambda item: item[0][1]):
        alone = level < 2 or (name not in districts and len({code[:2] for code in codes}) == 1)
        current = tuple(sorted(code for code, gone in codes.items() if not gone))
        former = tuple(sorted(code for code, gone in codes.items() if gone))
        names[name].append(Division(level, whole, current, former, alone))
    return {name: tuple(divisions) for name, divisions in names.items()}


@lru_cache(maxsize=200_000)
def divisions(text: str) -> Divisions:
    """The divisions a simplified text begins with. One said twice (余杭区杭州市余杭区) is taken once."""
    found = Divisions(rest=text[_start(text) :])
    while (more := _known(found) or _unknown(found)) is not None:
        found = more
    return found


def _start(text: str) -> int:
    """Where the last whole name of a province begins: 高唐街道重庆市巫山县 starts over at 重庆市."""
    return max((match.start() for match in _provinces().finditer(text[:_FAR])), default=0)


@cache
def _provinces() -> re.Pattern[str]:
    names = [
        name
        for name, meanings in known_names().items()
        if any(meaning.level == 0 and meaning.whole for meaning in meanings)
    ]
    return re.compile("|".join(sorted(names, key=len, reverse=True)))


def _known(found: Divisions) -> Divisions | None:
    text = found.rest
    names = known_names()
    for length in range(min(_LONGEST, len(text)), 1, -1):
        for division in names.get(text[:length], ()):
            if taken := _taken(found, division, length):
                return taken
    return None


def _taken(found: Divisions, division: Division, length: int) -> Divisions | None:
    text, level = found.rest, LEVELS[division.level]
    name, rest = text[:length], text[length:]
    within = division.within(found.code)
    held = getattr(found, level)
    if held is not None:
        if not (held.startswith(name) or name.startswith(held)) or _GOES_ON.match(rest):
            return None
        return replace(found, **{level: max(held, name, key=len)}, rest=rest)
    deeper = any(getattr(found, lower) for lower in LEVELS[division.level + 1 :])
    if deeper and not division.whole:
        return None
    if not division.whole and (
        not within or not (division.alone or found.code) or _GOES_ON.match(rest)
    ):
        return None
    codes = within or division.within("")
    sure = (len(codes) == 1 or division.level < 2) and not deeper
    deepest = codes[0] if sure else found.code
    named = {level: name, "city": name} if deepest in MUNICIPALITIES else {level: name}
    return replace(found, **named, code=deepest, rest=rest)


def _agreeing(codes: tuple[str, ...], other: str) -> tuple[str, ...]:
    return tuple(code for code in codes if code.startswith(other) or other.startswith(code))


def _unknown(found: Divisions) -> Divisions | None:
    for level, form in zip(LEVELS, _UNKNOWN, strict=True):
        if any(getattr(found, lower) for lower in LEVELS[LEVELS.index(level) :]):
            continue
        if match := form.match(found.rest):
            return replace(found, **{level: match[0]}, rest=found.rest[match.end() :])
    return None
