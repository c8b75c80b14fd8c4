"""G-12: files nobody should send are refused with a clear reason, wholly or row by row; nothing is changed silently."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from zhike.customers.models import Party
from zhike.masterdata.models import SourceRecord, Upload
from zhike.masterdata.rejects import read_rejects
from zhike.masterdata.tests import uploads
from zhike.masterdata.tests.hostile import Hostile, corpus
from zhike.masterdata.tests.uploads import do, mapped, send, work
from zhike.masterdata.wizard import vault
from zhike.organisation.models import Unit

pytestmark = pytest.mark.django_db
CORPUS = corpus()
ENGLISH = {"HTTP_COOKIE": ""}


@pytest.fixture
def client() -> Client:
    client = uploads.operator()
    client.cookies["django_language"] = "en"
    return client


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(CORPUS) >= 200
    assert len({each.id for each in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("hostile", CORPUS, ids=[each.id for each in CORPUS])
def test_hostile_file(client: Client, hostile: Hostile) -> None:
    answer = send(client, hostile.file(), hostile.name)
    if answer.status_code == 422:
        assert hostile.at in ("look", "any"), _words(answer)
        assert hostile.told.lower() in _words(answer).lower()
        assert not Upload.objects.exists()
        assert vault.held() == 0
        assert Party.objects.count() == 0
        return
    upload = Upload.objects.get()
    page = client.get(uploads.address(upload))
    if page.context["at"] == 1:
        assert hostile.at in ("reading", "any"), _words(page)
        assert hostile.told in _words(page)
        assert Party.objects.count() == 0
        return
    assert hostile.at in ("rows", "check", "any"), _words(page)
    said = {name: value for name, value in hostile.more.items() if name != "born"}
    if "name" not in uploads.suggested(client, upload).values():
        said.setdefault("field_1", "name")
    mapped(client, upload, **said)
    assert Party.objects.count() == 0, "a check writes nothing"
    if upload.state == Upload.State.MAPPED:
        assert hostile.at in ("check", "any"), upload.error
        assert hostile.told in upload.error
        return
    assert upload.state == Upload.State.CHECKED, _words(client.get(uploads.address(upload)))
    told = [each.reason for each in read_rejects(upload.report["rejects"], 0, 99)]
    if hostile.at != "any":
        assert upload.report["rejected"] == hostile.refused, told
        assert hostile.told in " ".join(told)
    if upload.report["accepted"]:
        do(client, upload, "load")
        work(upload)
        assert upload.state == Upload.State.LOADED, upload.error
    names = set(Party.objects.values_list("name", flat=True))
    if hostile.at == "any":
        assert names <= set(hostile.names)
    else:
        assert names == set(hostile.names)
    assert set(Party.objects.values_list("unit__parent", "sample")) <= {(None, False)}
    assert set(Party.objects.values_list("unit", flat=True)) <= {Unit.objects.get().pk}
    assert SourceRecord.objects.count() == Party.objects.count()
    if born := hostile.more.get("born"):
        assert str(Party.objects.get().birth_on) == born


def _words(answer: object) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", text)
