from __future__ import annotations

import json
import logging
import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse, HttpResponseNotAllowed
from django.test import Client, RequestFactory

from zhike.kernel.actor import Actor
from zhike.ui.middleware import CONTENT_SECURITY_POLICY, ReaderErrorsMiddleware
from zhike.ui.panels import panels_for
from zhike.ui.tests.conftest import some_things
from zhike.ui.tests.sample import KEEPER, Thing

HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def thing(visitor: Client) -> Thing:
    made: Thing = Thing.objects.create(name="瓷瓶", tier="a", amount=Decimal("12.50"))
    return made


def test_a_list_shows_only_what_its_reader_may_see(visitor: Client) -> None:
    Thing.objects.create(name="看得见", tier="a")
    Thing.objects.create(name="看不见", tier="a", hidden=True)
    page = visitor.get("/things/").content.decode()
    assert "看得见" in page
    assert "看不见" not in page
    assert "1 " in re.sub(r"<[^>]+>", "", page.split('class="pager"')[1])


def test_a_list_sorts_filters_searches_and_pages(visitor: Client) -> None:
    Thing.objects.bulk_create(some_things(60))
    first = visitor.get("/things/?sort=name&tier=a").content.decode()
    assert 'aria-sort="ascending"' in first
    wanted = list(
        Thing.objects.filter(tier="a").order_by("name", "pk").values_list("name", flat=True)
    )
    assert re.findall(r'href="/things/[0-9a-f-]{36}/">([^<]+)<', first) == wanted[:20]
    onward = re.search(r'rel="next" id="page-next" href="([^"]+)"', first)
    if len(wanted) > 20:
        assert onward
        second = visitor.get("/things/" + unescape(onward[1])).content.decode()
        assert re.findall(r'href="/things/[0-9a-f-]{36}/">([^<]+)<', second) == wanted[20:40]
    one = wanted[0]
    found = visitor.get("/things/", {"q": one}).content.decode()
    assert one in found
    assert "rel=" not in found.split('class="pager"')[1]


def test_an_empty_list_says_what_to_do(visitor: Client) -> None:
    assert "empty-state" in visitor.get("/things/").content.decode()
    nothing = visitor.get("/things/?q=无此物").content.decode()
    assert 'class="btn btn-primary" href="/things/"' in nothing


def test_an_order_no_column_allows_is_not_followed(visitor: Client) -> None:
    Thing.objects.bulk_create(some_things(3))
    assert visitor.get("/things/?sort=hidden").status_code == 200
    assert visitor.get("/things/?sort=scope__x").status_code == 200


def test_an_old_cursor_leads_to_the_first_page(visitor: Client) -> None:
    answer = visitor.get("/things/?sort=name&cursor=old")
    assert answer.status_code == 302
    assert answer["Location"] == "/things/?sort=name"


def test_one_address_two_renderings(visitor: Client) -> None:
    whole = visitor.get("/things/")
    piece = visitor.get("/things/", headers=HTMX)
    assert "<html" in whole.content.decode()
    assert "<html" not in piece.content.decode()
    assert piece.content.decode().lstrip().startswith('<section id="rows"')
    assert "HX-Request" in piece["Vary"]
    for special in (
        {"hx-history-restore-request": "true"},
        {"hx-boosted": "true"},
        {"hx-request-type": "full"},
    ):
        assert "<html" in visitor.get("/things/", headers=HTMX | special).content.decode()


def test_a_refusal_has_its_reason(visitor: Client) -> None:
    visitor.cookies["actor"] = "stranger"
    answer = visitor.get("/things/")
    assert answer.status_code == 403
    assert "things.read" in answer.content.decode()


@pytest.mark.parametrize("public_id", ["absent", "hidden"])
def test_hidden_is_as_absent(visitor: Client, public_id: str) -> None:
    hidden = Thing.objects.create(name="看不见", tier="a", hidden=True)
    known = {"absent": "00000000-0000-4000-8000-000000000000", "hidden": hidden.public_id}
    pages = [
        visitor.get(f"/things/{known[public_id]}/{rest}") for rest in ("", "edit/", "?panel=facts")
    ]
    assert [page.status_code for page in pages] == [404, 404, 404]
    assert "看不见" not in pages[0].content.decode()


def test_a_page_is_the_panels_its_reader_may_see(visitor: Client, thing: Thing) -> None:
    assert [panel.id for panel in panels_for("sample.thing", KEEPER)] == [
        "facts", "history", "curve", "broken",
    ]  # fmt: skip
    assert [panel.id for panel in panels_for("sample.thing", Actor(None, None, "x"))] == [
        "facts", "curve", "broken",
    ]  # fmt: skip
    page = visitor.get(thing.get_absolute_url()).content.decode()
    assert "基本情况" in page
    assert "不可见的部分" not in page
    assert 'hx-trigger="fetch, thing-touched from:body"' in page
    assert 'hx-trigger="revealed, fetch"' in page


def test_htmx_gets_one_panel_and_no_other_persons(visitor: Client, thing: Thing) -> None:
    one = visitor.get(f"{thing.get_absolute_url()}?panel=history", headers=HTMX)
    text = one.content.decode()
    assert text.lstrip().startswith("<section")
    assert "上门拜访" in text
    assert "revealed" not in text, "a filled panel is not fetched again"
    refused = visitor.get(f"{thing.get_absolute_url()}?panel=secret", headers=HTMX)
    assert refused.status_code == 422


def test_a_done_action_tells_the_panels(visitor: Client) -> None:
    answer = visitor.post("/touch/")
    assert answer.status_code == 204
    assert json.loads(answer["HX-Trigger"]) == {
        "thing-touched": {},
        "zhike:toast": {"text": "已更新。", "tone": "success"},
    }


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would post back from the page's form."""
    data: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", page.split('class="card edit-form"')[1]):
        kind = re.search(r'type="([^"]+)"', tag)
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and kind and kind[1] not in {"checkbox", "radio"}:
            data[name[1]] = unescape(value[1]) if value else ""
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        data[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        data[name] = unescape(text.strip())
    return data


def test_an_edit_saves_and_leads_to_the_row(visitor: Client, thing: Thing) -> None:
    address = f"{thing.get_absolute_url()}edit/"
    data = fields_of(visitor.get(address).content.decode())
    assert data["version"] == "1"
    assert data["initial-name"] == "瓷瓶"
    answer = visitor.post(address, data | {"name": "玉瓶", "opened_on": "2026-11-22"})
    assert answer.status_code == 303
    assert answer["Location"] == thing.get_absolute_url()
    thing.refresh_from_db()
    assert (thing.name, str(thing.opened_on), thing.version) == ("玉瓶", "2026-11-22", 2)


def test_dates_are_written_as_the_browsers_picker_reads_them(visitor: Client, thing: Thing) -> None:
    Thing.objects.filter(pk=thing.pk).update(opened_on="2026-02-03")
    page = visitor.get(f"{thing.get_absolute_url()}edit/").content.decode()
    (picker,) = re.findall(r'<input[^>]*name="opened_on"[^>]*>', page)
    assert 'type="date"' in picker
    assert 'value="2026-02-03"' in picker


def test_a_wrong_field_is_marked_and_nothing_is_saved(visitor: Client, thing: Thing) -> None:
    address = f"{thing.get_absolute_url()}edit/"
    data = fields_of(visitor.get(address).content.decode())
    answer = visitor.post(address, data | {"name": "", "note": "写好的话"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_name_error"' in page
    assert 'aria-invalid="true"' in page
    assert "写好的话" in page
    thing.refresh_from_db()
    assert thing.name == "瓷瓶"


def test_a_rule_of_the_house_is_shown_above_the_form(visitor: Client, thing: Thing) -> None:
    address = f"{thing.get_absolute_url()}edit/"
    data = fields_of(visitor.get(address).content.decode())
    answer = visitor.post(address, data | {"name": "禁止"})
    assert answer.status_code == 422
    assert "请换一个名称" in answer.content.decode()


def clash(visitor: Client, thing: Thing) -> tuple[str, str]:
    """Both change the name, they the note too, I the amount; the address and the page of it."""
    address = f"{thing.get_absolute_url()}edit/"
    data = fields_of(visitor.get(address).content.decode())
    Thing.objects.filter(pk=thing.pk).update(name="别人的", note="别人的备注", version=2)
    answer = visitor.post(address, data | {"name": "我的", "amount": "99.00"})
    assert answer.status_code == 409
    return address, answer.content.decode()


def test_a_conflict_is_shown_field_by_field(visitor: Client, thing: Thing) -> None:
    _address, page = clash(visitor, thing)
    table = page.split('class="conflict"')[1].split("</fieldset>")[0]
    assert [cell in table for cell in ("瓷瓶", "我的", "别人的")] == [True] * 3
    assert "备注" not in table, "the note was changed by one side only"
    thing.refresh_from_db()
    assert thing.name == "别人的"


@pytest.mark.parametrize(
    ("choice", "name"),
    [({"keep-name": "mine"}, "我的"), ({"keep-name": "theirs"}, "别人的"), ({}, "别人的")],
)
def test_a_conflict_is_resolved_as_chosen(
    visitor: Client, thing: Thing, choice: dict[str, str], name: str
) -> None:
    address, page = clash(visitor, thing)
    answer = visitor.post(address, fields_of(page) | choice)
    assert answer.status_code == 303
    thing.refresh_from_db()
    assert thing.name == name
    assert thing.note == "别人的备注", "what I left alone stays as they wrote it"
    assert thing.amount == Decimal("99.00")


def test_a_new_row_needs_no_version(visitor: Client) -> None:
    page = visitor.get("/things/new/").content.decode()
    assert 'name="version"' not in page
    answer = visitor.post("/things/new/", {"name": "新的", "tier": "b"})
    assert answer.status_code == 303
    assert Thing.objects.get().name == "新的"


def test_htmx_follows_a_saved_form(visitor: Client, thing: Thing) -> None:
    address = f"{thing.get_absolute_url()}edit/"
    page = visitor.get(address, headers=HTMX).content.decode()
    assert 'hx-post="' in page
    answer = visitor.post(address, fields_of(page) | {"name": "玉瓶"}, headers=HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, thing.get_absolute_url())


@pytest.mark.parametrize(
    ("address", "status"),
    [("/things/", 200), ("/no-such/", 404), ("/broken/", 500), ("/down/", 503), ("/sign-in/", 200)],
)
def test_every_answer_carries_the_headers(visitor: Client, address: str, status: int) -> None:
    logging.disable(logging.CRITICAL)
    answer = visitor.get(address)
    logging.disable(logging.NOTSET)
    assert answer.status_code == status
    assert answer["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert "secret words" not in answer.content.decode()


@pytest.mark.parametrize("address", ["/no-such/", "/broken/", "/down/"])
def test_an_error_is_a_toast_to_htmx(visitor: Client, address: str) -> None:
    logging.disable(logging.CRITICAL)
    answer = visitor.get(address, headers=HTMX)
    logging.disable(logging.NOTSET)
    assert answer["HX-Reswap"] == "none"
    assert answer.content.decode().startswith('<hx-partial hx-target="#toasts"')


def test_a_form_without_its_token_says_so(sample_site: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/touch/")
    assert answer.status_code == 403
    assert "error-page" in answer.content.decode()


def test_an_address_that_only_takes_forms_says_so_in_words(sample_site: None) -> None:
    respond = ReaderErrorsMiddleware(lambda request: HttpResponseNotAllowed(["POST"]))
    answer = respond(RequestFactory().get("/touch/"))
    assert isinstance(answer, HttpResponse)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "error-page" in answer.content.decode()
