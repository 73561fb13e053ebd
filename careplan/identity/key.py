"""The keys an issuer publishes: fetched when they are needed, kept for a while, and again when a token names a new one.

An issuer changes its keys without telling anybody, so a key that is not known yet is looked for at once, though no more
often than every few seconds, whatever tokens come. Where the issuer cannot be reached, keys that were good go on for a
while. https://openid.net/specs/openid-connect-discovery-1_0.html · https://www.rfc-editor.org/rfc/rfc7517
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from careplan.interactions.address import check_address
from careplan.interactions.caller import IssuerUnavailable

log = logging.getLogger("careplan.identity")

FRESH, STALE, AGAIN = 600.0, 86_400.0, 10.0
"""Seconds that keys are taken as they are, that they may stand in when the issuer is down, and between two looks."""
SECONDS = 5.0
LARGEST = 256 * 1024
"""Bytes of what an issuer publishes."""


class Keys:
    """One issuer's keys.

    jwks_uri  where they lie; empty: where the issuer's discovery document says
    """

    def __init__(
        self, issuer: str, jwks_uri: str, client: Callable[[], httpx.AsyncClient], clock: Callable[[], float]
    ) -> None:
        self._issuer, self._uri, self._client, self._clock = issuer, jwks_uri, client, clock
        self._keys: KeySet | None = None
        self._at = self._tried = self._told = float("-inf")
        self._document: Mapping[str, Any] = {}
        self._lock = asyncio.Lock()

    async def holding(self, kid: str | None) -> KeySet:
        """The keys, fetched anew where they are old or lack this one. Raises IssuerUnavailable."""
        if not self._serves(kid):
            async with self._lock:
                if not self._serves(kid) and self._clock() - self._tried >= AGAIN:
                    await self._fetch()
        if self._keys is None or self._clock() - self._at > STALE:
            raise IssuerUnavailable("the issuer's keys cannot be read now; try again in a moment")
        return self._keys

    async def document(self) -> Mapping[str, Any]:
        """What the issuer says of itself, kept for a while. Raises IssuerUnavailable."""
        if self._clock() - self._told >= FRESH:
            try:
                async with self._client() as client:
                    self._document, self._told = await self._discovered(client), self._clock()
            except (httpx.HTTPError, ValueError) as error:
                raise IssuerUnavailable("the issuer cannot be reached now; try again in a moment") from error
        return self._document

    def _serves(self, kid: str | None) -> bool:
        fresh = self._keys is not None and self._clock() - self._at < FRESH
        return fresh and (kid is None or any(key.kid == kid for key in self._keys or ()))

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            async with self._client() as client:
                uri = self._uri or await self._published_uri(client)
                found = KeySet.import_key_set(await _json(client, uri))  # type: ignore[arg-type]
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("the issuer's keys could not be read: %s", type(error).__name__)
            return
        self._keys, self._at = found, self._tried

    async def _published_uri(self, client: httpx.AsyncClient) -> str:
        uri = str((await self._discovered(client))["jwks_uri"])
        check_address(uri)
        return uri

    async def _discovered(self, client: httpx.AsyncClient) -> Mapping[str, Any]:
        found = await _json(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise ValueError("the discovery document is of another issuer")
        return found


async def _json(client: httpx.AsyncClient, uri: str) -> Mapping[str, Any]:
    """A JSON object of the issuer: no redirects, no endless bodies."""
    async with client.stream("GET", uri, headers={"accept": "application/json"}, timeout=SECONDS) as answer:
        answer.raise_for_status()
        body = bytearray()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > LARGEST:
                raise ValueError("the issuer publishes more than keys")
    found = httpx.Response(200, content=bytes(body)).json()
    if not isinstance(found, dict):
        raise ValueError("the issuer publishes no object")
    return found
