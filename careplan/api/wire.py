"""Bytes that are no HTTP request, or whose address is too long to be one, or whose head is too large or has no end.

The server speaks HTTP; these are its answers that no route gives: refused in FHIR's way, like all else.
https://hl7.org/fhir/R4/http.html#Status-Codes · https://www.rfc-editor.org/rfc/rfc9110#status.408
"""

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from careplan.api.headers import FHIR_JSON
from careplan.domain.errors import Fault
from careplan.fhir.outcome import outcome
from careplan.fhir.text import dump

HEAD = "careplan.head"
"""Where the state that `app` gives its server says how many seconds the head of a request may take."""

LIMIT = "careplan.head-limit"
"""Where the same state says how many bytes a head may have: its first line and every header."""

SECONDS, BYTES = 10.0, 64 * 1024


def _answer(status: str, code: str, says: str) -> bytes:
    """The last bytes of a connection."""
    body = dump(outcome([Fault("", code, says)]))
    head = f"HTTP/1.1 {status}\r\ncontent-type: {FHIR_JSON}; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
    return f"{head}connection: close\r\n\r\n".encode() + body


_REFUSAL = _answer("400 Bad Request", "text-unparsable", "this is no HTTP request, or its address is too long")
_LARGE = _answer(
    "431 Request Header Fields Too Large", "too-large", "the head of the request is too large; send fewer headers"
)
_LATE = _answer("408 Request Timeout", "too-slow", "the head of the request did not arrive in time")


class Wire(HttpToolsProtocol):
    """One connection. The head of a request has its time from the connection, or from its own first byte on, and its
    size, whether it is many headers or one."""

    _head: TimerHandle | None = None
    _size, _has_head = 0, False
    """Bytes that have come of a head; whether the head is there, and what comes is the body."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a first request, for as long as one may take."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is waited for."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; of a head no more than it may have."""
        limit = self.app_state.get(LIMIT, BYTES)
        while data and not self._has_head and not self.transport.is_closing():
            part, data = data[: limit - self._size], data[limit - self._size :]
            if not part:
                return self._hang_up(_LARGE)
            self._size += len(part)
            super().data_received(part)
        if data and not self.transport.is_closing():
            super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """The head has come."""
        self._stop_waiting()
        self._size, self._has_head = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body has come; the next byte is of another head."""
        self._has_head = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, and hang up."""
        self._stop_waiting()
        self.transport.write(_REFUSAL)
        self.transport.close()

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.app_state.get(HEAD, SECONDS), self._hang_up, _LATE)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _hang_up(self, answer: bytes) -> None:
        """Say what is wrong with the head, unless an answer to an earlier request is still under way; and hang up."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(answer)
        self.transport.close()
