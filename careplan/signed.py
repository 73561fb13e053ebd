"""Where people and systems sign in: the wiring of a process with `auth oidc`, read by no other.

`app` loads this module by its name, in one place, when the settings say so: what talks to an issuer (httpx, joserfc,
authlib) is a seventh of a worker's memory, and a service without sign-in never talks to one. Not here: how it is done
(`careplan.identity`), and everything else that an application is made of (`app`).
"""

import time
from collections.abc import Mapping

import httpx
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from careplan.api.issuer import Issuer, Tell
from careplan.identity.bearer import FOUND, Bearer, Judge, caller_of
from careplan.identity.client import Client, key_from_text
from careplan.identity.flow import CodeFlow
from careplan.identity.key import Keys
from careplan.identity.outward import outward_client
from careplan.identity.seal import Seal
from careplan.identity.smart_configuration import addresses, smart_routes
from careplan.identity.token import Trust
from careplan.interactions.caller import Caller, IssuerUnavailable
from careplan.interactions.signin import SignIn
from careplan.settings import Settings, networks_from_text


class Signed(Issuer):
    """One issuer, as the settings name it. Raises ClientKeyFaulty, OSError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys(settings.oidc_issuer, settings.oidc_jwks_uri, self._calling, time.time)
        self._trust = Trust(settings.oidc_issuer, settings.oidc_audience, settings.oidc_leeway)
        self._client = client_of(settings)
        self.pages = self._client is not None

    def routes(self, base: str) -> list[Route]:
        """Where apps read how to sign in."""
        return [*smart_routes(self._keys, base)]

    async def addresses(self) -> Mapping[str, str]:
        """Where apps sign in, by SMART's names; none while the issuer cannot be reached."""
        try:
            return addresses(await self._keys.document())
        except IssuerUnavailable:
            return {}

    def guarded(self, served: ASGIApp, below: tuple[str, ...], tell: Tell) -> ASGIApp:
        """The application, with who calls found for every request below these addresses."""
        return Bearer(served, Judge(self._keys, self._trust, time.time, self._settings.base), below, tell)

    def identify(self, request: Request) -> Caller:
        """Who calls. Raises LoginRequired, TokenRefused, IssuerUnavailable."""
        return caller_of(request)

    def find_client(self, scope: Scope) -> str | None:
        """The client and user of the token that a request brings."""
        found = scope.get(FOUND)
        return f"by {found.client} {found.subject}" if isinstance(found, Caller) else None

    def sign_in(self, secret: bytes) -> SignIn | None:
        """The pages' way in; None where they have none."""
        if self._client is None:
            return None
        return CodeFlow(self._keys, self._trust, self._client, Seal(secret), self._calling, time.time)

    def _calling(self) -> httpx.AsyncClient:
        named = (one for one in (self._settings.oidc_issuer, self._settings.oidc_jwks_uri) if one)
        return outward_client(networks_from_text(self._settings.oidc_networks), *named)


def client_of(settings: Settings) -> Client | None:
    """What the pages are to the issuer; None where they have no sign-in. Raises ClientKeyFaulty, OSError."""
    if not settings.oidc_client_id:
        return None
    key = settings.client_key()
    return Client(
        id=settings.oidc_client_id,
        secret=settings.client_secret(),
        key=key_from_text(key) if key else None,
        scope=settings.oidc_scope,
        resource=settings.oidc_resource,
        prompt=settings.oidc_prompt,
        levels=tuple(settings.oidc_levels.split()),
    )
