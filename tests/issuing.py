"""A small issuer for tests: real keys, real signatures, and an HTTP server that publishes what it is told to."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

AUDIENCE = "https://careplan.example"
RSA = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
EC = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig", "alg": "ES256"})
OTHER = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
"""Of the same name as ours, and somebody else's."""


@dataclass
class Issuer:
    """What is published, and how often it was asked for."""

    url: str
    keys: list[RSAKey | ECKey] = field(default_factory=lambda: [RSA])
    asked: int = 0
    down: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    raw: list[Any] = field(default_factory=list)
    slow: float = 0.0
    calls: int = 0

    def published(self, path: str) -> Mapping[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **self.more}
        if path == "/jwks":
            self.asked += 1
            found = dict(KeySet(list(self.keys)).as_dict(private=False))
            return found | {"keys": [*found["keys"], *self.raw]}
        return None

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What a token of a clinic's nurse says; None takes a claim away."""
        now = int(time.time())
        said: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "nurse-1",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "role": "clinic",
            "organization": "Organization/laegehuset-test",
            "fhirUser": "PractitionerRole/karen-test-laege",
            "scope": "user/*.cruds",
            "client_id": "lps",
        } | changed
        return {name: value for name, value in said.items() if value is not None}

    def token(self, key: RSAKey | ECKey = RSA, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
        alg = "ES256" if isinstance(key, ECKey) else "RS256"
        head = {"alg": alg, "kid": key.kid, "typ": "at+jwt", **(header or {})}
        return jwt.encode({k: v for k, v in head.items() if v is not None}, self.claims(**changed), key)


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer on a port of its own, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.calls += 1
            time.sleep(issuer.slow)
            found = None if issuer.down else issuer.published(self.path)
            body = json.dumps(found).encode() if found is not None else b""
            self.send_response(200 if found is not None else 503)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is told of who asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield issuer
    server.shutdown()
    server.server_close()
    thread.join()
