"""What each threshold is: its words, unit, bounds, whether a unit may have its own, and which must agree.

No ORM and no clock: like `rules`, only with the words of the screen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.insight.rules import Book, ladder

Unit = Literal["money", "percent", "days", "score", "share"]
MOST = Decimal(10) ** 12


@dataclass(frozen=True)
class Spec:
    """One threshold; bounds are inclusive, `group` names those that are edited and checked together."""

    name: str
    group: str
    label: str | Promise
    unit: Unit
    least: Decimal
    most: Decimal
    local: bool = False

    @property
    def places(self) -> int:
        return {"money": 2, "percent": 2, "days": 0, "score": 2, "share": 4}[self.unit]


GROUPS: dict[str, tuple[str | Promise, str | Promise]] = {
    "tier": (gettext_lazy("Tiers"), gettext_lazy("What a customer must reach to earn a tier.")),
    "grid": (
        gettext_lazy("Four classes"),
        gettext_lazy("From where on current and potential value count as high."),
    ),
    "abc": (
        gettext_lazy("ABC and 80/20"),
        gettext_lazy("How much of the sum the classes A and B cover, and who is the top."),
    ),
    "current": (
        gettext_lazy("Weights of current value"),
        gettext_lazy("What current value is made of; together 100."),
    ),
    "potential": (
        gettext_lazy("Weights of potential value"),
        gettext_lazy("What potential value is made of; together 100."),
    ),
    "price": (
        gettext_lazy("Prices of money"),
        gettext_lazy("Transfer prices and rates that contribution is reckoned with."),
    ),
    "cost": (gettext_lazy("Cost of service"), gettext_lazy("What serving a customer costs.")),
    "work": (
        gettext_lazy("Work list"),
        gettext_lazy("When a customer comes onto somebody's list. Moves no tier and no class."),
    ),
}
"""Code → heading and one sentence, in the order of the page."""


def _specs() -> Iterator[Spec]:
    hundred = Decimal(100)
    days = Decimal(0), Decimal(3650)
    money = Decimal(0), MOST
    for code, title in (
        ("gold", gettext_lazy("Gold")),
        ("platinum", gettext_lazy("Platinum")),
        ("private", gettext_lazy("Private banking")),
    ):
        for figure, words in (
            ("balance", gettext_lazy("balance")),
            ("contribution", gettext_lazy("contribution, 12 months")),
        ):
            label = _joined(title, words)
            yield Spec(f"tier.{code}.{figure}", "tier", label, "money", *money, local=True)
    yield Spec(
        "tier.hold_days", "tier", gettext_lazy("Days a tier is kept below its terms"), "days",
        *days, local=True,
    )  # fmt: skip
    yield Spec(
        "tier.near_share", "tier", gettext_lazy("Near the next tier from this share of its balance"),
        "share", Decimal("0.01"), Decimal(1), local=True,
    )  # fmt: skip
    for name, label in (
        ("grid.current.cut", gettext_lazy("Cut for current value")),
        ("grid.potential.cut", gettext_lazy("Cut for potential value")),
    ):
        yield Spec(name, "grid", label, "score", Decimal(0), hundred, local=True)
    for name, label in (
        ("abc.a", gettext_lazy("Class A covers")),
        ("abc.b", gettext_lazy("Classes A and B cover")),
        ("top.percent", gettext_lazy("The top of 80/20")),
    ):
        yield Spec(name, "abc", label, "percent", Decimal(1), Decimal(99))
    for name, label in (
        ("contribution", gettext_lazy("Rank by contribution")),
        ("balance", gettext_lazy("Rank by balance")),
    ):
        yield Spec(f"weight.current.{name}", "current", label, "percent", Decimal(0), hundred)
    for name, label in (
        ("growth", gettext_lazy("Rank by growth")),
        ("gap", gettext_lazy("Gap in products")),
        ("inflow", gettext_lazy("Rank by inflow")),
    ):
        yield Spec(f"weight.potential.{name}", "potential", label, "percent", Decimal(0), hundred)
    yield Spec(
        "weight.potential.growth_floor", "potential",
        gettext_lazy("Money added to the balance that growth is measured against"),
        "money", Decimal(1), MOST,
    )  # fmt: skip
    for name, label in (
        ("transfer.liability", gettext_lazy("Transfer price of deposits, a year")),
        ("transfer.asset", gettext_lazy("Transfer price of loans, a year")),
        ("rate.liability", gettext_lazy("Deposit rate where none is stated")),
        ("rate.asset", gettext_lazy("Loan rate where none is stated")),
        ("margin.intermediary", gettext_lazy("Margin on wealth and funds, a year")),
    ):
        yield Spec(f"price.{name}", "price", label, "percent", Decimal(0), Decimal(36))
    for name, label in (
        ("assisted", gettext_lazy("A movement at a counter")),
        ("device", gettext_lazy("A movement at a machine")),
        ("remote", gettext_lazy("Any other movement")),
        ("agreement", gettext_lazy("An open agreement, a year")),
    ):
        yield Spec(f"cost.{name}", "cost", label, "money", Decimal(0), Decimal(100000))
    yield Spec(
        "work.value_fell.percent", "work", gettext_lazy("Fall of the balance in three months"),
        "percent", Decimal(1), hundred, local=True,
    )  # fmt: skip
    for name, label in (
        ("value_fell.amount", gettext_lazy("and at least so much money")),
        ("idle_inflow.amount", gettext_lazy("Inflow that still lies idle")),
    ):
        yield Spec(f"work.{name}", "work", label, "money", *money, local=True)
    for name, label in (
        ("idle_inflow.days", gettext_lazy("How far back it is looked for")),
        ("maturing.days", gettext_lazy("Days ahead of a maturity")),
        ("birthday.days", gettext_lazy("Days ahead of a birthday")),
    ):
        yield Spec(f"work.{name}", "work", label, "days", Decimal(1), Decimal(366))


def _joined(name: Promise, words: Promise) -> Promise:
    return format_lazy("{} · {}", name, words)


SPECS: dict[str, Spec] = {spec.name: spec for spec in _specs()}


def label_of(name: str) -> str:
    """The words of a threshold; its name where it has none."""
    return str(SPECS[name].label) if name in SPECS else name


@dataclass(frozen=True)
class Fault:
    """Terms that contradict each other; `unit_id` None means the whole institution."""

    text: str
    names: tuple[str, ...]
    unit_id: int | None = None


def faults(book: Book, codes: Sequence[str], groups: Collection[str]) -> list[Fault]:
    """What is wrong with the thresholds of these groups: out of bounds, upside down, or not summing up.

    `codes` are the tiers from the lowest up. Each unit is judged with what holds for it.
    """
    found = [
        Fault(
            _("“%(name)s” must lie between %(least)s and %(most)s.")
            % {"name": spec.label, "least": f"{spec.least:,f}", "most": f"{spec.most:,f}"},
            (name,),
            unit,
        )
        for (name, unit), value in sorted(book.values.items(), key=str)
        if (spec := SPECS.get(name))
        and spec.group in groups
        and not spec.least <= value <= spec.most
    ]
    if "tier" in groups:
        with_own = {unit for name, unit in book.values if name.startswith("tier.") and unit}
        for unit in (None, *(pk for pk, path in book.paths.items() if with_own & set(path))):
            found.extend(_upside_down(book, codes, unit))
    if "abc" in groups and book.value("abc.a") >= book.value("abc.b"):
        found.append(Fault(_("Class A must cover less than A and B together."), ("abc.a", "abc.b")))
    for group in {"current", "potential"} & set(groups):
        parts = [
            name for name, spec in SPECS.items() if spec.group == group and spec.unit == "percent"
        ]
        if (total := sum((book.value(name) for name in parts), Decimal(0))) != 100:
            text = _("The weights make %(total)s together; they must make 100.")
            found.append(Fault(text % {"total": f"{total.normalize():f}"}, tuple(parts)))
    return found


def _upside_down(book: Book, codes: Sequence[str], unit: int | None) -> Iterator[Fault]:
    steps = ladder(book, codes, unit)
    for lower, upper in pairwise(steps[1:]):
        for figure in ("balance", "contribution"):
            if getattr(lower, figure) >= getattr(upper, figure):
                names = tuple(f"tier.{step.code}.{figure}" for step in (lower, upper))
                text = _("A higher tier must ask for more: “%(lower)s” is not below “%(upper)s”.")
                words = {"lower": label_of(names[0]), "upper": label_of(names[1])}
                yield Fault(text % words, names, unit)
