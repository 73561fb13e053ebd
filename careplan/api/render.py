"""Result → response: body, ETag, Location, Last-Modified.

https://hl7.org/fhir/R4/http.html#versions · checklist B, C.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from careplan.api.headers import FHIR_JSON, prefer_of
from careplan.fhir.conditional import etag_from_number, http_date
from careplan.fhir.outcome import outcome
from careplan.fhir.text import Json, dump
from careplan.store.protocol import Version

_NO_STORE = (b"cache-control", b"no-store")
_CONTENT_TYPE = (b"content-type", f"{FHIR_JSON}; charset=utf-8".encode())


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A FHIR body; caches may keep nothing of it."""
    return _JsonResponse(body, status, headers)


class _JsonResponse(Response):
    """A FHIR body. Which headers it has is known, so that none has to be looked for."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        self.raw_headers = [_NO_STORE, _CONTENT_TYPE, (b"content-length", b"%d" % len(self.body))]
        for name, value in (headers or {}).items():
            self.raw_headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))


def outcome_response(resource: Json, status: int, headers: dict[str, str] | None = None) -> Response:
    """An OperationOutcome."""
    return json_response(dump(resource), status, headers)


def version_headers(version: Version) -> dict[str, str]:
    """ETag and Last-Modified of a version."""
    return {"etag": etag_from_number(version.number), "last-modified": http_date(version.at)}


def version_response(version: Version, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A stored version: its bytes as they are."""
    known = version_headers(version)
    return json_response(version.body or b"", status, known | headers if headers else known)


def location(base: str, version: Version) -> str:
    """The address of a version."""
    return f"{base}/{version.reference}/_history/{version.number}"


def written_response(request: Request, version: Version, status: int, base: str) -> Response:
    """The answer to a create, update or patch, as `Prefer: return` asks; unasked, with the resource."""
    headers = version_headers(version) | {"location": location(base, version)}
    match prefer_of(request).returns:
        case "minimal":
            return Response(b"", status, headers)
        case "OperationOutcome":
            return outcome_response(outcome(()), status, headers)
        case _:
            return version_response(version, status, headers)
