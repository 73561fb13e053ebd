"""Who calls with a bearer token: found once for a request, before its route (design §7).

What is found, or why nothing was, is put into the ASGI scope; `caller_of` takes it from there. A token that was judged
is remembered for a moment, since a client sends the same one with each request.
https://www.rfc-editor.org/rfc/rfc6750 · R4-119
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from careplan.domain.errors import CareplanError
from careplan.identity.claim import caller_from_claims
from careplan.identity.key import Keys
from careplan.identity.token import Trust, key_id, read_claims
from careplan.interactions.access import LoginRequired
from careplan.interactions.caller import Caller, TokenRefused

FOUND = "careplan.caller"
REMEMBERED, SECONDS = 4096, 30.0
"""Tokens kept, and for how long one counts without being looked at again."""


class Judge:
    """Says whom a token is of."""

    def __init__(self, keys: Keys, trust: Trust, clock: Callable[[], float], base: str = "") -> None:
        self._keys, self._trust, self._clock, self._base = keys, trust, clock, base
        self._known: dict[str, tuple[Caller, float]] = {}

    async def caller(self, authorization: str) -> Caller:
        """Raises LoginRequired without a bearer token, TokenRefused, IssuerUnavailable."""
        kind, _, token = authorization.partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not token:
            raise LoginRequired("sign in: send an access token as Authorization: Bearer")
        now = self._clock()
        known = self._known.get(token)
        if known is not None and now < known[1]:
            return known[0]
        claims = read_claims(token, await self._keys.holding(key_id(token)), self._trust, int(now))
        caller = caller_from_claims(claims, self._base)
        self._remember(token, caller, min(now + SECONDS, float(claims["exp"]) + self._trust.leeway))
        return caller

    def _remember(self, token: str, caller: Caller, until: float) -> None:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = caller, until


class Bearer:
    """Middleware: puts the caller of each request, or why there is none, into its scope.

    below  what the addresses begin with that callers with tokens come to
    tell   hears of every token that does not count
    """

    def __init__(
        self,
        app: ASGIApp,
        judge: Judge,
        below: tuple[str, ...],
        tell: Callable[[Connection, TokenRefused], None] = lambda scope, error: None,
    ) -> None:
        self.app, self._judge, self._below, self._tell = app, judge, below, tell

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(self._below):
            scope[FOUND] = found = await self._found(scope["headers"])
            if isinstance(found, TokenRefused):
                self._tell(scope, found)
        await self.app(scope, receive, send)

    async def _found(self, headers: list[tuple[bytes, bytes]]) -> Caller | CareplanError:
        sent = [value for name, value in headers if name == b"authorization"]
        try:
            if len(sent) > 1:
                raise TokenRefused("the request carries more than one Authorization header")
            return await self._judge.caller(sent[0].decode("latin-1") if sent else "")
        except CareplanError as error:
            return error


def caller_of(request: Request) -> Caller:
    """Who calls. Raises LoginRequired, TokenRefused, IssuerUnavailable."""
    found: Any = request.scope.get(FOUND)
    if isinstance(found, Caller):
        return found
    raise found if isinstance(found, CareplanError) else LoginRequired("nobody is signed in here")
