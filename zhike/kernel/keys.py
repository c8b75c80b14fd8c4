"""The keys of an institution: files of 32 random bytes, 0600, apart from the database.

The key of sealed values can be changed: beside `data` lie `data-2`, `data-3` and so on. The highest number seals, all
that lie there open. Any other name has one key.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from zhike.kernel.errors import UserError

NAMES = ("session", "data", "index", "audit", "backup")
MOST = 255
"""The number of a key is one byte of what it sealed."""
RETIRED = "retired"
"""In the key folder: keys that open nothing any more but sets of before."""
LOOKS_EVERY = 1.0
"""Seconds after which another process's new key is seen."""


def folder() -> Path:
    """`ZHIKE_KEYS`, or `keys` in the data folder."""
    home = Path(os.environ.get("ZHIKE_HOME", "var")).absolute()
    return Path(os.environ.get("ZHIKE_KEYS", home / "keys"))


def load(folder: Path, name: str) -> bytes:
    """The key `name`, made on first use. Raises UserError when the folder cannot be written or the key is spoilt."""
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The key folder {folder} cannot be used ({error.strerror}).",
            "Make the data folder writable or point ZHIKE_HOME elsewhere.",
        ) from error
    if len(key) != 32:
        raise UserError(
            f"The key file {path} holds {len(key)} bytes instead of 32.",
            "Restore it from the backup of the keys: without it the encrypted fields cannot be read.",
        )
    return key


def _make(path: Path) -> None:
    """A key whole or not at all: another process may read it in the same moment, or this one be killed."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(half, path)
    except FileExistsError:
        pass  # made meanwhile
    finally:
        half.unlink()


def held(folder: Path) -> list[str]:
    """The names of the keys of an institution: of sealed values those that open, of the rest one each."""
    data = {path.name for path in Ring(folder, "data").files().values()} or {"data"}
    return sorted((set(NAMES) - {"data"}) | data)


class Ring:
    """All keys of one name by their number; every process of the institution sees a new one within `LOOKS_EVERY`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._keys: dict[int, bytes] = {}
        self._looked = 0.0

    def current(self) -> tuple[int, bytes]:
        """Number and key with which values are sealed from now on."""
        now = time.monotonic()
        if not self._keys or now - self._looked > LOOKS_EVERY:
            self._read()
            self._looked = now
        number = max(self._keys)
        return number, self._keys[number]

    def key(self, number: int) -> bytes | None:
        """The key with this number; None where it is not here, or here no longer."""
        if number not in self._keys:
            self._read()
        return self._keys.get(number)

    def numbers(self) -> list[int]:
        """Those that open, the oldest first."""
        self._read()
        return sorted(self._keys)

    def add(self) -> int:
        """Make the next key, which seals from now on; answers its number. Raises UserError after the last."""
        number = max(self.numbers()) + 1
        if number > MOST:
            raise UserError(
                f"There is no number for another key after {MOST}.", "Begin a new installation."
            )
        load(self._folder, f"{self._name}-{number}")
        self._read()
        return number

    def retire(self, number: int) -> Path:
        """Lay a key aside, so that it opens nothing any more; answers where it lies."""
        aside = self._folder / RETIRED
        aside.mkdir(mode=0o700, exist_ok=True)
        path = self.files()[number].rename(aside / f"{self._name}-{number}")
        self._read()
        return path

    def files(self) -> dict[int, Path]:
        """By number the files there are."""
        found = {}
        for path in self._folder.glob(f"{self._name}*") if self._folder.is_dir() else ():
            number = path.name.removeprefix(self._name)
            if not number:
                found[1] = path
            elif number.startswith("-") and number[1:].isdecimal():
                found[int(number[1:])] = path
        return found

    def _read(self) -> None:
        names = [path.name for path in self.files().values()] or [self._name]
        read = {name: load(self._folder, name) for name in names}
        self._keys = {int(name.partition("-")[2] or 1): key for name, key in read.items()}
