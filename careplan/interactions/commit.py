"""The one way in: validate, draw consequences, add provenance, commit once.

A value and what follows from it are one commit: no reader sees one without the other. When somebody else
changes what a consequence was drawn from, it is drawn again; a conflict with what the caller asked is theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from careplan.domain.errors import Fault
from careplan.fhir import registry, systems
from careplan.fhir.consent import consent_faults
from careplan.fhir.goal_fault import goal_faults
from careplan.fhir.index import extract
from careplan.fhir.instant import instant_text
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.questionnaire_response import future_faults
from careplan.fhir.reference import CPR
from careplan.fhir.text import Json, parse, stamp, text_from_value
from careplan.interactions.belief import disbelieved
from careplan.interactions.change import Change
from careplan.interactions.closing import close
from careplan.interactions.consent import READ_HERE, is_relative
from careplan.interactions.consequence import draw
from careplan.interactions.context import Context
from careplan.interactions.drawn import Drawn
from careplan.interactions.exclusion import end_exclusions
from careplan.interactions.release import release
from careplan.interactions.scoring import score_answers
from careplan.interactions.sent_plan import check_members
from careplan.interactions.settlement import commit_with_entry
from careplan.interactions.singular import keep_singular
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict, Write

ATTEMPTS = 12
"""How often consequences are drawn again before a write gives up; each try means someone else succeeded."""

_OPERATIONS = {"create": "CREATE", "update": "UPDATE", "delete": "DELETE"}


@dataclass(frozen=True, slots=True)
class Activity:
    """What is done, for Provenance: a code of v3-DataOperation or our own word, and why."""

    text: str = ""
    reason: str = ""


async def commit(
    context: Context,
    changes: Sequence[Change],
    guards: Sequence[Guard] = (),
    activity: Activity | None = None,
    beside: Sequence[Write] = (),
) -> tuple[Version, ...]:
    """Store all changes with their consequences and provenance, or nothing; the versions in the order of `changes`.

    beside  what is stored with them and is no resource (`kept_form`); by itself where nothing changes
    Raises ResourceInvalid with every fault of every change, PlanExists, GoalExists, VersionConflict, GuardFailed
    """
    check(context, changes)
    await check_members(context, changes)
    if not changes:
        if beside:
            await commit_with_entry(context, beside, guards, ())
        return ()
    for attempt in range(1, ATTEMPTS + 1):
        closed = await close(context, changes) + await end_exclusions(context, changes)
        closed += await release(context, changes)
        scored = await score_answers(context, changes)
        drawn = closed + scored + await draw(context, (*changes, *scored.changes), closed.changes)
        drawn += Drawn(guards=await keep_singular(context, (*changes, *closed.changes)))
        every = (*changes, *drawn.changes)
        proofs = _provenances(context, every, activity or Activity())
        writes = [*(_write(context, change) for change in (*every, *proofs)), *beside]
        try:
            versions = await commit_with_entry(context, writes, (*guards, *drawn.guards), every)
        except VersionConflict as conflict:
            ours = {change.reference for change in drawn.changes}
            if conflict.reference not in ours or attempt == ATTEMPTS:
                raise
        except GuardFailed as failed:
            if failed.key not in {guard.key for guard in drawn.guards} or attempt == ATTEMPTS:
                raise
        else:
            if not READ_HERE.isdisjoint(change.type for change in every):
                context.house.consents.forget()
            return versions[: len(changes)]
    raise AssertionError("the last attempt returns or raises")


def check(context: Context, changes: Sequence[Change]) -> None:
    """Raises ResourceInvalid with every error of every change; warnings pass."""
    faults: list[Fault] = []
    for change in changes:
        if change.value is not None:
            found = [fault for fault in context.house.validate(change.value) if fault.severity == "error"]
            if change.type == "Consent" and not found:
                found = list(consent_faults(change.value, context.base))
            if change.type == "Goal" and not found:
                found = list(goal_faults(change.value, context.house.reader.codes, context.knowledge.measures))
            if change.type == "QuestionnaireResponse" and not found:
                found = list(future_faults(change.value, context.now))
            found = found or list(disbelieved(change, context.house.reader.codes, context.caller))
            faults += [_placed(fault, change) for fault in found]
        if CPR.search(change.id):
            fault = Fault(f"{change.type}.id", "value-invalid", "an id must not hold a person number; use identifier")
            faults.append(_placed(fault, change))
    if faults:
        first = faults[0]
        raise ResourceInvalid(f"{len(faults)} fault(s), first at {first.expression}: {first.message}", tuple(faults))


def _placed(fault: Fault, change: Change) -> Fault:
    """The fault's place in the whole that came in: `Bundle.entry[3].resource.code`, not `Condition.code`."""
    if not change.place:
        return fault
    return replace(fault, expression=change.place + fault.expression.removeprefix(change.type))


def _write(context: Context, change: Change) -> Write:
    at = change.at(context.now)
    expects = change.number - 1
    if change.source is None:
        return Write(change.type, change.id, expects, at, change.patient, None, method="DELETE")
    version, instant = str(change.number), instant_text(at)
    body, place = stamp(change.source, id=change.id, version_id=version, last_updated=instant)
    values = extract(change.source.value, context.base)
    return Write(change.type, change.id, expects, at, change.patient, body, values, change.method, place)


def _provenances(context: Context, changes: Sequence[Change], activity: Activity) -> list[Change]:
    """One Provenance for each patient whose record is changed by a clinical write."""
    by_patient: dict[str | None, list[Change]] = {}
    for change in changes:
        if registry.row(change.type).clinical and not _is_draft(change):
            by_patient.setdefault(change.patient, []).append(change)
    return [
        Change("Provenance", context.new_id(), text_from_value(provenance(context, some, activity)), method="POST")
        for some in by_patient.values()
    ]


def _is_draft(change: Change) -> bool:
    """Whether it is an answer on the way, which says nothing before it is sent; the audit log has it all the same."""
    before = None if change.previous is None or change.previous.body is None else parse(change.previous.body)
    states = {one.get("status") for one in (change.value, before) if one is not None}
    return change.type == "QuestionnaireResponse" and change.value is not None and states == {"in-progress"}


def provenance(context: Context, changes: Sequence[Change], activity: Activity) -> Json:
    """Who changed which versions, on whose behalf, when and why."""
    caller = context.caller
    who: Json = {"reference": caller.reference} if caller.reference else {}
    agent: Json = {"who": {**who, "display": caller.name}}
    patient = next((change.patient for change in changes if change.patient), None)
    if caller.organization:
        agent["onBehalfOf"] = {"reference": f"Organization/{caller.organization}"}
    elif patient is not None and is_relative(context):
        agent["onBehalfOf"] = {"reference": f"Patient/{patient}"}
    kinds = {_kind(change) for change in changes}
    concept: Json = {
        "coding": [{"system": systems.DATA_OPERATION, "code": _OPERATIONS[kind]} for kind in sorted(kinds)]
    }
    if activity.text:
        concept["text"] = activity.text
    targets = [{"reference": f"{change.reference}/_history/{change.number}"} for change in changes]
    if patient is not None and all(change.type != "Patient" for change in changes):
        targets.append({"reference": f"Patient/{patient}"})
    return {
        "resourceType": "Provenance",
        "target": targets,
        "recorded": instant_text(context.now),
        "activity": concept,
        **({"reason": [{"text": activity.reason}]} if activity.reason else {}),
        "agent": [agent],
    }


def _kind(change: Change) -> str:
    if change.source is None:
        return "delete"
    return "create" if change.previous is None or change.previous.deleted else "update"
