"""The clinic's answer to a new recommendation: accepted for the patient, or declined with a reason (screen C7).

Accepted: the recommended slice is brought up to today, and what was agreed as it was recommended is agreed as it is
recommended now; an individual target stands. Declined: what is agreed stays, as an individual target with a reason; one
that is that already stays as it is. What the rules recommend no longer is taken off the Goal either way, and what is
agreed stays. One commit a patient, and nothing is done on what the clinician has not seen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from careplan.domain.errors import CareplanError
from careplan.domain.target import same_target
from careplan.fhir import systems
from careplan.fhir.goal import (
    AGREED,
    RECOMMENDED,
    Deviation,
    find_entry,
    recommended_entry,
    says_target,
    target_entry,
    with_deviation,
    with_target,
)
from careplan.fhir.text import Json
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.deviation import author_of, check_span, valid_until
from careplan.interactions.operations.individual_target import GoalUnfit
from careplan.interactions.operations.wanted import check_reason
from careplan.interactions.person import PLAN_TYPES, Person, basis_guards, read_person, with_standing
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.renewal import Renewal, renewals
from careplan.store.protocol import GuardFailed, Version, VersionConflict

ACTIVITY, DECLINED = "renew-recommendation", "decline-recommendation"

_TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """A renewal as a clinician saw it: the version of the Goal, and what the rules said, by row and table version, or
    that they said nothing.
    """

    patient: str
    goal: str
    number: int
    row: str
    version: str

    @property
    def text(self) -> str:
        """As a form carries it: `anna/goal-1/3/LDL-04/2026.2`."""
        return f"{self.patient}/{self.goal}/{self.number}/{self.row}/{self.version}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A patient for whom nothing was done, and why."""

    patient: str
    error: CareplanError


@dataclass(frozen=True, slots=True)
class Answered:
    """For whom an answer was kept, and for whom not."""

    taken: tuple[str, ...]
    refused: tuple[Refused, ...]


def seen_from_renewal(renewal: Renewal, patient: str) -> Seen:
    return Seen(patient, renewal.goal["id"], renewal.number, *renewal.after)


def find_seen(text: str) -> Seen | None:
    """What a form carried; None for anything else."""
    parts = text.split("/")
    if len(parts) != 5 or not all(parts) or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < 10):
        return None
    return Seen(parts[0], parts[1], int(parts[2]), parts[3], parts[4])


async def accept(context: Context, patient: str, seen: Sequence[Seen]) -> tuple[Version, ...]:
    """Accept what the rules say today of these Goals of one patient, in one commit.

    Raises  PreconditionFailed when a Goal or a recommendation is another now; GoalUnfit where the agreed target is
            neither what was recommended nor has a reason; Forbidden
    """

    async def work() -> tuple[Version, ...]:
        person = await read_person(context, patient, PLAN_TYPES)
        found = [_still(context, person, one) for one in seen]
        changes = [_change(person, _renewed(context, person, one)) for one in found]
        changes += [_change(person, plan) for plan in _plans(context, person, found)]
        for change in changes:
            await access.check_write(context, change.type, change.value, patient, act=change.act)
        guards = basis_guards(person)
        return await commit(context, changes, guards, Activity(ACTIVITY, "; ".join(map(_says, found))))

    return await again(work, GuardFailed, VersionConflict)


async def decline(context: Context, seen: Seen, reason: str, text: str | None) -> Version:
    """Keep what is agreed as an individual target until the next årskontrol; one that stands is kept as it is.

    reason  a code of deviation-reason; `other` needs the text
    Raises  what `set_target` raises; PreconditionFailed as `accept`; GoalUnfit where nothing is agreed in numbers
    """

    async def work() -> Version:
        person = await read_person(context, seen.patient, PLAN_TYPES)
        one = _still(context, person, seen)
        change = _change(person, await _kept(context, person, one, reason, text))
        await access.check_write(context, change.type, change.value, seen.patient, act=change.act)
        activity = Activity(DECLINED, f"{reason}; {_says(one)}")
        return (await commit(context, [change], basis_guards(person), activity))[0]

    check_reason(reason, text)
    return await again(work, GuardFailed, VersionConflict)


async def accept_all(context: Context, seen: Iterable[Seen]) -> Answered:
    """Accept for many; each patient by themselves, so that one conflict holds up nobody else."""
    return await _answered(seen, lambda patient, some: accept(context, patient, some))


async def decline_all(context: Context, seen: Iterable[Seen], reason: str, text: str | None) -> Answered:
    """Decline for many, with one reason; each patient by themselves."""

    async def keep(patient: str, some: Sequence[Seen]) -> None:
        for one in some:
            await decline(context, one, reason, text)

    return await _answered(seen, keep)


async def _answered(seen: Iterable[Seen], answer: Callable[[str, Sequence[Seen]], Awaitable[object]]) -> Answered:
    by_patient: dict[str, list[Seen]] = {}
    for one in dict.fromkeys(seen):
        by_patient.setdefault(one.patient, []).append(one)
    turn = asyncio.Semaphore(_TOGETHER)

    async def one_patient(patient: str, some: Sequence[Seen]) -> Refused | None:
        async with turn:
            try:
                await answer(patient, some)
            except CareplanError as error:
                return Refused(patient, error)
        return None

    ended = await asyncio.gather(*(one_patient(*pair) for pair in by_patient.items()))
    refused = tuple(one for one in ended if one is not None)
    without = {one.patient for one in refused}
    return Answered(tuple(patient for patient in by_patient if patient not in without), refused)


def _still(context: Context, person: Person, seen: Seen) -> Renewal:
    """The renewal that was seen, if it stands as it was. Raises PreconditionFailed."""
    for one in renewals(context, person):
        if seen_from_renewal(one, person.id) == seen:
            return one
    raise PreconditionFailed(f"Goal/{seen.goal} or its recommendation was changed meanwhile; look at it again")


def _renewed(context: Context, person: Person, one: Renewal) -> dict[str, Any]:
    """The Goal with the recommendation of today, and agreed on it where it was agreed on as recommended before."""
    goal, agreed = _with_today(context, one), one.agreed
    if one.now is None:
        ended: Json = {**one.goal, "lifecycleStatus": "completed", "statusDate": context.on.isoformat()}
        return dict(ended if agreed is None else with_standing(context, person, goal, one.measure))
    now = one.now.target
    if one.deviation is None and agreed is not None and not same_target(agreed, now):
        if not same_target(agreed, one.before):
            raise GoalUnfit(f"Goal/{one.goal['id']} was agreed otherwise and without a reason; decide on it by itself")
        agreed = now
        goal = with_target(goal, AGREED, target_entry(now, one.measure, AGREED, **_due(one.goal)))
    if same_target(agreed, now):
        goal = with_deviation(goal, None)
    goal = {**goal, "description": {"text": says_target(one.measure, agreed or now)}}
    return dict(with_standing(context, person, goal, one.measure))


async def _kept(context: Context, person: Person, one: Renewal, reason: str, text: str | None) -> dict[str, Any]:
    """The Goal with the recommendation of today, and what is agreed as an individual target."""
    goal, agreed, now = _with_today(context, one), one.agreed, None if one.now is None else one.now.target
    if agreed is not None and same_target(agreed, now):
        goal = with_deviation(goal, None)
    elif one.deviation is None:
        if agreed is None or not agreed.is_number:
            raise GoalUnfit(f"Goal/{one.goal['id']} has no agreed target in numbers to keep; accept, or set one")
        until = valid_until(person.agreed, person.answer)
        await check_span(context, one.measure, agreed, now)
        deviation = Deviation(reason, (text or "").strip() or None, await author_of(context), until)
        entry = {**(find_entry(goal, AGREED) or {}), "dueDate": until.isoformat()}
        goal = with_deviation(with_target(goal, AGREED, entry), deviation)
    return dict(with_standing(context, person, goal, one.measure))


def _with_today(context: Context, one: Renewal) -> Json:
    """The Goal as it is agreed, with the recommended slice of today; without one where nothing is recommended."""
    if one.now is not None:
        return with_target(one.goal, RECOMMENDED, recommended_entry(one.now, one.measure, context.now))
    old = find_entry(one.goal, RECOMMENDED)
    return {**one.goal, "target": [entry for entry in one.goal["target"] if entry is not old]}


def _due(goal: Json) -> dict[str, Any]:
    entry = find_entry(goal, AGREED) or {}
    return {"dueDate": entry["dueDate"]} if "dueDate" in entry else {}


def _plans(context: Context, person: Person, found: Sequence[Renewal]) -> list[dict[str, Any]]:
    """The active plans that these Goals are of, as made from the template of today; those that are it already not."""
    goals = {f"Goal/{one.goal['id']}" for one in found}
    made: list[dict[str, Any]] = []
    for kind, plan in person.active_plans.items():
        template = context.knowledge.plans.get(kind)
        ours = any(one.get("reference") in goals for one in plan.get("goal", ()))
        if template is None or not ours or "instantiatesCanonical" not in plan:
            continue
        name = f"{systems.CANONICAL}/PlanDefinition/{kind}"
        canonicals = [
            f"{name}|{template.version}" if one.partition("|")[0] == name else one
            for one in plan["instantiatesCanonical"]
        ]
        if canonicals != plan["instantiatesCanonical"]:
            made.append({**plan, "instantiatesCanonical": canonicals})
    return made


def _change(person: Person, value: dict[str, Any]) -> Change:
    return change_from_value(value, value["id"], person.versions[f"{value['resourceType']}/{value['id']}"])


def _says(one: Renewal) -> str:
    """For Provenance: `ldl: LDL-04 of 2026.1 → LDL-04 of 2026.2`."""
    now = "nothing" if one.now is None else f"{one.now.row.id} of {one.now.version}"
    return f"{one.measure.id}: {one.before_row} of {one.before_version} → {now}"
