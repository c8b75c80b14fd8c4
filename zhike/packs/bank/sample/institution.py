"""The invented bank: its units, staff and products."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from zhike.packs.bank.sample import words
from zhike.packs.bank.sample.columns import Ints
from zhike.packs.bank.sample.plan import Plan

UNIT_HEADER: Final = ("unit_code", "name", "kind", "parent_code", "region")
EMPLOYEE_HEADER: Final = (
    "employee_code", "name", "unit_code", "role", "title", "login", "hired_on",
)  # fmt: skip
PRODUCT_HEADER: Final = (
    "product_code", "name", "category", "side", "term_months", "rate",
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    """A catalogue row. `side` is the bank's: a deposit is its liability. `rate` is percent a year."""

    code: str
    name: str
    category: str
    side: str
    term_months: int | None
    rate: str

    def row(self) -> tuple[str, ...]:
        """The row as written, in the order of PRODUCT_HEADER."""
        term = "" if self.term_months is None else str(self.term_months)
        return (self.code, self.name, self.category, self.side, term, self.rate)


PRODUCTS: Final = (
    Product("DP001", "个人活期储蓄", "deposit", "liability", None, "0.05"),
    Product("DP101", "整存整取三个月", "deposit", "liability", 3, "0.80"),
    Product("DP102", "整存整取六个月", "deposit", "liability", 6, "1.00"),
    Product("DP103", "整存整取一年", "deposit", "liability", 12, "1.20"),
    Product("DP104", "整存整取二年", "deposit", "liability", 24, "1.30"),
    Product("DP105", "整存整取三年", "deposit", "liability", 36, "1.60"),
    Product("DC001", "单位活期存款", "deposit", "liability", None, "0.05"),
    Product("DC101", "单位定期一年", "deposit", "liability", 12, "1.25"),
    Product("LP001", "惠农小额贷款", "loan", "asset", 12, "4.35"),
    Product("LP002", "个人消费贷款", "loan", "asset", 36, "4.90"),
    Product("LP003", "个人住房按揭贷款", "loan", "asset", 240, "3.60"),
    Product("LP004", "个体经营贷款", "loan", "asset", 12, "4.60"),
    Product("LC001", "小微企业流动资金贷款", "loan", "asset", 12, "4.10"),
    Product("PY001", "商户收款码", "payment", "intermediary", None, ""),
    Product("PY002", "单位代发工资", "payment", "intermediary", None, ""),
    Product("CD001", "岫禾借记卡", "card", "intermediary", None, ""),
    Product("CD002", "社会保障卡", "card", "intermediary", None, ""),
    Product("CC001", "岫禾贷记卡", "card", "asset", None, "18.25"),
    Product("WM001", "禾盈三个月", "wealth", "intermediary", 3, "2.30"),
    Product("WM002", "禾盈六个月", "wealth", "intermediary", 6, "2.55"),
    Product("WM003", "禾盈一年", "wealth", "intermediary", 12, "2.85"),
    Product("FD001", "代销货币基金", "fund", "intermediary", None, "1.40"),
    Product("IN001", "代销年金保险", "insurance", "intermediary", 60, "2.00"),
)
PRODUCT_INDEX: Final = {product.code: index for index, product in enumerate(PRODUCTS)}


@dataclass(frozen=True)
class Institution:
    """Units and staff, with the arrays customers are dealt out by.

    outlet_codes: sub-branches and outlets; outlet_county: index into words.COUNTIES for each;
    outlet_weight: share of the customers; manager_codes: managers, grouped by outlet;
    manager_first, manager_count: where an outlet's managers stand in that list.
    """

    units: tuple[tuple[str, ...], ...]
    employees: tuple[tuple[str, ...], ...]
    outlet_codes: tuple[str, ...]
    outlet_county: Ints
    outlet_weight: npt.NDArray[np.float64]
    manager_codes: tuple[str, ...]
    manager_first: Ints
    manager_count: Ints


def found(plan: Plan) -> Institution:
    """Lay out the bank: about 1,700 customers an outlet, one manager to 350 managed customers."""
    rng = plan.random(-1, 1)
    outlets = plan.outlets
    branches = max(1, round(1.15 * outlets**0.5))
    branch_of = np.sort(np.arange(outlets) % branches)
    weight = rng.lognormal(0, 0.35, outlets)
    weight /= weight.sum()
    managers = np.ones(outlets, dtype=np.int64)
    for _ in range(plan.managers - outlets):
        managers[np.argmax(weight / managers)] += 1

    head_code = "1000000"
    units = [(head_code, f"{words.BANK}总行", "head_office", "", words.CITY)]
    outlet_codes: list[str] = []
    branch_codes: list[str] = []
    sub_branches: list[str] = []
    for branch in range(branches):
        county = words.COUNTIES[branch % len(words.COUNTIES)]
        branch_code = f"1{branch + 1:02d}0000"
        branch_codes.append(branch_code)
        units.append((branch_code, f"{county}中心支行", "branch", head_code, f"{county}县"))
        parent = branch_code
        for number in range(int((branch_of == branch).sum())):
            code = f"{branch_code[:3]}{number + 1:04d}"
            town = words.TOWNS[(number * 37 + branch) % len(words.TOWNS)]
            first = number % 3 == 0
            kind, form = ("sub_branch", "支行") if first else ("outlet", "分理处")
            units.append(
                (
                    code,
                    f"{county}{town}{form}",
                    kind,
                    branch_code if first else parent,
                    f"{county}县",
                )
            )
            if first:
                parent = code
                sub_branches.append(code)
            outlet_codes.append(code)

    staff: list[tuple[str, str, str, int]] = []  # unit, role, title, how many
    staff += [
        (head_code, "analyst", "数据分析师", 2 + plan.customers // 50_000),
        (head_code, "system_administrator", "系统管理员", 1),
        (head_code, "security_administrator", "安全管理员", 1),
        (head_code, "auditor", "审计员", 1),
    ]
    staff += [(code, "branch_head", "行长", 1) for code in branch_codes]
    for code in sub_branches:
        staff += [(code, "branch_head", "支行行长", 1), (code, "team_lead", "客户经理主管", 1)]
    staff += [(code, "teller", "柜员", 2) for code in outlet_codes]
    first_of_managers = sum(count for *_, count in staff)
    staff += [
        (code, "customer_manager", "客户经理", int(count))
        for code, count in zip(outlet_codes, managers, strict=True)
    ]

    places = [(unit, role, title) for unit, role, title, count in staff for _ in range(count)]
    surname = rng.integers(0, len(words.SURNAMES), len(places))
    given = rng.integers(0, len(words.GIVEN_NAMES), len(places))
    hired = plan.today - rng.integers(60, 9_000, len(places))
    employees = tuple(
        (
            f"E{number + 1:06d}",
            words.SURNAMES[surname[number]] + words.GIVEN_NAMES[given[number]],
            unit,
            role,
            title,
            f"e{number + 1:06d}",
            (datetime.date(1970, 1, 1) + datetime.timedelta(days=int(hired[number]))).isoformat(),
        )
        for number, (unit, role, title) in enumerate(places)
    )
    return Institution(
        units=tuple(units),
        employees=employees,
        outlet_codes=tuple(outlet_codes),
        outlet_county=branch_of % len(words.COUNTIES),
        outlet_weight=weight,
        manager_codes=tuple(row[0] for row in employees[first_of_managers:]),
        manager_first=np.cumsum(managers) - managers,
        manager_count=managers,
    )
