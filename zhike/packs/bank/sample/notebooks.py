"""The managers' own notebooks: one workbook each, kept by hand."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import xlsxwriter

from zhike.packs.bank.sample import words
from zhike.packs.bank.sample.accounts import Records
from zhike.packs.bank.sample.columns import pick
from zhike.packs.bank.sample.identifiers import mobiles
from zhike.packs.bank.sample.institution import Institution
from zhike.packs.bank.sample.people import People, first_prospect, given_names, surnames
from zhike.packs.bank.sample.plan import NOTEBOOKS, PORTFOLIO, Plan
from zhike.packs.bank.sample.profiles import Profiles
from zhike.packs.bank.sample.sheets import FileFacts

HEADER: Final = ("姓名", "电话", "单位", "地址", "生日", "喜好", "备注", "上次联系")
PROSPECTS: Final = 0.3  # share of the rows that are in no other system
_KNOWN: Final = 50  # customers of a portfolio that make it into the notebook
_EPOCH: Final = datetime.date(1970, 1, 1)
_TITLES: Final = ("【重点客户】", "【待跟进】", "【本村】", "【商户】")
_FULL_WIDTH: Final = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True)
class Acquaintance:
    """What a manager knows of someone before it is scribbled down. `birth` counts days since 1970-01-01."""

    entity: int
    name: str
    surname: str
    female: int
    firm: str | None
    mobile: str | None
    address: str
    birth: int


@dataclass
class Notebooks:
    """Collects who stands in whose notebook, then writes the workbooks."""

    plan: Plan
    bank: Institution
    pages: dict[int, list[Acquaintance]] = field(default_factory=dict)

    @property
    def owners(self) -> range:
        """Managers who keep a notebook."""
        return range(min(NOTEBOOKS, len(self.bank.manager_codes)))

    def collect(self, people: People, records: Records, profiles: Profiles, chunk: int) -> None:
        """Choose from one chunk's managed customers; a firm is written down under its owner's name."""
        rng = self.plan.random(chunk, 13)
        manager = records.manager[: people.core]
        rows = np.flatnonzero((manager >= 0) & (manager < len(self.owners)))
        rows = rows[rng.random(len(rows)) < _KNOWN / PORTFOLIO]
        person = np.where(people.owner[rows] >= 0, people.owner[rows], rows)
        columns = [
            column.take(index).to_pylist()
            for column, index in (
                (profiles.name, person),
                (profiles.name, rows),
                (profiles.mobile, person),
                (profiles.city_address, rows),
            )
        ]
        for n, (name, firm, mobile, address) in enumerate(zip(*columns, strict=True)):
            who = int(person[n])
            self.pages.setdefault(int(manager[rows[n]]), []).append(
                Acquaintance(
                    entity=int(people.entity[rows[n]]),
                    name=name,
                    surname=words.SURNAMES[people.surname[who]],
                    female=int(people.female[who]),
                    firm=firm if who != rows[n] else None,
                    mobile=mobile,
                    address=address,
                    birth=int(people.birth[who]),
                )
            )

    def write(self, out: Path) -> Iterator[tuple[FileFacts, list[str], list[int]]]:
        """Write the workbooks; for each its facts, its record keys (employee:row) and their entities."""
        (out / "notebooks").mkdir(parents=True, exist_ok=True)
        next_prospect = first_prospect(self.plan)
        for manager in self.owners:
            rng = self.plan.random(manager, 14)
            known = self.pages.get(manager, [])
            fresh = max(1, round(len(known) * PROSPECTS / (1 - PROSPECTS)))
            everyone = known + self._prospects(rng, next_prospect, fresh)
            next_prospect += fresh
            code = self.bank.manager_codes[manager]
            people = [everyone[n] for n in rng.permutation(len(everyone))]
            path = f"notebooks/{code}.xlsx"
            keys, skipped = self._workbook(rng, out / path, people)
            facts = FileFacts(path, len(people), {}, 0, skipped, {})
            yield facts, [f"{code}:{key}" for key in keys], [one.entity for one in people]

    def _prospects(self, rng: np.random.Generator, first: int, count: int) -> list[Acquaintance]:
        entity = first + np.arange(count)
        female = rng.integers(0, 2, count)
        birth = self.plan.today - rng.integers(9_000, 24_000, count)
        family = surnames(rng, count)
        given = given_names(rng, birth, female)
        mobile = mobiles(entity, 0, self.plan.offsets["mobile"]).to_pylist()
        county = pick(words.COUNTIES, rng.integers(0, len(words.COUNTIES), count)).to_pylist()
        village = pick(words.VILLAGES, rng.integers(0, len(words.VILLAGES), count)).to_pylist()
        return [
            Acquaintance(
                entity=int(entity[n]),
                name=words.SURNAMES[family[n]] + words.GIVEN_NAMES[given[n]],
                surname=words.SURNAMES[family[n]],
                female=int(female[n]),
                firm=None,
                mobile=mobile[n],
                address=f"{county[n]}县{village[n]}村",
                birth=int(birth[n]),
            )
            for n in range(count)
        ]

    def _workbook(
        self, rng: np.random.Generator, target: Path, people: list[Acquaintance]
    ) -> tuple[list[int], int]:
        """Write one workbook; returns the Excel row of each person and the blank and title rows."""
        book = xlsxwriter.Workbook(str(target))
        # The library stamps the moment of writing unless told another.
        book.set_properties({"created": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)})
        sheet = book.add_worksheet("客户")
        as_date = book.add_format({"num_format": "yyyy/m/d"})
        bold = book.add_format({"bold": True})
        sheet.write_row(0, 0, HEADER, bold)
        keys: list[int] = []
        row, skipped = 0, 0
        for number, one in enumerate(people):
            row += 1
            if number % 17 == 9:
                title = _TITLES[number // 17 % len(_TITLES)]
                sheet.merge_range(row, 0, row, len(HEADER) - 1, title, bold)
                row, skipped = row + 1, skipped + 1
            elif rng.random() < 0.04:
                row, skipped = row + 1, skipped + 1
            for column, value in enumerate(self._jotted(rng, one)):
                if isinstance(value, datetime.date):
                    sheet.write_datetime(row, column, value, as_date)
                elif value is not None:
                    sheet.write(row, column, value)
            keys.append(row + 1)
        book.close()
        return keys, skipped

    def _jotted(self, rng: np.random.Generator, one: Acquaintance) -> list[Any]:
        """One person's eight cells, as a busy manager would fill them in."""

        def maybe(chance: float, value: Any) -> Any:
            return value if rng.random() < chance else None

        birth = _EPOCH + datetime.timedelta(days=one.birth)
        seen = self.plan.as_of - datetime.timedelta(days=int(rng.exponential(90)))
        return [
            _called(rng, one),
            maybe(0.88, _dialled(rng, one.mobile)),
            one.firm
            or maybe(0.3, _one(rng, ("种植大户", "个体", "学校", "镇政府", "自己干", "退休"))),
            maybe(0.4, _one(rng, (one.address, one.address[:7]))),
            maybe(0.4, _born(rng, birth)),
            maybe(0.3, _one(rng, words.LIKES)),
            maybe(0.35, _one(rng, words.NOTES)),
            maybe(
                0.6,
                _one(rng, (seen, f"{seen:%Y/%m/%d}", f"{seen.month}月底", "上周", "很久没联系")),
            ),
        ]


def _one(rng: np.random.Generator, choices: tuple[Any, ...]) -> Any:
    return choices[int(rng.integers(0, len(choices)))]


def _called(rng: np.random.Generator, one: Acquaintance) -> str:
    chance = rng.random()
    if chance < 0.55:
        return one.name
    if one.firm is not None:
        return f"{one.surname}{_one(rng, ('总', '董', '老板'))}"
    if chance < 0.85:
        return one.surname + str(_one(rng, words.HONORIFICS[one.female]))
    return f"{_one(rng, ('老', '小'))}{one.surname}"


def _dialled(rng: np.random.Generator, mobile: str | None) -> str | int | None:
    if mobile is None:
        return None
    cut = (mobile[:3], mobile[3:7], mobile[7:])
    forms: tuple[str | int, ...] = (
        mobile,
        mobile,
        int(mobile),
        " ".join(cut),
        "-".join(cut),
        f"+86 {mobile}",
        f"86-{mobile}",
        mobile.translate(_FULL_WIDTH),
        f"{mobile}（微信同号）",
    )
    chosen: str | int = _one(rng, forms)
    return chosen


def _born(rng: np.random.Generator, birth: datetime.date) -> Any:
    return _one(
        rng,
        (
            birth,
            birth.isoformat(),
            f"{birth.year}.{birth.month}.{birth.day}",
            f"{birth.year % 100:02d}年{birth.month}月{birth.day}日",
            f"{birth.month}月{birth.day}日",
            f"{birth:%Y%m%d}",
            f"农历{_one(rng, ('正月', '二月', '五月', '八月', '腊月'))}{_one(rng, ('初一', '初八', '十五', '廿三'))}",
        ),
    )
