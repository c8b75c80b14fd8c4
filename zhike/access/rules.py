"""How long somebody waits who guesses at a password; what is kept of a token. No I/O; time is an argument."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

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
