"""What the FHIR door needs of the house, handed to it by `app`: who calls, and how a request becomes a Context."""

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request

from careplan.api.act import ACT, ASKED
from careplan.api.forwarded import outside_of
from careplan.api.gate import Gate
from careplan.interactions.caller import Caller
from careplan.interactions.context import Context, House
from careplan.interactions.trail import Trail

FHIR = "/fhir"
AT_WORK = 512
"""Requests that a process works on at once, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Door:
    """The house, and how a request's caller, moment and base are found.

    identify  the caller of a request; raises LoginRequired
    base      the FHIR base as others see it; empty: as each request, or a trusted proxy before us, says
    gate      lets in no more requests at once than the process bears
    addresses  where apps sign in, by SMART's names, as far as that is known now; None: nobody signs in here
    """

    house: House
    identify: Callable[[Request], Caller]
    base: str
    body_limit: int
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    gate: Gate = field(default_factory=lambda: Gate(AT_WORK))
    addresses: Callable[[], Awaitable[Mapping[str, str]]] | None = None

    def context(self, request: Request) -> Context:
        """The one Context of a request."""
        trail = Trail(request.scope.get(ACT, ""))
        context = Context(self.house, self.identify(request), self.clock(), new_id, self.base_of(request), trail)
        request.scope[ASKED] = context
        return context

    def base_of(self, request: Request) -> str:
        """The absolute FHIR base as this caller sees it, without a slash at the end."""
        if self.base:
            return self.base.rstrip("/")
        return f"{outside_of(request.scope).address}{FHIR}"


_SHARE = 10
"""Random bytes of one id."""

_shares: list[bytes] = []
"""Random bytes not used yet: read for many ids at once, which spares a system call an id."""

os.register_at_fork(after_in_child=_shares.clear)


def new_id() -> str:
    """A fresh logical id, a UUID of version 7: says when it was made, and nothing of whom it is for.

    What is made at about the same time stands side by side in the indexes of a store, on few pages. The instant is
    in `meta.lastUpdated` too; 74 bits are random, so that nobody guesses an id. https://www.rfc-editor.org/rfc/rfc9562
    """
    try:
        share = _shares.pop()
    except IndexError:
        fresh = os.urandom(256 * _SHARE)
        _shares.extend(fresh[at : at + _SHARE] for at in range(0, len(fresh) - _SHARE, _SHARE))
        share = fresh[-_SHARE:]
    number = int.from_bytes(share)
    text = f"{time.time_ns() // 1_000_000:012x}7{number & 0xFFF:03x}{0x8 | number >> 12 & 0x3:x}{number >> 20:015x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def door_of(request: Request) -> Door:
    """The door of the application that serves this request."""
    door: Door = request.app.state.door
    return door
