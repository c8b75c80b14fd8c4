"""Addresses in their parts: five administrative levels, road, number, building and room."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zhike.masterdata.matching.normalise.characters import simplified

_HEAD = re.compile(
    r"(?P<province>.{2,6}?(?:省|自治区))?(?P<city>.{2,6}?(?:市|自治州|地区|盟))?(?P<county>.{2,7}?(?:[县旗区]|市))?"
    r"(?P<township>.{1,6}?(?:镇|乡|街道|苏木))?(?P<village>.{1,6}?(?:村|社区|屯))?"
    r"(?P<road>.{1,8}?(?:大道|路|街|巷|胡同|弄))?(?P<number>\d+)?号?"
    r"(?:(?P<building>\d+)(?:号楼|[栋幢座]))?(?:\d+单元)?(?:(?P<room>\d+)(?:室|房)?)?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of an address; None where absent. `key` compacts road (else village), number and building."""

    province: str | None = None
    city: str | None = None
    county: str | None = None
    township: str | None = None
    village: str | None = None
    road: str | None = None
    number: str | None = None
    building: str | None = None
    room: str | None = None

    @property
    def key(self) -> str | None:
        if not (self.road or self.village) or not self.number:
            return None
        return f"{self.road or self.village}{self.number}-{self.building or ''}".rstrip("-")


def parse(raw: str) -> Address:
    """An address in its parts."""
    found = _HEAD.match(simplified(raw))
    return Address(**found.groupdict()) if found else Address()
