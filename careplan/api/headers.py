"""Request → format, conditions, preferences and body; refuses what it does not speak.

https://hl7.org/fhir/R4/http.html#general · checklist A, B, C.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request

from careplan.api.door import door_of
from careplan.api.forwarded import sent_once
from careplan.domain.errors import CareplanError
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.reference import CPR, ID
from careplan.fhir.search import Pairs, pairs_from_query
from careplan.fhir.text import Text, read_text
from careplan.store.protocol import NotFound

_ID = re.compile(ID)
_UNWANTED = re.compile(r";\s*q=0(?:\.0{0,3})?\s*(?:;|$)", re.IGNORECASE)
_VERSION = re.compile(r";\s*fhirversion\s*=\s*\"?([^\s;,\"]+)", re.IGNORECASE)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;,\"]+)", re.IGNORECASE)
_CHARSETS = ("utf-8", "utf8", "us-ascii")
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


_RETURNS = {name.lower(): name for name in ("minimal", "representation", "OperationOutcome")}


@dataclass(frozen=True, slots=True)
class Prefer:
    """`Prefer`: what comes back from a write, and how strictly search parameters are taken.

    returns  `minimal`, `representation`, `OperationOutcome`; "" when the caller does not say
    """

    returns: str = ""
    strict: bool = False


def names_of(request: Request) -> tuple[str, str]:
    """Type and id of the address. Raises NotFound for what cannot be an id."""
    type_name, id = request.path_params["type"], request.path_params["id"]
    if not _ID.fullmatch(id):
        raise NotFound("there is no such address; an id is 1 to 64 of A-Z, a-z, 0-9, - and .")
    if CPR.search(id):
        raise NotFound("a person number is never an id here; search by identifier, with POST _search")
    return type_name, id


def check_accept(request: Request, form: Pairs = ()) -> None:
    """Raises NotAcceptable unless JSON is welcome; `_format` in the address, or in a form, overrides Accept."""
    if (form or request.scope["query_string"]) and check_format([*query_pairs(request), *form]):
        return
    if not _takes_json(header(request, "accept")):
        raise NotAcceptable(f"only {FHIR_JSON} is written here; send Accept: {FHIR_JSON}")


@lru_cache(maxsize=64)
def _takes_json(accept: str) -> bool:
    """Whether JSON is among what an Accept header offers; without one, everything is."""
    offers = (accept or "*/*").split(",")
    return any(_is_json(one) and not _UNWANTED.search(one) for one in offers)


def check_format(pairs: Pairs) -> bool:
    """Whether `_format` is among the pairs. Raises NotAcceptable when it asks for something else than JSON."""
    wanted = dict(pairs).get("_format")
    if wanted and not _is_json(wanted):
        raise NotAcceptable(f"only {FHIR_JSON} is written here; leave _format out, or send _format=json")
    return bool(wanted)


def _is_json(text: str) -> bool:
    """Whether a media type is, or covers, what we write; an unencoded `+` of a query has become a space."""
    return text.partition(";")[0].strip().lower().replace("fhir json", "fhir+json") in _JSON and _is_ours(text)


def _is_ours(media_type: str) -> bool:
    """Whether its parameters ask for nothing but R4 in UTF-8."""
    version, charset = _VERSION.search(media_type), _CHARSET.search(media_type)
    return (version is None or version[1] in ("4.0", "4.0.1")) and (charset is None or charset[1].lower() in _CHARSETS)


def header(request: Request, name: str) -> str:
    """A header that may stand in several lines, as one; "" when it is not sent. name: in small letters"""
    wanted = name.encode()
    if wanted not in sent_once(request.scope):
        return ""
    return b",".join([value for sent, value in request.scope["headers"] if sent == wanted]).decode("latin-1")


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The query as pairs, percent-decoded once. Raises ParameterInvalid for wrong UTF-8."""
    query: bytes = request.scope["query_string"]
    return form_pairs(query)


def asked_pairs(request: Request) -> list[tuple[str, str]]:
    """What the address asks for: not what says how the answer is written, and nothing empty, which is as not sent."""
    return [(name, value) for name, value in query_pairs(request) if name not in ("_format", "_pretty") and value]


def form_pairs(raw: bytes) -> list[tuple[str, str]]:
    """A form or a query as pairs. Raises ParameterInvalid for wrong UTF-8, percent-encoded or plain."""
    if not raw:
        return []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ParameterInvalid("the parameters are not percent-encoded UTF-8") from None
    return pairs_from_query(text)


def prefer_of(request: Request) -> Prefer:
    """Preferences that we know; unknown ones are ignored."""
    parts = [part.strip() for part in header(request, "prefer").replace(";", ",").split(",")]
    pairs = (part.split("=", 1) for part in parts if "=" in part)
    given = {name.strip().lower(): value.strip().strip('"').lower() for name, value in pairs}
    return Prefer(_RETURNS.get(given.get("return", ""), ""), given.get("handling") == "strict")


async def read_raw(request: Request) -> bytes:
    """The body. Raises TooLarge as soon as it is."""
    limit = door_of(request).body_limit
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
        raise TooLarge(f"the body is larger than {limit} bytes; send it in parts")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"the body is larger than {limit} bytes; send it in parts")
        parts.append(part)
    return b"".join(parts)


async def read_body(request: Request) -> Text:
    """The body as a resource text. Raises MediaTypeUnsupported, TooLarge, TextUnparsable."""
    check_content(request, _BODY)
    return read_text(await read_raw(request), depth=door_of(request).house.limits.json_depth)


async def find_body(request: Request) -> Text | None:
    """The body as a resource text; None when there is none, and then its type does not matter."""
    raw = await read_raw(request)
    if not raw.strip():
        return None
    check_content(request, _BODY)
    return read_text(raw, depth=door_of(request).house.limits.json_depth)


def check_content(request: Request, allowed: frozenset[str]) -> None:
    """Raises MediaTypeUnsupported unless the body's type is one of these, and it is not compressed."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        raise MediaTypeUnsupported("send the body as it is, without Content-Encoding")
    if content_type(request) not in allowed:
        raise MediaTypeUnsupported(f"send the body as {' or '.join(sorted(allowed))}, with Content-Type")
    if not _is_ours(request.headers["content-type"]):
        raise MediaTypeUnsupported("send the body as R4 (fhirVersion=4.0) in UTF-8")


def content_type(request: Request) -> str:
    """The media type of the body, without its parameters; "" when it is not sent."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
