"""The keys of an institution: files of 32 random bytes, 0600, apart from the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from zhike.kernel.errors import UserError

NAMES = ("session", "data", "index", "audit", "backup")


def folder() -> Path:
    """`ZHIKE_KEYS`, or `keys` in the data folder."""
    home = Path(os.environ.get("ZHIKE_HOME", "var")).absolute()
    return Path(os.environ.get("ZHIKE_KEYS", home / "keys"))


def load(folder: Path, name: str) -> bytes:
    """The key `name`, made on first use. Raises UserError when the folder cannot be written or the key is spoilt."""
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
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
