"""G-15: what people wrote stays text. Pages full of payloads, drawn by Chromium with all their own scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, Route
from psycopg.types.range import DateRange

from tests.trust import FULL
from tests.trust.payloads import MARK, PAYLOADS
from zhike.access.models import ApiToken
from zhike.customers.models import Assignment, ContactPoint, Party, Relation, TimelineEntry
from zhike.customers.tests import factories
from zhike.desk.models import Notice, SavedView
from zhike.kernel import audit, clock, crypto
from zhike.kernel.models import AuditEntry
from zhike.masterdata.models import ImportFile, ImportRun, SourceSystem
from zhike.organisation.models import Employee, Role, Unit, User
from zhike.products.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.browser]
WATCH = """
    window.ran = []; window.reports = [];
    for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = () => window.ran.push(name);
    const kept = event => window.reports.push(`${event.violatedDirective} ${event.blockedURI}`);
    addEventListener("securitypolicyviolation", kept);
"""
SITE = "http://testserver"
MOVED = (301, 302, 303)


@dataclass
class Planted:
    """`fields` are the text fields that hold every payload; `pages` who opens which address."""

    first: Party
    people: dict[str, User]
    fields: set[str]
    pages: list[tuple[str, str]]


def cut(model: Any, field: str, text: str) -> str:
    return text[: model._meta.get_field(field).max_length or len(text)]


@pytest.fixture
def planted(db: None) -> Planted:
    unit = factories.unit()
    roles = (Role.CUSTOMER_MANAGER, Role.SYSTEM_ADMINISTRATOR, Role.AUDITOR, Role.ANALYST)
    people = {
        role.value: User.objects.get(employee=factories.employee_with_role(role, unit))
        for role in roles
    }
    fields: set[str] = set()

    def texts(model: Any, *names: str) -> Iterator[dict[str, str]]:
        """A row a payload: the named fields hold it, as far as it fits."""
        fields.update(f"{model._meta.label}.{name}" for name in names)
        for payload in PAYLOADS:
            yield {name: cut(model, name, payload) for name in names}

    of_party = ("name", "occupation", "industry", "education", "marital_status", "note")
    base = {"kind": "person", "type": "individual", "unit": unit, "name_key": "zx"}
    parties = Party.objects.bulk_create(Party(**base, **each) for each in texts(Party, *of_party))
    first, manager = parties[0], people[Role.CUSTOMER_MANAGER]
    since = DateRange(clock.today().replace(year=2021, day=1), None)
    Assignment.objects.bulk_create(
        Assignment(party=each, employee=manager.employee, during=since) for each in parties
    )
    TimelineEntry.objects.bulk_create(
        TimelineEntry(party=first, at=clock.now(), kind="contact", channel="phone", **each)
        for each in texts(TimelineEntry, "title", "body", "result")
    )
    Relation.objects.bulk_create(
        Relation(party=first, other=other, kind="family", during=since, **each)
        for other, each in zip(parties[1:], texts(Relation, "note", "role"), strict=False)
    )
    ContactPoint.objects.bulk_create(
        _contact_point(first, each) for each in unlike(texts(ContactPoint, "label"))
    )
    Product.objects.bulk_create(
        Product(code=f"zx{n}", category="deposit", side="liability", **each)
        for n, each in enumerate(texts(Product, "name"))
    )
    Unit.objects.bulk_create(
        Unit(code=f"zx{n}", kind="outlet", parent=unit, path=f"{unit.path}{900_000 + n}/", **each)
        for n, each in enumerate(texts(Unit, "name", "region"))
    )
    Employee.objects.bulk_create(
        Employee(code=f"zx{n}", unit=unit, **each) for n, each in enumerate(texts(Employee, "name"))
    )
    for user in people.values():
        Notice.objects.bulk_create(
            Notice(user=user, kind="zx", text="%(what)s", params={"what": each}, at=clock.now())
            for each in PAYLOADS
        )
    SavedView.objects.bulk_create(
        SavedView(user=manager, page="customers.party", name=f"{n}{text}"[:60])
        for n, text in enumerate(PAYLOADS)
    )
    fields |= {"desk.SavedView.name", "desk.Notice.params"}
    ApiToken.objects.bulk_create(
        ApiToken(
            user=manager, digest=str(n).encode(), permissions=[], expires_on=clock.today(), **each
        )
        for n, each in enumerate(texts(ApiToken, "name"))
    )
    for payload in PAYLOADS:
        audit.record(factories.SYSTEM, "zx", reason=payload)
    AuditEntry.objects.bulk_create(
        AuditEntry(at=clock.now(), action=text, actor_name=text, origin=text) for text in PAYLOADS
    )
    fields |= {f"kernel.AuditEntry.{name}" for name in ("reason", "action", "actor_name", "origin")}
    system = SourceSystem.objects.create(code="zx", name=cut(SourceSystem, "name", PAYLOADS[1]))
    run = ImportRun.objects.create(
        system=system, mapping=PAYLOADS[2], started_at=clock.now(), actor_name=PAYLOADS[3]
    )
    ImportFile.objects.bulk_create(
        ImportFile(run=run, table="people", digest=str(n), **each)
        for n, each in enumerate(texts(ImportFile, "name", "error"))
    )
    return Planted(first, people, fields, _pages(parties, run))


def unlike(said: Iterator[dict[str, str]]) -> list[dict[str, str]]:
    """Some payloads are one where the field cuts them."""
    return list({tuple(each.values()): each for each in said}.values())


def _contact_point(party: Party, said: dict[str, str]) -> ContactPoint:
    row = ContactPoint(party=party, kind="wechat", **said)
    row.sealed = crypto.encrypt("zx", row.place)
    row.blind = crypto.blind_index("wechat", said["label"])
    row.tail = crypto.tail_index("wechat", "zx")
    return row


def _pages(parties: list[Party], run: ImportRun) -> list[tuple[str, str]]:
    manager, operator = Role.CUSTOMER_MANAGER.value, Role.SYSTEM_ADMINISTRATOR.value
    first = parties[0].get_absolute_url()
    opened = parties if FULL else []
    every = "cols=name,kind,occupation,industry,education,tier&size=200"
    return [
        (manager, f"/customers/?{every}"),
        (manager, first),
        (manager, f"{first}edit/"),
        (manager, f"{first}brief/"),
        (manager, "/contacts/?size=200"),
        (manager, "/products/?size=200"),
        (manager, "/notices/"),
        (manager, "/me/tokens/"),
        (operator, "/organisation/"),
        (operator, "/organisation/people/?size=200"),
        (operator, f"/imports/{run.public_id}/"),
        (Role.AUDITOR.value, "/audit/?size=200"),
        *((manager, each.get_absolute_url()) for each in opened),
    ]


def answered(client: Client) -> Callable[[Route], None]:
    """The site in this process answers what the browser asks, files included."""
    files: dict[str, Any] = {}
    # The driver asks from elsewhere, where Django would open another connection.
    here = copy_context()

    def ask(method: str, path: str, body: bytes, kind: str, headers: dict[str, str]) -> Any:
        got: Any = client.generic(method, path, body, kind, headers=headers)
        while got.status_code in MOVED:  # the browser's own way there leads past the route
            got = client.get(got.headers["Location"])
        content = b"".join(got.streaming_content) if got.streaming else got.content
        return got.status_code, dict(got.headers.items()), content

    def answer(route: Route) -> None:
        request = route.request
        parts = urlsplit(request.url)
        if parts.path == "/events/" or f"{parts.scheme}://{parts.netloc}" != SITE:
            route.abort()
            return
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        said = {k: v for k, v in request.headers.items() if k.startswith(("hx-", "x-"))}
        body, kind = request.post_data_buffer or b"", request.headers.get("content-type", "")
        told = files.get(path) or here.run(ask, request.method, path, body, kind, said)
        if path.startswith("/static/"):
            files[path] = told
        status, headers, content = told
        route.fulfill(status=status, headers=headers, body=content)

    return answer


def seen(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        f"""() => ({{ran: window.ran, reports: window.reports,
            made: [...document.querySelectorAll("[{MARK}]")].map(each => each.outerHTML.slice(0, 80)),
            told: document.documentElement.outerHTML.split("{MARK}").length - 1}})"""
    )
    return found


def test_texts_stay_texts(
    planted: Planted, browser: Browser, record_property: Callable[[str, object], None]
) -> None:
    clients = {role: Client() for role in planted.people}
    for role, user in planted.people.items():
        clients[role].force_login(user)
    wrong, told = [], 0
    for role in planted.people:
        context = browser.new_context(base_url=SITE, locale="zh-CN", service_workers="block")
        context.add_init_script(WATCH)
        page = context.new_page()
        page.route("**/*", answered(clients[role]))
        for who, address in planted.pages:
            if who != role:
                continue
            page.goto(address, wait_until="load")
            found = seen(page)
            told += found["told"]
            bad = {name: found[name] for name in ("ran", "reports", "made") if found[name]}
            if bad or not found["told"]:
                wrong.append(f"{address}: {bad or 'no payload stands there'}")
        context.close()
    record_property("payloads", len(PAYLOADS))
    record_property("fields", len(planted.fields))
    record_property("pages", len(planted.pages))
    assert wrong == []
    assert told > len(PAYLOADS) * 10


def test_a_page_that_forgets_is_found(browser: Browser) -> None:
    """The watch itself: a text that got out is seen as an element, and as a report where it would run."""
    from zhike.ui.middleware import CONTENT_SECURITY_POLICY

    context = browser.new_context(base_url=SITE)
    context.add_init_script(WATCH)
    page = context.new_page()
    body = f"<!doctype html><title>x</title><p>{PAYLOADS[1]}</p>"

    def answer(route: Route) -> None:
        policy = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Content-Type": "text/html"}
        route.fulfill(status=200, headers=policy, body=body)

    page.route("**/*", answer)
    page.goto("/")
    found = seen(page)
    assert found["made"]
    assert found["reports"]
    assert found["ran"] == []
    context.close()
