"""Class C2 values are encrypted before the database sees them and found again by keyed blind indexes.

A stored value is `version (1) | key id (1) | nonce (12) | AES-256-GCM ciphertext and tag`. The place it stands in
(table, column, public id of the row) is authenticated with it, so that a value cannot be moved to another row.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

HEADER = b"\x01\x01"
NONCE_BYTES = 12
INDEX_BYTES = 16


class Undecipherable(Exception):
    """The stored bytes were not written here, were moved, or the key is another one."""


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def encrypt(value: str, place: str) -> bytes:
    """`place` is "table.column:public-id" and must be given again to decrypt."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(settings.ZHIKE_DATA_KEY).encrypt(nonce, value.encode(), place.encode())
    return HEADER + nonce + sealed


def decrypt(stored: bytes, place: str) -> str:
    """Raises Undecipherable when the bytes do not belong at `place` or were changed."""
    stored = bytes(stored)
    if stored[:2] != HEADER:
        raise Undecipherable(place)
    start = len(HEADER)
    nonce, sealed = stored[start : start + NONCE_BYTES], stored[start + NONCE_BYTES :]
    try:
        return _cipher(settings.ZHIKE_DATA_KEY).decrypt(nonce, sealed, place.encode()).decode()
    except InvalidTag as error:
        raise Undecipherable(place) from error


def blind_index(kind: str, value: str) -> bytes:
    """16 bytes of HMAC-SHA-256 over the normalised value, under a key of its own, different for each kind."""
    message = f"{kind}\0{value}".encode()
    return hmac.digest(settings.ZHIKE_INDEX_KEY, message, hashlib.sha256)[:INDEX_BYTES]


def tail_index(kind: str, value: str, digits: int = 4) -> bytes:
    """The blind index of the last four characters, kept apart from that of the whole."""
    return blind_index(f"{kind}:tail", value[-digits:])
