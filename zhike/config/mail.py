"""Mail to the institution's operators: the one thing that is said outside so far (`kernel.outbox`).

It carries what is wrong and where to look, never anything about a customer.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings

from zhike.kernel import outbox
from zhike.kernel.outbox import NotTaken, carriers

CARRIER = "mail"
SECONDS = 20.0  # for each answer of the mail server
PORTS = {"smtps": 465, "smtp": 587, "smtp-plain": 25}


class Mail:
    """By SMTP, under TLS unless the address says otherwise; a mail server cannot be asked what it took."""

    id = CARRIER

    def carry(self, key: UUID, payload: Mapping[str, Any]) -> None:
        message = written(key, payload)
        with _server() as server:
            with _not_taken():
                server.ehlo_or_helo_if_needed()
                _must(server.mail(settings.ZHIKE_MAIL_FROM))
                for receiver in settings.ZHIKE_ALARMS_TO:
                    _must(server.rcpt(receiver))
            # From here to the server's answer nobody knows: whatever is raised but NotTaken says so.
            try:
                _must(server.data(message.as_bytes()))
            except smtplib.SMTPDataError as error:
                raise NotTaken(f"SMTP {error.smtp_code}") from error

    def has_taken(self, key: UUID) -> bool | None:
        return None


def alarm(subject: str, text: str) -> None:
    """Tell the operators, once the transaction commits; nothing where no address is set."""
    if settings.ZHIKE_SMTP_URL and settings.ZHIKE_ALARMS_TO:
        outbox.post(CARRIER, {"subject": subject, "text": text})


def written(key: UUID, payload: Mapping[str, Any]) -> EmailMessage:
    """The mail; sent again it bears the same Message-ID, by which readers' programs tell it from another."""
    sender = Address(addr_spec=settings.ZHIKE_MAIL_FROM)
    message = EmailMessage()
    message["Message-ID"] = f"<{key}@{sender.domain}>"
    message["From"] = sender
    message["To"] = [Address(addr_spec=each) for each in settings.ZHIKE_ALARMS_TO]
    message["Subject"] = " ".join(str(payload["subject"]).split())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(str(payload["text"]))
    return message


@contextmanager
def _server() -> Iterator[smtplib.SMTP]:
    parts = urlsplit(settings.ZHIKE_SMTP_URL)
    where = (parts.hostname or "", parts.port or PORTS[parts.scheme])
    with _not_taken():
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                *where, timeout=SECONDS, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(*where, timeout=SECONDS)
    try:
        with _not_taken():
            if parts.scheme == "smtp":
                server.starttls(context=ssl.create_default_context())
            if parts.username and settings.ZHIKE_SMTP_PASSWORD_FILE:
                password = Path(settings.ZHIKE_SMTP_PASSWORD_FILE).read_text().strip()
                server.login(unquote(parts.username), password)
        yield server
        with suppress(OSError, smtplib.SMTPException):  # it has said that the mail is taken
            server.quit()
    finally:
        server.close()


@contextmanager
def _not_taken() -> Iterator[None]:
    """Before the text of a mail is sent whatever goes wrong leaves it untaken."""
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        raise NotTaken(type(error).__name__) from error


def _must(answer: tuple[int, bytes]) -> None:
    code, _said = answer
    if not 200 <= code < 300:
        raise NotTaken(f"SMTP {code}")


carriers.register(Mail())
