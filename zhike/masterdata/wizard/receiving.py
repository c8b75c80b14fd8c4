"""Uploads on their way in: sealed piece by piece, nothing readable on the disk, nothing from whoever may not load."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload

from zhike.kernel.vault import CHUNK
from zhike.masterdata.wizard import vault

MOST_BYTES = 256 * 1024 * 1024
MOST_HELD = 4 * 1024 * 1024 * 1024
LONGEST_NAME = 100


class SealedFile(UploadedFile):  # type: ignore[type-arg]
    """What was received: `name` as the person called it, cleaned; `stored` where it lies.

    Unless somebody has `kept` it, it goes with the request that brought it.
    """

    kept = False

    def __init__(self, name: str, sealing: vault.Sealing) -> None:
        super().__init__(file=None, name=name, size=sealing.size)
        self.stored, self.digest = sealing.name, sealing.digest

    def close(self) -> None:
        if not self.kept:
            vault.discard(self.stored)


class SealingHandler(FileUploadHandler):
    """The one way files come in. Anybody without the right to load, and whoever sends too much, sends for nothing."""

    chunk_size = CHUNK

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.sealing: vault.Sealing | None = None
        self.called = ""

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        actor = getattr(self.request, "actor", None)
        if actor is None or not actor.may("masterdata.load") or vault.held() > MOST_HELD:
            raise SkipFile
        self.called = clean_name(file_name)
        self.sealing = vault.Sealing()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.sealing is not None
        if self.sealing.size + len(raw_data) > MOST_BYTES:
            self.sealing.drop()
            self.sealing = None
            self.request.too_large = True  # type: ignore[union-attr]
            raise StopUpload
        self.sealing.write(raw_data)

    def file_complete(self, file_size: int) -> SealedFile | None:
        if self.sealing is None:
            return None
        self.sealing.close()
        sealed = SealedFile(self.called, self.sealing)
        self.sealing = None
        return sealed

    def upload_interrupted(self) -> None:
        if self.sealing is not None:
            self.sealing.drop()
            self.sealing = None


def clean_name(name: str) -> str:
    """The last part of a path, without what cannot be seen or means something to a file system."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    seen = "".join(
        each for each in last if unicodedata.category(each)[0] not in "C" and each not in '<>:"|?*'
    )
    stem, dot, ending = seen.strip(" .").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    short = f"{stem[: LONGEST_NAME - 12]}.{ending[:10]}" if dot else stem[:LONGEST_NAME]
    return short.strip(" .") or "file"
