"""What is worth telling a clinician who opens a patient: read from the one evaluation, nothing is worked out beside it.

Not here: how it is said and shown (a door's), and anything that must stop the clinician: nothing here must.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.evaluation import Eligibility, Recommendation, stands
from careplan.domain.guideline import PlanType
from careplan.domain.measure import Measure, Reading, is_old
from careplan.domain.target import Standing, Target
from careplan.fhir.exclusion import find_exclusion
from careplan.fhir.goal import (
    AGREED,
    find_deviation,
    find_target,
    is_active,
    is_expired,
    measure_of_goal,
)
from careplan.fhir.text import Json
from careplan.interactions.context import Context
from careplan.interactions.person import Person
from careplan.interactions.renewal import Renewal, renewals


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan that the patient should have, has not, and has not been exempted from."""

    plan: PlanType
    eligibility: Eligibility


@dataclass(frozen=True, slots=True)
class Overdue:
    """A plan last saved longer ago than it is maintained for. since: the day from which it should have been reviewed"""

    plan: PlanType
    eligibility: Eligibility
    saved: date
    since: date


@dataclass(frozen=True, slots=True)
class Outside:
    """A measure whose newest value is outside the agreed target; near is not outside.

    old  the value is too old to conclude from: it is told as old, after the others
    """

    measure: Measure
    reading: Reading
    agreed: Target
    recommendation: Recommendation | None
    old: bool = False


@dataclass(frozen=True, slots=True)
class Expired:
    """An individual target agreed until a day that is past."""

    measure: Measure
    agreed: Target | None
    until: date
    recommendation: Recommendation | None


@dataclass(frozen=True, slots=True)
class Advice:
    """All there is to tell of one person on a day, each kind in the order of the plans or of the measures.

    renewals  only those whose target is another; that the same target has another row is for C7
    """

    offers: tuple[PlanOffer, ...] = ()
    overdue: tuple[Overdue, ...] = ()
    outside: tuple[Outside, ...] = ()
    renewals: tuple[Renewal, ...] = ()
    expired: tuple[Expired, ...] = ()


def advice(context: Context, person: Person) -> Advice:
    """What is worth telling of this person, who was read with PLAN_TYPES; of the dead, nothing."""
    if person.patient.get("deceasedDateTime") or person.patient.get("deceasedBoolean") is True:
        return Advice()
    goals = tuple(_goals(context, person))
    return Advice(
        offers=tuple(_offers(context, person)),
        overdue=tuple(_overdue(context, person)),
        outside=tuple(sorted(_outside(context, person, goals), key=lambda one: one.old)),
        renewals=tuple(one for one in renewals(context, person) if one.now is not None and one.moves),
        expired=tuple(_expired(person, goals)),
    )


def _offers(context: Context, person: Person) -> Iterator[PlanOffer]:
    excluded = (find_exclusion(task) for task in person.resources["Task"])
    refused = {one.plan for one in excluded if one is not None and one.holds(person.on)}
    for name, eligibility in person.answer.plans.items():
        if eligibility.state == "new" and name not in refused:
            yield PlanOffer(context.knowledge.plans[name], eligibility)


def _overdue(context: Context, person: Person) -> Iterator[Overdue]:
    for name, eligibility in person.answer.plans.items():
        if eligibility.state == "overdue":
            plan, saved = context.knowledge.plans[name], person.chart.saved[name]
            yield Overdue(plan, eligibility, saved, add_months(saved, plan.maintained_months))


def _goals(context: Context, person: Person) -> Iterator[tuple[Measure, Json]]:
    """The active Goal of each measure, the most important measure first."""
    codes, measures = context.house.reader.codes, context.knowledge.measures
    named = ((measure_of_goal(goal, codes, measures), goal) for goal in person.resources["Goal"] if is_active(goal))
    found = {measure.id: (measure, goal) for measure, goal in named if measure is not None}
    yield from sorted(found.values(), key=lambda one: (one[0].priority, one[0].id))


def _outside(context: Context, person: Person, goals: tuple[tuple[Measure, Json], ...]) -> Iterator[Outside]:
    for measure, goal in goals:
        agreed, readings = find_target(goal, AGREED), person.readings(measure.id)
        newest = readings[0] if readings else None
        standing = stands(context.knowledge, person.chart, measure, agreed, newest)
        if standing is Standing.OUT and agreed is not None and newest is not None:
            recommendation = person.answer.recommendations.get(measure.id)
            yield Outside(measure, newest, agreed, recommendation, is_old(newest.on, person.on))


def _expired(person: Person, goals: tuple[tuple[Measure, Json], ...]) -> Iterator[Expired]:
    for measure, goal in goals:
        deviation = find_deviation(goal)
        until = deviation.valid_until if deviation is not None and is_expired(deviation, person.on) else None
        if until is not None:
            recommendation = person.answer.recommendations.get(measure.id)
            yield Expired(measure, find_target(goal, AGREED), until, recommendation)
