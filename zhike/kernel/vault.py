"""Files sealed as they are written: a stream of chunks, each encrypted and authenticated with its place.

A file is `zhike vault 1\\n | salt (32) | chunks`; a chunk is its length (4, big-endian) and the AES-256-GCM
ciphertext of at most a MiB, under a key of the file's own (HKDF-SHA-256 over the salt) and a nonce that is the chunk's
number, with a mark on the last one (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). So a
chunk that is changed, moved, left out or cut off is found, and a file is never held in memory.
"""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zhike.kernel.errors import UserError

MAGIC = b"zhike vault 1\n"
SALT_BYTES = 32
CHUNK = 2**20
TAG_BYTES = 16


class Spoilt(UserError):
    """A sealed file was changed, cut, or sealed under another key."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The sealed file cannot be read: {what}.",
            "Take another copy of it, and the keys it was made with.",
        )


class SealedWriter(io.RawIOBase):
    """Seals what is written to it into `file`; `finish` writes the end, which a block that an error leaves does not."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        salt = os.urandom(SALT_BYTES)
        file.write(MAGIC + salt)
        self._file, self._cipher = file, _cipher(key, salt)
        self._waiting, self._number = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        self._seal(bytes(self._waiting), last=True)

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if kind is None:
            self.finish()
        super().__exit__(kind, *error)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, last), chunk, None)
        self._file.write(len(sealed).to_bytes(4, "big") + sealed)
        self._number += 1


class SealedReader(io.RawIOBase):
    """Opens a sealed file chunk by chunk. Raises Spoilt where it is not as it was written."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise Spoilt("it is none, or of another version")
        self._file, self._cipher = file, _cipher(key, file.read(SALT_BYTES))
        self._opened, self._number, self._ended = b"", 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._opened and not self._ended:
            self._open_next()
        size = min(len(buffer), len(self._opened))
        buffer[:size], self._opened = self._opened[:size], self._opened[size:]
        return size

    def _open_next(self) -> None:
        length = self._file.read(4)
        size = int.from_bytes(length, "big")
        if len(length) < 4 or not TAG_BYTES <= size <= CHUNK + TAG_BYTES:
            raise Spoilt("it is cut off")
        sealed = self._file.read(size)
        for last in (False, True):
            try:
                self._opened = self._cipher.decrypt(_nonce(self._number, last), sealed, None)
            except InvalidTag:
                continue
            self._number += 1
            self._ended = last
            if last and self._file.read(1):
                raise Spoilt("something follows its end")
            return
        raise Spoilt(f"part {self._number + 1} was changed, or the key is another one")


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, MAGIC).derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
