"""A provider of identity on the loopback: discovery, codes with PKCE, signed ID tokens, keys, a way out.

It keeps the protocol by itself (RFC 6749, RFC 7636, OpenID Connect Core): codes open once and only for who asked, with
the right secret, verifier and redirect address. A test bids it lie in the one token it is about.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import time
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "zhike", "the-client-secret"
Claims = dict[str, Any]


@dataclass
class Provider:
    """`claims` are of whoever is signed in there; `lie` changes the next token's claims; `sign` signs it otherwise."""

    issuer: str
    key: rsa.RSAPrivateKey
    claims: Claims = field(default_factory=dict)
    lie: Callable[[Claims], None] = lambda claims: None
    sign: Callable[[Claims], str] | None = None
    asked: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: list[Claims] = field(default_factory=list)
    told: Claims = field(default_factory=dict)

    def token(self, nonce: str) -> str:
        now = int(time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": nonce,
            **self.claims,
        }
        self.lie(claims)
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode(claims, self.key, "RS256", {"kid": "one"})

    def authorise(self, address: str) -> str:
        """What a browser gets there that is signed in already: the address to come back to."""
        self.asked = dict(parse_qsl(urlsplit(address).query))
        assert self.asked["response_type"] == "code"
        assert self.asked["client_id"] == CLIENT
        assert self.asked["code_challenge_method"] == "S256"
        assert "openid" in self.asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = self.asked
        back = {"code": code, "state": self.asked["state"], "iss": self.issuer}
        return f"{self.asked['redirect_uri']}?{urlencode(back)}"

    def exchange(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, Claims]:
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        given = {name: values[0] for name, values in form.items()}
        asked = self.codes.pop(given.get("code", ""), None)
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if authorization != f"Basic {pair}":
            return 401, {"error": "invalid_client"}
        if (
            asked is None
            or given["redirect_uri"] != asked["redirect_uri"]
            or verifier != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        token = self.token(asked["nonce"])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def published(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/out",
            **self.told,
        }


def public(key: rsa.RSAPrivateKey, name: str) -> Claims:
    made: Claims = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {**made, "kid": name, "use": "sig", "alg": "RS256"}


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@contextmanager
def running() -> Iterator[Provider]:
    """The provider until the end of the block."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/.well-known/openid-configuration":
                    self._say(200, provider.published())
                case "/keys":
                    self._say(200, {"keys": provider.keys})
                case "/moved":
                    self.send_response(302)
                    self.send_header("Location", "/keys")
                    self.end_headers()
                case _:
                    self._say(404, {})

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = parse_qs(self.rfile.read(length).decode())
            self._say(*provider.exchange(self.headers.get("Authorization", ""), form))

        def _say(self, status: int, said: Claims) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        key = new_key()
        provider = Provider(f"http://127.0.0.1:{server.server_port}", key)
        provider.keys = [public(key, "one")]
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield provider
        finally:
            server.shutdown()


def settings_of(provider: Provider, folder: Path) -> dict[str, str]:
    (folder / "secret").write_text(f"{SECRET}\n")
    return {
        "issuer": provider.issuer,
        "name": "",
        "client_id": CLIENT,
        "client_secret_file": str(folder / "secret"),
        "ca": "",
        "scope": "openid profile",
        "number": "employee_number",
        "groups": "groups",
    }
