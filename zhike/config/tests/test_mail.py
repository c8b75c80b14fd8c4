"""Mail over SMTP: what is certainly not taken is tried again, what may be is never sent on a guess."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.conf import LazySettings

from zhike.config.mail import alarm
from zhike.config.trail import verify_trail
from zhike.kernel import clock, outbox, sealing
from zhike.kernel.actor import system
from zhike.kernel.errors import UserError
from zhike.kernel.models import AuditEntry, Outgoing
from zhike.kernel.outbox import Delivery

pytestmark = pytest.mark.django_db
State = Outgoing.State


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server of a few words. `taken` is every text it got, `answer` what it says to one (nothing: hangs up)."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.taken: list[bytes] = []
        self.answer = b"250 taken"
        self.receiver = b"250 ok"


class Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box: Any = self.server
        self.say(b"220 here")
        for line in self.rfile:
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.say(b"354 go on")
                text = b""
                while not text.endswith(b"\r\n.\r\n"):
                    text += self.rfile.readline()
                box.taken.append(text)
                if not box.answer:
                    return
                self.say(box.answer)
            elif word == b"RCPT":
                self.say(box.receiver)
            else:
                self.say(b"250 ok")

    def say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")


@pytest.fixture
def box(settings: LazySettings) -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.ZHIKE_SMTP_URL = f"smtp-plain://127.0.0.1:{server.server_address[1]}"
        settings.ZHIKE_MAIL_FROM = "zhike@bank.example"
        settings.ZHIKE_ALARMS_TO = ["operators@bank.example", "night@bank.example"]
        yield server
        server.shutdown()


def later() -> Delivery:
    with clock.stopped_at(clock.now() + timedelta(hours=3)):
        return outbox.deliver()


def test_a_mail_is_sent_once_and_leaves_no_text(box: Mailbox) -> None:
    alarm("账目\n不符", "请查看。")
    waiting = Outgoing.objects.get()
    assert "请查看".encode() not in bytes(waiting.sealed or b"")
    assert outbox.deliver() == Delivery(1, 0, 0)
    assert later() == Delivery(0, 0, 0)
    [text] = box.taken
    mail = message_from_bytes(text, policy=policy.default)
    assert mail["Subject"] == "账目 不符"
    assert mail["To"] == "operators@bank.example, night@bank.example"
    assert mail["Message-ID"] == f"<{waiting.public_id}@bank.example>"
    assert mail.get_content().strip().rstrip(".").strip() == "请查看。"
    sent = Outgoing.objects.get()
    assert (sent.state, sent.sealed) == (State.SENT, None)


@pytest.mark.parametrize("refusing", ["answer", "receiver"])
def test_what_is_refused_is_tried_again(box: Mailbox, refusing: str) -> None:
    alarm("a", "b")
    setattr(box, refusing, b"451 later")
    assert outbox.deliver() == Delivery(0, 1, 0)
    assert outbox.deliver() == Delivery(0, 1, 0), "not before its time"
    assert len(box.taken) == (refusing == "answer")
    setattr(box, refusing, b"250 ok")
    assert later() == Delivery(1, 0, 0)
    assert Outgoing.objects.get().tries == 2


def test_a_server_that_is_away_is_waited_for(box: Mailbox, settings: LazySettings) -> None:
    where, settings.ZHIKE_SMTP_URL = settings.ZHIKE_SMTP_URL, "smtp-plain://127.0.0.1:1"
    alarm("a", "b")
    assert outbox.deliver() == Delivery(0, 1, 0)
    settings.ZHIKE_SMTP_URL = where
    assert later() == Delivery(1, 0, 0)


def test_what_nobody_knows_is_never_sent_on_a_guess(box: Mailbox) -> None:
    alarm("a", "b")
    box.answer = b""
    assert outbox.deliver() == Delivery(0, 0, 1)
    box.answer = b"250 taken"
    assert later() == Delivery(0, 0, 1)
    assert len(box.taken) == 1
    doubt = Outgoing.objects.get()
    actor = system("test")
    outbox.settle(actor=actor, key=doubt.public_id, again=True, reason="not in the mailbox")
    assert later() == Delivery(1, 0, 0)
    assert len(box.taken) == 2
    assert AuditEntry.objects.get(action="outbox.settle").reason == "not in the mailbox"
    with pytest.raises(UserError, match="in doubt"):
        outbox.settle(actor=actor, key=doubt.public_id, again=True, reason="again")


def test_a_message_given_up_leaves_no_text(box: Mailbox) -> None:
    alarm("a", "b")
    box.answer = b""
    outbox.deliver()
    [key] = Outgoing.objects.values_list("public_id", flat=True)
    outbox.settle(actor=system("test"), key=key, again=False, reason="it came")
    assert later() == Delivery(0, 0, 0)
    assert Outgoing.objects.get().sealed is None
    with clock.stopped_at(clock.now() + outbox.KEPT_FOR + timedelta(days=1)):
        assert outbox.forget_old() == 1


def test_operators_hear_of_a_trail_that_was_changed(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = sealing.Verification(0, 0, 0, 0, "Seal 3, entries 4 to 9: an entry is not as it was.")
    monkeypatch.setattr(sealing, "verify", lambda: fault)
    verify_trail(system("test"))
    outbox.deliver()
    assert b"trail" in box.taken[0]


def test_nobody_is_told_where_no_address_is_set(settings: LazySettings) -> None:
    alarm("a", "b")
    assert not Outgoing.objects.exists()
