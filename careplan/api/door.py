"""What the FHIR door needs of the house, handed to it by `app`: who calls, and how a request becomes a Context."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from careplan.interactions.caller import Caller
from careplan.interactions.context import Context, House

FHIR = "/fhir"


@dataclass(frozen=True, slots=True)
class Door:
    """The house, and how a request's caller, moment and base are found.

    identify  the caller of a request; raises LoginRequired
    base      the FHIR base as others see it; empty: by the request's Host
    """

    house: House
    identify: Callable[[Request], Caller]
    base: str
    body_limit: int
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def context(self, request: Request) -> Context:
        """The one Context of a request."""
        return Context(self.house, self.identify(request), self.clock(), new_id, self.base_of(request))

    def base_of(self, request: Request) -> str:
        if self.base:
            return self.base.rstrip("/")
        return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}{FHIR}"


def new_id() -> str:
    """A fresh logical id; says nothing of whom it is for."""
    return str(uuid.uuid4())


def door_of(request: Request) -> Door:
    """The door of the application that serves this request."""
    door: Door = request.app.state.door
    return door
