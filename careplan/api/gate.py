"""How many requests are at work at once, and for how long: one more is asked to come again, before it costs anything.

The answer is 503 and not 429: it is the service that is full, not this caller who asked too often (R4-12).
Work that takes too long is ended where it waits. What it was about to write is written whole or not at all: a commit is
one step of the store. The clock stands while a body is still coming, which has a limit of its own (`patience`).
One timer watches over all that are inside, since each has the same time: whoever began first is first to be late.
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
    """`with gate.work(scope):` is to be one of those inside; one event loop enters and leaves.

    most     inside at once
    seconds  that one may be at work
    """

    def __init__(self, most: int, seconds: float = SECONDS) -> None:
        self.most, self.seconds = most, seconds
        self.inside = 0
        self._running: dict[Work, float] = {}
        self._watch: asyncio.TimerHandle | None = None

    def work(self, scope: Scope) -> "Work":
        """One request's stay."""
        return Work(self, scope)

    def begin(self, work: "Work") -> None:
        """The clock of one of those inside starts."""
        loop = asyncio.get_running_loop()
        until = self._running[work] = loop.time() + self.seconds
        if self._watch is None:
            self._watch = loop.call_at(until, self._end_late)

    def stop(self, work: "Work") -> None:
        """The clock of one of those inside stops."""
        self._running.pop(work, None)

    def _end_late(self) -> None:
        """End whoever is late, and look again when the next one may be."""
        loop = asyncio.get_running_loop()
        self._watch = None
        for work, until in list(self._running.items()):
            if until > loop.time():
                self._watch = loop.call_at(until, self._end_late)
                return
            del self._running[work]
            work.end()


class Work:
    """One request inside."""

    __slots__ = ("_cancelling", "_gate", "_late", "_scope", "_task")

    def __init__(self, gate: Gate, scope: Scope) -> None:
        self._gate, self._scope = gate, scope
        self._late = False

    def __enter__(self) -> None:
        """Raises Busy."""
        gate, task = self._gate, asyncio.current_task()
        if gate.inside >= gate.most:
            raise Busy(f"{gate.most} requests are at work here, which is the most; send it again in a moment")
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._scope[WORK] = self
        gate.inside += 1
        gate.begin(self)

    def stand(self) -> None:
        """Stop the clock."""
        self._gate.stop(self)

    def go_on(self) -> None:
        """Start the clock anew."""
        if not self._late:
            self._gate.begin(self)

    def end(self) -> None:
        """Time is up."""
        self._late = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raises TookTooLong."""
        self._gate.inside -= 1
        self._gate.stop(self)
        self._scope.pop(WORK, None)
        if self._late and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TookTooLong(
                f"this was not done within {self._gate.seconds:g} s; ask for less at once. If something was to be "
                "written, read first whether it was: all of it is there, or nothing"
            ) from None
