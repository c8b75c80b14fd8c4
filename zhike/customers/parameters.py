"""What somebody typed, or where a page begins, travels in an address only sealed."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from zhike.kernel import crypto

SEARCH = "search"
TIMELINE = "timeline"


def sealed(text: str, purpose: str) -> str:
    """A parameter that says nothing to whoever reads the address, the log or the history."""
    return base64.urlsafe_b64encode(crypto.encrypt(text, f"parameter:{purpose}")).decode()


def opened(parameter: str, purpose: str) -> str:
    """The text that was sealed for this purpose, "" for anything that was not made here."""
    try:
        return crypto.decrypt(base64.urlsafe_b64decode(parameter), f"parameter:{purpose}")
    except (binascii.Error, ValueError, crypto.Undecipherable):
        return ""


def sealed_edge(at: datetime, id: int) -> str:
    """Where the next page of a timeline begins."""
    return sealed(f"{at.isoformat()} {id}", TIMELINE)


def opened_edge(parameter: str) -> tuple[datetime, int] | None:
    """The same, read back; None for the first page and for what was not made here."""
    at, _space, id = opened(parameter, TIMELINE).partition(" ")
    return (datetime.fromisoformat(at), int(id)) if id else None


def sealed_place(at: datetime, source: str, key: int) -> str:
    """Where the next page of all that happened begins."""
    return sealed(f"{at.isoformat()} {source} {key}", TIMELINE)


def opened_place(parameter: str) -> tuple[datetime, str, int] | None:
    """The same, read back; None for the first page and for what was not made here."""
    parts = opened(parameter, TIMELINE).split(" ")
    return (datetime.fromisoformat(parts[0]), parts[1], int(parts[2])) if len(parts) == 3 else None
