"""What this service is at its issuer: a confidential client that shows who it is when it fetches tokens.

By a secret (client_secret_basic) or by a key of its own (private_key_jwt), whichever it was given. Not here: what the
tokens say. https://www.rfc-editor.org/rfc/rfc6749 §2.3 · https://www.rfc-editor.org/rfc/rfc7523
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from careplan.domain.errors import CareplanError
from careplan.identity.answer import JSON, SECONDS, read_answer
from careplan.interactions.caller import IssuerUnavailable

FORM: Mapping[str, str] = {**JSON, "content-type": "application/x-www-form-urlencoded"}


class ClientKeyFaulty(CareplanError):
    """The key that this service shows who it is by cannot be used."""

    code = "client-key-faulty"


@dataclass(frozen=True, slots=True)
class Client:
    """One registration.

    id        what the issuer calls this service
    secret    shared with the issuer; empty where there is a key
    key       private key, of which the issuer has the public one; None where there is a secret
    scope     what is asked for, `openid` among it
    resource  the service that access tokens are to be for (RFC 8707); empty: the issuer knows
    prompt    as in OpenID Connect: `login`, `select_account` …; empty: the issuer decides
    levels    the assurance (`acr`) asked for, any of them; none: whatever the issuer has
    """

    id: str
    secret: str = field(default="", repr=False)
    key: RSAKey | ECKey | None = field(default=None, repr=False)
    scope: str = "openid"
    resource: str = ""
    prompt: str = ""
    levels: tuple[str, ...] = ()


def key_from_text(text: bytes) -> RSAKey | ECKey:
    """A private RSA or P-256 key, as PEM or JWK. Raises ClientKeyFaulty."""
    try:
        key = import_key(json.loads(text)) if text.lstrip().startswith(b"{") else _key_from_pem(text)
    except (JoseError, ValueError, TypeError, KeyError):
        key = None
    if isinstance(key, RSAKey | ECKey) and key.is_private and key.as_dict().get("crv", "P-256") == "P-256":
        return key
    raise ClientKeyFaulty("CAREPLAN_OIDC_CLIENT_KEY_FILE holds no private RSA or P-256 key, as PEM or JWK")


def _key_from_pem(text: bytes) -> RSAKey | ECKey:
    try:
        return RSAKey.import_key(text)
    except (JoseError, ValueError, TypeError):
        return ECKey.import_key(text)


def authentication(client: Client, audience: str) -> ClientAuth:
    """How the client shows who it is at a token endpoint; `audience` is the issuer."""
    key = client.key
    if key is not None:
        named = {"kid": key.kid} if key.kid else {}
        signed = PrivateKeyJWT(audience, headers=named, alg="ES256" if isinstance(key, ECKey) else "RS256")
        return ClientAuth(client.id, key, signed)
    return ClientAuth(quote(client.id, safe=""), quote(client.secret, safe=""), "client_secret_basic")


async def fetch_tokens(
    http: Callable[[], httpx.AsyncClient], shown: ClientAuth, endpoint: str, body: str
) -> tuple[int, Mapping[str, Any]]:
    """Status and answer of the token endpoint. Raises IssuerUnavailable."""
    uri, headers, content = shown.prepare("POST", endpoint, dict(FORM), body)  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(SECONDS), http() as client:
            return await read_answer(client, "POST", uri, headers, content)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
        raise IssuerUnavailable("the issuer gives no tokens now; try again in a moment") from error
