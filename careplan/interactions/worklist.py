"""Which of a clinic's patients should have a plan, and which plans are overdue (user story 6).

Reads only what eligibility and offer rest on, which the plan files say. Each type is one search over the clinic's own
patients.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date

from careplan.domain.evaluation import Eligibility, evaluate_plans, raw_facts
from careplan.domain.guideline import Knowledge
from careplan.fhir.mapping import listed_with
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.systems import FACT, normal_system
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import Version

STATES = ("overdue", "new", "maintained")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient with a plan type they are eligible for.

    saved  when the active plan was last saved; None without one
    """

    version: Version
    patient: Json
    eligibility: Eligibility
    saved: date | None

    @property
    def urgency(self) -> tuple[int, date, str, str]:
        """Overdue first, the longest overdue ahead; then plans that must be offered; then the rest."""
        state = self.eligibility.state or "maintained"
        must = state == "new" and self.eligibility.must_offer is True
        rank = {"overdue": 0, "new": 1 if must else 2, "maintained": 3}[state]
        return rank, self.saved or date.min, self.version.id, self.eligibility.plan


async def candidates(
    context: Context, clinic: str | None, plan_type: str | None = None, state: str | None = None, on: date | None = None
) -> tuple[Candidate, ...]:
    """Who is eligible, in order of urgency. `clinic` None: every clinic the caller may see. Raises Forbidden."""
    access.check_whole_record(context)
    day = on or context.on
    patients = await _patients(context, clinic)
    records = await _records(context, clinic)
    found: list[Candidate] = []
    for version in patients:
        patient = parse(version.body or b"")
        own = _practice(clinic, patient)
        chart = context.house.reader.chart([patient, *records.get(version.id, ())], day, own)
        for plan in evaluate_plans(context.knowledge, chart).values():
            fits = plan_type in (None, plan.plan) and state in (None, plan.state)
            if plan.row is not None and fits:
                found.append(Candidate(version, patient, plan, chart.saved.get(plan.plan)))
    return tuple(sorted(found, key=lambda one: one.urgency))


def _practice(clinic: str | None, patient: Json) -> str | None:
    """The practice asked for, else the one the patient is listed with."""
    name = clinic or listed_with(patient)
    return None if name is None else f"Organization/{name}"


async def _patients(context: Context, clinic: str | None) -> list[Version]:
    return await _all(context, Query("Patient"), clinic)


async def _records(context: Context, clinic: str | None) -> dict[str, list[Json]]:
    """What eligibility reads of each patient, by patient."""
    queries = _queries(context.knowledge)
    records: dict[str, list[Json]] = defaultdict(list)
    for query in queries:
        for version in await _all(context, query, clinic):
            if version.patient is not None:
                records[version.patient].append(parse(version.body or b""))
    return records


def _queries(knowledge: Knowledge) -> list[Query]:
    """Searches for the plans there are, and for what the facts of eligibility and offer are read from."""
    plans = knowledge.plans.values()
    terms = [term for plan in plans for row in plan.eligible for term in row.when]
    terms += [term for plan in plans for term in plan.offer.must]
    origins = [definition for _, definition in raw_facts(knowledge, terms)]
    found = [Query("CarePlan", (Criterion("status", "token", (TokenIs(None, "active"),)),))]
    if any(one.how in ("diagnosis", "years_since") or "nearest" in one.terms for one in origins):
        found.append(Query("Condition"))
    if any(one.how == "drug" for one in origins):
        found.append(Query("MedicationStatement"))
    codes = [
        TokenIs(normal_system(code.system), code.code)
        for one in origins
        if one.how == "measure"
        for code in knowledge.measures[str(one.terms["measure"])].codes
    ]
    codes += [TokenIs(FACT, str(one.terms["answer"])) for one in origins if one.how == "answer"]
    if codes:
        found.append(Query("Observation", (Criterion("combo-code", "token", tuple(codes)),)))
    return found


async def _all(context: Context, query: Query, clinic: str | None) -> list[Version]:
    allowed = await access.restrict(context, query)
    if clinic is not None:
        if allowed.listed_with not in (None, clinic):
            raise access.Forbidden(f"no access to the patients of Organization/{clinic}")
        allowed = replace(allowed, listed_with=clinic)
    return await every(context, allowed)
