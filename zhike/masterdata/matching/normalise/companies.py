"""Company names: the core that is left without place, legal form and branch, and the place."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from operator import attrgetter

import pyarrow as pa

from zhike.masterdata.matching.normalise.characters import folded, folded_column
from zhike.masterdata.matching.normalise.coding import read
from zhike.masterdata.matching.normalise.divisions import known_names

_FORMS = (
    "有限责任公司 股份有限公司 股份公司 责任公司 有限公司 总公司 分公司 子公司 公司"
    " 农民专业合作社联合社 农民专业合作社 专业合作社 股份经济合作社 经济合作社 合作社"
    " 个体工商户 个人独资企业 有限合伙 普通合伙 特殊普通合伙 合伙企业 股份合作 集团 股份 控股"
    " 有限 总店 总行 总部 总厂"
).split()
# Longest first, so that 股份有限公司 does not leave 股份 behind.
_FORM = "|".join(sorted(_FORMS, key=len, reverse=True))
_TAIL = re.compile(rf"(?:{_FORM})+$")
# 公司 alone may be part of a longer word; these cannot.
_ANYWHERE = re.compile("|".join(form for form in _FORM.split("|") if len(form) > 3))
_BRACKETS = re.compile(r"[(（\[【](.*?)[)）\]】]")
_UNKNOWN_PLACE = re.compile(r".{2,4}?[省市县](?=..)")
_COUNTRY = "中国"
_LONGEST = 11


@dataclass(frozen=True, slots=True)
class Company:
    """`core` is what tells companies apart, folded; `place` the divisions named in front or in brackets."""

    core: str | None = None
    place: str | None = None


def company_name(raw: str) -> Company:
    """A company's name in its parts. Where nothing but place and form is left, the whole name is the core."""
    return _company(raw, folded(raw))


def company_columns(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Core and place of a column of codes."""
    wholes = folded_column(column.dictionary).to_pylist()
    names = [*map(_company, column.dictionary.to_pylist(), wholes)]
    core, place = (
        pa.array([*map(attrgetter(part), names)], pa.string()) for part in ("core", "place")
    )
    return read(column, core), read(column, place)


def _company(raw: str, whole: str) -> Company:
    """`whole`: the name folded."""
    places: list[str] = []

    def without_place(found: re.Match[str]) -> str:
        inner = folded(found[1])
        if inner in known_names() or inner == _COUNTRY:
            places.append(inner)
            return ""
        return "" if re.fullmatch(_FORM, inner) else inner

    shown = _BRACKETS.sub(without_place, raw)
    in_front, text = _place_in_front(whole if shown == raw else folded(shown))
    core = _TAIL.sub("", _ANYWHERE.sub("", text))
    if len(core) < 2:
        return Company(whole or None)
    return Company(core, "".join([*in_front, *places]) or None)


def _place_in_front(text: str) -> tuple[list[str], str]:
    """The divisions a name begins with, with or without their 省, 市, 县, and the rest of two characters at least.

    A county without its last word counts only behind its province or prefecture: 长安 is a maker of cars too.
    """
    places: list[str] = []
    code = ""
    while found := _known(text, code) or (None if places else _unknown(text)):
        length, code = found
        places.append(text[:length])
        text = text[length:]
    return places, text


def _unknown(text: str) -> tuple[int, str] | None:
    found = _UNKNOWN_PLACE.match(text)
    return (found.end(), "") if found else None


def _known(text: str, within: str) -> tuple[int, str] | None:
    """Length of the longest known name that `text` begins with, and its code."""
    names = known_names()
    for length in _lengths().get(text[:2], ()):
        if length > len(text) - 2:
            continue
        for meaning in names.get(text[:length], ()):
            for code in (*meaning.current, *meaning.former):
                deeper = code.startswith(within) and len(code) > len(within)
                if deeper and (meaning.whole or meaning.level < 2 or within):
                    return length, code
    return None


@cache
def _lengths() -> dict[str, tuple[int, ...]]:
    """Two characters → the lengths of the known names that begin with them, the longest first."""
    found: dict[str, set[int]] = defaultdict(set)
    for name in known_names():
        found[name[:2]].add(len(name))
    return {
        start: tuple(sorted((each for each in lengths if each <= _LONGEST), reverse=True))
        for start, lengths in found.items()
    }
