"""Names of provinces, prefectures and counties as people write them, with and without their last word."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

from zhike.masterdata.matching.normalise.areas import areas
from zhike.masterdata.matching.normalise.characters import simplified

_KIND = re.compile(
    r"(?:特别行政区|(?:壮族|回族|维吾尔|维吾尔族)?自治区|(?:\w+?族)*自治[州县旗]|地区|林区|特区|矿区|新区|[省市县区盟旗州])$"
)
_NOT_A_NAME = re.compile(r"直辖|^市辖区$|^县$|^郊区$|^城区$|^矿区$|^新区$|^市区$")


@cache
def place_names() -> dict[str, tuple[str, ...]]:
    """Each name, full and short (浙江省, 浙江), with the codes it stands for; short ones of two characters at least."""
    names: dict[str, set[str]] = defaultdict(set)
    for code, eras in areas().items():
        for area in eras:
            full = simplified(area.name)
            if _NOT_A_NAME.search(full):
                continue
            names[full].add(code)
            short = short_name(full)
            if len(short) > 1:
                names[short].add(code)
    return {name: tuple(sorted(codes)) for name, codes in names.items()}


def short_name(full: str) -> str:
    """A division's name without the word for what it is: 浙江省 浙江, 延边朝鲜族自治州 延边."""
    short = _KIND.sub("", full)
    return short if len(short) > 1 else full
