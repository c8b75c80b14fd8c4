"""How long somebody waits who guesses at a password; what is kept of a token; the codes of a second factor.

No I/O; time is an argument.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from zhike.organisation.rules import ADMINISTRATORS, may_hold_together

FREE_TRIES = 5
WAIT = timedelta(minutes=15)
"""Five tries in fifteen minutes reach the password hasher (trust goal G-07): 480 a day against 10^12."""


def wait_until(failures: int, last_at: datetime) -> datetime | None:
    """When the next try is admitted; None for at once."""
    return last_at + WAIT if failures >= FREE_TRIES else None


def is_forgotten(last_at: datetime, now: datetime) -> bool:
    """Whether failures so old count no longer."""
    return now - last_at >= WAIT


def token_digest(secret: str) -> bytes:
    """32 bytes. A token is 256 random bits, so nobody finds it by trying."""
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True)
class Arrival:
    """Somebody whom a directory or a provider of identity vouches for.

    `source` is who vouches, `subject` the name there that never changes, `number` the employee's number here.
    `factors` when they showed a second factor there.
    """

    source: str
    subject: str
    login: str
    number: str
    groups: frozenset[str]
    factors: bool = False


def is_plain_login(login: str) -> bool:
    """Whether a login may be asked of a directory: nothing that means something in a name or a filter there."""
    return bool(re.fullmatch(r"[\w.@-]{1,200}", login)) and not login.startswith("-")


def groups_meant(groups: Collection[str]) -> frozenset[str]:
    """As groups are compared: directories keep the case of a name and do not mind it."""
    return frozenset(each.strip().casefold() for each in groups)


class Required(StrEnum):
    """Who must have a second factor (`ZHIKE_SECOND_FACTOR`), and who a passkey (`ZHIKE_PASSKEY`)."""

    NONE = "none"
    ADMINISTRATORS = "administrators"
    EVERYONE = "everyone"


def is_asked_of(required: str, roles: Collection[str]) -> bool:
    """Whether the institution asks that of who holds these roles; without a role one may nothing."""
    match Required(required):
        case Required.NONE:
            return False
        case Required.ADMINISTRATORS:
            return bool(ADMINISTRATORS & set(roles))
        case Required.EVERYONE:
            return bool(roles)


def may_be_granted(what: str, held: Collection[str], rights: Mapping[str, Collection[str]]) -> bool:
    """Whether a role or a single action goes with the duties somebody holds; `rights` are the actions by role.

    An action is held as by one of the roles that may it: who could not hold any of these beside theirs cannot be
    granted it. Administrators are granted nothing: what goes with their role is theirs.
    """
    if set(held) & ADMINISTRATORS:
        return False
    as_roles = {what} if what in rights else {role for role in rights if what in rights[role]}
    return any(may_hold_together({role, *held}) for role in as_roles)


def roles_agreeing(levels: Mapping[str, int | None], amount: int) -> frozenset[str]:
    """The roles whose level reaches the amount; None is without end, a role without a level agrees to nothing."""
    return frozenset(role for role, up_to in levels.items() if up_to is None or amount <= up_to)


SECRET_BYTES = 20
CODE_DIGITS = 6
STEP_SECONDS = 30
DRIFT_STEPS = 1
"""RFC 6238 as every authenticator has it: SHA-1, six digits, half a minute; one step of drift (section 5.2)."""


def _totp(secret: bytes, digits: int = CODE_DIGITS) -> TOTP:
    return TOTP(secret, digits, SHA1(), STEP_SECONDS)  # noqa: S303  HMAC: collisions do not matter


def code_at(secret: bytes, step: int, digits: int = CODE_DIGITS) -> str:
    """The code of the `step`-th half minute since 1970."""
    return _totp(secret, digits).generate(step * STEP_SECONDS).decode()


def step_of(secret: bytes, code: str, now: datetime, last_step: int) -> int | None:
    """Which step `code` belongs to, at most one away from `now` and later than `last_step`; None for none.

    Whoever keeps the answer as the next `last_step` takes each code once, and none older than one taken.
    """
    here = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(here - DRIFT_STEPS, here + DRIFT_STEPS + 1):
        fits = hmac.compare_digest(code_at(secret, step).encode(), code.encode())
        if fits and step > last_step:
            found = step
    return found


def enrolment_link(secret: bytes, login: str) -> str:
    """The `otpauth:` address that an authenticator reads."""
    return _totp(secret).get_provisioning_uri(login, "Zhike")


def in_groups(secret: bytes) -> str:
    """Base32 in groups of four, to type by hand."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


RECOVERY_CODES = 10
RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH = 12
"""31^12, near 60 bits. Nothing that looks like something else on paper."""


def typed(code: str) -> str:
    """A code as it is compared: without the spaces and dashes of whoever copies it."""
    return "".join(code.split()).replace("-", "").lower()


def count_grows(before: int, now: int) -> bool:
    """Whether a passkey's counter went on; an authenticator that counts nothing says 0 always (WebAuthn 7.2)."""
    return now > before or now == before == 0


def kinds_in(password: str) -> int:
    """How many of small letters, capital letters, digits and all else a password has."""
    tests = (str.islower, str.isupper, str.isdigit)
    found = {next((n for n, test in enumerate(tests) if test(c)), len(tests)) for c in password}
    return len(found)


def is_old(set_at: datetime | None, now: datetime, days: int) -> bool:
    """Whether a password must be changed by the calendar; one set nobody knows when is old."""
    return days > 0 and (set_at is None or now - set_at > timedelta(days=days))


PROOF_LASTS = timedelta(minutes=15)
HALF_LASTS = timedelta(minutes=5)
"""How long the password of a sign-in waits for its second factor."""
