"""How many requests are at work at once, and for how long: one more is asked to come again, before it costs anything.

The answer is 503 and not 429: it is the service that is full, not this caller who asked too often (R4-12).
Work that takes too long is ended where it waits. What it was about to write is written whole or not at all: a commit is
one step of the store. The clock stands while a body is still coming, which has a limit of its own (`patience`).
https://hl7.org/fhir/R4/http.html#Status-Codes
"""

import asyncio
from types import TracebackType

from starlette.types import Scope

from careplan.domain.errors import CareplanError

WORK = "careplan.work"
"""Where the scope of a request at work holds its `Work`."""

SECONDS = 60.0
"""How long a request is worked on, unless the settings say otherwise."""


class Busy(CareplanError):
    """As many requests are at work as the service lets in at once."""

    code = "busy"


class TookTooLong(CareplanError):
    """The work of one request was not done in time."""

    code = "took-too-long"


class Gate:
    """`async with gate.work(scope):` is to be one of those inside; one event loop enters and leaves.

    most     inside at once
    seconds  that one may be at work
    """

    def __init__(self, most: int, seconds: float = SECONDS) -> None:
        self.most, self.seconds = most, seconds
        self.inside = 0

    def work(self, scope: Scope) -> "Work":
        """One request's stay."""
        return Work(self, scope)


class Work:
    """One request inside."""

    __slots__ = ("_gate", "_scope", "_timeout")

    def __init__(self, gate: Gate, scope: Scope) -> None:
        self._gate, self._scope = gate, scope
        self._timeout = asyncio.timeout(gate.seconds)

    async def __aenter__(self) -> None:
        """Raises Busy."""
        gate = self._gate
        if gate.inside >= gate.most:
            raise Busy(f"{gate.most} requests are at work here, which is the most; send it again in a moment")
        await self._timeout.__aenter__()
        self._scope[WORK] = self
        gate.inside += 1

    def stand(self) -> None:
        """Stop the clock."""
        if not self._timeout.expired():
            self._timeout.reschedule(None)

    def go_on(self) -> None:
        """Start the clock anew."""
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._gate.seconds)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raises TookTooLong."""
        self._gate.inside -= 1
        self._scope.pop(WORK, None)
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            raise TookTooLong(
                f"this was not done within {self._gate.seconds:g} s; ask for less at once. If something was to be "
                "written, read first whether it was: all of it is there, or nothing"
            ) from None
