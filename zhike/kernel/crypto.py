"""Class C2 values are encrypted before the database sees them and found again by keyed blind indexes.

A stored value is `version (1) | key id (1) | nonce (12) | AES-256-GCM ciphertext and tag`. The place it stands in
(table, column, public id of the row) is authenticated with it, so that a value cannot be moved to another row.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from functools import lru_cache
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = 1
HEADER_BYTES = 2
NONCE_BYTES = 12
INDEX_BYTES = 16


class Undecipherable(Exception):
    """The stored bytes were not written here, were moved, or their key is not here."""


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def encrypt(value: str, place: str) -> bytes:
    """`place` is "table.column:public-id" and must be given again to decrypt."""
    return encrypt_each([(value, place)])[0]


def encrypt_each(pairs: Iterable[tuple[str, str]]) -> list[bytes]:
    """The same for many pairs of value and place, in their order: their nonces are asked of the system at once."""
    listed = list(pairs)
    number, key = settings.ZHIKE_DATA_KEYS.current()
    header, cipher = bytes((VERSION, number)), _cipher(key)
    random = os.urandom(NONCE_BYTES * len(listed))
    nonces = [random[at : at + NONCE_BYTES] for at in range(0, len(random), NONCE_BYTES)]
    return [
        header + nonce + cipher.encrypt(nonce, value.encode(), place.encode())
        for nonce, (value, place) in zip(nonces, listed, strict=True)
    ]


def decrypt(stored: bytes, place: str) -> str:
    """Raises Undecipherable when the bytes do not belong at `place`, were changed, or their key is not here."""
    stored = bytes(stored)
    if len(stored) < HEADER_BYTES or stored[0] != VERSION:
        raise Undecipherable(place)
    key = settings.ZHIKE_DATA_KEYS.key(stored[1])
    if key is None:
        raise Undecipherable(place)
    start = HEADER_BYTES
    nonce, sealed = stored[start : start + NONCE_BYTES], stored[start + NONCE_BYTES :]
    try:
        return _cipher(key).decrypt(nonce, sealed, place.encode()).decode()
    except InvalidTag as error:
        raise Undecipherable(place) from error


def file_name() -> str:
    """A name for a new file that is sealed with `file_key`; it says the number of the key."""
    number, _key = settings.ZHIKE_DATA_KEYS.current()
    return uuid4().hex if number == 1 else f"{uuid4().hex[:28]}-{number}"


def file_key(purpose: str, name: str) -> bytes:
    """The key of the file with this name alone. Raises Undecipherable where the key it is made from is not here."""
    key = settings.ZHIKE_DATA_KEYS.key(number_of(name))
    if key is None:
        raise Undecipherable(name)
    return hmac.digest(key, f"{purpose}:{name}".encode(), hashlib.sha256)


def number_of(name: str) -> int:
    """The number of the key of a sealed file."""
    return int(name.partition("-")[2] or 1)


def blind_index(kind: str, value: str) -> bytes:
    """16 bytes of HMAC-SHA-256 over the normalised value, under a key of its own, different for each kind."""
    return blind_indexes(kind, [value])[0]


def blind_indexes(kind: str, values: Iterable[str]) -> list[bytes]:
    """The same for many values of a kind, in their order."""
    key, before = settings.ZHIKE_INDEX_KEY, f"{kind}\0".encode()
    return [
        hmac.digest(key, before + value.encode(), hashlib.sha256)[:INDEX_BYTES] for value in values
    ]


def tail_index(kind: str, value: str, digits: int = 4) -> bytes:
    """The blind index of the last four characters, kept apart from that of the whole."""
    return tail_indexes(kind, [value], digits)[0]


def tail_indexes(kind: str, values: Iterable[str], digits: int = 4) -> list[bytes]:
    """The same for many values of a kind, in their order."""
    key = settings.ZHIKE_INDEX_KEY
    return [_tail_index(key, kind, value[-digits:]) for value in values]


@lru_cache(maxsize=65_536)
def _tail_index(_key: bytes, kind: str, tail: str) -> bytes:
    """Kept, for four digits have few values."""
    return blind_index(f"{kind}:tail", tail)
