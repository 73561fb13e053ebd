"""All that a view of one person needs, in one round trip, cut to what the audience may see.

The patient's one forløbsplan is this view over the active CarePlans: the merge is computed, never stored (design §2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from careplan.domain.chart import Fact
from careplan.domain.evaluation import Answer, Recommendation, stands
from careplan.domain.explanation import Explanation, explanations
from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Band, Standing, Target
from careplan.fhir.agreed import referrals
from careplan.fhir.band import bands_from_goals
from careplan.fhir.goal import (
    AGREED,
    Deviation,
    find_deviation,
    find_target,
    is_active,
    is_personal,
    measure_of_goal,
)
from careplan.fhir.mapping import plan_type_of
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.caller import Caller
from careplan.interactions.consent import Consents, consents
from careplan.interactions.context import Context
from careplan.interactions.every import every_version
from careplan.interactions.person import PLAN_TYPES, Held, Person, person_from_held, read_held, read_person
from careplan.interactions.referral import active_referrals
from careplan.interactions.slice import RECEIVERS, also_sent, receiver_from_requests, receiver_of
from careplan.store.protocol import Past

AUDIENCES = ("patient", "clinic", "referral")
_TYPES = (*PLAN_TYPES, "CareTeam", "Encounter", "Provenance")
AGREEING = frozenset({"establish", "review", "set-individual-target", "follow-recommendation", "renew-recommendation"})
"""What Provenance calls the changes in which a target is agreed on with the patient."""
_NAMED = frozenset({"Organization", "Practitioner", "PractitionerRole"})


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of the plan: its values, what is agreed, what the rules say, where it stands.

    plans      active plan types that use it; undecided: facts without which no row could decide
    readings   newest first
    bands      what was agreed when, oldest first
    beside     what other formulas make of the sample that the newest value was computed from
    explanation  why the rules say what they do, or cannot yet; None where they do not speak of it
    lapsed     facts on record that are too old to count
    """

    measure: Measure
    readings: tuple[Reading, ...]
    goal: Json | None
    agreed: Target | None
    deviation: Deviation | None
    recommendation: Recommendation | None
    undecided: tuple[str, ...]
    plans: tuple[str, ...]
    standing: Standing
    bands: tuple[Band, ...] = ()
    beside: tuple[tuple[Measure, Reading], ...] = ()
    explanation: Explanation | None = None
    lapsed: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def newest(self) -> Reading | None:
        return self.readings[0] if self.readings else None


@dataclass(frozen=True, slots=True)
class Overview:
    """One person's plan as one audience sees it.

    tasks      what is agreed, whoever does it: Tasks and what plans have ordered; `referrals` are not among them
    directory  organisations and people named in it, by reference
    signed     whether a clinician has put their name to the rules behind it
    explained  measure → why the rules say what they do, of every measure they speak of; the clinic's alone
    lapsed     facts on record that are too old to count
    other_goals  active Goals about something that no measure of ours is
    """

    audience: str
    on: date
    patient: Json
    answer: Answer
    plans: tuple[Json, ...]
    closed: tuple[Json, ...]
    lines: tuple[Line, ...]
    personal: tuple[Json, ...]
    tasks: tuple[Json, ...]
    conditions: tuple[Json, ...]
    medicines: tuple[Json, ...]
    referrals: tuple[Json, ...]
    care_teams: tuple[Json, ...]
    encounters: tuple[Json, ...]
    observations: tuple[Json, ...]
    changes: tuple[Json, ...]
    directory: Mapping[str, Json] = field(default_factory=dict)
    signed: bool = True
    other_goals: tuple[Json, ...] = ()
    explained: Mapping[str, Explanation] = field(default_factory=dict)
    lapsed: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def plan_types(self) -> tuple[str, ...]:
        return tuple(kind for plan in self.plans if (kind := plan_type_of(plan)) is not None)


async def read_overview(context: Context, patient: str, audience: str, on: date | None = None) -> Overview:
    """Raises NotFound, Deleted, Forbidden."""
    person = await read_person(context, patient, _TYPES, on)
    lines = tuple([replace(line, bands=await bands_of(context, person, line)) for line in lines_of(context, person)])
    if audience == "referral":
        own = await _own_referrals(context, person)
        return await _slice(context, _received(context, person, own), lines, own)
    resources = person.resources
    overview = Overview(
        audience=audience,
        on=person.on,
        patient=person.patient,
        answer=person.answer,
        plans=tuple(person.active_plans.values()),
        closed=_closed(resources["CarePlan"]),
        lines=lines,
        personal=_personal(resources["Goal"]),
        other_goals=_others(context, resources["Goal"]),
        tasks=person.agreed,
        conditions=tuple(resources["Condition"]),
        medicines=tuple(resources["MedicationStatement"]),
        referrals=referrals(resources["ServiceRequest"]),
        care_teams=tuple(resources["CareTeam"]),
        encounters=tuple(resources["Encounter"]),
        observations=tuple(resources["Observation"]),
        changes=_told_changes(resources["Provenance"], lines),
        explained=explanations(context.knowledge, person.chart, person.answer) if audience == "clinic" else {},
        lapsed=person.chart.lapsed,
    )
    return await _with_directory(context, overview)


def lines_of(context: Context, person: Person) -> Iterable[Line]:
    """A line for each measure that the active plans follow or a Goal is about; without bands."""
    knowledge = context.knowledge
    goals: dict[str, Json] = {}
    for goal in person.resources["Goal"]:
        measure = measure_of_goal(goal, context.house.reader.codes, knowledge.measures)
        if measure is not None and is_active(goal):
            goals[measure.id] = goal
    follows = {kind: knowledge.plans[kind].follows for kind in person.active_plans if kind in knowledge.plans}
    names = dict.fromkeys([*(name for some in follows.values() for name in some), *goals])
    why = explanations(knowledge, person.chart, person.answer)
    for name in sorted(names, key=lambda one: (knowledge.measures[one].priority, one)):
        plans = tuple(kind for kind, some in follows.items() if name in some)
        line = _line(context, person, knowledge.measures[name], goals.get(name), plans)
        yield replace(line, explanation=why.get(name), lapsed=person.chart.lapsed)


def _line(context: Context, person: Person, measure: Measure, goal: Json | None, plans: tuple[str, ...]) -> Line:
    readings = person.readings(measure.id)
    agreed = None if goal is None else find_target(goal, AGREED)
    newest = readings[0] if readings else None
    return Line(
        measure=measure,
        readings=readings,
        goal=goal,
        agreed=agreed,
        deviation=None if goal is None else find_deviation(goal),
        recommendation=person.answer.recommendations.get(measure.id),
        undecided=person.answer.undecided.get(measure.id, ()),
        plans=plans,
        standing=stands(context.knowledge, person.chart, measure, agreed, newest),
        beside=() if newest is None or not newest.derived_from else tuple(_beside(context, person, newest)),
    )


def _beside(context: Context, person: Person, newest: Reading) -> Iterable[tuple[Measure, Reading]]:
    for measure in context.house.reader.codes.derived:
        if measure.derived is not None and measure.derived.beside == newest.measure:
            same = (one for one in person.readings(measure.id) if one.derived_from == newest.derived_from)
            yield from ((measure, one) for one in same)


async def bands_of(context: Context, person: Person, line: Line) -> tuple[Band, ...]:
    """What was agreed when, from all versions of the Goal that stood in this record."""
    if line.goal is None:
        return ()
    version = person.versions[f"Goal/{line.goal['id']}"]
    if version.number == 1:
        return bands_from_goals([line.goal])
    past = Past("Goal", version.id, count=context.house.limits.page_maximum, patients=frozenset({person.id}))
    kept = await every_version(context, past)
    return bands_from_goals(parse(one.body) for one in reversed(kept) if one.body is not None)


def _closed(plans: Iterable[Json]) -> tuple[Json, ...]:
    return tuple(plan for plan in plans if plan.get("status") in ("completed", "revoked"))


def _personal(goals: Iterable[Json]) -> tuple[Json, ...]:
    return tuple(goal for goal in goals if is_active(goal) and is_personal(goal))


def _others(context: Context, goals: Iterable[Json]) -> tuple[Json, ...]:
    codes, measures = context.house.reader.codes, context.knowledge.measures
    unknown = (goal for goal in goals if is_active(goal) and not is_personal(goal))
    return tuple(goal for goal in unknown if measure_of_goal(goal, codes, measures) is None)


def _told_changes(provenances: Iterable[Json], lines: Iterable[Line]) -> tuple[Json, ...]:
    """The newest changes, and all in which a target was agreed on; newest first."""
    found = sorted(provenances, key=lambda one: str(one.get("recorded", "")), reverse=True)
    goals = [line.goal for line in lines if line.goal is not None]
    return tuple(one for nth, one in enumerate(found) if nth < 20 or any(is_agreeing(one, goal) for goal in goals))


def is_agreeing(provenance: Json, goal: Json) -> bool:
    """Whether a Goal's target was agreed on in a change."""
    agreed = provenance.get("activity", {}).get("text") in AGREEING
    return agreed and f"Goal/{goal.get('id')}" in _targets_of(provenance)


async def read_slice(context: Context, patient: str, request: Json) -> Overview:
    """What the receiver of a referral sees by it, or would see were it sent: for the clinic and the patient to look at.

    Made as the receiver's own is, without what the patient has denied the receiver.
    Raises NotFound, Deleted, Forbidden (the receiver is denied the whole record, too)
    """
    held = await read_held(context, patient, _TYPES)
    receivers = [str(one.get("reference", "")).rpartition("/")[2] for one in request.get("performer", ())]
    for receiver in receivers:
        as_receiver = replace(context, caller=Caller("municipality", "", organization=receiver))
        said, own = await consents(as_receiver), await receiver_of(as_receiver, frozenset({patient}))
        sent = held.versions.get(f"ServiceRequest/{request.get('id')}")
        if patient in said.blocked or (sent is not None and said.hides(sent)):
            raise access.Forbidden(f"the patient has denied Organization/{receiver} the record")
        own = also_sent(own, str(request.get("id")))
        shown = {
            name: [one for one in some if _is_shown(held, one, said) and own.sees(one, context.base)]
            for name, some in held.resources.items()
        }
        held = replace(held, resources=shown)
    person = person_from_held(context, held)
    lines = tuple([replace(line, bands=await bands_of(context, person, line)) for line in lines_of(context, person)])
    return await _slice(context, person, lines, (request,))


def _is_shown(held: Held, resource: Json, said: Consents) -> bool:
    return not said.hides(held.versions[f"{resource['resourceType']}/{resource['id']}"])


def _received(context: Context, person: Person, requests: tuple[Json, ...]) -> Person:
    """The person as the receivers of these referrals see the Tasks: for whoever else looks at the slice."""
    if context.caller.role in RECEIVERS:
        return person
    receiver = receiver_from_requests(requests, context.base)
    tasks = [one for one in person.resources["Task"] if receiver.sees(one, context.base)]
    return replace(person, resources={**person.resources, "Task": tasks})


async def _slice(context: Context, person: Person, lines: tuple[Line, ...], own: tuple[Json, ...]) -> Overview:
    """What a referral opens: reason, what matters, values with targets, agreements, contacts; all else is absent."""
    shown = tuple(line for line in lines if line.agreed is not None or line.readings)
    seen = {reading.reference for line in shown for reading in line.readings}
    reasons = {one.get("reference") for request in own for one in request.get("reasonReference", ())}
    resources = person.resources
    addressed = {one.get("reference") for plan in person.active_plans.values() for one in plan.get("addresses", ())}
    overview = Overview(
        audience="referral",
        on=person.on,
        patient=person.patient,
        answer=person.answer,
        plans=tuple(person.active_plans.values()),
        closed=(),
        lines=shown,
        personal=_personal(resources["Goal"]),
        tasks=person.agreed,
        conditions=tuple(c for c in resources["Condition"] if f"Condition/{c['id']}" in reasons | addressed),
        medicines=(),
        referrals=own,
        care_teams=tuple(resources["CareTeam"]),
        encounters=(),
        observations=tuple(o for o in resources["Observation"] if f"Observation/{o['id']}" in seen),
        changes=(),
    )
    return await _with_directory(context, overview)


async def _own_referrals(context: Context, person: Person) -> tuple[Json, ...]:
    """Referrals to the caller's organisation that are open; to whoever asks in another role, all open ones."""
    requests = [one for one in referrals(person.resources["ServiceRequest"]) if one.get("status") == "active"]
    if context.caller.role not in RECEIVERS:
        return tuple(requests)
    own = f"Organization/{context.caller.organization}"
    open_to_us = await active_referrals(context, context.caller.organization or "", person.id)
    open_ids = {value["id"] for _, value in open_to_us}
    return tuple(
        one
        for one in requests
        if one["id"] in open_ids and any(p.get("reference") == own for p in one.get("performer", ()))
    )


async def _with_directory(context: Context, overview: Overview) -> Overview:
    found: dict[str, Json] = {}
    whole = access.types_whole(context)
    readable = _NAMED if whole is None else _NAMED & whole
    wanted = list(_references(overview))
    while wanted:
        reference = wanted.pop()
        type_name, _, id = reference.partition("/")
        if type_name in readable and reference not in found:
            version = await context.store.read(type_name, id)
            if version is not None and version.body is not None:
                found[reference] = parse(version.body)
                wanted += _names_in(found[reference])
    return replace(overview, directory=found, signed=context.knowledge.signed)


def _references(overview: Overview) -> Iterable[str]:
    groups = (overview.plans, overview.tasks, overview.referrals, overview.care_teams, overview.encounters)
    values = [overview.patient, *(one for group in groups for one in group), *overview.changes]
    values += [line.goal for line in overview.lines if line.goal]
    brought = {one for change in overview.changes for one in _targets_of(change)}
    values += [one.get("performer") for one in overview.observations if f"Observation/{one['id']}" in brought]
    for value in values:
        yield from _names_in(value)


def _targets_of(provenance: Json) -> Iterable[str]:
    """What a Provenance is about, whichever version."""
    return (str(one.get("reference", "")).partition("/_history/")[0] for one in provenance.get("target", ()))


def _names_in(value: Json) -> list[str]:
    """References to organisations and people anywhere in a resource."""
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        nested = [name for part in value.values() for name in _names_in(part)]
        return [one for one in (*own, *nested) if one.partition("/")[0] in _NAMED]
    if isinstance(value, list):
        return [name for part in value for name in _names_in(part)]
    return []


def derived_of(overview: Overview) -> Iterable[tuple[Measure, Reading]]:
    """Every computed value of the overview, newest first by measure."""
    for line in overview.lines:
        yield from ((line.measure, reading) for reading in line.readings if reading.derived_from)
        yield from line.beside


def resources_of(overview: Overview) -> Iterable[Json]:
    """Every resource of the overview, the patient first, each once."""
    goals = [line.goal for line in overview.lines if line.goal is not None]
    groups = (
        (overview.patient,),
        overview.plans,
        overview.closed,
        goals,
        overview.personal,
        overview.other_goals,
        overview.tasks,
        overview.conditions,
        overview.medicines,
        overview.observations,
        overview.referrals,
        overview.care_teams,
        overview.encounters,
        tuple(overview.directory.values()),
    )
    seen: set[tuple[str, str]] = set()
    for group in groups:
        for resource in group:
            key = (resource["resourceType"], resource["id"])
            if key not in seen:
                seen.add(key)
                yield resource
