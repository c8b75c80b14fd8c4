"""The keys of an institution in one file under a passphrase; restored before the settings are read, which make keys."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings

from zhike.kernel import clock, keys
from zhike.kernel.errors import UserError
from zhike.kernel.vault import SealedReader, SealedWriter, Spoilt

SCRYPT = {"length": 32, "n": 2**17, "r": 8, "p": 1}
KEYS_MAGIC = b"zhike keys 1\n"


def backup_keys(to: Path, passphrase: str) -> Path:
    """Write the keys to one file under a passphrase (scrypt); keep it in other hands than the sets."""
    folder = Path(settings.ZHIKE_KEYS)
    held = {name: keys.load(folder, name).hex() for name in keys.held(folder)}
    salt = os.urandom(16)
    key = _stretched(passphrase, salt)  # first: a short passphrase leaves no file behind
    to.mkdir(parents=True, exist_ok=True)
    path = to / f"zhike-keys-{clock.now():%Y%m%dT%H%M%SZ}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(KEYS_MAGIC + salt)
        with SealedWriter(file, key) as sealed:
            sealed.write(json.dumps(held).encode())
    return path


def restore_keys(path: Path, passphrase: str, folder: Path) -> list[str]:
    """Put the keys of a file into the key folder; answers their names. Raises UserError where another key stands.

    The settings make keys where there are none, so they must not be asked before.
    """
    with path.open("rb") as file:
        if file.read(len(KEYS_MAGIC)) != KEYS_MAGIC:
            raise Spoilt("it holds no keys")
        held = json.loads(SealedReader(file, _stretched(passphrase, file.read(16))).readall())
    for name, key in held.items():
        stands = folder / name
        if stands.exists() and stands.read_bytes() != bytes.fromhex(key):
            raise UserError(
                f"Another key stands in {stands}.", "Point ZHIKE_KEYS to an empty folder."
            )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, key in held.items():
        if not (folder / name).exists():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(bytes.fromhex(key))
    return sorted(held)


def _stretched(passphrase: str, salt: bytes) -> bytes:
    if len(passphrase) < 12:
        raise UserError("The passphrase is short.", "Twelve characters or more.")
    return Scrypt(salt=salt, **SCRYPT).derive(passphrase.encode())
