"""The institution's directory (LDAP): who signs in with a login and a password there, and of which groups they are.

The way there is always encrypted and the server's certificate is checked; no referral is followed.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ldap3
from django.conf import settings
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from zhike.access import rules
from zhike.access.rules import Arrival

CONNECT_SECONDS, ANSWER_SECONDS = 3, 5
_BUSY = {51, 52}
# Success, and more found than asked for: no other says that somebody is not there.
_ANSWERED = {0, 4}
_STABLE = ("entryUUID", "objectGUID")


class Unreachable(Exception):
    """The directory does not answer, or not as itself."""


def is_set() -> bool:
    return bool(settings.ZHIKE_LDAP["url"])


def source() -> str:
    return f"ldap {urlsplit(settings.ZHIKE_LDAP['url']).hostname}"


def who_signs_in(login: str, password: str) -> Arrival | None:
    """Whoever the directory lets in; None for a wrong login or password. Raises Unreachable.

    An empty password never gets there: many servers take it for an anonymous call and say yes.
    """
    if not password or not password.isprintable() or not rules.is_plain_login(login):
        return None
    told = settings.ZHIKE_LDAP
    try:
        if told["bind_dn"]:
            service_password = Path(told["bind_password_file"]).read_text().strip()
            with _bound(told["bind_dn"], service_password) as service:
                if service is None:
                    raise Unreachable("it refuses our own account")
                found = _entry(service, login)
                if found is None:
                    return None
                with _bound(found["dn"], password) as person:
                    return _arrival(service, found, login) if person is not None else None
        with _bound(told["user"].replace("{login}", escape_rdn(login)), password) as person:
            found = _entry(person, login) if person is not None else None
            return _arrival(person, found, login) if found is not None else None
    except (LDAPException, OSError) as error:
        raise Unreachable(type(error).__name__) from error


def may_be_asked() -> bool:
    """Whether somebody can be looked for without their password: by an account of ours."""
    return is_set() and bool(settings.ZHIKE_LDAP["bind_dn"])


def gone(known: Mapping[str, str]) -> frozenset[str]:
    """Of these subjects (with their logins) those whom the directory's filter does not find any more, or as another.

    Raises Unreachable, also where it finds nobody at all: then it is not them who are gone.
    """
    told = settings.ZHIKE_LDAP
    try:
        password = Path(told["bind_password_file"]).read_text().strip()
        with _bound(told["bind_dn"], password) as service:
            if service is None:
                raise Unreachable("it refuses our own account")
            there = set()
            for subject, login in known.items():
                found = _entry(service, login)
                code = service.result["result"]
                if found is None and code not in _ANSWERED:
                    raise Unreachable(service.result["description"])
                if found is not None and _stable(found) == subject:
                    there.add(subject)
    except (LDAPException, OSError) as error:
        raise Unreachable(type(error).__name__) from error
    if known and not there:
        raise Unreachable("it finds nobody of all who came from it")
    return frozenset(known) - there


@contextmanager
def _bound(name: str, password: str) -> Iterator[Any]:
    """A connection under that name; None when the directory refuses it."""
    told = settings.ZHIKE_LDAP
    address = urlsplit(told["url"])
    secure = address.scheme == "ldaps"
    tls = ldap3.Tls(
        validate=ssl.CERT_REQUIRED,
        version=ssl.PROTOCOL_TLS_CLIENT,
        ca_certs_file=told["ca"] or None,
    )
    server = ldap3.Server(
        address.hostname,
        port=address.port or (636 if secure else 389),
        use_ssl=secure,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=CONNECT_SECONDS,
    )
    connection = ldap3.Connection(
        server,
        user=name,
        password=password,
        auto_referrals=False,
        check_names=False,
        read_only=True,
        receive_timeout=ANSWER_SECONDS,
    )
    connection.open()
    try:
        if not secure and not connection.start_tls():
            raise Unreachable("no TLS")
        taken = connection.bind()
        if not taken and connection.result["result"] in _BUSY:
            raise Unreachable(connection.result["description"])
        yield connection if taken else None
    finally:
        connection.unbind()


def _entry(connection: Any, login: str) -> dict[str, Any] | None:
    """The one entry of this login; None for none, and for more than one."""
    told = settings.ZHIKE_LDAP
    asked = told["filter"].replace("{login}", escape_filter_chars(login))
    connection.search(told["base"], asked, attributes=[told["number"], *_STABLE], size_limit=2)
    found = [each for each in connection.response if each["type"] == "searchResEntry"]
    return found[0] if len(found) == 1 else None


def _arrival(connection: Any, entry: dict[str, Any], login: str) -> Arrival:
    told = settings.ZHIKE_LDAP
    groups: frozenset[str] = frozenset()
    if told["group_base"]:
        asked = told["group_filter"].replace("{dn}", escape_filter_chars(entry["dn"]))
        connection.search(told["group_base"], asked, attributes=ldap3.NO_ATTRIBUTES)
        groups = frozenset(
            each["dn"] for each in connection.response if each["type"] == "searchResEntry"
        )
    raw = entry["raw_attributes"]
    numbers = raw.get(told["number"]) or [b""]
    return Arrival(source(), _stable(entry), login, numbers[0].decode(), groups)


def _stable(entry: dict[str, Any]) -> str:
    """The name of an entry that never changes."""
    raw = entry["raw_attributes"]
    return str(
        next((raw[name][0].hex() for name in _STABLE if raw.get(name)), entry["dn"].casefold())
    )
