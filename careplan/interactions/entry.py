"""The entries of a Bundle to be worked: what each asks, or why it cannot be read.

https://hl7.org/fhir/R4/bundle.html#transaction · checklist H. Not here: what becomes of them (`transaction`).
"""

import re
from dataclasses import dataclass

from careplan.domain.errors import CareplanError, Fault
from careplan.fhir.conditional import Tags, tags_from_header
from careplan.fhir.text import Json, Text, entry_texts, read_text
from careplan.interactions.context import Context

METHODS = ("DELETE", "POST", "PUT", "GET", "HEAD")
"""In the order in which a transaction is worked."""

_URL = re.compile(r"([A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64}))?(?:/_history/(\d+))?(?:\?(.*))?")


class BundleInvalid(CareplanError):
    """The Bundle cannot be worked on: wrong type, wrong entry, two entries for one resource."""

    code = "bundle-invalid"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the Bundle. `type`, `id`, `number`, `query`: the parts of its address.

    match, none_match  ifMatch and ifNoneMatch
    """

    index: int
    method: str
    type: str
    id: str | None
    number: str | None
    query: str
    full_url: str | None
    source: Text | None
    match: Tags | None
    none_match: Tags | None
    if_none_exist: str | None

    @property
    def writes(self) -> bool:
        return self.method in METHODS[:3]

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.index}].resource"


def read_entries(context: Context, bundle: Text) -> list[Entry | CareplanError]:
    """Every entry in its order; in the place of one that cannot be read, the error that names it.

    Raises BundleInvalid when there is no list of entries, or it is too long
    """
    listed = bundle.value.get("entry", [])
    limit = context.house.limits.bundle_entries
    if not isinstance(listed, list) or len(listed) > limit:
        raise BundleInvalid(f"Bundle.entry is a list of at most {limit} entries")
    texts = entry_texts(bundle)
    return [_read(context, index, one, texts[index]) for index, one in enumerate(listed)]


def named(index: int, error: CareplanError) -> CareplanError:
    """The error, saying which entry it is about unless its faults say so already."""
    error.faults = error.faults or (Fault(f"Bundle.entry[{index}]", error.code, error.message),)
    return error


def _read(context: Context, index: int, value: Json, text: bytes | None) -> Entry | CareplanError:
    try:
        return _entry(context, index, value, text)
    except CareplanError as error:
        return named(index, error)


def _entry(context: Context, index: int, value: Json, text: bytes | None) -> Entry:
    request = value.get("request") if isinstance(value, dict) else None
    if not isinstance(request, dict):
        raise BundleInvalid(f"Bundle.entry[{index}].request is missing")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS or not isinstance(url, str):
        raise BundleInvalid(f"Bundle.entry[{index}].request needs a method of {', '.join(METHODS)} and a url")
    parts = _URL.fullmatch(url.removeprefix(context.base + "/").lstrip("/"))
    if parts is None:
        raise BundleInvalid(f"Bundle.entry[{index}].request.url is not an address of this service")
    if (text is not None) != (method in ("POST", "PUT")):
        raise BundleInvalid(f"Bundle.entry[{index}]: a resource belongs to POST and PUT, and only to them")
    match, none_match = _text(index, request, "ifMatch"), _text(index, request, "ifNoneMatch")
    return Entry(
        index=index,
        method=method,
        type=parts[1],
        id=parts[2],
        number=parts[3],
        query=parts[4] or "",
        full_url=_text(index, value, "fullUrl"),
        source=None if text is None else read_text(text),
        match=tags_from_header(match) if match else None,
        none_match=tags_from_header(none_match) if none_match else None,
        if_none_exist=_text(index, request, "ifNoneExist"),
    )


def _text(index: int, holder: Json, name: str) -> str | None:
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise BundleInvalid(f"Bundle.entry[{index}]: {name} is a text")
    return value
