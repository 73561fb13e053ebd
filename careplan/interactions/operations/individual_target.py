"""`Goal/[id]/$set-individual-target` agrees on another target than the recommended one, with a reason;
`$follow-recommendation` ends that. Looser and stricter are both allowed; the two are never mixed (design §2).

Beside a target it may be agreed what the patient does when a value is outside it; that stays until it is changed.
"""

from dataclasses import dataclass
from datetime import date

from careplan.domain.errors import CareplanError, OutOfRange
from careplan.domain.evaluation import Recommendation
from careplan.domain.measure import Measure
from careplan.domain.target import Target, same_target
from careplan.fhir.goal import (
    AGREED,
    RECOMMENDED,
    Deviation,
    find_entry,
    find_target,
    is_active,
    measure_of_goal,
    recommended_entry,
    says_target,
    target_entry,
    with_deviation,
    with_target,
)
from careplan.fhir.instruction import note_author, with_instruction
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.deviation import LONGEST, author_of, check_span, last_day, valid_until
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.operations.wanted import Wanted, check_instruction, check_wanted, wanted_from_asked
from careplan.interactions.person import PLAN_TYPES, Person, basis_guards, read_person, with_standing
from careplan.interactions.precondition import ANY, PreconditionFailed
from careplan.interactions.read import read
from careplan.store.protocol import GuardFailed, Version, VersionConflict


class GoalUnfit(CareplanError):
    """The Goal cannot have an individual target: it is not active, or has no measure."""

    code = "goal-unfit"


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
    wanted = wanted_from_asked(asked, (await _case(context, asked.id or "")).measure)
    return (await set_target(context, asked.id or "", wanted, asked.expects)).body or b""


async def follow_recommendation(context: Context, asked: Asked) -> bytes:
    """The Goal as it then is."""
    return (await follow(context, asked.id or "", asked.expects)).body or b""


async def set_target(context: Context, goal_id: str, wanted: Wanted, expects: int | None = None) -> Version:
    """Agree on an individual target; the recommended slice is brought up to today beside it.

    expects  the version the clinician saw; None, or ANY: whatever stands
    Raises   DeviationNeedsReason, DeviationNeedsAuthor, NeedsDoctor, ParameterFaulty, OutOfRange, PreconditionFailed,
             GoalUnfit, Forbidden
    """
    check_wanted(wanted)
    return await _change(context, goal_id, wanted, expects)


async def follow(context: Context, goal_id: str, expects: int | None = None) -> Version:
    """Agree on what the rules recommend today; ends an individual target."""
    return await _change(context, goal_id, None, expects)


async def instruct(context: Context, goal_id: str, text: str, expects: int | None = None) -> Version:
    """Agree on what the patient does when a value is outside the target, or on nothing; the target stays as it is.

    Raises ParameterFaulty, DeviationNeedsAuthor, PreconditionFailed, GoalUnfit, Forbidden
    """
    check_instruction(text)

    async def agree() -> Version:
        case = await _seen(context, goal_id, expects)
        goal = await _instructed(context, case.goal, text)
        await access.check_write(context, "Goal", goal, case.person.id, act="u")
        change = change_from_value(goal, goal_id, case.version)
        return (await commit(context, [change], (), Activity("agree-instruction")))[0]

    return await again(agree, VersionConflict)


async def _change(context: Context, goal_id: str, wanted: Wanted | None, expects: int | None) -> Version:
    async def agree() -> Version:
        case = await _seen(context, goal_id, expects)
        goal = _with_today(context, case)
        await access.check_write(context, "Goal", goal, case.person.id, act="u")
        goal = await _individual(context, case, goal, wanted) if wanted else _following(case, goal)
        goal = with_standing(context, case.person, goal, case.measure)
        activity = Activity("set-individual-target" if wanted else "follow-recommendation", _reason(wanted))
        guards = basis_guards(case.person)
        return (await commit(context, [change_from_value(goal, goal_id, case.version)], guards, activity))[0]

    return await again(agree, GuardFailed, VersionConflict)


async def _seen(context: Context, goal_id: str, expects: int | None) -> _Case:
    """The case, where it stands as the caller saw it. Raises PreconditionFailed."""
    case = await _case(context, goal_id)
    if expects not in (None, ANY, case.version.number):
        raise PreconditionFailed(f"Goal/{goal_id} was changed by someone else; look at it again before changing it")
    return case


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


async def _individual(context: Context, case: _Case, goal: Json, wanted: Wanted) -> Json:
    target, until = Target(wanted.low, wanted.high, case.measure.unit, wanted.strict), _until(context, case, wanted)
    _check_likely(case.measure, wanted)
    recommended = find_target(goal, RECOMMENDED)
    deviation = None
    if recommended is None or not same_target(recommended, target):
        author = await author_of(context, wanted.author)
        await check_span(context, case.measure, target, recommended)
        deviation = Deviation(wanted.reason, (wanted.text or "").strip() or None, author, until)
    entry = target_entry(target, case.measure, AGREED, dueDate=until.isoformat())
    goal = with_deviation(with_target(goal, AGREED, entry), deviation)
    if wanted.instruction is not None:
        goal = await _instructed(context, goal, wanted.instruction, wanted.author)
    return {**goal, "description": {"text": says_target(case.measure, target)}}


async def _instructed(context: Context, goal: Json, text: str, named: str | None = None) -> Json:
    author = note_author(await author_of(context, named), context.caller.name)
    return with_instruction(goal, text.strip(), author, context.now)


def _until(context: Context, case: _Case, wanted: Wanted) -> date:
    until = wanted.valid_until or valid_until(case.person.agreed, case.person.answer)
    if until <= context.on:
        raise ParameterFaulty("parameter valid-until must be a day after today")
    if until > last_day(context.on):
        raise ParameterFaulty(f"parameter valid-until is at most {LONGEST} months ahead")
    return until


def _check_likely(measure: Measure, wanted: Wanted) -> None:
    """Raises GoalUnfit for a measure without numbers, OutOfRange for a number nobody can have."""
    if not measure.ucum:
        raise GoalUnfit(f"{measure.id} is not a number, so parameters low and high say nothing of it")
    for name, end in (("low", wanted.low), ("high", wanted.high)):
        if end is not None and not measure.plausible.holds(end):
            span = measure.plausible
            raise OutOfRange(
                f"parameter {name}: a target of {measure.id} lies within {span.low} to {span.high} {measure.unit}"
            )


def _following(case: _Case, goal: Json) -> Json:
    if case.recommendation is None:
        raise GoalUnfit(f"the rules recommend nothing for {case.measure.id} today, so there is nothing to follow")
    target = case.recommendation.target
    stood = find_entry(goal, AGREED) or {}
    due = {"dueDate": stood["dueDate"]} if "dueDate" in stood else {}
    goal = with_deviation(with_target(goal, AGREED, target_entry(target, case.measure, AGREED, **due)), None)
    return {**goal, "description": {"text": says_target(case.measure, target)}}


def _reason(wanted: Wanted | None) -> str:
    return "" if wanted is None else wanted.reason
