"""Uploaded files, sealed on their way to the disk (`kernel.vault`), each under a key of its own, in the data folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType

from django.conf import settings

from zhike.kernel import clock, crypto
from zhike.kernel.crypto import Undecipherable
from zhike.kernel.vault import CHUNK, SealedReader, SealedWriter, Spoilt


def root() -> Path:
    return Path(settings.ZHIKE_HOME) / "uploads"


def _key(name: str) -> bytes:
    return crypto.file_key("upload", name)


class Sealing:
    """A file being written; `name` finds it again, `digest` and `size` are of the bytes as they were given."""

    def __init__(self) -> None:
        self.name = crypto.file_name()
        self.size = 0
        self._hash = hashlib.sha256()
        root().mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.fdopen(
            os.open(root() / self.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        )
        self._sealed = SealedWriter(self._file, _key(self.name))

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._hash.update(data)
        self._sealed.write(data)

    def close(self) -> None:
        self._sealed.finish()
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


def pieces(name: str) -> Iterator[bytes]:
    """The bytes of a file in clear. Raises Undecipherable when it was touched, FileNotFoundError when it is gone."""
    with (root() / name).open("rb") as file:
        try:
            yield from iter(partial(SealedReader(file, _key(name)).read, CHUNK), b"")
        except Spoilt as error:
            raise Undecipherable(name) from error  # nobody who uploads can put it right


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
