"""Every address asked: no canary comes out unmasked, and whatever was written stands on the trail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client, override_settings

from tests.access_matrix.entries import LINE, SHOWN, Entry, on
from tests.access_matrix.world import World, build
from tests.trust import FULL
from tests.trust.asking import Answer, ask, questions
from tests.trust.canaries import found_in, plant, sealed, sealed_fields, told
from zhike.config.mail import written
from zhike.config.trail import verify_trail
from zhike.customers.models import Party
from zhike.customers.tests.factories import SYSTEM
from zhike.kernel import audit, outbox
from zhike.kernel.logs import ScrubbingFormatter
from zhike.kernel.models import AuditEntry
from zhike.kernel.sealing import seal

pytestmark = pytest.mark.django_db
INSIDE, OUTSIDE = 411, 572
# What is given in clear on purpose, each with a line on the trail: the copy of their own data that somebody asked
# for, and what the law keeps of who was erased.
IN_CLEAR = frozenset(
    {"privacy/requests/<uuid:public_id>/copy/", "privacy/requests/<uuid:public_id>/kept/"}
)
# Of no business of anybody else: sessions, counters, one's own desk, what a request remembers of itself.
OWN = (
    "django_session", "access_session", "access_signintries", "access_seenrow", "access_apitoken",
    "desk_remembered", "desk_savedview", "desk_arrangement", "desk_notice", "organisation_user",
    "kernel_auditentry", "kernel_auditmark", "procrastinate_",
)  # fmt: skip


@dataclass(frozen=True)
class Crawl:
    """`rows` are the sealed rows of the customer in sight, by kind; `lines` went to the log, `posted` to the outbox."""

    world: World
    rows: dict[str, Any]
    answers: Sequence[Answer]
    lines: str
    posted: Sequence[dict[str, Any]]


@pytest.fixture(scope="module")
def crawl(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crawl]:
    home = tmp_path_factory.mktemp("crawl")
    log = StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(ScrubbingFormatter())
    logging.getLogger().addHandler(handler)
    with (
        django_db_blocker.unblock(),
        override_settings(
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            ZHIKE_HOME=home,
            WAREHOUSE_URL=str(home / "warehouse"),
            ZHIKE_KEYS=home / "keys",
            ZHIKE_AUDIT_HEADS=home / "heads",
            ZHIKE_SMTP_URL="smtp-plain://127.0.0.1:9",
            ZHIKE_MAIL_FROM="zhike@bank.example",
            ZHIKE_ALARMS_TO=["operators@bank.example"],
        ),
        transaction.atomic(),
    ):
        world = build()
        for party, number in ((world.inside, INSIDE), (world.outside, OUTSIDE)):
            Party.objects.filter(pk=party.pk).update(name=told(number)["name"])
            party.refresh_from_db()
        rows = plant(world.inside, INSIDE)
        plant(world.outside, OUTSIDE)
        with patch.object(outbox, "post", wraps=outbox.post) as post:
            answers = [
                ask(world, *question, world.inside) for question in questions(everybody=FULL)
            ]
        posted = [call.args[1] for call in post.call_args_list]
        yield Crawl(world, rows, answers, log.getvalue(), posted)
        transaction.set_rollback(True)
    logging.getLogger().removeHandler(handler)
    assert not leaks_of_files(home)


def leaks_of_files(home: Path) -> list[str]:
    """Files of the data folder, the warehouse's among them, that hold a sealed canary."""
    values = {f"{k} in": v for k, v in sealed(INSIDE).items()}
    values |= {f"{k} out": v for k, v in sealed(OUTSIDE).items()}
    return [
        f"{path.name}: {found}"
        for path in home.rglob("*")
        if path.is_file() and (found := found_in(path.read_bytes(), values))
    ]


def test_no_answer_holds_a_sealed_value(
    crawl: Crawl, record_property: Callable[[str, object], None]
) -> None:
    """G-05: pages, API, files, errors; of the customer in sight and of the one out of it."""
    record_property("answers", len(crawl.answers))
    record_property("canaries", len(sealed(INSIDE)) + len(sealed(OUTSIDE)) + len(told(OUTSIDE)))
    leaks = [
        f"{answer}: {number} {found}"
        for answer in crawl.answers
        for number in (INSIDE, OUTSIDE)
        if answer.pattern not in IN_CLEAR and (found := found_in(answer.content, sealed(number)))
    ]
    assert leaks == []
    assert found_in(crawl.lines.encode(), sealed(INSIDE)) == []
    masked = sum(b"154****9411" in answer.content for answer in crawl.answers)
    assert masked, "nothing of the canaries was asked for"


def test_no_answer_tells_of_a_customer_out_of_sight(crawl: Crawl) -> None:
    leaks = [
        f"{answer}: {found}"
        for answer in crawl.answers
        if answer.principal not in ("analyst", "security_administrator")
        and (found := found_in(answer.content, told(OUTSIDE)))
    ]
    assert leaks == []


def test_no_mail_tells_of_a_customer(
    crawl: Crawl, record_property: Callable[[str, object], None]
) -> None:
    """What any address posted, and the alarm of a trail in which just what is said of the customer was changed."""
    words = sealed(INSIDE) | told(INSIDE)
    seal()
    assert seal()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_auditentry DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE kernel_auditentry SET reason = %s, actor_name = %s WHERE party_id = %s",
            [words["mobile"], words["name"], crawl.world.inside.pk],
        )
        assert cursor.rowcount
        cursor.execute("ALTER TABLE kernel_auditentry ENABLE TRIGGER USER")
    with patch.object(outbox, "post", wraps=outbox.post) as post:
        assert verify_trail(SYSTEM).fault
    mails = [
        written(uuid4(), payload).as_bytes() + str(payload).encode()
        for payload in (*crawl.posted, *(call.args[1] for call in post.call_args_list))
    ]
    assert mails
    assert [found for mail in mails if (found := found_in(mail, words))] == []
    assert [
        found for mail in mails if (found := found_in(mail, sealed(OUTSIDE) | told(OUTSIDE)))
    ] == []
    record_property("mails", len(mails))


def test_every_sealed_field_has_its_canary() -> None:
    """The registry of classes says which fields there are; what holds no customer's value is named."""
    planted = {
        "customers.Identifier.sealed",
        "customers.ContactPoint.sealed",
        "customers.Address.sealed",
        "products.Agreement.sealed_number",
        "masterdata.SourceRecord.sealed",
    }
    copies = {
        "masterdata.Displaced.sealed",  # words of a source record that others took the place of
        "privacy.KeptByLaw.sealed",  # what the law keeps of who was erased: shown by `kept` alone
        "kernel.Answered.sealed",  # an answer to a key, for who gave the key; zhike/kernel/tests
        "kernel.Outgoing.sealed",  # what a provider is to be told, until it knows
        "access.SecondFactor.sealed",  # of the staff; zhike/access/tests/test_second_factor.py
    }
    assert sealed_fields() - copies == planted


@pytest.mark.parametrize("kind", ["resident_id", "mobile", "address", "account"])
def test_a_reveal_shows_one_value_and_leaves_one_line(
    crawl: Crawl, kind: str, record_property: Callable[[str, object], None]
) -> None:
    group = {"resident_id": "identifier", "mobile": "contact"}.get(kind, kind)
    where = "products/agreements" if kind == "account" else f"customers/{group}"
    pattern = f"{where}/<uuid:public_id>/reveal/"
    entry = Entry(LINE, SHOWN, on(lambda world, party: crawl.rows[kind]))
    principals = sorted(LINE) if FULL else sorted(LINE)[:1]
    for principal in principals:
        answer = ask(
            crawl.world, pattern, "POST", entry, principal, crawl.world.inside, {"purpose": "回访"}
        )
        assert answer.status == 200
        assert found_in(answer.content, sealed(INSIDE)) == [kind]
        assert len([each for each in answer.entries if each.startswith("reveal.")]) == 1
        before = found_in("".join(answer.entries).encode(), sealed(INSIDE))
        assert before == []
    record_property("reveals", len(principals))


def test_what_is_given_in_clear_on_purpose_is_on_the_trail(crawl: Crawl) -> None:
    found = [answer for answer in crawl.answers if answer.pattern in IN_CLEAR]
    assert {answer.pattern for answer in found} == IN_CLEAR
    assert all(answer.entries for answer in found if answer.status == 200)


def test_a_page_that_breaks_tells_nothing(crawl: Crawl) -> None:
    """The value stands in the error's own words: neither the page nor the log repeats it."""
    words = sealed(INSIDE)
    said = " ".join((words["mobile"], words["resident_id"], words["email"], words["account"]))
    client = Client(raise_request_exception=False)
    client.cookies = crawl.world.clients["customer_manager"].cookies
    log = StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(ScrubbingFormatter())
    logging.getLogger("django.request").addHandler(handler)
    try:
        with patch("zhike.customers.api.line", side_effect=ValueError(said)):
            answer = client.get("/api/customers/")
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    assert answer.status_code == 500
    assert found_in(answer.content, words) == []
    assert "ValueError" in log.getvalue()
    assert found_in(log.getvalue().encode(), words) == []


def test_whatever_is_written_stands_on_the_trail(
    crawl: Crawl, record_property: Callable[[str, object], None]
) -> None:
    """G-22: every address that wrote to a table of the business put at least one entry there."""
    wrote = [
        answer
        for answer in crawl.answers
        if any(not table.startswith(OWN) for table in answer.written) and answer.status < 400
    ]
    record_property("writes", len(wrote))
    without = [f"{each}: {sorted(each.written)}" for each in wrote if not each.entries]
    record_property("without", len(without))
    assert without == []


def test_no_entry_of_the_trail_holds_a_canary(crawl: Crawl) -> None:
    known = sealed(INSIDE) | {f"{k} out": v for k, v in sealed(OUTSIDE).items()}
    kept = AuditEntry.objects.values_list("changes", "reason", "actor_name", "object_type")
    assert found_in(str(list(kept)).encode(), known) == []


def test_what_is_undone_leaves_no_entry() -> None:
    before = AuditEntry.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record(SYSTEM, "test.undone")
        raise RuntimeError
    assert AuditEntry.objects.count() == before


def test_a_value_that_slips_through_is_found() -> None:
    """The search itself: in every form, and in an archive."""
    words = sealed(INSIDE)
    mobile = words["mobile"]
    for slip in (
        mobile.encode(),
        mobile.encode("utf-16-le"),
        mobile.encode().hex().encode(),
        b"x" + __import__("base64").b64encode(b"a" + mobile.encode() + b"bc"),
        f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}".encode(),
        mobile[::-1].encode(),
    ):
        assert found_in(b"..." + slip + b"...", words) == ["mobile"], slip
    assert found_in(words["address"].encode("gb18030"), words) == ["address"]
    assert found_in(b"154****9411", words) == []
