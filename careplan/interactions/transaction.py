"""Batch and transaction: many interactions in one Bundle, a transaction all or nothing.

https://hl7.org/fhir/R4/http.html#transaction · checklist H. Work goes DELETE, POST, PUT, PATCH, GET whatever the order
in the Bundle; every write of a transaction is one commit with its consequences.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from careplan.domain.errors import CareplanError
from careplan.fhir.conditional import pairs_from_if_none_exist
from careplan.fhir.query import Query
from careplan.fhir.reference import Target
from careplan.fhir.text import Text
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.batch import Allowance, answer, work_batch
from careplan.interactions.change import Change
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.entry import METHODS, BundleInvalid, Entry, named, read_entries
from careplan.interactions.match import criteria, match
from careplan.interactions.named import note_named
from careplan.interactions.patch import changed_by
from careplan.interactions.performed import Performed, Result
from careplan.interactions.precondition import check_change, check_standing, check_type, same_content
from careplan.interactions.read import read
from careplan.interactions.resolution import Links, linked
from careplan.interactions.write import IdMismatch, read_aim
from careplan.store.protocol import Guard, GuardFailed, NotFound, Version, VersionConflict, Write

Worked = TypeVar("Worked")


async def perform(
    context: Context, bundle: Text, beside: Sequence[Write] = (), guards: Sequence[Guard] = ()
) -> Performed:
    """Work a batch or transaction Bundle.

    beside  what is stored with a transaction, as in `commit`; guards: what must hold for one, likewise
    Raises BundleInvalid, ResourceInvalid and whatever an entry of a transaction is refused for; then nothing is stored
    """
    if bundle.value.get("resourceType") != "Bundle":
        raise BundleInvalid("the body is a Bundle of type batch or transaction")
    kind = bundle.value.get("type")
    if kind not in ("batch", "transaction"):
        raise BundleInvalid("the Bundle's type is batch or transaction; others are not worked on here")
    entries = read_entries(context, bundle)
    if kind == "batch":
        return Performed(kind, await work_batch(context, entries))
    return Performed(kind, await _transaction(context, [_checked(entry) for entry in entries], beside, guards))


def _checked(entry: Entry | CareplanError) -> Entry:
    if isinstance(entry, CareplanError):
        raise entry
    return entry


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one writing entry is about.

    id        of the resource; empty when a DELETE's criteria fit nothing
    previous  what stands under the id, a deletion too
    existing  what ifNoneExist found in the store; then nothing is made
    guard     what the criteria found stays all they find
    twin      in this very Bundle: the index of the entry before it with the same ifNoneExist
    """

    entry: Entry
    id: str
    previous: Version | None = None
    existing: Version | None = None
    guard: Guard | None = None
    twin: int | None = None

    @property
    def changes(self) -> bool:
        return self.existing is None and self.twin is None and self.id != ""

    @property
    def reference(self) -> str:
        return f"{self.entry.type}/{self.id}"


async def _transaction(
    context: Context, entries: Sequence[Entry], beside: Sequence[Write], guards: Sequence[Guard]
) -> tuple[Result, ...]:
    writing = sorted((e for e in entries if e.writes), key=lambda e: METHODS.index(e.method))
    _check_full_urls(writing)

    async def work() -> dict[int, Result]:
        plans = _with_twins([await _named(entry, _noted(context, entry)) for entry in writing])
        _check_identities(plans)
        steps = await _steps(context, plans)
        changes = {index: step for index, step in steps.items() if isinstance(step, Change)}
        found = [plan.guard for plan in plans if plan.guard is not None and plan.changes]
        versions = await commit(context, list(changes.values()), [*found, *guards], Activity("transaction"), beside)
        made = dict(zip(changes, versions, strict=True))
        first = {plan.entry.index: plan.entry.index if plan.twin is None else plan.twin for plan in plans}
        return {
            plan.entry.index: _result(plan, steps.get(first[plan.entry.index]), made.get(first[plan.entry.index]))
            for plan in plans
        }

    results = await again(work, *(() if guards else (GuardFailed, VersionConflict)))
    allowance = Allowance(context.house.limits.bundle_answer)
    for entry in entries:
        if not entry.writes:
            results[entry.index] = await answer(context, entry, allowance)
    return tuple(results[entry.index] for entry in entries)


def _check_full_urls(entries: Sequence[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.full_url in seen:
            raise named(entry.index, BundleInvalid("two entries have this fullUrl, so links to it are ambiguous"))
        if entry.full_url and entry.method != "DELETE":
            seen.add(entry.full_url)


# ── what each entry is about ─────────────────────────────────────────────────────────────────────


async def _noted(context: Context, entry: Entry) -> _Plan:
    """What an entry is about; whom it named is noted where it is refused before that."""
    try:
        return await _plan(context, entry)
    except access.Forbidden:
        await note_named(context, [Target(entry.type, entry.id)] if entry.id is not None else [])
        raise


async def _plan(context: Context, entry: Entry) -> _Plan:
    if entry.source is not None:
        check_type(entry.type, entry.source)
    if entry.method == "POST":
        return await _posted(context, entry)
    if entry.id is None:
        return await _matched(context, entry)
    if entry.patch is None:
        access.check_writes(context, entry.type, "d" if entry.method == "DELETE" else "cu")
    find = context.store.read(entry.type, entry.id) if entry.patch is None else read(context, entry.type, entry.id)
    return _Plan(entry, entry.id, await find)


async def _posted(context: Context, entry: Entry) -> _Plan:
    if entry.if_none_exist is None:
        return _Plan(entry, context.new_id())
    query = criteria(context, entry.type, pairs_from_if_none_exist(entry.if_none_exist))
    matched = await match(context, query)
    existing = matched.version
    return _Plan(entry, existing.id if existing else context.new_id(), None, existing, matched.guard)


async def _matched(context: Context, entry: Entry) -> _Plan:
    """Of a conditional PUT, PATCH or DELETE."""
    query = entry.criteria(context)
    matched = await match(context, query)
    if entry.source is not None:
        previous = await read_aim(context, entry.type, entry.source, matched.version)
        id = previous.id if previous else entry.source.value.get("id") or context.new_id()
        return _Plan(entry, id, previous, guard=matched.guard)
    if matched.version is None and entry.patch is not None:
        raise NotFound(f"no {entry.type} fits the criteria")
    return _Plan(entry, matched.version.id if matched.version else "", matched.version, guard=matched.guard)


def _with_twins(plans: Sequence[_Plan]) -> list[_Plan]:
    """Plans to make the same thing on the same condition come down to the first of them."""
    first: dict[Query, _Plan] = {}
    found: list[_Plan] = []
    for plan in plans:
        once = plan.guard is not None and plan.existing is None and plan.entry.method == "POST"
        same = first.setdefault(plan.guard.query, plan) if once and plan.guard is not None else plan
        found.append(plan if same is plan else replace(plan, id=same.id, twin=same.entry.index))
    return found


def _check_identities(plans: Sequence[_Plan]) -> None:
    """Raises BundleInvalid for two entries about one resource, or about the same new one."""
    seen: dict[str, bool] = {}
    new: set[Query] = set()
    for plan in plans:
        if plan.id and plan.reference in seen and plan.twin is None and (plan.changes or seen[plan.reference]):
            raise named(plan.entry.index, BundleInvalid(f"two entries are about {plan.reference}"))
        seen[plan.reference] = plan.changes or seen.get(plan.reference, False)
        if plan.guard is not None and plan.previous is None and plan.changes:
            if plan.guard.query in new:
                raise named(plan.entry.index, BundleInvalid("two entries make what fits the same criteria"))
            new.add(plan.guard.query)


# ── what each entry comes to ─────────────────────────────────────────────────────────────────────


async def _steps(context: Context, plans: Sequence[_Plan]) -> dict[int, Change | Version | None]:
    """What each writing entry comes to: a change, the version that stands unchanged, or nothing."""
    links = Links(
        {plan.entry.full_url: plan.reference for plan in plans if plan.entry.full_url and plan.entry.method != "DELETE"}
    )
    coming = (plan for plan in plans if plan.entry.type == "Patient" and plan.entry.method != "DELETE")
    arriving = frozenset(plan.id for plan in coming if plan.changes)
    return {
        plan.entry.index: plan.existing or await _named(plan.entry, _step(context, plan, links, arriving))
        for plan in plans
        if plan.twin is None
    }


async def _step(context: Context, plan: _Plan, links: Links, arriving: frozenset[str]) -> Change | Version | None:
    entry, previous = plan.entry, plan.previous
    if entry.id is not None and previous is None:
        _check_unused(context, plan)
    await check_standing(context, plan.reference, previous, entry.expects, entry.none_match)
    if entry.method == "DELETE" and (previous is None or previous.deleted):
        return None
    source = await _source(context, plan, links)
    method = entry.method
    change = Change(entry.type, plan.id, source, previous, entry.place, context.base, method)
    await check_change(context, change, arriving)
    return previous if source is not None and previous is not None and same_content(source, previous) else change


def _check_unused(context: Context, plan: _Plan) -> None:
    """An id that was never used is answered as one that is somebody else's, as by itself. Raises Forbidden."""
    if plan.entry.method == "DELETE":
        access.check_absent(context, plan.reference)
    else:
        access.check_new(context, plan.entry.type, plan.id)


async def _source(context: Context, plan: _Plan, links: Links) -> Text | None:
    """The resource that is to be; None of a deletion."""
    entry, source = plan.entry, plan.entry.source
    if entry.patch is not None and plan.previous is not None:
        source = changed_by(context, plan.previous, entry.patch).source
    elif entry.id is not None and source is not None and source.value.get("id") != entry.id:
        raise IdMismatch(f"{entry.place}.id must be {entry.id}, as in the entry's request.url")
    return None if source is None else await linked(context, source, links, entry.full_url)


async def _named(entry: Entry, work: Awaitable[Worked]) -> Worked:
    """The work of one entry; what it is refused for names the entry."""
    try:
        return await work
    except CareplanError as error:
        raise named(entry.index, error) from None


def _result(plan: _Plan, step: Change | Version | None, version: Version | None) -> Result:
    if plan.twin is not None:
        return Result(200, version or (step if isinstance(step, Version) else None))
    if version is not None and isinstance(step, Change):
        made = step.previous is None or step.previous.deleted
        return Result(204 if version.deleted else 201 if made else 200, version, changed=True)
    if isinstance(step, Version):
        return Result(200, step)
    return Result(204)
