"""How long a body may take to arrive: some seconds, and more as more has come. Then 408, and the connection ends.

Slow links get through, whoever sends a byte now and then does not. Headers have their limit where they are read
(`wire`); work has its own (`gate`). https://www.rfc-editor.org/rfc/rfc9110#status.408
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from careplan.api.forwarded import sent_once
from careplan.api.gate import WORK, Work
from careplan.domain.errors import CareplanError

SLOWEST = 16 * 1024
"""Bytes a second on average, beyond the first seconds: 128 kbit/s."""


class TooSlow(CareplanError):
    """The body did not arrive in time."""

    code = "too-slow"


class Patience:
    """Middleware: a body that does not come makes whoever reads it raise TooSlow.

    seconds  until all of a small body has arrived
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _brings_body(scope):
            return await self.app(scope, receive, send)
        awaited = _Awaited(scope, receive, self._seconds)

        async def say(message: Message) -> None:
            if awaited.late and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self.app(scope, awaited, say)


def _brings_body(scope: Scope) -> bool:
    sent = sent_once(scope)
    return b"transfer-encoding" in sent or sent.get(b"content-length", b"0") != b"0"


class _Awaited:
    """`receive` of one request, with an eye on the clock until the body is whole."""

    __slots__ = ("_receive", "_scope", "_seconds", "_size", "_until", "_whole", "late")

    def __init__(self, scope: Scope, receive: Receive, seconds: float) -> None:
        self._scope, self._receive, self._seconds = scope, receive, seconds
        self._until = asyncio.get_running_loop().time() + seconds
        self._size, self._whole = 0, False
        self.late = False

    async def __call__(self) -> Message:
        """The next message. Raises TooSlow."""
        if self._whole:
            return await self._receive()
        work: Work | None = self._scope.get(WORK)
        if work is not None:
            work.stand()
        try:
            async with asyncio.timeout_at(self._until + self._size / SLOWEST):
                message = await self._receive()
        except TimeoutError:
            self.late = True
            raise TooSlow(f"the body did not arrive within {self._seconds:g} s; send it again") from None
        finally:
            if work is not None:
                work.go_on()
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message
