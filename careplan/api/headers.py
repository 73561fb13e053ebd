"""Request → format, conditions, preferences and body; refuses what it does not speak.

https://hl7.org/fhir/R4/http.html#general · checklist A, B, C.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from careplan.api.door import door_of
from careplan.domain.errors import CareplanError
from careplan.fhir.text import Text, read_text

FHIR_JSON = "application/fhir+json"
_JSON = frozenset({FHIR_JSON, "application/json", "text/json", "*/*", "application/*", "json", ""})
_BODY = frozenset({FHIR_JSON, "application/json", "text/json"})


class NotAcceptable(CareplanError):
    """The caller wants a format this service does not write."""

    code = "not-acceptable"


class MediaTypeUnsupported(CareplanError):
    """The body is in a format this service does not read."""

    code = "media-type-unsupported"


class TooLarge(CareplanError):
    """The body is larger than the limit."""

    code = "too-large"


@dataclass(frozen=True, slots=True)
class Prefer:
    """`Prefer`: what comes back from a write, and how strictly search parameters are taken."""

    returns: str = "representation"
    strict: bool = False


def check_accept(request: Request) -> None:
    """Raises NotAcceptable unless JSON is welcome; `_format` overrides Accept."""
    wanted = dict(query_pairs(request)).get("_format")
    offers = [wanted] if wanted else (request.headers.get("accept") or "*/*").split(",")
    types = [one.partition(";")[0].strip().lower().replace("fhir json", "fhir+json") for one in offers]
    if not any(one in _JSON for one in types):
        raise NotAcceptable(f"only {FHIR_JSON} is written here; send Accept: {FHIR_JSON}")


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The query as pairs, percent-decoded once."""
    return parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def prefer_of(request: Request) -> Prefer:
    """Preferences that we know; unknown ones are ignored."""
    parts = [part.strip() for part in request.headers.get("prefer", "").replace(";", ",").split(",")]
    given = dict(part.split("=", 1) for part in parts if "=" in part)
    returns = given.get("return", "representation")
    known = returns if returns in ("minimal", "representation", "OperationOutcome") else "representation"
    return Prefer(known, given.get("handling") == "strict")


async def read_raw(request: Request) -> bytes:
    """The body. Raises TooLarge as soon as it is."""
    limit = door_of(request).body_limit
    declared = request.headers.get("content-length", "0")
    parts, size = [], int(declared) if declared.isdigit() else 0
    if size > limit:
        raise TooLarge(f"the body is larger than {limit} bytes; send it in parts")
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"the body is larger than {limit} bytes; send it in parts")
        parts.append(part)
    return b"".join(parts)


async def read_body(request: Request) -> Text:
    """The body as a resource text. Raises MediaTypeUnsupported, TooLarge, TextUnparsable."""
    check_content(request, _BODY)
    return read_text(await read_raw(request))


def check_content(request: Request, allowed: frozenset[str]) -> None:
    """Raises MediaTypeUnsupported unless the body's type is one of these."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in allowed:
        raise MediaTypeUnsupported(f"send the body as {' or '.join(sorted(allowed))}, with Content-Type")
