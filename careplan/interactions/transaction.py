"""Batch and transaction: many interactions in one Bundle, a transaction all or nothing.

https://hl7.org/fhir/R4/http.html#transaction · checklist H. Work goes DELETE, POST, PUT, GET whatever the order
in the Bundle; every write of a transaction is one commit with its consequences.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from careplan.domain.errors import CareplanError
from careplan.fhir.conditional import find_conditional_reference, pairs_from_if_none_exist
from careplan.fhir.outcome import outcome_from_error
from careplan.fhir.search import Query, pairs_from_query, parse
from careplan.fhir.text import Json, Text, read_text, rewrite_references
from careplan.interactions import access, write
from careplan.interactions.again import again
from careplan.interactions.change import Change
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.entry import METHODS, Entry, named, read_entries
from careplan.interactions.entry import BundleInvalid as BundleInvalid
from careplan.interactions.read import read, vread
from careplan.interactions.search import Found, search
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict

Worked = TypeVar("Worked")


class ReferenceUnresolved(CareplanError):
    """A conditional reference fits no resource, or several."""

    code = "reference-unresolved"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one entry: the version that stands, the search it asked for, or why it was refused.

    shown    of a read, whether the body is part of the answer; None of a write, where the caller's preference decides
    changed  whether this entry made a version
    """

    status: int
    version: Version | None = None
    found: tuple[Query, Found] | None = None
    outcome: Json | None = None
    shown: bool | None = None
    changed: bool = False


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
    if kind not in ("batch", "transaction"):
        raise BundleInvalid("the Bundle's type is batch or transaction; others are not worked on here")
    entries = read_entries(context, bundle)
    if kind == "batch":
        return Performed(kind, tuple([await _one(context, entry) for entry in entries]))
    return Performed(kind, await _transaction(context, [_checked(entry) for entry in entries]))


def _checked(entry: Entry | CareplanError) -> Entry:
    if isinstance(entry, CareplanError):
        raise entry
    return entry


# ── transaction ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one writing entry comes down to: a change, or the resource that its ifNoneExist found.

    existing  in the store
    twin      in this very Bundle: the index of the entry before it with the same ifNoneExist
    """

    entry: Entry
    id: str
    existing: Version | None = None
    guard: Guard | None = None
    twin: int | None = None

    @property
    def changes(self) -> bool:
        return self.existing is None and self.twin is None


async def _transaction(context: Context, entries: Sequence[Entry]) -> tuple[Result, ...]:
    writing = sorted((e for e in entries if e.writes), key=lambda e: METHODS.index(e.method))
    _check_full_urls(writing)

    async def work() -> dict[int, Result]:
        plans = _with_twins([await _named(entry, _plan(context, entry)) for entry in writing])
        _check_identities(plans)
        steps = await _steps(context, plans)
        changes = {index: step for index, step in steps.items() if isinstance(step, Change)}
        guards = [plan.guard for plan in plans if plan.guard is not None and plan.changes]
        versions = await commit(context, list(changes.values()), guards, Activity("transaction"))
        made = dict(zip(changes, versions, strict=True))
        first = {plan.entry.index: plan.entry.index if plan.twin is None else plan.twin for plan in plans}
        return {
            plan.entry.index: _result(plan, steps.get(first[plan.entry.index]), made.get(first[plan.entry.index]))
            for plan in plans
        }

    results = await again(work, GuardFailed, VersionConflict)
    for entry in entries:
        if not entry.writes:
            results[entry.index] = await _get(context, entry)
    return tuple(results[entry.index] for entry in entries)


def _check_full_urls(entries: Sequence[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.full_url in seen:
            raise named(entry.index, BundleInvalid("two entries have this fullUrl, so links to it are ambiguous"))
        if entry.full_url and entry.method != "DELETE":
            seen.add(entry.full_url)


def _expects(entry: Entry) -> int | None:
    """The version that ifMatch names, as `write.update` takes it."""
    return None if entry.match is None else write.expected_version(entry.match)


async def _plan(context: Context, entry: Entry) -> _Plan:
    write.check_writable(entry.type)
    if entry.source is not None:
        write.check_type(entry.type, entry.source)
    if entry.method == "POST":
        if entry.id is not None:
            raise BundleInvalid(f"Bundle.entry[{entry.index}]: POST goes to a type, without an id")
        if entry.if_none_exist is None:
            return _Plan(entry, context.new_id())
        query = write.criteria(context, entry.type, pairs_from_if_none_exist(entry.if_none_exist))
        existing = await write.match_one(context, query)
        return _Plan(entry, existing.id if existing else context.new_id(), existing, write.guard_against(query))
    if entry.id is None:
        raise BundleInvalid(f"Bundle.entry[{entry.index}]: {entry.method} goes to a resource, e.g. {entry.type}/1")
    return _Plan(entry, entry.id)


def _with_twins(plans: Sequence[_Plan]) -> list[_Plan]:
    """Plans to make the same thing on the same condition come down to the first of them."""
    first: dict[Query, _Plan] = {}
    found: list[_Plan] = []
    for plan in plans:
        same = plan if plan.guard is None or plan.existing else first.setdefault(plan.guard.query, plan)
        found.append(plan if same is plan else replace(plan, id=same.id, twin=same.entry.index))
    return found


def _check_identities(plans: Sequence[_Plan]) -> None:
    seen: dict[tuple[str, str], bool] = {}
    for plan in plans:
        key = (plan.entry.type, plan.id)
        if key in seen and plan.twin is None and (plan.changes or seen[key]):
            what = f"two entries are about {plan.entry.type}/{plan.id}"
            raise named(plan.entry.index, BundleInvalid(what))
        seen[key] = plan.changes or seen.get(key, False)


async def _steps(context: Context, plans: Sequence[_Plan]) -> dict[int, Change | Version | None]:
    """What each writing entry comes to: a change, the version that stands unchanged, or nothing."""
    links = {
        plan.entry.full_url: f"{plan.entry.type}/{plan.id}"
        for plan in plans
        if plan.entry.full_url and plan.entry.method != "DELETE"
    }
    arriving = frozenset(plan.id for plan in plans if plan.entry.type == "Patient" and plan.changes)
    return {
        plan.entry.index: plan.existing or await _named(plan.entry, _step(context, plan, links, arriving))
        for plan in plans
        if plan.twin is None
    }


async def _step(
    context: Context, plan: _Plan, links: Mapping[str, str], arriving: frozenset[str]
) -> Change | Version | None:
    entry = plan.entry
    previous = None if entry.method == "POST" else await context.store.read(entry.type, plan.id)
    write.check_precondition(f"{entry.type}/{plan.id}", previous, _expects(entry), absent=_absent(entry))
    await write.check_current(context, previous)
    if entry.source is None and (previous is None or previous.deleted):
        return None
    if entry.method == "PUT" and entry.source is not None and entry.source.value.get("id") != plan.id:
        raise write.IdMismatch(f"{entry.place}.id must be {plan.id}, as in the entry's request.url")
    source = None if entry.source is None else await _linked(context, entry.source, links)
    if source is not None and previous is not None and write.same_content(source, previous):
        return previous
    change = Change(entry.type, plan.id, source, previous, entry.place, context.base)
    await access.check_write(context, entry.type, change.value, change.patient, arriving)
    return change


def _absent(entry: Entry) -> bool:
    """Whether ifNoneMatch asks that the id is not in use."""
    return entry.none_match is not None and entry.none_match.every


async def _named(entry: Entry, work: Awaitable[Worked]) -> Worked:
    """The work of one entry; what it is refused for names the entry."""
    try:
        return await work
    except CareplanError as error:
        raise named(entry.index, error) from None


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
    page = await context.store.search(await access.restrict(context, write.criteria(context, *parts)))
    if len(page.matches) != 1:
        raise ReferenceUnresolved(f"a conditional reference to {parts[0]} fits {len(page.matches) or 'no'} resources")
    return page.matches[0].reference


def _result(plan: _Plan, step: Change | Version | None, version: Version | None) -> Result:
    if plan.twin is not None:
        return Result(200, version or (step if isinstance(step, Version) else None))
    if version is not None and isinstance(step, Change):
        made = step.previous is None or step.previous.deleted
        return Result(204 if version.deleted else 201 if made else 200, version, changed=True)
    if isinstance(step, Version):
        return Result(200, step)
    return Result(204)


# ── batch ────────────────────────────────────────────────────────────────────────────────────────


async def _one(context: Context, entry: Entry | CareplanError) -> Result:
    try:
        return await (_write if _checked(entry).writes else _get)(context, _checked(entry))
    except CareplanError as error:
        return _refused(error)


def _refused(error: CareplanError) -> Result:
    status, resource = outcome_from_error(error)
    return Result(status, outcome=resource)


async def _write(context: Context, entry: Entry) -> Result:
    write.check_writable(entry.type)
    if entry.method == "POST" and entry.source is not None and entry.id is None:
        text = entry.if_none_exist
        unless = None if text is None else write.criteria(context, entry.type, pairs_from_if_none_exist(text))
        made = await write.create(context, entry.type, entry.source, unless)
        return Result(201 if made.created else 200, made.version, changed=made.changed)
    if entry.id is None or entry.method == "POST":
        raise BundleInvalid(f"{entry.method} goes to a {'type' if entry.method == 'POST' else 'resource, e.g. Goal/1'}")
    if entry.source is None:
        return Result(204, await write.delete(context, entry.type, entry.id, expects=_expects(entry)))
    written = await write.update(
        context, entry.type, entry.id, entry.source, expects=_expects(entry), absent=_absent(entry)
    )
    return Result(201 if written.created else 200, written.version, changed=written.changed)


async def _get(context: Context, entry: Entry) -> Result:
    try:
        return await _found(context, entry)
    except CareplanError as error:
        return _refused(error)


async def _found(context: Context, entry: Entry) -> Result:
    shown, limits = entry.method == "GET", context.house.limits
    if entry.id is None:
        pairs = pairs_from_query(entry.query)
        maximum, count = limits.page_maximum, limits.page
        query = parse(entry.type, pairs, strict=False, base=context.base, maximum=maximum, count=count)
        found = await search(context, query)
        return Result(200, found=(query, found) if shown else None)
    if entry.number is not None:
        return Result(200, await vread(context, entry.type, entry.id, entry.number), shown=shown)
    version = await read(context, entry.type, entry.id)
    if entry.none_match is not None and entry.none_match.holds(version.number):
        return Result(304, version, shown=False)
    return Result(200, version, shown=shown)
