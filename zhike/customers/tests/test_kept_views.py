"""Saved views: whose they are, to whom they are lent, how they open."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.http import Http404
from django.test import Client

from zhike.customers.tests import factories
from zhike.desk.models import SavedView
from zhike.desk.services import views
from zhike.kernel.errors import Refused, UserError
from zhike.kernel.models import AuditEntry
from zhike.organisation.models import Role, Unit

pytestmark = pytest.mark.django_db

PAGE = "customers.party"


@pytest.fixture
def unit() -> Unit:
    return factories.unit()


@pytest.fixture
def lead(unit: Unit) -> Client:
    return factories.signed_in_client(Role.TEAM_LEAD, unit)


def actor(client: Client) -> Any:
    return client.actor  # type: ignore[attr-defined]


def page(client: Client, address: str = "/customers/?view=all") -> str:
    return unescape(client.get(address, follow=True).content.decode())


def save(client: Client, name: str = "大户", **given: str) -> SavedView:
    return views.save_view(
        actor=actor(client), page=PAGE, name=name, query="kind=person&cursor=x&q=y", **given
    )


def test_a_view_keeps_the_state_alone_and_is_its_owners(lead: Client, unit: Unit) -> None:
    view = save(lead)
    assert view.query == "kind=person"
    assert "大户" in page(lead)
    other = factories.signed_in_client(Role.TEAM_LEAD, unit)
    assert "大户" not in page(other)
    for write in (
        lambda: views.keep_state(actor=actor(other), public_id=view.public_id, query="a=b"),
        lambda: views.set_view(
            actor=actor(other), public_id=view.public_id, name="x", sharing="private"
        ),
        lambda: views.place_view(
            actor=actor(other), public_id=view.public_id, pinned=True, default=True
        ),
        lambda: views.delete_view(actor=actor(other), public_id=view.public_id),
    ):
        with pytest.raises(Http404):
            write()
    view.refresh_from_db()
    assert (view.name, view.query) == ("大户", "kind=person")


def test_a_view_lent_to_a_unit_is_seen_there_and_nowhere_else(lead: Client, unit: Unit) -> None:
    save(lead, sharing="team")
    assert "大户" in page(factories.signed_in_client(Role.CUSTOMER_MANAGER, unit))
    assert "大户" not in page(factories.signed_in_client(Role.CUSTOMER_MANAGER))
    head = factories.signed_in_client(Role.BRANCH_HEAD, unit)
    save(head, "全行", sharing="everyone")
    assert "全行" in page(factories.signed_in_client(Role.CUSTOMER_MANAGER))


def test_lending_takes_its_right(lead: Client, unit: Unit) -> None:
    manager = factories.signed_in_client(Role.CUSTOMER_MANAGER, unit)
    for client, sharing in ((manager, "team"), (manager, "everyone"), (lead, "everyone")):
        with pytest.raises(Refused):
            save(client, sharing=sharing)
    view = save(manager)
    with pytest.raises(Refused):
        views.set_view(actor=actor(manager), public_id=view.public_id, name="x", sharing="team")
    assert set(SavedView.objects.values_list("sharing", "name")) == {("private", "大户")}


def test_names_are_given_once(lead: Client) -> None:
    save(lead)
    for name in ("大户", "  "):
        with pytest.raises(UserError):
            save(lead, name)
    assert SavedView.objects.count() == 1


def test_the_list_opens_with_the_default_view_and_tells_when_it_differs(lead: Client) -> None:
    view = save(lead)
    views.place_view(actor=actor(lead), public_id=view.public_id, pinned=True, default=True)
    answer = lead.get("/customers/")
    assert answer["Location"] == f"/customers/?kind=person&view={view.public_id}"
    assert "view-keep" not in page(lead, answer["Location"])
    assert "view-keep" in page(lead, answer["Location"] + "&tier=x&size=100")
    assert lead.get("/customers/?view=all").status_code == 200
    views.place_view(actor=actor(lead), public_id=view.public_id, pinned=False, default=False)
    assert lead.get("/customers/").status_code == 200


def test_a_view_whose_field_is_gone_opens_with_a_message(lead: Client, unit: Unit) -> None:
    factories.person("张伟明", unit=unit)
    view = views.save_view(
        actor=actor(lead), page=PAGE, name="旧", query="cols=name,gone&where=lost.is.x"
    )
    text = page(lead, f"/customers/?{view.query}&view={view.public_id}")
    assert "张伟明" in text
    assert text.count("list-problem") == 2
    assert "gone" in text
    assert "lost" in text


def test_the_form_saves_changes_deletes_and_brings_back(lead: Client) -> None:
    def post(**sent: str) -> Any:
        return lead.post("/views/", {"page": PAGE, **sent})

    made = post(do="new", name="大户", query="kind=person", sharing="team")
    view = SavedView.objects.get()
    assert made["Location"] == f"/customers/?kind=person&view={view.public_id}"
    id = str(view.public_id)
    post(do="keep", view=id, query="kind=organisation")
    post(do="set", view=id, name="对公", sharing="private", pinned="1", default="1")
    view.refresh_from_db()
    assert (view.query, view.name, view.sharing) == ("kind=organisation", "对公", "private")
    gone = lead.post("/views/", {"page": PAGE, "do": "drop", "view": id}, follow=True)
    assert not SavedView.objects.exists()
    undo = re.search(r'"undo": "([^"]+)"', unescape(gone.content.decode()))
    assert undo is not None
    stranger = factories.signed_in_client(Role.TEAM_LEAD)
    sent = {"page": PAGE, "do": "restore", "undo": undo[1]}
    assert stranger.post("/views/", sent).status_code == 404
    post(do="restore", undo=undo[1])
    assert str(SavedView.objects.get().public_id) == id
    assert post(do="restore", undo="made-up").status_code == 422
    assert lead.post("/views/", {"page": "no.such", "do": "new"}).status_code == 404
    assert set(AuditEntry.objects.filter(action__startswith="desk.view").values_list("action", flat=True)) == {
        "desk.view.save", "desk.view.change", "desk.view.delete",
    }  # fmt: skip
