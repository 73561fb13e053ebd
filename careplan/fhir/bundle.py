"""Results → bundles, as bytes: the stored bodies are spliced in as they are, never written anew.

Not here: what is in them (interactions), and how they travel (a door).
https://hl7.org/fhir/R4/bundle.html · https://hl7.org/fhir/R4/http.html#transaction-response · checklist G, H, J
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from careplan.domain.errors import Fault
from careplan.fhir.conditional import etag_from_number
from careplan.fhir.instant import instant_text
from careplan.fhir.outcome import outcome
from careplan.fhir.page_link import self_link
from careplan.fhir.query import Query
from careplan.fhir.summary import reduced
from careplan.fhir.text import dump

Json: TypeAlias = Any


class Stored(Protocol):
    """A stored version of a resource, as `careplan.store.protocol.Version` is; body None is a deletion."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def method(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one entry of a batch or transaction.

    location  `Type/id/_history/n` of what was written
    body      a resource to show: what was read, or what a caller wants back
    outcome   an OperationOutcome about it
    """

    status: int
    location: str | None = None
    number: int | None = None
    at: datetime | None = None
    body: bytes | None = None
    outcome: Mapping[str, Json] | None = None
    full_url: str | None = None


def searchset(
    query: Query,
    matches: Sequence[Stored],
    *,
    base: str,
    included: Iterable[Stored] = (),
    faults: Sequence[Fault] = (),
    total: int | None = None,
    page: str | None = None,
    next: str | None = None,
    path: str | None = None,
) -> bytes:
    """A page of a search.

    faults      what else the caller is told in an outcome, beside what was not supported
    total       number of all matches when it was asked for; a search of one page says it unasked
    page, next  signed tokens of this page (None: the first) and of the next (None: there is none)
    path        as in `self_link`
    """
    if total is None and page is None and next is None:
        total = len(matches)
    shown = () if query.count == 0 else matches
    told = (*_faults_of_ignored(query), *faults)
    entries = [
        *(_match_entry(base, one, "match", query) for one in shown),
        *(_match_entry(base, one, "include", replace(query, elements=())) for one in included),
        *([_outcome_entry(outcome(told))] if told else ()),
    ]
    links = {"self": self_link(base, query, page=page, path=path)}
    if next is not None and query.count:
        links["next"] = self_link(base, query, page=next, path=path)
    return _bundle("searchset", entries, total=total, links=links)


def history_bundle(
    versions: Iterable[Stored], *, base: str, total: int, url: str, next_url: str | None = None
) -> bytes:
    """Versions newest first, each with the request that made it; a deletion has no resource."""
    links = {"self": url} if next_url is None else {"self": url, "next": next_url}
    return _bundle("history", [_version_entry(base, one) for one in versions], total=total, links=links)


def response_bundle(kind: str, answers: Iterable[Answer], *, base: str) -> bytes:
    """What became of each entry, in the order of the request. kind: `transaction-response` or `batch-response`."""
    return _bundle(kind, [_answer_entry(base, answer) for answer in answers])


def collection(bodies: Iterable[tuple[str | None, bytes]]) -> bytes:
    """Resources side by side, each with its fullUrl where it has one."""
    return _bundle("collection", [_entry(full_url, body) for full_url, body in bodies])


def status_line(status: int) -> str:
    """`201 Created`, as `response.status` shows it."""
    return f"{status} {HTTPStatus(status).phrase}"


# ── entries ──────────────────────────────────────────────────────────────────────────────────────


def _match_entry(base: str, one: Stored, mode: str, query: Query) -> bytes:
    body = reduced(one.body or b"{}", one.type, query.summary, query.elements)
    return _entry(f"{base}/{one.type}/{one.id}", body, search={"mode": mode})


def _outcome_entry(found: Mapping[str, Json]) -> bytes:
    """An outcome is nowhere stored; its fullUrl is made from what it says."""
    body = dump(found)
    return _entry(f"urn:uuid:{uuid5(NAMESPACE_URL, body.decode())}", body, search={"mode": "outcome"})


def _faults_of_ignored(query: Query) -> list[Fault]:
    where = f"{query.type}: " if query.type else ""
    said = [f"{where}{name} is not supported and was left out" for name in query.ignored]
    return [Fault("", "parameter-unsupported", one, "warning") for one in said]


def _version_entry(base: str, one: Stored) -> bytes:
    """A version under the request that made it; a PUT may have made the resource, too."""
    status = 204 if one.body is None else 201 if one.number == 1 else 200
    response = _response(status, number=one.number, at=one.at)
    full_url = f"{base}/{one.type}/{one.id}"
    url = one.type if one.method == "POST" else f"{one.type}/{one.id}"
    return _entry(full_url, one.body, request={"method": one.method, "url": url}, response=response)


def _answer_entry(base: str, answer: Answer) -> bytes:
    response = _response(answer.status, number=answer.number, at=answer.at)
    if answer.location:
        response["location"] = f"{base}/{answer.location}"
    if answer.outcome is not None:
        response["outcome"] = answer.outcome
    return _entry(answer.full_url, answer.body, response=response)


def _response(status: int, *, number: int | None, at: datetime | None) -> dict[str, Json]:
    response: dict[str, Json] = {"status": status_line(status)}
    if number is not None:
        response["etag"] = etag_from_number(number)
    if at is not None:
        response["lastModified"] = instant_text(at)
    return response


def _entry(full_url: str | None, body: bytes | None, **parts: Json) -> bytes:
    members = [b'"fullUrl":' + _text(full_url)] if full_url else []
    if body is not None:
        members.append(b'"resource":' + body)
    members += [f'"{name}":'.encode() + dump(value) for name, value in parts.items()]
    return b"{" + b",".join(members) + b"}"


def _bundle(
    kind: str, entries: Sequence[bytes], *, total: int | None = None, links: Mapping[str, str] | None = None
) -> bytes:
    members = [b'"resourceType":"Bundle"', b'"type":' + _text(kind)]
    if total is not None:
        members.append(f'"total":{total}'.encode())
    if links:
        members.append(b'"link":' + dump([{"relation": name, "url": url} for name, url in links.items()]))
    if entries:
        members.append(b'"entry":[' + b",".join(entries) + b"]")
    return b"{" + b",".join(members) + b"}"


def _text(value: str) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
