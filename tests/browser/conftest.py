"""The sample institution as a newcomer gets it: made by `zhike demo`, served by `zhike serve`, seen in Chromium."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, expect
from psycopg import sql

from zhike.kernel.roles import PAGES_ROLE
from zhike.kernel.tests.factories import drop_database

READY_SECONDS = 300
PATIENCE = 30_000  # milliseconds; only a failure takes so long
ZHIKE = [sys.executable, "-c", "from zhike.config.cli import main; main()"]


expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Site:
    """`logins`, `names` and `units` (of work) are those of the one sample person a role."""

    url: str
    password: str
    logins: dict[str, str]
    names: dict[str, str]
    units: dict[str, str]
    home: Path
    database: str = ""

    @classmethod
    def of(cls, url: str, home: Path, database: str = "") -> Site:
        made = json.loads((home / "demo.json").read_text())
        logins, names, units = (
            {each["role"]: each[key] for each in made["logins"]}
            for key in ("login", "name", "unit")
        )
        return cls(url, made["password"], logins, names, units, home, database)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A thousand sample customers on a database of their own, served as `zhike demo` serves them."""
    home = tmp_path_factory.mktemp("institution")
    server = os.environ["DATABASE_URL"]
    name = f"browser_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        environment = {
            **os.environ,
            "ZHIKE_HOME": str(home),
            "DATABASE_URL": urlunsplit(urlsplit(server)._replace(path=f"/{name}")),
            "PAGES_DATABASE_URL": _of_pages(server, name),
            "DJANGO_SETTINGS_MODULE": "zhike.config.settings",
        }
        with socket.socket() as free, socket.socket() as free_too:
            free.bind(("127.0.0.1", 0))
            free_too.bind(("127.0.0.1", 0))
            port, events = free.getsockname()[1], free_too.getsockname()[1]
        environment["ZHIKE_EVENTS_PORT"] = str(events)
        call = [*ZHIKE, "demo", "--customers", "1000", "--port", str(port)]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(call, env=environment, stdout=log, stderr=log)
            try:
                url = f"http://127.0.0.1:{port}"
                until_it_answers(url, process, home / "log")
                until_it_answers(f"http://127.0.0.1:{events}", process, home / "log")
                yield Site.of(url, home, environment["DATABASE_URL"])
            finally:
                process.terminate()
                process.wait(60)
        drop_database(connection, name)


def _of_pages(server: str, database: str) -> str:
    """Where the pages sign in: under their own role, behind the second wall."""
    parts = urlsplit(server)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{PAGES_ROLE}@{place}", path=f"/{database}"))


def until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits for the health page, or any answer; fails with the end of the log when the process ends or time is up."""
    deadline = monotonic() + READY_SECONDS
    while monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"zhike demo ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{url}/health/", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except (urllib.error.URLError, ConnectionError):
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
    pytest.fail(f"no answer within {READY_SECONDS} s:\n{log.read_text()[-3000:]}")


SignIn = Callable[..., Page]


FRESH = 10 * 60
"""Seconds after which a role signs in anew: a reveal or a file asks for a proof not older than fifteen minutes."""


@pytest.fixture(scope="session")
def signed_in() -> dict[str, tuple[float, StorageState]]:
    """When each role signed in, and the cookies of it: a password is slow to check."""
    return {}


@pytest.fixture
def sign_in(
    site: Site, browser: Browser, signed_in: dict[str, tuple[float, StorageState]]
) -> Iterator[SignIn]:
    """Opens a browser of its own as a role; fails the test when a page complains in its console."""
    opened = []
    complaints: list[str] = []

    def start(
        role: str,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        locale: str = "zh-CN",
    ) -> Page:
        since, state = signed_in.get(role, (0.0, None))
        fresh = state is not None and monotonic() - since < FRESH
        context = browser.new_context(
            base_url=site.url,
            viewport=ViewportSize(width=width, height=height),
            color_scheme="dark" if dark else "light",
            locale=locale,
            storage_state=state if fresh else None,
        )
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if message.type == "error" and "status of 4" not in message.text
                else None
            ),
        )
        if fresh:
            page.goto("/today/")
        # Three browsers at once are the most: who signed in elsewhere in a test may have ended this one.
        if not fresh or "/sign-in/" in page.url:
            since = monotonic()
            page.goto("/sign-in/")
            page.fill("input[name=login]", site.logins[role])
            page.fill("input[name=password]", site.password)
            page.click("main button[type=submit]")
        expect(page).to_have_url(f"{site.url}/today/")
        page.wait_for_load_state()  # the address is new before the page is there: keys and counts would come too early
        signed_in[role] = since, context.storage_state()
        return page

    yield start
    for context in opened:
        context.close()
    assert complaints == []
