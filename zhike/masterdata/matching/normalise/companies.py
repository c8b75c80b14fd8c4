"""Company names: the core that is left without place, legal form and branch, and the place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zhike.masterdata.matching.normalise.characters import folded
from zhike.masterdata.matching.normalise.divisions import place_names

_FORMS = (
    "有限责任公司 股份有限公司 股份公司 责任公司 有限公司 总公司 分公司 子公司 公司"
    " 农民专业合作社联合社 农民专业合作社 专业合作社 股份经济合作社 经济合作社 合作社"
    " 个体工商户 个人独资企业 有限合伙 普通合伙 特殊普通合伙 合伙企业 股份合作 集团 股份 控股"
    " 有限 总店 总行 总部 总厂"
).split()
# Longest first, so that 股份有限公司 does not leave 股份 behind.
_FORM = "|".join(sorted(_FORMS, key=len, reverse=True))
_TAIL = re.compile(rf"(?:{_FORM})+$")
_BRACKETS = re.compile(r"[(（\[【](.*?)[)）\]】]")


@dataclass(frozen=True, slots=True)
class Company:
    """`core` is what tells companies apart; `place` the divisions named in front or in brackets."""

    core: str | None = None
    place: str | None = None


def company_name(raw: str) -> Company:
    """A company's name in its parts. Where nothing but place and form is left, the whole name is the core."""
    places: list[str] = []

    def bracketed(found: re.Match[str]) -> str:
        inner = folded(found[1])
        if inner in place_names():
            places.append(inner)
        return "" if inner in place_names() or re.fullmatch(_FORM, inner) else inner

    whole = folded(raw)
    text = folded(_BRACKETS.sub(bracketed, raw))
    place, text = _place_in_front(text)
    if place:
        places.insert(0, place)
    core = _TAIL.sub("", text)
    core = core if len(core) > 1 else whole
    return Company(core or None, "".join(places) or None)


def _place_in_front(text: str) -> tuple[str, str]:
    """The divisions a name begins with, and the rest: known names with or without their 省, 市, 县."""
    place = ""
    for _ in range(3):
        for length in range(min(11, len(text) - 2), 1, -1):
            if text[:length] in place_names():
                place, text = place + text[:length], text[length:]
                break
        else:
            found = re.match(r".{2,4}?[省市县旗](?=..)", text)
            if not found:
                break
            place, text = place + found[0], text[found.end() :]
    return place, text
