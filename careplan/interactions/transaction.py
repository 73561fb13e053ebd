"""Batch and transaction: many interactions in one Bundle, a transaction all or nothing.

https://hl7.org/fhir/R4/http.html#transaction · checklist H. Work goes DELETE, POST, PUT, GET whatever the order
in the Bundle; every write of a transaction is one commit with its consequences.
"""

import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from careplan.domain.errors import CareplanError, Fault
from careplan.fhir import registry
from careplan.fhir.conditional import (
    expected_number,
    find_conditional_reference,
    pairs_from_if_none_exist,
    tags_from_header,
)
from careplan.fhir.outcome import outcome_from_error
from careplan.fhir.search import Pairs, Query, pairs_from_query, parse
from careplan.fhir.text import Json, Text, entry_texts, read_text, rewrite_references
from careplan.interactions import access, write
from careplan.interactions.change import Change
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.read import read, vread
from careplan.interactions.search import Found, search
from careplan.interactions.write import PreconditionFailed
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict

Worked = TypeVar("Worked")

TRIES = 12
_ORDER = ("DELETE", "POST", "PUT", "GET", "HEAD")
_URL = re.compile(r"([A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64}))?(?:/_history/(\d+))?(?:\?(.*))?")


class BundleInvalid(CareplanError):
    """The Bundle cannot be worked on as a whole: wrong type, wrong entry, two entries for one resource."""

    code = "bundle-invalid"


class ReferenceUnresolved(CareplanError):
    """A conditional reference fits no resource, or several."""

    code = "reference-unresolved"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the Bundle. `type`, `id`, `number`, `query`: the parts of its address."""

    index: int
    method: str
    type: str
    id: str | None
    number: str | None
    query: str
    full_url: str | None
    source: Text | None
    expects: int | None
    if_none_exist: str | None

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.index}].resource"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one entry: the version that stands, the search it asked for, or why it was refused."""

    status: int
    version: Version | None = None
    found: tuple[Query, Found] | None = None
    outcome: Json | None = None
    show: bool = False


@dataclass(frozen=True, slots=True)
class Performed:
    """A worked Bundle: `batch` or `transaction`, with a result for each entry in the Bundle's order."""

    kind: str
    results: tuple[Result, ...]


async def perform(context: Context, bundle: Text) -> Performed:
    """Work a batch or transaction Bundle.

    Raises BundleInvalid, ResourceInvalid and whatever an entry of a transaction is refused for; then nothing is stored
    """
    if bundle.value.get("resourceType") != "Bundle":
        raise BundleInvalid("the body is a Bundle of type batch or transaction")
    kind = bundle.value.get("type")
    entries = _entries(context, bundle)
    if kind == "transaction":
        return Performed(kind, await _transaction(context, entries))
    if kind == "batch":
        return Performed(kind, tuple([await _one(context, entry) for entry in entries]))
    raise BundleInvalid("the Bundle's type is batch or transaction; others are not worked on here")


# ── reading the Bundle ───────────────────────────────────────────────────────────────────────────


def _entries(context: Context, bundle: Text) -> list[Entry]:
    listed = bundle.value.get("entry", [])
    limit = context.house.limits.bundle_entries
    if not isinstance(listed, list) or len(listed) > limit:
        raise BundleInvalid(f"Bundle.entry is a list of at most {limit} entries")
    texts = entry_texts(bundle)
    return [_entry(context, index, one, texts[index]) for index, one in enumerate(listed)]


def _entry(context: Context, index: int, value: Json, text: bytes | None) -> Entry:
    request = value.get("request") if isinstance(value, dict) else None
    if not isinstance(request, dict):
        raise BundleInvalid(f"Bundle.entry[{index}].request is missing")
    method, url = request.get("method"), request.get("url")
    if method not in _ORDER or not isinstance(url, str):
        raise BundleInvalid(f"Bundle.entry[{index}].request needs a method of {', '.join(_ORDER)} and a url")
    parts = _URL.fullmatch(url.removeprefix(context.base + "/").lstrip("/"))
    if parts is None:
        raise BundleInvalid(f"Bundle.entry[{index}].request.url is not an address of this service")
    if (text is not None) != (method in ("POST", "PUT")):
        raise BundleInvalid(f"Bundle.entry[{index}]: a resource belongs to POST and PUT, and only to them")
    return Entry(
        index=index,
        method=method,
        type=parts[1],
        id=parts[2],
        number=parts[3],
        query=parts[4] or "",
        full_url=value.get("fullUrl"),
        source=None if text is None else read_text(text),
        expects=_expected(index, request.get("ifMatch")),
        if_none_exist=request.get("ifNoneExist"),
    )


def _expected(index: int, etag: Json) -> int | None:
    if etag is None:
        return None
    if not isinstance(etag, str):
        raise BundleInvalid(f'Bundle.entry[{index}].request.ifMatch is an ETag like W/"3"')
    return expected_number(tags_from_header(etag))


# ── transaction ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one writing entry comes down to: a change, or (`existing`) the resource its ifNoneExist found."""

    entry: Entry
    id: str
    existing: Version | None = None
    guard: Guard | None = None


async def _transaction(context: Context, entries: Sequence[Entry]) -> tuple[Result, ...]:
    writing = sorted((e for e in entries if e.method in _ORDER[:3]), key=lambda e: _ORDER.index(e.method))
    results: dict[int, Result] = {}
    for attempt in range(1, TRIES + 1):
        plans = [await _named(entry, _plan(context, entry)) for entry in writing]
        _check_identities(plans)
        steps = await _steps(context, plans)
        changes = {index: step for index, step in steps.items() if isinstance(step, Change)}
        guards = [plan.guard for plan in plans if plan.guard is not None and plan.existing is None]
        try:
            versions = await commit(context, list(changes.values()), guards, Activity("transaction"))
        except VersionConflict as conflict:
            if any(plan.entry.expects is not None and _names(plan, conflict.reference) for plan in plans):
                raise PreconditionFailed(conflict.message) from conflict
            if attempt == TRIES:
                raise
        except GuardFailed:
            if attempt == TRIES:
                raise
        else:
            made = dict(zip(changes, versions, strict=True))
            for plan in plans:
                index = plan.entry.index
                results[index] = _result(plan, steps.get(index), made.get(index))
            break
    for entry in entries:
        if entry.method not in _ORDER[:3]:
            results[entry.index] = await _get(context, entry)
    return tuple(results[entry.index] for entry in entries)


def _names(plan: _Plan, reference: str) -> bool:
    return f"{plan.entry.type}/{plan.id}" == reference


async def _plan(context: Context, entry: Entry) -> _Plan:
    registry.row(entry.type)
    if entry.source is not None:
        write.check_type(entry.type, entry.source)
    if entry.method == "POST":
        if entry.id is not None:
            raise BundleInvalid(f"Bundle.entry[{entry.index}]: POST goes to a type, without an id")
        if entry.if_none_exist is None:
            return _Plan(entry, context.new_id())
        query = criteria(context, entry.type, pairs_from_if_none_exist(entry.if_none_exist))
        existing = await write.match_one(context, query)
        return _Plan(entry, existing.id if existing else context.new_id(), existing, write.guard_against(query))
    if entry.id is None:
        raise BundleInvalid(f"Bundle.entry[{entry.index}]: {entry.method} goes to a resource, e.g. {entry.type}/1")
    return _Plan(entry, entry.id)


def criteria(context: Context, type_name: str, pairs: Pairs) -> Query:
    """Criteria of a conditional write or reference; one that is not known never counts as met."""
    query = parse(type_name, pairs, strict=True, base=context.base)
    if not query.criteria:
        raise BundleInvalid("the criteria of a conditional write name at least one search parameter")
    return replace(query, count=2)


def _check_identities(plans: Sequence[_Plan]) -> None:
    seen: set[tuple[str, str]] = set()
    for plan in plans:
        key = (plan.entry.type, plan.id)
        if key in seen and plan.existing is None:
            raise BundleInvalid(f"two entries are about {plan.entry.type}/{plan.id}")
        seen.add(key)


async def _steps(context: Context, plans: Sequence[_Plan]) -> dict[int, Change | Version | None]:
    """What each writing entry comes to: a change, the version that stands unchanged, or nothing."""
    links = {
        plan.entry.full_url: f"{plan.entry.type}/{plan.id}"
        for plan in plans
        if plan.entry.full_url and plan.entry.method != "DELETE"
    }
    return {plan.entry.index: plan.existing or await _named(plan.entry, _step(context, plan, links)) for plan in plans}


async def _step(context: Context, plan: _Plan, links: Mapping[str, str]) -> Change | Version | None:
    entry = plan.entry
    previous = None if entry.method == "POST" else await context.store.read(entry.type, plan.id)
    write.check_precondition(f"{entry.type}/{plan.id}", previous, entry.expects)
    await write.check_current(context, previous)
    if entry.source is None and (previous is None or previous.deleted):
        return None
    if entry.method == "PUT" and entry.source is not None and entry.source.value.get("id") != plan.id:
        raise write.IdMismatch(f"{entry.place}.id must be {plan.id}, as in the entry's request.url")
    source = None if entry.source is None else await _linked(context, entry.source, links)
    if source is not None and previous is not None and write.same_content(source, previous):
        return previous
    change = Change(entry.type, plan.id, source, previous, entry.place)
    await access.check_write(context, entry.type, change.value, change.patient)
    return change


async def _named(entry: Entry, work: Awaitable[Worked]) -> Worked:
    """The work of one entry; what it is refused for names the entry."""
    try:
        return await work
    except CareplanError as error:
        error.faults = error.faults or (Fault(f"Bundle.entry[{entry.index}]", error.code, error.message),)
        raise


async def _linked(context: Context, source: Text, links: Mapping[str, str]) -> Text:
    """The text with references to entries, and conditional references, replaced by what they come to."""
    found = {text: await _resolved(context, text) for text in sorted(set(_references(source.value)))}
    targets = {text: target for text, target in found.items() if target is not None}
    changed = rewrite_references(source.text.encode(), {**links, **targets})
    return source if changed == source.text.encode() else read_text(changed)


def _references(value: Json) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [one for part in value.values() for one in _references(part)]
    return [one for part in value for one in _references(part)] if isinstance(value, list) else []


async def _resolved(context: Context, text: str) -> str | None:
    """What a conditional reference fits; None for any other reference."""
    parts = find_conditional_reference(text)
    if parts is None:
        return None
    page = await context.store.search(await access.restrict(context, criteria(context, *parts)))
    if len(page.matches) != 1:
        raise ReferenceUnresolved(f"a conditional reference to {parts[0]} fits {len(page.matches) or 'no'} resources")
    return page.matches[0].reference


def _result(plan: _Plan, step: Change | Version | None, version: Version | None) -> Result:
    if version is not None and isinstance(step, Change):
        made = step.previous is None or step.previous.deleted
        return Result(204 if version.deleted else 201 if made else 200, version)
    if isinstance(step, Version):
        return Result(200, step)
    return Result(204)


# ── batch ────────────────────────────────────────────────────────────────────────────────────────


async def _one(context: Context, entry: Entry) -> Result:
    try:
        if entry.method in ("GET", "HEAD"):
            return await _get(context, entry)
        return await _write(context, entry)
    except CareplanError as error:
        status, resource = outcome_from_error(error)
        return Result(status, outcome=resource)


async def _write(context: Context, entry: Entry) -> Result:
    if entry.method == "POST" and entry.source is not None and entry.id is None:
        text = entry.if_none_exist
        unless = criteria(context, entry.type, pairs_from_if_none_exist(text)) if text else None
        made = await write.create(context, entry.type, entry.source, unless)
        return Result(201 if made.created else 200, made.version)
    if entry.id is None:
        raise BundleInvalid(f"{entry.method} goes to a resource, e.g. {entry.type}/1")
    if entry.method == "DELETE":
        gone = await write.delete(context, entry.type, entry.id, expects=entry.expects)
        return Result(204, gone)
    assert entry.source is not None
    written = await write.update(context, entry.type, entry.id, entry.source, expects=entry.expects)
    return Result(201 if written.created else 200, written.version)


async def _get(context: Context, entry: Entry) -> Result:
    try:
        if entry.id is None:
            query = parse(entry.type, pairs_from_query(entry.query), strict=False, base=context.base)
            return Result(200, found=(query, await search(context, query)))
        if entry.number is not None:
            return Result(200, await vread(context, entry.type, entry.id, entry.number), show=True)
        return Result(200, await read(context, entry.type, entry.id), show=True)
    except CareplanError as error:
        status, resource = outcome_from_error(error)
        return Result(status, outcome=resource)
