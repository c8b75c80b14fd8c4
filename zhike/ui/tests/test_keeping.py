"""A list keeps the SQL of its rows only where nothing but the actor, the day and its conditions changes it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import date

from django.db.models import Exists, OuterRef, Q

from zhike.kernel.asking import Rows
from zhike.ui.lists.bulk import listings
from zhike.ui.tests.sample import Thing
from zhike.ui.views import ListView


def lists(below: type[ListView] = ListView) -> Iterator[type[ListView]]:
    for each in below.__subclasses__():
        yield each
        yield from lists(each)


def test_what_a_list_joins_hangs_on_the_actor_alone() -> None:
    for listing in listings:
        listing.view()
    asking = [
        each.__qualname__
        for each in lists()
        if each.keeps
        and "narrowed" in vars(each)
        and set(re.findall(r"self[.](\w+)", inspect.getsource(vars(each)["narrowed"]))) - {"actor"}
    ]
    assert not asking, f"{asking} ask more than the actor: `keeps = False`, or a condition"


def test_only_what_says_all_tells_rows_apart() -> None:
    rows = Rows(Thing, Thing.objects.all, ("test",))
    assert rows.narrowed(
        Q(tier="a"), Q(), Q(amount__in=[1, 2]) | ~Q(opened_on=date(2026, 1, 1))
    ).key
    assert rows.narrowed(Q(tier="a")).key == rows.narrowed(Q(tier="a")).key
    assert rows.narrowed(Q(tier="a")).key != rows.narrowed(~Q(tier="a")).key
    within = Thing.objects.filter(tier="a")
    for condition in (
        Q(pk__in=within),
        Q(tier="a") & ~Q(Q(name="b") | Q(pk__in=within.values("pk"))),
        Q(Exists(within.filter(pk=OuterRef("pk")))),
    ):
        assert rows.narrowed(condition).key is None
