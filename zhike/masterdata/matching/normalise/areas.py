"""Codes and names of China's provinces, prefectures and counties, those abolished included.

The facts are those of python-stdnum's table for identity numbers (cn/loc.dat), with the years a code was in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

_PROVINCE = re.compile(r'(\d\d) province="([^"]+)"')
_COUNTY = re.compile(r'\s+(\d{4}) county="([^"]*)"')
_ERA = re.compile(r"(?:\[(\d*)-(\d*)\])?([^,]+)")


@dataclass(frozen=True)
class Area:
    """A name that a six-digit code stood for; `since` and `until` are years, None for open ends."""

    code: str
    name: str
    since: int | None
    until: int | None


@cache
def areas() -> dict[str, tuple[Area, ...]]:
    """Every code that was ever in use, with the areas it stood for."""
    known: dict[str, tuple[Area, ...]] = {}
    for area in _read():
        known[area.code] = (*known.get(area.code, ()), area)
    return known


def _read() -> Iterator[Area]:
    province = ""
    for line in files("stdnum.cn").joinpath("loc.dat").read_text(encoding="utf-8").splitlines():
        if found := _PROVINCE.match(line):
            province = found[1]
            yield Area(f"{province}0000", found[2], None, None)
        elif found := _COUNTY.match(line):
            for since, until, name in _ERA.findall(found[2]):
                yield Area(
                    province + found[1],
                    name,
                    int(since) if since else None,
                    int(until) if until else None,
                )


@cache
def plausible_codes() -> npt.NDArray[np.bool_]:
    """Indexed by the six digits as a number: whether an identity number may begin with them.

    The table lacks some counties of short life, so any county of a prefecture that ever was will do.
    """
    table = np.zeros(1_000_000, dtype=bool)
    for code in areas():
        first = int(code[:4]) * 100
        table[first : first + 100] = True
    # Permits of residence for people of Taiwan since 2018; Hong Kong and Macau are in the table.
    table[830000:830100] = True
    return table


def area_name(code: str, year: int) -> str | None:
    """The county that `code` stood for in a year, else its nearest namesake in time; None where unknown."""
    known = areas().get(code, ())
    if not known:
        return None

    def away(area: Area) -> int:
        return max((area.since or year) - year, year - (area.until or year), 0)

    return min(known, key=away).name
