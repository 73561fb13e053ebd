"""The keys an issuer publishes, and what it says of itself: fetched when needed, kept, and looked for again in time.

An issuer changes its keys without telling anybody, so a key that is not known yet is looked for at once, though no more
often than every few seconds, whatever tokens come. What was good goes on while it is fetched again, and for a day when
the issuer cannot be reached: nobody waits for an issuer that hangs.
https://openid.net/specs/openid-connect-discovery-1_0.html · https://www.rfc-editor.org/rfc/rfc7517
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from careplan.identity.answer import SECONDS, read_answer
from careplan.interactions.address import check_address
from careplan.interactions.caller import IssuerUnavailable

log = logging.getLogger("careplan.identity")

FRESH, STALE, AGAIN = 600.0, 86_400.0, 10.0
"""Seconds that it is taken as it is, that it may stand in when the issuer is down, and between two looks."""

SHORTEST = 2048
"""Bits of an RSA key (RFC 7518 §3.3)."""

_FAILURES = (
    httpx.HTTPError,
    httpx.InvalidURL,
    JoseError,
    TimeoutError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What may come of asking somebody else's server."""

T = TypeVar("T")


class _Kept(Generic[T]):
    """Something an issuer publishes, as it was when it was fetched last."""

    def __init__(self, what: str, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float]) -> None:
        self._what, self._fetch, self._clock = what, fetch, clock
        self._value: T | None = None
        self._at = self._tried = float("-inf")
        self._lock = asyncio.Lock()
        self._behind: asyncio.Task[None] | None = None

    async def value(self, serves: Callable[[T], bool]) -> T:
        """It, fetched now where there is none that serves. Raises IssuerUnavailable."""
        if self._find(serves) is None:
            async with self._lock:
                if self._find(serves) is None and self._may_ask():
                    await self._renew()
        elif self._clock() - self._at >= FRESH and self._may_ask() and (self._behind is None or self._behind.done()):
            self._behind = asyncio.create_task(self._renew())
        if self._value is None or self._clock() - self._at > STALE:
            raise IssuerUnavailable("the issuer cannot be reached now; try again in a moment")
        return self._value

    def _find(self, serves: Callable[[T], bool]) -> T | None:
        known = self._value is not None and self._clock() - self._at <= STALE
        return self._value if known and self._value is not None and serves(self._value) else None

    def _may_ask(self) -> bool:
        return self._clock() - self._tried >= AGAIN

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                self._value = await self._fetch()
            self._at = self._clock()
        except _FAILURES as error:
            log.warning("%s of the issuer could not be read: %s", self._what, type(error).__name__)
        finally:
            self._tried = self._clock()


class Keys:
    """One issuer's keys.

    jwks_uri  where they lie; empty: where the issuer's discovery document says
    """

    def __init__(
        self, issuer: str, jwks_uri: str, client: Callable[[], httpx.AsyncClient], clock: Callable[[], float]
    ) -> None:
        self._issuer, self._uri, self._client = issuer, jwks_uri, client
        self._keys = _Kept("the keys", self._fetch_keys, clock)
        self._document = _Kept("the discovery document", self._fetch_document, clock)

    async def holding(self, kid: str | None) -> KeySet:
        """The keys, fetched anew where they lack this one. Raises IssuerUnavailable."""
        return await self._keys.value(lambda keys: kid is None or any(key.kid == kid for key in keys))

    async def document(self) -> Mapping[str, Any]:
        """What the issuer says of itself. Raises IssuerUnavailable."""
        return await self._document.value(bool)

    async def _fetch_keys(self) -> KeySet:
        uri = self._uri or str((await self._fetch_document())["jwks_uri"])
        check_address(uri)
        found = (await self._get(uri))["keys"]
        keys = [key for one in found if (key := _find_key(one)) is not None]
        if not keys:
            raise ValueError("the issuer publishes no key that we use")
        return KeySet([*keys])

    async def _fetch_document(self) -> Mapping[str, Any]:
        found = await self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise ValueError("the discovery document is of another issuer")
        return found

    async def _get(self, uri: str) -> Mapping[str, Any]:
        async with self._client() as client:
            status, found = await read_answer(client, "GET", uri)
        if status >= 300:
            raise ValueError("the issuer does not publish it")
        return found


def _find_key(published: Any) -> RSAKey | ECKey | None:
    """A key as we use it; None for one of another kind, too short, or that cannot be read: the others still count."""
    try:
        (key,) = KeySet.import_key_set({"keys": [published]})
    except _FAILURES:
        return None
    if isinstance(key, RSAKey):
        return key if key.public_key.key_size >= SHORTEST else None
    return key if isinstance(key, ECKey) else None
