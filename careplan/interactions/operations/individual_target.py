"""`Goal/[id]/$set-individual-target` agrees on another target than the recommended one, with a reason;
`$follow-recommendation` ends that. Looser and stricter are both allowed; the two are never mixed (design §2).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careplan.domain.calendar import add_months
from careplan.domain.errors import CareplanError, OutOfRange
from careplan.domain.evaluation import Recommendation
from careplan.domain.measure import Measure
from careplan.domain.quantity import Quantity, in_unit
from careplan.domain.schedule import review_months
from careplan.domain.target import Target
from careplan.fhir.goal import (
    AGREED,
    RECOMMENDED,
    Deviation,
    find_target,
    is_active,
    measure_of_goal,
    recommended_entry,
    says_target,
    target_entry,
    with_deviation,
    with_target,
)
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.person import PLAN_TYPES, Person, read_person, seen_guard, with_standing
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import read
from careplan.store.protocol import GuardFailed, Version, VersionConflict

REASONS = ("hypoglycaemia", "frailty", "side-effect", "patient-wish", "pregnancy", "other")


class DeviationNeedsReason(CareplanError):
    """An individual target names a reason; `other` explains itself in words."""

    code = "deviation-needs-reason"


class GoalUnfit(CareplanError):
    """The Goal cannot have an individual target: it is not active, or has no measure."""

    code = "goal-unfit"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The target a clinician and a patient agree on, and why it differs."""

    low: Decimal | None
    high: Decimal | None
    strict: bool
    reason: str
    text: str | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class _Case:
    version: Version
    goal: Json
    measure: Measure
    person: Person

    @property
    def recommendation(self) -> Recommendation | None:
        return self.person.answer.recommendations.get(self.measure.id)


async def set_individual_target(context: Context, asked: Asked) -> bytes:
    """The Goal as it then is."""
    return (await set_target(context, asked.id or "", await _wanted(context, asked))).body or b""


async def follow_recommendation(context: Context, asked: Asked) -> bytes:
    """The Goal as it then is."""
    return (await follow(context, asked.id or "")).body or b""


async def set_target(context: Context, goal_id: str, wanted: Wanted, expects: int | None = None) -> Version:
    """Agree on an individual target; the recommended slice is brought up to today beside it.

    expects  the version the clinician saw; None: whatever stands
    Raises   DeviationNeedsReason, ParameterFaulty, PreconditionFailed, GoalUnfit, Forbidden
    """
    _check(wanted)
    return await _change(context, goal_id, wanted, expects)


async def follow(context: Context, goal_id: str, expects: int | None = None) -> Version:
    """Agree on what the rules recommend today; ends an individual target."""
    return await _change(context, goal_id, None, expects)


async def _change(context: Context, goal_id: str, wanted: Wanted | None, expects: int | None) -> Version:
    overtaken = f"Goal/{goal_id} was changed by someone else; look at it again before changing it"

    async def agree() -> Version:
        case = await _case(context, goal_id)
        if expects is not None and case.version.number != expects:
            raise PreconditionFailed(overtaken)
        goal = _with_today(context, case)
        goal = _individual(context, case, goal, wanted) if wanted else _following(case, goal)
        goal = with_standing(context, case.person, goal, case.measure)
        await access.check_write(context, "Goal", goal, case.person.id)
        activity = Activity("set-individual-target" if wanted else "follow-recommendation", _reason(wanted))
        guards = [seen_guard(case.person, "Observation"), seen_guard(case.person, "MedicationStatement")]
        return (await commit(context, [change_from_value(goal, goal_id, case.version)], guards, activity))[0]

    return await again(agree, GuardFailed, VersionConflict)


async def _case(context: Context, goal_id: str) -> _Case:
    version = await read(context, "Goal", goal_id)
    goal = parse(version.body or b"")
    measure = measure_of_goal(goal, context.house.reader.codes, context.knowledge.measures)
    if measure is None or not is_active(goal) or version.patient is None:
        raise GoalUnfit(f"Goal/{goal_id} is not an active goal of a measure")
    return _Case(version, goal, measure, await read_person(context, version.patient, PLAN_TYPES))


def _with_today(context: Context, case: _Case) -> Json:
    """The Goal with the recommended slice as the rules are today; as it was where they say nothing now."""
    if case.recommendation is None:
        return case.goal
    return with_target(case.goal, RECOMMENDED, recommended_entry(case.recommendation, case.measure, context.now))


def _individual(context: Context, case: _Case, goal: Json, wanted: Wanted) -> Json:
    target = Target(wanted.low, wanted.high, case.measure.unit, wanted.strict)
    until = wanted.valid_until or add_months(context.on, review_months(case.person.answer) or 12)
    if until <= context.on:
        raise ParameterFaulty("parameter valid-until must be a day after today")
    for end in (wanted.low, wanted.high):
        if end is not None and not case.measure.plausible.holds(end):
            span = case.measure.plausible
            raise OutOfRange(f"a target of {case.measure.id} lies within {span.low} to {span.high} {case.measure.unit}")
    entry = target_entry(target, case.measure, AGREED, dueDate=until.isoformat())
    goal = with_target(goal, AGREED, entry)
    same = find_target(goal, RECOMMENDED)
    deviation = Deviation(wanted.reason, wanted.text, context.caller.reference, until)
    goal = with_deviation(goal, None if same is not None and _equal(same, target) else deviation)
    return {**goal, "description": {"text": says_target(case.measure, target)}}


def _following(case: _Case, goal: Json) -> Json:
    if case.recommendation is None:
        raise GoalUnfit(f"the rules recommend nothing for {case.measure.id} today, so there is nothing to follow")
    target = case.recommendation.target
    goal = with_deviation(with_target(goal, AGREED, target_entry(target, case.measure, AGREED)), None)
    return {**goal, "description": {"text": says_target(case.measure, target)}}


def _equal(one: Target, other: Target) -> bool:
    return (one.low, one.high, one.strict) == (other.low, other.high, other.strict)


def _reason(wanted: Wanted | None) -> str:
    return "" if wanted is None else wanted.reason


async def _wanted(context: Context, asked: Asked) -> Wanted:
    measure = (await _case(context, asked.id or "")).measure
    low, high = _bound(asked, "low", measure), _bound(asked, "high", measure)
    comparator = asked.find("comparator")
    _check_comparator(comparator, low, high)
    return Wanted(
        low=low,
        high=high,
        strict=comparator in ("<", ">") or asked.flag("strict"),
        reason=_reason_code(asked.find("reason")),
        text=asked.find("text") and str(asked.find("text")),
        valid_until=asked.find_day("valid-until"),
    )


def _bound(asked: Asked, name: str, measure: Measure) -> Decimal | None:
    """One end of the target in the measure's unit: its own where it is a Quantity, else what `unit` says."""
    value, given = asked.find_number(name), asked.find(name)
    own = (given.get("code") or given.get("unit")) if isinstance(given, dict) else None
    unit = own or asked.find("unit")
    if value is None or unit is None or unit in (measure.unit, measure.ucum):
        return value
    return in_unit(Quantity(value, str(unit)), measure.ucum).value


def _check_comparator(comparator: Json | None, low: Decimal | None, high: Decimal | None) -> None:
    """`<` and `<=` speak of the high end, `>` and `>=` of a low end that stands alone."""
    if comparator not in (None, "<", "<=", ">", ">="):
        raise ParameterFaulty("parameter comparator must be <, <=, > or >=")
    if comparator in ("<", "<=") and high is None and low is not None:
        raise ParameterFaulty(f"parameter comparator {comparator} needs parameter high; for a low end use > or >=")
    if comparator in (">", ">=") and high is not None:
        raise ParameterFaulty(f"parameter comparator {comparator} is for a low end alone; for a high end use < or <=")


def _reason_code(value: Json | None) -> str:
    """The code of a CodeableConcept, a Coding or a plain code."""
    if isinstance(value, dict):
        coding = (value.get("coding") or [value])[0]
        return str(coding.get("code", ""))
    return str(value or "")


def _check(wanted: Wanted) -> None:
    if wanted.reason not in REASONS:
        raise DeviationNeedsReason(f"an individual target needs a reason: one of {', '.join(REASONS)}")
    if wanted.reason == "other" and not (wanted.text or "").strip():
        raise DeviationNeedsReason("reason other needs a text that says why")
    if wanted.low is None and wanted.high is None:
        raise ParameterFaulty("an individual target has a low end, a high end, or both")
    if wanted.low is not None and wanted.high is not None and wanted.low > wanted.high:
        raise ParameterFaulty("the low end of a target lies at or below its high end")
    if any(end is not None and end < 0 for end in (wanted.low, wanted.high)):
        raise ParameterFaulty("a target is not negative")
