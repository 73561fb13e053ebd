"""Turning a plan down, taking that back, and its end when the plan is made after all (user story 6).

One exclusion a patient and plan type, kept so by `singular`; the shape of the Task is `careplan.fhir.exclusion`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.errors import CareplanError
from careplan.domain.words import words_fault
from careplan.fhir.exclusion import (
    OFFER,
    REASONS,
    TAKEN_BACK,
    TAKEN_UP,
    Exclusion,
    find_exclusion,
    task_from_exclusion,
)
from careplan.fhir.instant import instant_text
from careplan.fhir.mapping import plan_type_of
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.systems import ACTIVITY
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.context import Context
from careplan.interactions.drawn import Drawn
from careplan.interactions.every import every
from careplan.store.protocol import Guard, Version, guard_of


class ExclusionNeedsReason(CareplanError):
    """An exclusion names a reason; `other` explains itself in words."""

    code = "exclusion-needs-reason"


@dataclass(frozen=True, slots=True)
class Declined:
    """What is turned down, why, and until when; None: until somebody takes it back."""

    plan: str
    reason: str
    text: str = ""
    until: date | None = None


def check_reason(declined: Declined) -> None:
    """Raises ExclusionNeedsReason."""
    if declined.reason not in REASONS:
        raise ExclusionNeedsReason(f"an exclusion needs a reason: one of {', '.join(REASONS)}")
    fault = words_fault(declined.text, needed=declined.reason == "other")
    if fault:
        raise ExclusionNeedsReason(f"reason {declined.reason}, text: {fault}")


def exclusion_change(context: Context, patient: str, declined: Declined) -> Change:
    """The Task that records it."""
    who = context.caller.reference
    exclusion = Exclusion(declined.plan, declined.reason, declined.text.strip(), who, context.on, declined.until)
    return change_from_value(task_from_exclusion(exclusion, patient, context.now), context.new_id())


@dataclass(frozen=True, slots=True)
class Held:
    """A Task of a patient by which a plan type is turned down."""

    version: Version
    task: Json
    exclusion: Exclusion


async def exclusions_of(context: Context, patient: str) -> tuple[list[Held], Guard]:
    """The exclusions of a patient, those past their day among them, and a guard that no other has come since."""
    query = Query("Task", (Criterion("code", "token", (TokenIs(ACTIVITY, OFFER),)),), patient=patient)
    versions = await every(context, query)
    read = [(version, parse(version.body or b"")) for version in versions]
    found = [Held(version, task, one) for version, task in read if (one := find_exclusion(task)) is not None]
    return found, guard_of(f"Patient/{patient}/Task", query, versions)


def ended(context: Context, held: Held, status: str) -> Change:
    """The Task in its last state; why the plan was turned down stays in it."""
    task = {**held.task, "status": status, "lastModified": instant_text(context.now)}
    return change_from_value(task, held.version.id, held.version)


def taken_back(context: Context, held: Held) -> Change:
    return ended(context, held, TAKEN_BACK)


async def end_exclusions(context: Context, changes: Sequence[Change]) -> Drawn:
    """The exclusions that end because a plan of their type is active once the changes are made."""
    made: dict[str, set[str]] = {}
    for change in changes:
        kind = _active_type(change)
        if kind is not None and change.patient is not None:
            made.setdefault(change.patient, set()).add(kind)
    written = {change.reference for change in changes}
    drawn = Drawn()
    for patient, kinds in made.items():
        found, guard = await exclusions_of(context, patient)
        over = [one for one in found if one.exclusion.plan in kinds and one.version.reference not in written]
        drawn += Drawn(tuple(ended(context, one, TAKEN_UP) for one in over), (guard,))
    return drawn


def _active_type(change: Change) -> str | None:
    """The plan type of a CarePlan that is active after the change and was not before."""
    if change.type != "CarePlan" or change.value is None or change.value.get("status") != "active":
        return None
    before = None if change.previous is None or change.previous.body is None else parse(change.previous.body)
    kind = plan_type_of(change.value)
    stood = before is not None and before.get("status") == "active" and plan_type_of(before) == kind
    return None if stood else kind
