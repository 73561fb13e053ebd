"""One who asks too often is asked to wait, before anything is worked for them: 429 with Retry-After.

Each worker process counts by itself. Not here: who an asker is, and what a refusal looks like at each door; `app` hands
both in. https://www.rfc-editor.org/rfc/rfc6585 §4 · https://hl7.org/fhir/R4/http.html#Status-Codes
"""

import math
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from careplan.api.health import HEALTH
from careplan.api.pace import Pace
from careplan.domain.errors import CareplanError

Refuse = Callable[[Request, CareplanError], Awaitable[Response]]


class TooManyRequests(CareplanError):
    """This asker came too often, or has too many requests at work; `seconds`: when to come again."""

    code = "too-many-requests"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Throttle:
    """Middleware: lets an asker's requests through at the pace of the asker.

    asker     who asks: a client and its user, a session, else an address
    sign_in   whose attempt to sign in a request is: an address; None for every other request
    at_once   most requests of one asker that are at work; so nobody fills the house alone
    refuse    the refusal as the door of that address says it
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        asker: Callable[[Scope], str],
        sign_in: Callable[[Scope], str | None],
        pace: Pace,
        sign_ins: Pace,
        at_once: int,
        refuse: Refuse,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app, self._asker, self._sign_in, self._clock = app, asker, sign_in, clock
        self._pace, self._sign_ins, self._at_once, self._refuse = pace, sign_ins, at_once, refuse
        self._inside: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH:
            return await self.app(scope, receive, send)
        asker = self._asker(scope)
        refused = self._find_refusal(scope, asker)
        if refused is not None:
            return await self._answer(scope, receive, send, refused)
        self._inside[asker] = self._inside.get(asker, 0) + 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._leave(asker)

    def _find_refusal(self, scope: Scope, asker: str) -> TooManyRequests | None:
        now = self._clock()
        if self._inside.get(asker, 0) >= self._at_once:
            return TooManyRequests(f"{self._at_once} of your requests are at work here; await their answers first", 1)
        wait = self._pace.wait(asker, now)
        if not wait and (trying := self._sign_in(scope)) is not None:
            wait = self._sign_ins.wait(trying, now)
        if not wait:
            return None
        seconds = math.ceil(wait)
        return TooManyRequests(f"you ask more often than is answered here; come again in {seconds} s", seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, error: TooManyRequests) -> None:
        response = await self._refuse(Request(scope, receive), error)
        response.headers["retry-after"] = str(error.seconds)
        await response(scope, receive, send)

    def _leave(self, asker: str) -> None:
        left = self._inside[asker] - 1
        if left:
            self._inside[asker] = left
        else:
            del self._inside[asker]
