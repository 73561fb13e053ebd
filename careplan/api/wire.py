"""Bytes that are no HTTP request, or whose address is too long to be one: refused in FHIR's way, like all else.

The server speaks HTTP; this is its one answer that no route gives. https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from careplan.api.headers import FHIR_JSON
from careplan.domain.errors import Fault
from careplan.fhir.outcome import outcome
from careplan.fhir.text import dump

_BODY = dump(outcome([Fault("", "text-unparsable", "this is no HTTP request, or its address is too long")]))
_REFUSAL = (
    f"HTTP/1.1 400 Bad Request\r\ncontent-type: {FHIR_JSON}; charset=utf-8\r\n"
    f"content-length: {len(_BODY)}\r\nconnection: close\r\n\r\n"
).encode() + _BODY


class Wire(HttpToolsProtocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, and hang up."""
        self.transport.write(_REFUSAL)
        self.transport.close()
