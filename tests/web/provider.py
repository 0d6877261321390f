"""An OpenID provider on loopback that says whatever a test wants it to say."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT = "lampway"


@dataclass
class Provider:
    """What it says of whoever signs in, and what it was asked."""

    issuer: str = ""
    key: Any = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}))
    claims: dict[str, Any] = field(default_factory=dict)
    """What is said otherwise; None leaves a claim out."""
    signed_by: Any = None
    """The key that signs, where it is another than is published."""
    published: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    """What the browser brought along."""
    used: list[dict[str, str]] = field(default_factory=list)
    """What came to the token endpoint."""
    now: float = 0

    def authorize(self, url: str) -> dict[str, str]:
        """Return what the browser brings back, once its person has signed in."""
        self.asked = dict(parse_qsl(urlsplit(url).query))
        return {"code": "the-code", "state": self.asked["state"], "iss": self.issuer}

    def document(self) -> dict[str, Any]:
        """Return what it publishes."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.published,
        }

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return what a code brings: the ID token, where the verifier fits."""
        self.used.append(form)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        fits = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.asked["code_challenge"]
        if not fits or form["code"] != "the-code" or form["redirect_uri"] != self.asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1234",
            "iat": int(self.now),
            "exp": int(self.now) + 300,
            "auth_time": int(self.now),
            "nonce": self.asked["nonce"],
            "email": "Ana@example.test",
            "email_verified": True,
            **self.claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        header = {"alg": "ES256", "kid": "k1"}
        return 200, {"id_token": jwt.encode(header, said, self.signed_by or self.key), "access_token": "x"}


@contextmanager
def provided() -> Iterator[Provider]:
    """Serve a provider for as long as the context lasts."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            keys = {"keys": [made.key.as_dict(private=False)]}
            self._reply(200, keys if self.path == "/keys" else made.document())

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, body = made.exchange(dict(parse_qsl(sent)))
            self._reply(status, body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
