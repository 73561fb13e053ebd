"""What follows from a change: a new value moves the achievement status of its Goal, in the same commit.

So does a medicine that is started or stopped, where a low end counts only in people treated with it.

Not here: what ends when a plan is closed (`closing`); new recommendations, as nothing agreed changes by itself
(design §4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from careplan.domain.chart import Chart
from careplan.domain.evaluation import stands
from careplan.domain.measure import Measure, Reading, newest
from careplan.fhir.goal import AGREED, achievement_of, find_target, is_active, measure_of_goal, with_achievement
from careplan.fhir.query import Criterion, DateIs, Order, Query, TokenIs
from careplan.fhir.reading import readings_from_observation
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW, find_span
from careplan.fhir.systems import normal_system
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.computed import newest_computed
from careplan.interactions.context import Context
from careplan.interactions.drawn import Drawn
from careplan.interactions.every import every
from careplan.store.protocol import Guard, Version, guard_of

MEDICINE = "MedicationStatement"


async def draw(context: Context, changes: Sequence[Change], ended: Sequence[Change] = ()) -> Drawn:
    """The Goals whose achievement status the Observations and medicines among `changes` move, but those that end."""
    by_patient: dict[str, list[Change]] = {}
    for change in changes:
        if change.type in ("Observation", MEDICINE):
            for patient in _owners(change):
                by_patient.setdefault(patient, []).append(change)
    if not by_patient:
        return Drawn()
    written = {change.reference for change in (*changes, *ended)}
    followed: list[Change] = []
    guards: list[Guard] = []
    for patient, theirs in by_patient.items():
        for goal, measure in await _goals(context, patient, theirs, written):
            moved, seen = await _moved(context, patient, theirs, goal, measure)
            guards += seen
            followed += [moved] if moved is not None else []
    return Drawn(tuple(followed), tuple(guards))


def _owners(change: Change) -> list[str]:
    """Whose value it is now, and whose it was before."""
    before = None if change.previous is None else change.previous.patient
    return [patient for patient in dict.fromkeys((change.patient, before)) if patient is not None]


async def _goals(
    context: Context, patient: str, changes: Sequence[Change], written: set[str]
) -> list[tuple[Version, Measure]]:
    """Active Goals of measures the changes speak of, but those this very commit writes itself."""
    touched = _measures(context, [change for change in changes if change.type == "Observation"])
    if any(change.type == MEDICINE for change in changes):
        touched |= {measure.id for measure in context.knowledge.measures.values() if measure.low_end_needs}
    if not touched:
        return []
    found: list[tuple[Version, Measure]] = []
    for version in await every(context, Query("Goal", patient=patient)):
        goal = parse(version.body or b"")
        measure = measure_of_goal(goal, context.house.reader.codes, context.knowledge.measures)
        if measure is not None and measure.id in touched and is_active(goal) and version.reference not in written:
            found.append((version, measure))
    return found


def _measures(context: Context, observations: Sequence[Change]) -> set[str]:
    """Measures named by the new content or by the content it replaces, and those computed from them."""
    values = [change.value for change in observations]
    values += [parse(c.previous.body) for c in observations if c.previous is not None and c.previous.body is not None]
    codes = context.house.reader.codes
    parts = (part for value in values if value for part in (value, *value.get("component", ())))
    named = {found[0].id for part in parts if (found := codes.find(part.get("code"))) is not None}
    return named | {one.id for one in codes.derived if one.derived is not None and named & set(one.derived.inputs)}


async def _moved(
    context: Context, patient: str, changes: Sequence[Change], goal: Version, measure: Measure
) -> tuple[Change | None, tuple[Guard, ...]]:
    value = parse(goal.body or b"")
    pending = _pending(changes, "Observation", patient)
    stored, guard = await newest_stored(context, patient, measure, frozenset(pending))
    codes = context.house.reader.codes
    fresh = [
        one
        for id, content in pending.items()
        if content is not None
        for one in readings_from_observation({**content, "id": id}, codes)
    ]
    computed, guards = await newest_computed(context, patient, measure, pending)
    readings = [one for one in (*fresh, stored, computed) if one is not None and one.measure == measure.id]
    chart = await _chart(context, patient, measure, _pending(changes, MEDICINE, patient))
    agreed = find_target(value, AGREED)
    moved = with_achievement(value, stands(context.knowledge, chart, measure, agreed, newest(readings, context.on)))
    if achievement_of(moved) == achievement_of(value):
        return None, (guard, *guards)
    return change_from_value(moved, goal.id, goal), (guard, *guards)


def _pending(changes: Sequence[Change], type_name: str, patient: str) -> dict[str, Json | None]:
    """What resources of a type are to be, by id; None where they are no longer this patient's."""
    return {c.id: c.value if c.patient == patient else None for c in changes if c.type == type_name}


async def newest_stored(
    context: Context, patient: str, measure: Measure, ignoring: frozenset[str] = frozenset()
) -> tuple[Reading | None, Guard]:
    """The newest stored reading up to today, and a guard against newer Observations than were seen here.

    ignoring  ids of Observations that are being replaced
    """
    codes = context.house.reader.codes
    tokens = tuple(TokenIs(normal_system(code.system), code.code) for code in measure.codes)
    criterion = Criterion("combo-code", "token", tokens)
    query = Query("Observation", (criterion,), (Order("date", "date", descending=True),), 50, patient=patient)
    key, best, asked = f"Patient/{patient}/{measure.id}", None, query
    seen: list[Version] = []
    while True:
        page = await context.store.search(asked)
        for version in page.matches:
            observation = parse(version.body or b"")
            if best is not None and _reach(observation) <= best.at:
                return best, _guard(key, query, best, seen)
            seen.append(version)
            if version.id not in ignoring:
                readings = [one for one in readings_from_observation(observation, codes) if one.measure == measure.id]
                best = newest([*([best] if best else []), *readings], context.on)
        if page.next is None:
            return best, _guard(key, query, best, seen)
        asked = replace(query, after=page.next)


def _guard(key: str, query: Query, best: Reading | None, seen: Sequence[Version]) -> Guard:
    """Against values that were not seen and may be as new as the best that was."""
    since = () if best is None else (Criterion("date", "date", (DateIs("ge", best.at, best.at),)),)
    return guard_of(key, replace(query, criteria=(*query.criteria, *since), orders=()), seen)


def _reach(observation: Json) -> datetime:
    """The end of what the time of an Observation covers, which its place in the order goes by: `2026` is all the year.

    Of two, the one that reaches further stands first, whichever was taken later. A Period may reach any far.
    """
    text = observation.get("effectiveDateTime") or observation.get("effectiveInstant")
    span = find_span(text) if text else None
    if span is not None:
        return span[1]
    return OPEN_HIGH if any(name.startswith("effective") for name in observation) else OPEN_LOW


async def _chart(context: Context, patient: str, measure: Measure, pending: Mapping[str, Json | None]) -> Chart:
    """As much of the chart as a standing needs: the medicines, where a low end counts only in treated people."""
    if measure.low_end_needs is None:
        return Chart(context.on, {})
    versions = await every(context, Query(MEDICINE, patient=patient))
    stored = [parse(version.body or b"") for version in versions if version.id not in pending]
    coming = [{**value, "id": id} for id, value in pending.items() if value is not None]
    return context.house.reader.chart([*stored, *coming], context.on)
