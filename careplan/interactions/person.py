"""One person's record, loaded once and evaluated: what every operation and page about a patient starts from.

Access is asked for the patient as a whole; what a role is then shown of it, `overview` decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from careplan.store.protocol import Deleted, Guard, NotFound, Version

FACT_TYPES = ("Condition", "MedicationStatement", "Observation", "CarePlan")
"""What rules read, beside the Patient."""

PLAN_TYPES = (*FACT_TYPES, "Goal", "Task", "ServiceRequest")


@dataclass(frozen=True, slots=True)
class Person:
    """A patient's record on a day, and what the rules say of it.

    versions  the stored versions behind `resources`, by reference: what an update must follow
    """

    id: str
    on: date
    patient: Json
    resources: Mapping[str, Sequence[Json]]
    versions: Mapping[str, Version]
    record: Record
    chart: Chart
    answer: Answer

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
    """What there is of a patient, not evaluated yet: the Patient, the rest by type, and the stored versions."""

    id: str
    patient: Json
    resources: Mapping[str, Sequence[Json]]
    versions: Mapping[str, Version]


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
        raise NotFound(f"Patient/{patient} does not exist")
    await access.check_patient(context, patient)
    access.check_scopes(context, ("Patient", *types))
    if version.body is None:
        raise Deleted(f"Patient/{patient} was deleted")
    found = {name: await every(context, Query(name, patient=patient)) for name in types}
    values = {type_name: [parse(one.body or b"") for one in versions] for type_name, versions in found.items()}
    versions = {one.reference: one for some in found.values() for one in some} | {version.reference: version}
    return Held(patient, parse(version.body), values, versions)


def person_from_held(context: Context, held: Held, on: date | None = None) -> Person:
    """The person, evaluated once on a day; today unless said."""
    day = on or context.on
    resources = [held.patient, *(one for some in held.resources.values() for one in some)]
    record = record_from_resources(resources, context.house.reader.codes, day)
    chart = context.house.reader.chart_from_record(record)
    answer = evaluate(context.knowledge, chart)
    return Person(held.id, day, held.patient, held.resources, held.versions, record, chart, answer)


def addresses(context: Context, person: Person, plan: PlanType) -> tuple[str, ...]:
    """References of the Conditions a plan of this type is for."""
    facts = (context.house.reader.conditions_of(name, person.record) for name in plan.addresses)
    return tuple(dict.fromkeys(condition.reference for some in facts for condition in some))


def seen_guard(person: Person, type_name: str) -> Guard:
    """Nothing of a type may have come or changed since this person was read."""
    seen = tuple(f"{version.id}@{version.number}" for version in person.versions.values() if version.type == type_name)
    return Guard(f"Patient/{person.id}/{type_name}", Query(type_name, patient=person.id), seen)


def with_standing(context: Context, person: Person, goal: Json, measure: Measure) -> Json:
    """The Goal with its achievement status by the values this person has."""
    agreed, latest = find_target(goal, AGREED), newest(person.readings(measure.id))
    return with_achievement(goal, stands(context.knowledge, person.chart, measure, agreed, latest))
