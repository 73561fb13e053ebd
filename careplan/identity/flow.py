"""The pages' sign-in at the issuer: authorization code with PKCE, by a confidential client (design §7).

Authlib words the requests and judges the id_token's claims, `joserfc` does the cryptography. What the browser brings
back counts once its state is the one it left with, the issuer hands out tokens for its code, and the id_token is
signed, for us, for now and for this errand. Not here: cookies and pages (`careplan.views`).
https://openid.net/specs/openid-connect-core-1_0.html §3.1 · https://www.rfc-editor.org/rfc/rfc9700 ·
https://www.rfc-editor.org/rfc/rfc9207
"""

import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.claims import CodeIDToken
from joserfc.errors import JoseError

from careplan.domain.errors import CareplanError
from careplan.identity.claim import caller_from_claims
from careplan.identity.client import Client, authentication, fetch_tokens
from careplan.identity.key import Keys
from careplan.identity.seal import Errand, Seal
from careplan.identity.token import Claims, Trust, key_id, read_claims, read_header
from careplan.interactions.address import check_address
from careplan.interactions.caller import Caller, IssuerUnavailable, TokenRefused
from careplan.interactions.signin import (
    Begun,
    SignedIn,
    SignInDenied,
    SignInExpired,
    SignInNeeded,
    SignInRefused,
    SignInUnfit,
)

log = logging.getLogger("careplan.identity")

LASTS = 600
"""Seconds that a sign-in may take."""

_ERRORS: Mapping[str, type[CareplanError]] = {
    "access_denied": SignInDenied,
    "login_required": SignInNeeded,
    "interaction_required": SignInNeeded,
    "consent_required": SignInNeeded,
    "account_selection_required": SignInNeeded,
    "unmet_authentication_requirements": SignInUnfit,
    "temporarily_unavailable": IssuerUnavailable,
    "server_error": IssuerUnavailable,
}
"""What an issuer sends back instead of a code, as we call it. Anything else is refused."""


@dataclass(frozen=True, slots=True)
class CodeFlow:
    """Signing in at one issuer, as one client.

    trust  whose access tokens count; an id_token is of the same issuer, and for the client
    clock  seconds since 1970
    """

    keys: Keys
    trust: Trust
    client: Client
    seal: Seal
    http: Callable[[], httpx.AsyncClient]
    clock: Callable[[], float]

    async def begin(self, answer_to: str, back: str) -> Begun:
        """On the way, to come back to `answer_to` and then go to `back`. Raises IssuerUnavailable."""
        endpoint = await self._endpoint("authorization_endpoint")
        state, nonce, verifier = (generate_token(48) for _ in range(3))
        errand = Errand(state, nonce, verifier, answer_to, back, int(self.clock()))
        wanted = {
            "resource": self.client.resource,
            "prompt": self.client.prompt,
            "acr_values": " ".join(self.client.levels),
        }
        address = prepare_grant_uri(
            endpoint,
            self.client.id,
            "code",
            redirect_uri=answer_to,
            scope=self.client.scope,
            state=errand.state,
            nonce=errand.nonce,
            code_challenge=create_s256_code_challenge(errand.verifier),  # type: ignore[no-untyped-call]
            code_challenge_method="S256",
            **{name: value for name, value in wanted.items() if value},
        )
        return Begun(address, self.seal.close(errand))

    async def complete(self, answer: Sequence[tuple[str, str]], kept: str) -> SignedIn:
        """Who an answer speaks of. Raises as `SignIn.complete` says."""
        errand = self._errand(kept)
        code = await self._code(answer, errand)
        tokens = await self._tokens(code, errand)
        try:
            claims = await self._claims(tokens, errand.nonce)
        except TokenRefused as error:
            raise SignInRefused(error.message) from None
        return SignedIn(self._caller(claims), errand.back)

    async def leaving(self, back_to: str) -> str | None:
        """Where the browser signs out at the issuer too. The address names this service, and not the person."""
        try:
            endpoint = await self._endpoint("end_session_endpoint")
        except IssuerUnavailable:
            return None
        asked = {"client_id": self.client.id, "post_logout_redirect_uri": back_to}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    # ── the answer ───────────────────────────────────────────────────────────────────────────────

    def _errand(self, kept: str) -> Errand:
        errand = self.seal.open(kept)
        if errand is None or not -self.trust.leeway <= self.clock() - errand.at <= LASTS:
            raise SignInExpired("no sign-in is under way in this browser, or it has taken too long; begin again")
        return errand

    async def _code(self, answer: Sequence[tuple[str, str]], errand: Errand) -> str:
        """The code of an answer to this errand, by this issuer (RFC 9207)."""
        said = dict(answer)
        if len(said) < len(answer):
            raise SignInRefused("the answer says something twice")
        if not hmac.compare_digest(said.get("state", "").encode(), errand.state.encode()):
            raise SignInExpired("the answer is to another sign-in than this browser's latest; begin again")
        names_itself = (await self.keys.document()).get("authorization_response_iss_parameter_supported") is True
        if said.get("iss", None if names_itself else self.trust.issuer) != self.trust.issuer:
            raise SignInRefused("the answer is of another issuer")
        if "error" in said:
            raise _ERRORS.get(said["error"], SignInRefused)("the issuer signs nobody in")
        if not said.get("code"):
            raise SignInRefused("the answer brings no code")
        return said["code"]

    async def _tokens(self, code: str, errand: Errand) -> Mapping[str, Any]:
        """What the issuer hands out for a code."""
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=errand.answer_to,
            code=code,
            code_verifier=errand.verifier,
            resource=self.client.resource,
        )
        endpoint = await self._endpoint("token_endpoint")
        shown = authentication(self.client, self.trust.issuer)
        status, tokens = await fetch_tokens(self.http, shown, endpoint, body)
        if status != 200:
            log.warning("the issuer hands out no tokens: status %d", status)
            raise SignInRefused("the issuer hands out no tokens for this code")
        return tokens

    async def _claims(self, tokens: Mapping[str, Any], nonce: str) -> Claims:
        """What the id_token says; where it gives no role, what the access token says of the same person.

        Raises TokenRefused, IssuerUnavailable
        """
        token, access = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(token, str) or not isinstance(access, str):
            raise TokenRefused("the issuer hands out no id_token, or no access token")
        said = await self._read(token, replace(self.trust, audience=self.client.id))
        _check_id_token(token, said, access, self.client.id, nonce, self.clock(), self.trust.leeway)
        if "role" in said or access.count(".") != 2:
            return said
        more = await self._read(access, self.trust)
        if more["sub"] != said["sub"]:
            raise TokenRefused("the two tokens are of two people")
        return {**more, **{name: said[name] for name in ("name", "acr") if name in said}}

    async def _read(self, token: str, trust: Trust) -> Claims:
        return read_claims(token, await self.keys.holding(key_id(token)), trust, int(self.clock()))

    def _caller(self, claims: Claims) -> Caller:
        """Who it is. The pages are this service's own, so no client's scopes stand between. Raises SignInUnfit."""
        if self.client.levels and claims.get("acr") not in self.client.levels:
            raise SignInUnfit("the issuer is less sure of the person than is asked here")
        try:
            return replace(caller_from_claims(claims), scopes=None, client=self.client.id)
        except TokenRefused as error:
            raise SignInUnfit(error.message) from None

    async def _endpoint(self, name: str) -> str:
        """An address of the issuer's. Raises IssuerUnavailable."""
        uri = str((await self.keys.document()).get(name, ""))
        try:
            check_address(uri)
        except ValueError:
            raise IssuerUnavailable(f"the issuer publishes no {name} that can be trusted") from None
        return uri


def _check_id_token(token: str, said: Claims, access: str, client: str, nonce: str, now: float, leeway: int) -> None:
    """The claims of an id_token beyond those of every token: nonce, azp, at_hash. Raises TokenRefused."""
    header = read_header(token)
    if str(header.get("typ", "JWT")).lower() != "jwt":
        raise TokenRefused("the id_token is of another kind")
    expected = {"client_id": client, "nonce": nonce, "access_token": access}
    try:
        CodeIDToken(dict(said), dict(header), None, expected).validate(int(now), leeway)
    except (JoseError, TypeError, ValueError) as error:
        claim = getattr(error, "claim", "")
        raise TokenRefused(f"the id_token is of another sign-in: {claim or 'its claims'} does not fit") from None
