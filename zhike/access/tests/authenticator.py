"""An authenticator in software: makes key pairs and signs challenges, honestly or as a test bids."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


def wire(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class Authenticator:
    """One device with one key pair; `count` is its signature counter."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 1
        self.handle = b""

    def make(self, asked: str, origin: str, *, verified: bool = True) -> str:
        """The answer to creation options, as the page sends it."""
        options = json.loads(asked)
        self.handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        public = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        data = self._data(options["rp"]["id"], verified, HAS_KEY)
        data += bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(public)
        return self._sent(
            {
                "clientDataJSON": self._client("webauthn.create", options, origin),
                "attestationObject": wire(
                    cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
                ),
                "transports": ["internal", "from the future"],
            }
        )

    def answer(self, asked: str, origin: str, *, verified: bool = True, handle: bytes = b"") -> str:
        """The answer to request options; the counter goes on by one."""
        options = json.loads(asked)
        self.count += 1
        data = self._data(options["rpId"], verified)
        client = self._client("webauthn.get", options, origin)
        signed = data + hashlib.sha256(base64.urlsafe_b64decode(client + "==")).digest()
        return self._sent(
            {
                "clientDataJSON": client,
                "authenticatorData": wire(data),
                "signature": wire(self.key.sign(signed, ec.ECDSA(SHA256()))),
                "userHandle": wire(handle or self.handle),
            }
        )

    def _data(self, name: str, verified: bool, more: int = 0) -> bytes:
        flags = PRESENT | (VERIFIED if verified else 0) | more
        return hashlib.sha256(name.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, options: dict[str, Any], origin: str) -> str:
        said = {"type": kind, "challenge": options["challenge"], "origin": origin}
        return wire(json.dumps(said).encode())

    def _sent(self, response: dict[str, Any]) -> str:
        own = wire(self.id)
        return json.dumps(
            {
                "id": own,
                "rawId": own,
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )
