"""What may be done with many rows at once: a room registers actions, a job does them one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise

from zhike.kernel.actor import Actor
from zhike.kernel.registry import Registry


@dataclass(frozen=True, eq=False)
class BulkAction:
    """An action on the rows of `page`; `run_one(actor, row, params)` calls one service for one row.

    `form(data, actor)` asks for what the action needs; `params(form)` answers it as JSON. What `run_one` raises as
    `UserError` is the reason that row was refused; the run goes on. `consent(actor, keys, params)` is asked with the
    keys of all rows before a run: where these are too many for one person to decide, it lets them wait for a second
    one and answers the address where they wait; "" where the run may begin.

    With `alone` somebody does at most so many rows a day by themselves; more wait as a job until a second person agrees
    whose role reaches that far at the approval level `level`. `said(params)` tells that person what is asked for.
    `one_by_one(actor, since)` counts what the actor did of it since then without a job, which is as much theirs alone.
    """

    id: str
    page: str
    label: str | Promise
    icon: str
    permission: str
    run_one: Callable[[Actor, Any, Mapping[str, Any]], object]
    form: Callable[[Any, Actor], forms.Form] | None = None
    params: Callable[[forms.Form], dict[str, Any]] = lambda form: dict(form.cleaned_data)
    order: int = 50
    consent: Callable[[Actor, Sequence[int], Mapping[str, Any]], str] | None = None
    alone: int | None = None
    level: str = ""
    one_by_one: Callable[[Actor, datetime], int] = lambda actor, since: 0
    said: Callable[[Mapping[str, Any]], list[tuple[str, str]]] = lambda params: []


bulk_actions: Registry[BulkAction] = Registry("ui.bulk_actions")


def actions_for(page: str, actor: Actor) -> list[BulkAction]:
    """What the actor may do with many rows of the page."""
    mine = [each for each in bulk_actions if each.page == page and actor.may(each.permission)]
    return sorted(mine, key=lambda each: (each.order, each.id))


@dataclass(frozen=True)
class Listing:
    """A list that may be asked for outside its own page: by a job, for a file."""

    id: str
    view: Callable[[], type[Any]]
    url_name: str


listings: Registry[Listing] = Registry("ui.listings")


def view_of(page: str, actor: Actor, query: str) -> Any:
    """The list of `page` as the actor would see it at the address `query`; raises KeyError."""
    view = listings.get(page).view()()
    request = HttpRequest()
    request.method = "GET"
    request.GET = QueryDict(query)
    request.actor = actor  # type: ignore[attr-defined]
    view.setup(request)
    return view
