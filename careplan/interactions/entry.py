"""The entries of a Bundle to be worked: what each asks, or why it cannot be read.

https://hl7.org/fhir/R4/bundle.html#transaction · checklist H. Not here: what becomes of them (`transaction`).
"""

import re
from dataclasses import dataclass

from careplan.domain.errors import CareplanError, Fault
from careplan.fhir.conditional import Tags, tags_from_header
from careplan.fhir.patch.result import Patch
from careplan.fhir.query import Query
from careplan.fhir.search import pairs_from_query
from careplan.fhir.text import Json, Text, entry_texts
from careplan.interactions.context import Context
from careplan.interactions.match import criteria
from careplan.interactions.patch import patch_from_resource
from careplan.interactions.precondition import check_writable, expected_version

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
"""In the order in which a transaction is worked."""

_WRITING = METHODS[:4]
_WITH_RESOURCE = ("POST", "PUT", "PATCH")

_URL = re.compile(r"([A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64})(?:/([A-Za-z]+)|/_history/(\d+))?)?(?:\?(.*))?", re.DOTALL)


class BundleInvalid(CareplanError):
    """The Bundle cannot be worked on: wrong type, wrong entry, two entries for one resource."""

    code = "bundle-invalid"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the Bundle. `type`, `id`, `member`, `number`, `query`: the parts of its address.

    member             of `Patient/1/Observation?…`: the type that is searched in a record
    source             the resource to store; None where there is none, and of a patch
    patch              of a PATCH
    match, none_match  ifMatch and ifNoneMatch
    """

    index: int
    method: str
    type: str
    id: str | None
    member: str | None
    number: str | None
    query: str
    full_url: str | None
    source: Text | None
    patch: Patch | None
    match: Tags | None
    none_match: Tags | None
    if_none_exist: str | None

    @property
    def writes(self) -> bool:
        return self.method in _WRITING

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.index}].resource"

    @property
    def expects(self) -> int | None:
        """The version that ifMatch names, as `write.update` takes it."""
        return None if self.match is None else expected_version(self.match)

    def criteria(self, context: Context) -> Query:
        """What a conditional PUT, PATCH or DELETE is about. Raises BundleInvalid without any."""
        if not self.query:
            raise BundleInvalid(
                f"Bundle.entry[{self.index}]: {self.method} goes to a resource, e.g. {self.type}/1, or has criteria"
            )
        return criteria(context, self.type, pairs_from_query(self.query))


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


def _read(context: Context, index: int, value: Json, source: Text | None) -> Entry | CareplanError:
    try:
        return _entry(context, index, value, source)
    except CareplanError as error:
        return named(index, error)


def _entry(context: Context, index: int, value: Json, source: Text | None) -> Entry:
    request = value.get("request") if isinstance(value, dict) else None
    if not isinstance(request, dict):
        raise BundleInvalid(f"Bundle.entry[{index}].request is missing")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS or not isinstance(url, str):
        raise BundleInvalid(f"Bundle.entry[{index}].request needs a method of {', '.join(METHODS)} and a url")
    parts = _URL.fullmatch(url.removeprefix(context.base + "/").lstrip("/"))
    if parts is None or (method in _WRITING and (parts[3] or parts[4])):
        raise BundleInvalid(f"Bundle.entry[{index}].request.url is not an address of this service")
    if (source is not None) != (method in _WITH_RESOURCE):
        raise BundleInvalid(f"Bundle.entry[{index}]: a resource belongs to POST, PUT and PATCH, and only to them")
    if method in _WRITING:
        check_writable(parts[1])
    if method == "POST" and parts[2] is not None:
        raise BundleInvalid(f"Bundle.entry[{index}]: POST goes to a type, without an id")
    patch = None
    if method == "PATCH" and source is not None:
        patch = patch_from_resource(context, source.value, f"Bundle.entry[{index}].resource")
    match, none_match = _text(index, request, "ifMatch"), _text(index, request, "ifNoneMatch")
    return Entry(
        index=index,
        method=method,
        type=parts[1],
        id=parts[2],
        member=parts[3],
        number=parts[4],
        query=parts[5] or "",
        full_url=_text(index, value, "fullUrl"),
        source=None if patch else source,
        patch=patch,
        match=tags_from_header(match) if match else None,
        none_match=tags_from_header(none_match) if none_match else None,
        if_none_exist=_text(index, request, "ifNoneExist"),
    )


def _text(index: int, holder: Json, name: str) -> str | None:
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise BundleInvalid(f"Bundle.entry[{index}]: {name} is a text")
    return value
