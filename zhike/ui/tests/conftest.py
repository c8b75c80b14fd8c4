"""The sample site, its table and a client signed in to it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection
from django.test import Client, override_settings

from zhike.kernel.registry import Registry
from zhike.ui.commands import commands
from zhike.ui.navigation import NavItem, counters, navigation, tools
from zhike.ui.panels import panels
from zhike.ui.suggestions import suggesters
from zhike.ui.tests.sample import PANELS, Thing

MIDDLEWARE = [
    "zhike.ui.middleware.SecurityHeadersMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "zhike.ui.tests.sample.ActorFromCookie",
    "django_htmx.middleware.HtmxMiddleware",
    "zhike.ui.middleware.ReaderErrorsMiddleware",
]
NAVIGATION = (
    NavItem(
        id="sample.home",
        label="组件",
        url_name="home",
        icon="layout-dashboard",
        permission="",
        order=1,
    ),
    NavItem(
        id="sample.things",
        label="物品",
        url_name="things:list",
        icon="box",
        permission="things.read",
        order=2,
        section="业务",
    ),
    NavItem(
        id="sample.secret",
        label="密室",
        url_name="things:new",
        icon="lock",
        permission="things.secret",
        order=3,
        section="业务",
    ),
    NavItem(
        id="sample.absent",
        label="未装",
        url_name="absent:list",
        icon="plug",
        permission="",
        order=4,
    ),
)


def templates() -> list[dict[str, Any]]:
    engines: list[dict[str, Any]] = deepcopy(site.TEMPLATES)
    engines[0]["DIRS"] = [Path(__file__).parent / "templates"]
    return engines


@pytest.fixture(scope="session")
def thing_table(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The table of the sample model, made for this run only."""
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute('DROP TABLE IF EXISTS "ui_thing"')
        with connection.schema_editor() as editor:
            editor.create_model(Thing)
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT ALL ON ui_thing TO {site.ZHIKE_PAGES_ROLE}")
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        editor.delete_model(Thing)


@contextmanager
def holding(registry: Registry[Any], items: Iterable[Any]) -> Iterator[None]:
    """The registry with these items alone, whatever the institution's rooms put there."""
    kept, closed = registry._items, registry._closed
    registry._items, registry._closed = {item.id: item for item in items}, True
    yield
    registry._items, registry._closed = kept, closed


@pytest.fixture(scope="module")
def sample_site() -> Iterator[None]:
    """The sample's addresses, panels and navigation in place of the institution's."""
    replaced = override_settings(
        ROOT_URLCONF="zhike.ui.tests.sample",
        MIDDLEWARE=MIDDLEWARE,
        TEMPLATES=templates(),
        MESSAGE_STORAGE="django.contrib.messages.storage.cookie.CookieStorage",
        ZHIKE_SEARCH_PERMISSION="things.read",
        ZHIKE_SEARCH_URL_NAME="things:list",
        LOGIN_URL="sign-in",
        ALLOWED_HOSTS=["*"],
    )
    shell = [holding(registry, ()) for registry in (counters, tools, suggesters, commands)]
    with replaced, holding(panels, PANELS), holding(navigation, NAVIGATION), ExitStack() as stack:
        for held in shell:
            stack.enter_context(held)
        yield


@pytest.fixture
def visitor(db: None, thing_table: None, sample_site: None) -> Client:
    """A client of the sample site; the cookie `actor` says who it is."""
    return Client(raise_request_exception=False)


def some_things(number: int) -> list[Thing]:
    """Unsaved things that look like those of a bank's day; the same for each run."""
    chance = random.Random(7)
    began = datetime(2026, 11, 22, 4, tzinfo=UTC)
    return [
        Thing(
            name=f"{chance.choice('春夏秋冬梅兰竹菊')}{chance.choice('山水云石')}物品 No.{i}",
            tier=chance.choice("abc"),
            amount=chance.choice(
                [None, Decimal(chance.randrange(1, 10 ** chance.randrange(3, 13))) / 100]
            ),
            share=chance.random(),
            opened_on=chance.choice([None, date(2020, 1, 1) + timedelta(chance.randrange(2500))]),
            touched_at=began - timedelta(minutes=chance.randrange(10 ** chance.randrange(1, 7))),
            note=chance.choice(["", "需要在月底前复核，并与 branch manager 确认。", "正常"]),
        )
        for i in range(number)
    ]
