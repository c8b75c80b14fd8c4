"""What was refused: one CSV a file with line, column, value and reason. Identifying values are masked, always."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from django.conf import settings

from zhike.access.masks import MASKS
from zhike.kernel.errors import UserError

HEADER = ("line", "column", "value", "reason")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Reject:
    """One line of a reject file; `value` is masked already where it identifies a person."""

    line: int
    column: str
    value: str
    reason: str


def masked(raw: str, mask: str) -> str:
    """The value as a reject file may show it."""
    return MASKS[mask](raw) if mask and raw else raw


def root() -> Path:
    return Path(settings.ZHIKE_HOME) / "rejects"


class RejectFile:
    """Opened when the first reject comes; `path` is relative to the folder of all rejects, "" while there is none."""

    def __init__(self, run: str, table: str, name: str) -> None:
        self.wanted = f"{run}/{table}-{name}.csv"
        self.path = ""
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> RejectFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            if kind is not None:
                (root() / self.wanted).unlink(missing_ok=True)

    def add(self, reject: Reject) -> None:
        if self._file is None:
            self._open()
        value = reject.value.replace("\0", "")
        if value.startswith(FORMULA) and not value[1:].replace(".", "").isdigit():
            value = f"'{value}"
        self._writer.writerow((reject.line or "", reject.column, value, reject.reason))

    def _open(self) -> None:
        target = root() / self.wanted
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.touch(mode=0o600)
            self._file = target.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise UserError(
                f"The reject file {target} cannot be written ({error.strerror}).",
                "Make the data folder writable.",
            ) from error
        self._writer = csv.writer(self._file)
        self._writer.writerow(HEADER)
        self.path = self.wanted


def reject_path(path: str) -> Path | None:
    """The whole path of a reject file, None when there is none or it is gone."""
    target = root() / path
    return target if path and target.is_file() else None


def read_rejects(path: str, start: int, count: int) -> list[Reject]:
    """`count` lines of a reject file from number `start` (0 is the first); none when the file is gone."""
    found = []
    for number, reject in enumerate(_all(path)):
        if number >= start + count:
            break
        if number >= start:
            found.append(reject)
    return found


def _all(path: str) -> Iterator[Reject]:
    target = reject_path(path)
    if target is None:
        return
    with target.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader, None)
        for line, column, value, reason in reader:
            yield Reject(int(line or 0), column, value, reason)
