"""What the rows of a list may be asked for: a room registers criteria, the list joins them by AND and OR."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any, Literal

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry
from zhike.kernel.wording import listed
from zhike.ui import format
from zhike.ui.lists.conditions import Group, Test

Kind = Literal["text", "choice", "number", "money", "share", "date", "moment", "boolean"]
Choices = Sequence[tuple[str, str | Promise]]

LONGEST = 60
FURTHEST_DAYS = 20_000


@dataclass(frozen=True)
class Criterion:
    """One thing to ask: `path` leads from the row to a column, whose kind says which operators there are.

    `within(actor, q)` turns a condition on a related row into one on the row itself and must start at what the
    actor may see; `path` then begins at the related row. `choices(actor)` are (value, label). An empty date
    `counts_as_old` where never is longest ago. `permission` "" means everyone who may see the list.
    A `moment` is an instant that is asked for by its day. A `share` is 0 to 1 in its column and typed in per
    cent. `unit` stands behind the input, `hint` says what it is.
    """

    id: str
    page: str
    label: str | Promise
    kind: Kind
    path: str
    choices: Callable[[Actor], Choices] | None = None
    within: Callable[[Actor, Q], Q] | None = None
    permission: str = ""
    group: str | Promise = ""
    counts_as_old: bool = False
    nullable: bool = True
    unit: str | Promise = ""
    hint: str | Promise = ""

    @property
    def name(self) -> str:
        """As it is called in an address, without its page."""
        return self.id.rpartition(":")[2]


@dataclass(frozen=True)
class Operator:
    """`takes` says what stands behind it: how many values, of which kind of input.

    `told` is how the whole is said of a number of days.
    """

    name: str
    label: str | Promise
    takes: Literal["", "value", "two", "many", "days"] = "value"
    told: str | Promise = ""


_EMPTY = (
    Operator("empty", gettext_lazy("is empty"), ""),
    Operator("filled", gettext_lazy("is filled in"), ""),
)
_FIGURE = (
    Operator("over", gettext_lazy("is more than")),
    Operator("from", gettext_lazy("is at least")),
    Operator("to", gettext_lazy("is at most")),
    Operator("under", gettext_lazy("is less than")),
    Operator("between", gettext_lazy("is between"), "two"),
)
OPERATORS: Mapping[Kind, tuple[Operator, ...]] = {
    "text": (
        Operator("has", gettext_lazy("contains")),
        Operator("has_not", gettext_lazy("does not contain")),
        Operator("is", pgettext_lazy("text", "is")),
        *_EMPTY,
    ),
    "choice": (
        Operator("is", gettext_lazy("is one of"), "many"),
        Operator("is_not", gettext_lazy("is none of"), "many"),
        *_EMPTY,
    ),
    "number": (*_FIGURE, *_EMPTY),
    "money": (*_FIGURE, *_EMPTY),
    "share": (*_FIGURE, *_EMPTY),
    "date": (
        Operator(
            "older",
            gettext_lazy("is longer ago than (days)"),
            "days",
            gettext_lazy("more than %(n)s days ago"),
        ),
        Operator(
            "last",
            gettext_lazy("was in the last (days)"),
            "days",
            gettext_lazy("in the last %(n)s days"),
        ),
        Operator(
            "next",
            gettext_lazy("is in the next (days)"),
            "days",
            gettext_lazy("in the next %(n)s days"),
        ),
        Operator("today", gettext_lazy("is today"), ""),
        Operator("this_month", gettext_lazy("is this month"), ""),
        Operator("before", gettext_lazy("is before")),
        Operator("after", gettext_lazy("is after")),
        Operator("between", gettext_lazy("is between"), "two"),
        *_EMPTY,
    ),
    "boolean": (
        Operator("yes", gettext_lazy("yes"), ""),
        Operator("no", gettext_lazy("no"), ""),
    ),
}
FIGURES = ("number", "money", "share")
_SCALES = {
    **dict.fromkeys("千k", Decimal(10**3)),
    **dict.fromkeys("万萬w", Decimal(10**4)),
    "m": Decimal(10**6),
    **dict.fromkeys("亿億", Decimal(10**8)),
    "b": Decimal(10**9),
}
_AMOUNT = re.compile(
    r"\s*([-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+))\s*([千万萬亿億kmbw]{0,2})\s*[元%]?\s*\Z", re.IGNORECASE
)
_LARGEST = Decimal(10) ** 18
OPERATORS = {**OPERATORS, "moment": OPERATORS["date"]}
_NEGATIVE = {"has_not": "has", "is_not": "is", "no": "yes"}

criteria: Registry[Criterion] = Registry("ui.criteria")


class Wrong(ValueError):
    """A test nobody can answer; the words say which and why."""


def register(page: str, *found: Criterion) -> None:
    for each in found:
        if each.page != page:
            raise ValueError(f"{each.id} belongs to {each.page}, not {page}")
        criteria.register(each)


def criteria_for(page: str, actor: Actor) -> dict[str, Criterion]:
    """What the actor may ask the rows of `page` for, by name."""
    return {
        each.name: each
        for each in criteria
        if each.page == page and (not each.permission or actor.may(each.permission))
    }


def operators_of(criterion: Criterion) -> tuple[Operator, ...]:
    """Those that make sense: of what is never empty nobody asks whether it is."""
    found = OPERATORS[criterion.kind]
    if criterion.nullable and criterion.within is None:
        return found
    return tuple(each for each in found if each not in _EMPTY)


def condition(group: Group, known: Mapping[str, Criterion], actor: Actor) -> tuple[Q, list[str]]:
    """What the group asks, and what was left out of it because it cannot be answered."""
    problems: list[str] = []

    def of(part: Group | Test) -> Q | None:
        if isinstance(part, Group):
            found = [q for each in part.parts if (q := of(each)) is not None]
            return reduce(or_ if part.match == "any" else and_, found) if found else None
        try:
            return asked(part, known, actor)
        except Wrong as error:
            problems.append(str(error))
            return None

    return of(group) or Q(), problems


def asked(test: Test, known: Mapping[str, Criterion], actor: Actor) -> Q:
    """One test as a condition on the row; raises Wrong."""
    criterion, operator = found(test, known)
    label = str(criterion.label)
    values = [_value(criterion, operator, each) for each in test.values]
    _must_fit(criterion, operator, values, label)
    if operator.takes == "many" and criterion.choices is not None:
        allowed = {value for value, _label in criterion.choices(actor)}
        if odd := [each for each in values if each not in allowed]:
            raise Wrong(
                _("“%(value)s” is no choice of “%(field)s”.") % {"value": odd[0], "field": label}
            )
    positive = _positive(criterion, _NEGATIVE.get(operator.name, operator.name), values)
    if criterion.within is not None:
        positive = criterion.within(actor, positive)
    return ~positive if operator.name in _NEGATIVE else positive


def found(test: Test, known: Mapping[str, Criterion]) -> tuple[Criterion, Operator]:
    """What a test asks for, and how; raises Wrong for what is not known here."""
    if test.field not in known:
        raise Wrong(
            _("There is no condition called “%(name)s” here.") % {"name": test.field[:LONGEST]}
        )
    criterion = known[test.field]
    operators = {each.name: each for each in operators_of(criterion)}
    if test.operator not in operators:
        raise Wrong(
            _("“%(field)s” cannot be asked by “%(operator)s”.")
            % {"field": criterion.label, "operator": test.operator[:LONGEST]}
        )
    return criterion, operators[test.operator]


def told(test: Test, known: Mapping[str, Criterion], actor: Actor) -> str:
    """The test in words; raises Wrong."""
    criterion, operator = found(test, known)
    values = list(test.values)
    if operator.told:
        return f"{criterion.label} {operator.told % {'n': listed(values)}}"
    if criterion.choices is not None:
        names = {value: str(label) for value, label in criterion.choices(actor)}
        values = [names.get(value, value) for value in values]
    if criterion.kind in FIGURES:
        values = [_shown(criterion, value) for value in values]
    return " ".join(
        [
            str(criterion.label),
            str(operator.label),
            "–".join(values) if operator.takes == "two" else listed(values),
        ]
    ).strip()


def _shown(criterion: Criterion, text: str) -> str:
    """A figure of a test in the reader's way of writing; as it stands where it is none."""
    try:
        figure = amount(text)
    except ValueError:
        return text
    if criterion.kind == "money":
        return format.money_text(figure, language=get_language() or "en")
    plain = f"{figure.normalize():,f}"
    return f"{plain}%" if criterion.kind == "share" else plain


def midnight(day: date) -> datetime:
    """When the business day begins."""
    return datetime.combine(day, time(), tzinfo=clock.BUSINESS_ZONE)


def must_be_open(model: type[Model], found: Iterable[Criterion]) -> list[str]:
    """The criteria whose column is no money and yet class C2: nobody may ask for a person by an address."""
    wrong = []
    for each in found:
        names = each.path.split("__")
        owner: Any = model
        for name in names[:-1]:
            owner = owner._meta.get_field(name).related_model
        try:
            owner._meta.get_field(names[-1])
        except FieldDoesNotExist:
            continue
        if each.kind not in FIGURES and owner.field_classes.get(names[-1]) == "C2":
            wrong.append(each.id)
    return wrong


def amount(text: str) -> Decimal:
    """A figure as people type it: `500,000`, `50万`, `1.2億元`, `1.2M`, `80%`; raises ValueError."""
    fit = _AMOUNT.match(unicodedata.normalize("NFKC", text))
    if fit is None:
        raise ValueError(text)
    figure = Decimal(fit[1].replace(",", ""))
    for name in fit[2].lower():
        figure *= _SCALES[name]
    if abs(figure) > _LARGEST:
        raise ValueError(text)
    return figure


def _value(criterion: Criterion, operator: Operator, text: str) -> Any:
    kind: str = "days" if operator.takes == "days" else criterion.kind
    try:
        if kind == "days":
            days = int(text)
            if not 0 <= days <= FURTHEST_DAYS:
                raise ValueError
            return days
        if kind in FIGURES:
            return amount(text) / (100 if kind == "share" else 1)
        if kind in ("date", "moment"):
            return date.fromisoformat(text)
    except ValueError:
        wanted = {
            "days": _("a number of days"),
            "date": _("a date such as 2026-11-22"),
            "moment": _("a date such as 2026-11-22"),
            "share": _("per cent such as 80"),
        }.get(kind, _("a figure such as 500,000 or 50万"))
        raise Wrong(
            _("“%(field)s” wants %(wanted)s, not “%(value)s”.")
            % {"field": criterion.label, "wanted": wanted, "value": text[:LONGEST]}
        ) from None
    return text[:LONGEST]


def _must_fit(criterion: Criterion, operator: Operator, values: Sequence[Any], label: str) -> None:
    wanted = {"": 0, "two": 2, "many": max(1, len(values))}.get(operator.takes, 1)
    if len(values) != wanted or any(value == "" for value in values):
        raise Wrong(
            _("“%(field)s %(operator)s” lacks its value.")
            % {"field": label, "operator": operator.label}
            if len(values) <= wanted
            else _("“%(field)s %(operator)s” has too many values.")
            % {"field": label, "operator": operator.label}
        )


def _positive(criterion: Criterion, name: str, values: Sequence[Any]) -> Q:
    path, today = criterion.path, clock.today()

    def at(lookup: str, value: Any) -> Q:
        if criterion.kind == "moment" and isinstance(value, date):
            # In bounds of time and not by the day of each row, so that an index answers.
            after = lookup in ("gt", "lte")
            value = midnight(value + timedelta(days=1) if after else value)
            lookup = "gte" if lookup in ("gt", "gte") else "lt"
        return Q(**{f"{path}__{lookup}": value})

    match name:
        case "has":
            return at("icontains", values[0])
        case "is" if criterion.kind == "choice":
            return at("in", list(values))
        case "is":
            return at("iexact", values[0])
        case "empty":
            empty = at("isnull", True)
            return empty | Q(**{path: ""}) if criterion.kind in ("text", "choice") else empty
        case "filled":
            filled = at("isnull", False)
            return filled & ~Q(**{path: ""}) if criterion.kind in ("text", "choice") else filled
        case "over":
            return at("gt", values[0])
        case "from":
            return at("gte", values[0])
        case "to":
            return at("lte", values[0])
        case "under":
            return at("lt", values[0])
        case "between":
            low, high = sorted(values)
            return at("gte", low) & at("lte", high)
        case "before":
            return at("lt", values[0])
        case "after":
            return at("gt", values[0])
        case "older":
            old = at("lt", today - timedelta(days=values[0]))
            return old | at("isnull", True) if criterion.counts_as_old else old
        case "last":
            return at("gte", today - timedelta(days=values[0])) & at("lte", today)
        case "next":
            return at("gte", today) & at("lte", today + timedelta(days=values[0]))
        case "today":
            return at("gte", today) & at("lte", today)
        case "this_month":
            first = today.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
            return at("gte", first) & at("lt", after)
        case _yes:
            return Q(**{path: True}) if criterion.path else Q()
