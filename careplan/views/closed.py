"""A plan that is closed can still be seen: the same view over the plans that were closed last.

The merge over active plans is `interactions.overview`; it has nothing to say when none is active.
"""

from dataclasses import replace
from datetime import date

from careplan.domain.evaluation import stands
from careplan.fhir.goal import AGREED, find_deviation, find_target, measure_of_goal
from careplan.fhir.instant import find_date
from careplan.fhir.mapping import plan_type_of
from careplan.fhir.text import Json
from careplan.interactions.context import Context
from careplan.interactions.overview import Line, Overview, bands_of
from careplan.interactions.person import PLAN_TYPES, Person, read_person


def closed_on(plan: Json) -> date | None:
    """The day a plan ended."""
    return find_date(plan.get("period", {}).get("end")) or find_date(plan.get("meta", {}).get("lastUpdated"))


async def with_closed_plans(context: Context, overview: Overview) -> Overview:
    """The overview over the closed plans, where there is no active one."""
    if overview.plans or not overview.closed:
        return overview
    person = await read_person(context, overview.patient["id"], PLAN_TYPES, overview.on)
    kinds = [kind for plan in overview.closed if (kind := plan_type_of(plan)) and kind in context.knowledge.plans]
    kinds = list(dict.fromkeys(kinds))
    follows = dict.fromkeys(name for kind in kinds for name in context.knowledge.plans[kind].follows)
    names = sorted(follows, key=lambda one: (context.knowledge.measures[one].priority, one))
    found = [_line(context, person, name, tuple(kinds)) for name in names]
    lines = tuple([replace(line, bands=await bands_of(context, person, line)) for line in found])
    wishes = tuple(goal for goal in person.resources["Goal"] if not goal.get("target"))
    return replace(overview, lines=lines, personal=overview.personal or wishes)


def _line(context: Context, person: Person, name: str, kinds: tuple[str, ...]) -> Line:
    measure, readings = context.knowledge.measures[name], person.readings(name)
    goals = [
        goal
        for goal in person.resources["Goal"]
        if measure_of_goal(goal, context.house.reader.codes, context.knowledge.measures) == measure
    ]
    goal = max(goals, key=lambda one: str(one.get("meta", {}).get("lastUpdated", "")), default=None)
    agreed = None if goal is None else find_target(goal, AGREED)
    return Line(
        measure=measure,
        readings=readings,
        goal=goal,
        agreed=agreed,
        deviation=None if goal is None else find_deviation(goal),
        recommendation=None,
        undecided=(),
        plans=tuple(kind for kind in kinds if name in context.knowledge.plans[kind].follows),
        standing=stands(context.knowledge, person.chart, measure, agreed, readings[0] if readings else None),
    )
