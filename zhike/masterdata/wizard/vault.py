"""Uploaded files, sealed on their way to the disk: in pieces, under a key of their own, in the data folder.

A piece is sealed with its number and whether it is the last one, so that none can be changed, moved or cut off.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from zhike.kernel import clock
from zhike.kernel.crypto import Undecipherable

PIECE = 1024 * 1024
TAG = 16


def root() -> Path:
    return Path(settings.ZHIKE_HOME) / "uploads"


def _cipher(name: str) -> AESGCM:
    return AESGCM(hmac.digest(settings.ZHIKE_DATA_KEY, f"upload:{name}".encode(), hashlib.sha256))


class Sealing:
    """A file being written; `name` finds it again, `digest` and `size` are of the bytes as they were given."""

    def __init__(self) -> None:
        self.name = uuid4().hex
        self.size = 0
        self._hash = hashlib.sha256()
        self._rest = bytearray()
        self._number = 0
        self._cipher = _cipher(self.name)
        root().mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.fdopen(
            os.open(root() / self.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        )

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._hash.update(data)
        self._rest += data
        while len(self._rest) > PIECE:
            self._seal(bytes(self._rest[:PIECE]), last=False)
            del self._rest[:PIECE]

    def close(self) -> None:
        self._seal(bytes(self._rest), last=True)
        self._file.close()

    def drop(self) -> None:
        self._file.close()
        discard(self.name)

    def __enter__(self) -> Sealing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.drop()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        nonce = self._number.to_bytes(12, "big")
        self._file.write(self._cipher.encrypt(nonce, piece, b"last" if last else b""))
        self._number += 1


def pieces(name: str) -> Iterator[bytes]:
    """The bytes of a file in clear. Raises Undecipherable when it was touched, FileNotFoundError when it is gone."""
    cipher, number = _cipher(name), 0
    with (root() / name).open("rb") as file:
        sealed = file.read(PIECE + TAG)
        while True:
            after = file.read(PIECE + TAG)
            try:
                nonce = number.to_bytes(12, "big")
                yield cipher.decrypt(nonce, sealed, b"" if after else b"last")
            except InvalidTag as error:
                raise Undecipherable(name) from error
            if not after:
                return
            sealed, number = after, number + 1


@contextmanager
def in_memory(name: str) -> Iterator[int]:
    """A descriptor of the file in clear, in memory only: nothing readable touches the disk."""
    descriptor = os.memfd_create("upload")
    try:
        for piece in pieces(name):
            left = memoryview(piece)
            while left:
                left = left[os.write(descriptor, left) :]
        yield descriptor
    finally:
        os.close(descriptor)


def discard(name: str) -> None:
    """Take the file away; it may be gone already."""
    (root() / name).unlink(missing_ok=True)


def held() -> int:
    """The bytes of all uploads on the disk."""
    return sum(each.stat().st_size for each in root().glob("*")) if root().is_dir() else 0


def names(*, older_than: timedelta) -> list[str]:
    """The files that have lain here so long."""
    if not root().is_dir():
        return []
    before = clock.now() - older_than
    return [each.name for each in root().iterdir() if each.stat().st_mtime < before.timestamp()]
