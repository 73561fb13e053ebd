"""A Goal as somebody sends it, by PUT, POST, a patch or a Bundle: what of it is not theirs to write.

The recommended slice and `achievementStatus` are the service's: a client may send back what it read, or what
`$recommended-targets` said. An individual target has its reason, is answered for by who sends it, and outside the
safety span by a doctor, by whichever way it comes. What a Goal shows by itself, the profile checks; what takes the
measures, `fhir.goal_fault`. Systems are let through: they load history, which no rule of today can judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from careplan.domain.errors import Fault
from careplan.domain.explanation import explain
from careplan.domain.measure import Measure
from careplan.domain.words import words_fault
from careplan.fhir.explained import explanation_extension
from careplan.fhir.goal import (
    AGREED,
    RECOMMENDED,
    Deviation,
    achievement_of,
    find_deviation,
    find_entry,
    is_active,
    measure_of_goal,
    recommended_entry,
    target_from_entry,
)
from careplan.fhir.goal_fault import goal_faults, number_faults
from careplan.fhir.invariant import bounds_of
from careplan.fhir.systems import EXT_RECOMMENDATION
from careplan.fhir.text import Json, dump, parse
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.deviation import (
    LONGEST,
    DeviationNeedsAuthor,
    DeviationNeedsReason,
    author_of,
    check_span,
    last_day,
)
from careplan.interactions.person import Person, read_person, with_standing
from careplan.interactions.refusal import refuse

_OURS = ("target", "extension", "achievementStatus", "lifecycleStatus")
"""The members that are looked at; a Goal in which none of them changes is nobody's deviation."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A Goal of a measure, what stood before it (empty: nothing of this patient's), and what the rules say today.

    today  the recommended slice as the service would write it now: bare, and as `$recommended-targets` explains it
    """

    value: Json
    before: Json
    measure: Measure
    person: Person | None
    today: tuple[Json, ...]

    @property
    def agreed(self) -> Json | None:
        return find_entry(self.value, AGREED)

    @property
    def reference(self) -> Json | None:
        """What the agreed target is held against."""
        return find_entry(self.value, RECOMMENDED) or next(iter(self.today), None)


async def check_sent_goal(context: Context, change: Change) -> None:
    """Raises ResourceInvalid, DeviationNeedsReason, DeviationNeedsAuthor, NeedsDoctor; passes what is no Goal of ours.

    A Goal that is not valid passes too: the commit refuses it with all its faults.
    """
    if change.type != "Goal" or change.value is None or context.caller.role == "system":
        return
    if _is_faulty(context, change.value):
        return
    refuse(change, _measure_faults(context, change))
    sent = await _find_sent(context, change)
    if sent is None or all(sent.before.get(name) == sent.value.get(name) for name in _OURS):
        return
    refuse(change, [*_recommendation_faults(sent), *_agreement_faults(sent), *_achievement_faults(context, sent)])
    await _check_agreed(context, sent)


def _is_faulty(context: Context, value: Json) -> bool:
    codes, measures = context.house.reader.codes, context.knowledge.measures
    return any(fault.severity == "error" for fault in context.house.validate(value)) or any(
        goal_faults(value, codes, measures)
    )


def _measure_faults(context: Context, change: Change) -> Iterator[Fault]:
    """A Goal stays of the measure that it is of: else its target could be changed while it is of none of ours."""
    stood, stands = _measure(context, _before(change)), _measure(context, change.value or {})
    if stood is not None and stands != stood:
        message = f"this Goal is of {stood.id} and stays so: complete or cancel it, and send another for something else"
        yield Fault("Goal.target", "measure-altered", message)


def _measure(context: Context, goal: Json) -> Measure | None:
    return measure_of_goal(goal, context.house.reader.codes, context.knowledge.measures)


def _before(change: Change) -> Json:
    """What stands; empty where nothing of this patient does."""
    previous = change.previous
    if previous is None or previous.body is None or previous.patient != change.patient:
        return {}
    return parse(previous.body)


async def _find_sent(context: Context, change: Change) -> _Sent | None:
    value, before = change.value or {}, _before(change)
    measure = _measure(context, value)
    if measure is None or change.patient is None:
        return None
    before = before if _measure(context, before) == measure else {}
    known = await context.store.read("Patient", change.patient)
    person = None if known is None or known.deleted else await read_person(context, change.patient)
    return _Sent(value, before, measure, person, () if person is None else _today(context, person, measure))


def _today(context: Context, person: Person, measure: Measure) -> tuple[Json, ...]:
    said = person.answer.recommendations.get(measure.id)
    why = explain(context.knowledge, person.chart, person.answer, measure.id)
    if said is None or why is None:
        return ()
    bare: Json = recommended_entry(said, measure, context.now)
    explained = [*bare["extension"], explanation_extension(why, context.knowledge, person.chart.lapsed)]
    return bare, {**bare, "extension": explained}


def _recommendation_faults(sent: _Sent) -> Iterator[Fault]:
    """The recommended slice is what stood there, or what the rules say now; it is not dropped either."""
    stored, mine = find_entry(sent.before, RECOMMENDED), find_entry(sent.value, RECOMMENDED)
    if mine == stored or (mine is not None and _undated(mine) in [_undated(one) for one in sent.today]):
        return
    message = (
        "the recommended target is the service's to write: send it as it was read, or as "
        "Patient/[id]/$recommended-targets says it today"
    )
    yield Fault("Goal.target", "recommendation-altered", message)


def _undated(entry: Json) -> Json:
    """A recommended slice but for the moment it was worked out."""
    read = parse(dump(entry))
    for extension in read.get("extension", ()):
        if extension.get("url") == EXT_RECOMMENDATION:
            parts = extension.get("extension", ())
            extension["extension"] = [part for part in parts if part.get("url") != "computedAt"]
    return read


def _agreement_faults(sent: _Sent) -> Iterator[Fault]:
    """What is agreed stays agreed, until something else is; and it is a number that somebody can have."""
    if sent.agreed is None and find_entry(sent.before, AGREED) is not None:
        message = "the agreed target is changed, not dropped: complete or cancel the Goal to end it"
        yield Fault("Goal.target", "agreement-dropped", message)
    if sent.agreed is not None and _bounds(sent.before) != _bounds(sent.value):
        yield from number_faults(sent.agreed, sent.measure, sent.measure.plausible, "Goal.target")


def _achievement_faults(context: Context, sent: _Sent) -> Iterator[Fault]:
    """The status of an active Goal is left out, is what stood there with the same target, or is right."""
    mine, same = achievement_of(sent.value), is_active(sent.before) and _bounds(sent.before) == _bounds(sent.value)
    if not sent.value.get("achievementStatus") or not is_active(sent.value):
        return
    if same and sent.before.get("achievementStatus") == sent.value["achievementStatus"]:
        return
    right = None
    if sent.person is not None:
        right = achievement_of(with_standing(context, sent.person, sent.value, sent.measure))
    if mine != right:
        says = f"the newest value makes it {right}" if right else "there is no value to judge it by"
        message = f"achievementStatus follows the newest value against the agreed target: {says}; or leave it out"
        yield Fault("Goal.achievementStatus", "achievement-wrong", message)


async def _check_agreed(context: Context, sent: _Sent) -> None:
    """An individual target that is new, or whose reason is, by whoever sends it."""
    agreed, reference, deviation = sent.agreed, sent.reference, find_deviation(sent.value)
    if agreed is None or (_bounds(sent.before), find_deviation(sent.before)) == (_bounds(sent.value), deviation):
        return
    if reference is not None and bounds_of(agreed) == bounds_of(reference):
        return
    if deviation is None and reference is not None:
        raise DeviationNeedsReason(
            "the agreed target is another than the rules recommend, so extension deviation says why"
        )
    if deviation is not None:
        await _check_deviation(context, deviation)
    recommended = None if reference is None else target_from_entry(parse(dump(reference)))
    await check_span(context, sent.measure, target_from_entry(agreed), recommended)


async def _check_deviation(context: Context, deviation: Deviation) -> None:
    """Whoever sends it answers for it, and it ends some day."""
    if deviation.author != await author_of(context):
        raise DeviationNeedsAuthor("the author of an individual target is whoever sends it")
    if deviation.valid_until is None or not context.on < deviation.valid_until <= last_day(context.on):
        raise DeviationNeedsReason(f"an individual target is valid until a day after today, within {LONGEST} months")
    fault = words_fault(deviation.text or "", needed=deviation.reason == "other")
    if fault:
        raise DeviationNeedsReason(f"extension deviation, text: {fault}")


def _bounds(goal: Json) -> object:
    entry = find_entry(goal, AGREED)
    return None if entry is None else bounds_of(entry)
