"""One person's record, loaded once and evaluated: what every operation and page about a patient starts from.

Access is asked for the patient as a whole; what a role is then shown of it, `overview` decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from careplan.domain.chart import Chart
from careplan.domain.evaluation import Answer, evaluate, stands
from careplan.domain.guideline import PlanType
from careplan.domain.measure import Measure, Reading, newest
from careplan.fhir.agreed import plan_activities
from careplan.fhir.goal import AGREED, find_target, with_achievement
from careplan.fhir.mapping import Record, plan_type_of, record_from_resources
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import Deleted, Guard, NotFound, Version, guard_of

FACT_TYPES = ("Condition", "MedicationStatement", "Observation", "CarePlan")
"""What rules read, beside the Patient."""

PLAN_TYPES = (*FACT_TYPES, "Goal", "Task", "ServiceRequest")


@dataclass(frozen=True, slots=True)
class Person:
    """A patient's record on a day, and what the rules say of it.

    versions  the stored versions behind `resources`, by reference: what an update must follow
    asked     as in Held
    """

    id: str
    on: date
    patient: Json
    resources: Mapping[str, Sequence[Json]]
    versions: Mapping[str, Version]
    record: Record
    chart: Chart
    answer: Answer
    asked: Mapping[str, Query] = field(default_factory=dict)

    @property
    def active_plans(self) -> dict[str, Json]:
        """Active CarePlans by plan type."""
        active = (plan for plan in self.resources["CarePlan"] if plan.get("status") == "active")
        return {kind: plan for plan in active if (kind := plan_type_of(plan)) is not None}

    @property
    def agreed(self) -> tuple[Json, ...]:
        """Tasks, and what plans have ordered; of a person read with PLAN_TYPES."""
        return plan_activities(self.resources["Task"], self.resources["ServiceRequest"])

    def readings(self, measure: str) -> tuple[Reading, ...]:
        """Readings of a measure up to the day, newest first."""
        return self.record.readings.get(measure, ())


@dataclass(frozen=True, slots=True)
class Held:
    """What there is of a patient, not evaluated yet: the Patient, the rest by type, the stored versions.

    asked  the searches that found the rest, where they left something out that the patient denies the caller
    """

    id: str
    patient: Json
    resources: Mapping[str, Sequence[Json]]
    versions: Mapping[str, Version]
    asked: Mapping[str, Query] = field(default_factory=dict)


async def read_person(
    context: Context, patient: str, types: Sequence[str] = FACT_TYPES, on: date | None = None
) -> Person:
    """Load and evaluate. Raises NotFound, Deleted, Forbidden."""
    return person_from_held(context, await read_held(context, patient, types), on)


async def read_held(context: Context, patient: str, types: Sequence[str]) -> Held:
    """What is stored of a patient, of these types. Raises NotFound, Deleted, Forbidden."""
    version = await context.store.read("Patient", patient)
    if version is None:
        access.check_type(context, "Patient")
        access.check_absent(context, f"Patient/{patient}")
        raise NotFound(f"Patient/{patient} does not exist")
    context.trail.met([patient])
    await access.check_patient(context, patient)
    access.check_scopes(context, ("Patient", *types))
    if version.body is None:
        raise Deleted(f"Patient/{patient} was deleted")
    asked = {name: await access.sliced(context, Query(name, patient=patient)) for name in types}
    found = {name: await every(context, query) for name, query in asked.items()}
    values = {type_name: [parse(one.body or b"") for one in versions] for type_name, versions in found.items()}
    versions = {one.reference: one for some in found.values() for one in some} | {version.reference: version}
    return Held(patient, parse(version.body), values, versions, asked)


def person_from_held(context: Context, held: Held, on: date | None = None) -> Person:
    """The person, evaluated once on a day; today unless said."""
    day = on or context.on
    resources = [held.patient, *(one for some in held.resources.values() for one in some)]
    record = record_from_resources(resources, context.house.reader.codes, day)
    chart = context.house.reader.chart_from_record(record)
    answer = evaluate(context.knowledge, chart)
    return Person(held.id, day, held.patient, held.resources, held.versions, record, chart, answer, held.asked)


def addresses(context: Context, person: Person, plan: PlanType) -> tuple[str, ...]:
    """References of the Conditions a plan of this type is for."""
    facts = (context.house.reader.conditions_of(name, person.record) for name in plan.addresses)
    return tuple(dict.fromkeys(condition.reference for some in facts for condition in some))


def seen_guard(person: Person, type_name: str) -> Guard:
    """Nothing of a type may have come or changed since this person was read."""
    seen = (version for version in person.versions.values() if version.type == type_name)
    asked = person.asked.get(type_name) or Query(type_name, patient=person.id)
    return guard_of(f"Patient/{person.id}/{type_name}", asked, seen)


def basis_guards(person: Person) -> tuple[Guard, ...]:
    """Nothing that rules read may have come or changed since: what is written as recommended today is just that."""
    return tuple(seen_guard(person, name) for name in FACT_TYPES if name != "CarePlan")


def with_standing(context: Context, person: Person, goal: Json, measure: Measure) -> Json:
    """The Goal with its achievement status by the values this person has."""
    agreed, latest = find_target(goal, AGREED), newest(person.readings(measure.id))
    return with_achievement(goal, stands(context.knowledge, person.chart, measure, agreed, latest))
