"""What the FHIR door needs of the house, handed to it by `app`: who calls, and how a request becomes a Context."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request

from careplan.api.forwarded import outside_of
from careplan.api.gate import Gate
from careplan.interactions.caller import Caller
from careplan.interactions.context import Context, House

FHIR = "/fhir"
AT_WORK = 512
"""Requests that a process works on at once, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Door:
    """The house, and how a request's caller, moment and base are found.

    identify  the caller of a request; raises LoginRequired
    base      the FHIR base as others see it; empty: as each request, or a trusted proxy before us, says
    gate      lets in no more requests at once than the process bears
    """

    house: House
    identify: Callable[[Request], Caller]
    base: str
    body_limit: int
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    gate: Gate = field(default_factory=lambda: Gate(AT_WORK))

    def context(self, request: Request) -> Context:
        """The one Context of a request."""
        return Context(self.house, self.identify(request), self.clock(), new_id, self.base_of(request))

    def base_of(self, request: Request) -> str:
        """The absolute FHIR base as this caller sees it, without a slash at the end."""
        if self.base:
            return self.base.rstrip("/")
        return f"{outside_of(request.scope).address}{FHIR}"


def new_id() -> str:
    """A fresh logical id; says nothing of whom it is for."""
    return str(uuid.uuid4())


def door_of(request: Request) -> Door:
    """The door of the application that serves this request."""
    door: Door = request.app.state.door
    return door
