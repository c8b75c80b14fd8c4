"""What a standard asks of signing in, in numbers: one table, each line with its clause. No Django: settings read it.

Where a standard names no number (等保 asks that a session times out, not after how long) the number is ours, and the
clause says so. ASVS forbids rules of composition and changing passwords by the calendar; 等保 demands both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Numbers:
    """`second_factor` and `passkey` are who must have one; 0 days is "never", 0 kinds, a history of 0 "no rule"."""

    idle_minutes: int
    idle_minutes_administrators: int
    session_hours: int
    sessions: int
    proof_minutes: int
    free_tries: int
    wait_minutes: int
    second_factor: str
    passkey: str
    password_length: int
    password_kinds: int
    password_days: int
    password_history: int
    audit_days: int


USUAL = Numbers(
    idle_minutes=30,
    idle_minutes_administrators=15,
    session_hours=12,
    sessions=3,
    proof_minutes=15,
    free_tries=5,
    wait_minutes=15,
    second_factor="none",
    passkey="none",
    password_length=12,
    password_kinds=0,
    password_days=0,
    password_history=0,
    audit_days=3650,
)
"""Without a profile."""

PROFILES: Mapping[str, Numbers] = {
    "": USUAL,
    "asvs": Numbers(30, 15, 12, 3, 15, 5, 15, "everyone", "administrators", 12, 0, 0, 0, 184),
    "dengbao3": Numbers(15, 15, 12, 3, 15, 5, 15, "everyone", "administrators", 12, 3, 90, 5, 184),
}

CLAUSES: Mapping[str, Mapping[str, str]] = {
    "asvs": {
        "idle_minutes": "ASVS 5.0 7.3.1; 30 of G-09",
        "idle_minutes_administrators": "ASVS 5.0 7.3.1; 15 of G-09",
        "session_hours": "ASVS 5.0 7.3.2; 12 of G-09",
        "sessions": "ASVS 5.0 7.1.2 asks for a number; 3 of G-09",
        "proof_minutes": "ASVS 5.0 7.5.3; the number is ours",
        "free_tries": "ASVS 5.0 6.3.1; 5 of G-07",
        "wait_minutes": "ASVS 5.0 6.3.1; 15 of G-07",
        "second_factor": "ASVS 5.0 6.3.3",
        "passkey": "ASVS 5.0 6.3.3 for level 3: one that cannot be phished",
        "password_length": "ASVS 5.0 6.2.1 asks for 8; 12 is ours",
        "password_kinds": "ASVS 5.0 6.2.5: no rules of composition",
        "password_days": "ASVS 5.0 6.2.10: no change by the calendar",
        "password_history": "ASVS 5.0 asks for none",
        "audit_days": "网络安全法 art. 21 (3): six months",
    },
    "dengbao3": {
        "idle_minutes": "GB/T 22239-2019 8.1.4.1 b; the number is ours",
        "idle_minutes_administrators": "GB/T 22239-2019 8.1.4.1 b; the number is ours",
        "session_hours": "GB/T 22239-2019 8.1.4.1 b; 12 of G-09",
        "sessions": "GB/T 22239-2019 asks for limits at the third level; 3 of G-09",
        "proof_minutes": "no clause; as under asvs",
        "free_tries": "GB/T 22239-2019 8.1.4.1 b; 5 of G-07",
        "wait_minutes": "GB/T 22239-2019 8.1.4.1 b; 15 of G-07",
        "second_factor": "GB/T 22239-2019 8.1.4.1 d: two factors, one cryptographic",
        "passkey": "GB/T 22239-2019 8.1.4.1 d: one cryptographic; a code is a shared secret",
        "password_length": "GB/T 22239-2019 8.1.4.1 a; the number is ours",
        "password_kinds": "GB/T 22239-2019 8.1.4.1 a: complexity; three of four kinds is ours",
        "password_days": "GB/T 22239-2019 8.1.4.1 a: periodic change; the number is ours",
        "password_history": "GB/T 22239-2019 8.1.4.1 a: change means another; the number is ours",
        "audit_days": "网络安全法 art. 21 (3): six months",
    },
}
MORE_IS_STRICTER = frozenset(
    {"password_length", "password_kinds", "password_history", "audit_days"}
)
WHO = ("none", "administrators", "everyone")


@dataclass(frozen=True)
class Shortfall:
    name: str
    runs: str
    asked: str
    clause: str


def shortfalls(profile: str, running: Numbers) -> Iterator[Shortfall]:
    """Where running settings ask for less than a profile does; stricter is no fault, but what it forbids."""
    asked = PROFILES[profile]
    for each in fields(Numbers):
        now, then = getattr(running, each.name), getattr(asked, each.name)
        if not is_enough(profile, each.name, now, then):
            yield Shortfall(each.name, str(now), str(then), CLAUSES[profile][each.name])


def is_enough(profile: str, name: str, now: int | str, then: int | str) -> bool:
    """Whether a running value does what a profile's line asks for."""
    if isinstance(now, str) or isinstance(then, str):
        return WHO.index(str(now)) >= WHO.index(str(then))
    if profile == "asvs" and name in ("password_kinds", "password_days"):
        return now == 0
    if name == "password_days":
        return 0 < now <= then or then == 0
    return now >= then if name in MORE_IS_STRICTER else 0 < now <= then
