"""Invented people for the tests of comparing: written down as normal forms, some twice, with typical errors."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zhike.masterdata.matching.normalise import NORMAL

SURNAMES = {
    "赵": "zhao",
    "钱": "qian",
    "孙": "sun",
    "李": "li",
    "周": "zhou",
    "吴": "wu",
    "郑": "zheng",
    "王": "wang",
}
GIVEN = {
    "明": "ming", "丽": "li", "强": "qiang", "芳": "fang", "伟": "wei", "静": "jing", "磊": "lei", "娜": "na",
    "洋": "yang", "艳": "yan", "勇": "yong", "杰": "jie", "涛": "tao", "超": "chao", "霞": "xia", "平": "ping",
}  # fmt: skip
SECRET = b"for tests and nothing else"


def person(record: int, **words: Any) -> dict[str, Any]:
    """One normalised person; what is not said is unknown."""
    return {field.name: None for field in NORMAL} | {"record": record, "kind": "person"} | words


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Normalised records as a table."""
    return pa.Table.from_pylist(rows, NORMAL)


def named(surname: str, given: str) -> dict[str, Any]:
    """The columns of a name."""
    first, rest = SURNAMES[surname], " ".join(GIVEN[c] for c in given)
    return {"name": surname + given, "surname": surname, "given": given,
            "name_pinyin": f"{first} {rest}", "name_rotated": f"{rest} {first}"}  # fmt: skip


def crowd(
    people: int, seed: int, *, lacking: float = 0.2
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Records of `people` people, one to three each, with a share of the fields lacking; and whose each is."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    whose: list[int] = []
    surnames, given = list(SURNAMES), list(GIVEN)
    for one in range(people):
        born = datetime.date(1950, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 20_000)))
        number = f"29{rng.integers(0, 10_000):04}{born:%Y%m%d}{rng.integers(0, 10_000):04}"
        facts = {
            **named(str(rng.choice(surnames)), "".join(rng.choice(given, 2))),
            "sex": str(rng.choice(["F", "M"])),
            "birth_on": born,
            "resident_id": number,
            "resident_id_raw": number,
            "mobile": f"1540{rng.integers(0, 10_000_000):07}",
            "address_road": f"路{rng.integers(0, 30)}",
            "address_number": str(rng.integers(1, 300)),
            "employer_core": f"厂{rng.integers(0, 40)}",
        }
        facts["address_key"] = f"{facts['address_road']}{facts['address_number']}"
        for _ in range(int(rng.integers(1, 4))):
            said = dict(facts)
            for names in (("resident_id", "resident_id_raw"), ("mobile",), ("birth_on",), ("sex",),
                          ("address_key", "address_road", "address_number"), ("employer_core",)):  # fmt: skip
                if rng.random() < lacking:
                    said |= dict.fromkeys(names)
            if rng.random() < 0.05:
                said |= named(said["surname"], said["given"][0] + str(rng.choice(given)))
            rows.append(person(len(rows), **said))
            whose.append(one)
    return table(rows), np.array(whose)
