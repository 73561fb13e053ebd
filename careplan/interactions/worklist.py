"""Which of a clinic's patients should have a plan, which plans are overdue, and which individual targets have run out
(user story 6).

One search of the store finds the patients and what the rules read of them (`worklist_query`). Whoever said no to a plan
is on the list of those, and on no other, until the day to ask again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from careplan.domain.chart import Chart
from careplan.domain.evaluation import Eligibility, evaluate_plans
from careplan.domain.guideline import Knowledge
from careplan.fhir.coordinator import find_coordinator
from careplan.fhir.exclusion import Exclusion, find_exclusion
from careplan.fhir.goal import Deviation, find_deviation, is_active, is_expired
from careplan.fhir.invitation import invited_on
from careplan.fhir.mapping import listed_with
from careplan.fhir.stored import value_from_stored
from careplan.fhir.text import Json
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.worklist_query import list_facts, list_query
from careplan.store.protocol import Version

EXCLUDED = "excluded"
STATES = ("overdue", "new", "maintained", EXCLUDED)
"""What may be asked for; `excluded` is shown to those alone who ask for it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient with a plan type they are eligible for.

    saved      when the active plan was last saved; None without one
    ahead      whether an overdue plan stands before others: a disease beside it is known to be followed badly
    exclusion  why no plan is offered now; only of those without one
    owner      reference of the tovholder; None where nobody is named
    invited    the day on which the patient was called in, as long as that is open
    """

    version: Version
    patient: Json
    eligibility: Eligibility
    saved: date | None
    ahead: bool = False
    exclusion: Exclusion | None = None
    owner: str | None = None
    invited: date | None = None

    @property
    def is_ownerless(self) -> bool:
        """Whether there is a plan that nobody is responsible for."""
        return self.saved is not None and self.owner is None

    @property
    def state(self) -> str:
        return EXCLUDED if self.exclusion is not None else self.eligibility.state or "maintained"

    @property
    def offer(self) -> str:
        """Whether the plan `must`, `may` or is `allowed` to be offered (the last: the duty is not settled)."""
        must = self.eligibility.must_offer
        return "allowed" if must == "allowed" else "must" if must is True else "may"

    @property
    def urgency(self) -> tuple[int, bool, date, str, str]:
        """Overdue first, those with diseases that are followed badly together ahead, then the longest overdue; then
        plans that must be offered, then those that may; then the plans in order, the first to fall due ahead; then
        the excluded, the first to be asked again ahead. What is equal goes by id and plan type.
        """
        rank = {"overdue": 0, "new": 1 if self.offer == "must" else 2, "maintained": 3, EXCLUDED: 4}[self.state]
        until = date.max if self.exclusion is None else self.exclusion.until or date.max
        day = until if self.state == EXCLUDED else self.saved or date.min
        behind = not (self.ahead and self.state == "overdue")
        return rank, behind, day, self.version.id, self.eligibility.plan


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A patient with active Goals whose individual targets have run out, the first to do so ahead.

    plans  types of the patient's active plans
    """

    version: Version
    patient: Json
    goals: tuple[tuple[Json, Deviation], ...]
    plans: tuple[str, ...] = ()

    @property
    def since(self) -> date:
        """The last day that the first of them held."""
        return min(deviation.valid_until or date.max for _, deviation in self.goals)


@dataclass(frozen=True, slots=True)
class Worklist:
    """Everything on a clinic's list, in order of urgency."""

    candidates: tuple[Candidate, ...]
    lapsed: tuple[Lapsed, ...]

    def of_state(self, state: str | None, plan_type: str | None = None) -> tuple[Candidate, ...]:
        """Those in a state; None: in any but excluded."""
        return tuple(
            one
            for one in self.candidates
            if plan_type in (None, one.eligibility.plan)
            and (one.state == state if state is not None else one.state != EXCLUDED)
        )


async def candidates(
    context: Context, clinic: str | None, plan_type: str | None = None, state: str | None = None, on: date | None = None
) -> tuple[Candidate, ...]:
    """Who is eligible, in order of urgency. Raises Forbidden.

    clinic  None: every clinic the caller may see
    state   one of STATES; None: all but those whom the plan is not to be offered to
    """
    return (await read_worklist(context, clinic, on)).of_state(state, plan_type)


async def read_worklist(context: Context, clinic: str | None, on: date | None = None) -> Worklist:
    """The whole list of a clinic on a day; today unless said. Raises Forbidden."""
    access.check_whole_record(context)
    day = on or context.on
    query = await access.restrict(context, list_query(context.knowledge, day))
    if clinic is not None:
        if query.listed_with not in (None, clinic):
            raise access.Forbidden(f"no access to the patients of Organization/{clinic}")
        query = replace(query, listed_with=clinic, besides=frozenset())
    names = tuple(list_facts(context.knowledge))
    found: list[Candidate] = []
    lapsed: list[Lapsed] = []
    while True:
        page = await context.store.search(query)
        beside = _by_patient(page.beside)
        for version in page.matches:
            record = _Record(version, value_from_stored(version.body or b""), beside[version.id])
            chart = _chart(context, clinic, record, day, names)
            found += _candidates(context, chart, record)
            lapsed += _lapsed(record, chart)
        if page.next is None:
            break
        query = replace(query, after=page.next)
    return Worklist(
        tuple(sorted(found, key=lambda one: one.urgency)),
        tuple(sorted(lapsed, key=lambda one: (one.since, one.version.id))),
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """A patient and, by type, what the rules of the list read."""

    version: Version
    patient: Json
    beside: Mapping[str, Sequence[Json]]


def _by_patient(versions: Sequence[Version]) -> Mapping[str, Mapping[str, Sequence[Json]]]:
    found: dict[str, dict[str, list[Json]]] = defaultdict(lambda: defaultdict(list))
    for version in versions:
        if version.patient is not None:
            found[version.patient][version.type].append(value_from_stored(version.body or b""))
    return found


def _chart(context: Context, clinic: str | None, record: _Record, day: date, names: Sequence[str]) -> Chart:
    """What these facts are of the person."""
    resources = (one for some in record.beside.values() for one in some)
    return context.house.reader.chart([record.patient, *resources], day, _practice(clinic, record.patient), names)


def _candidates(context: Context, chart: Chart, record: _Record) -> list[Candidate]:
    plans = [plan for plan in evaluate_plans(context.knowledge, chart).values() if plan.row is not None]
    eligible = {plan.plan for plan in plans}
    tasks = record.beside.get("Task", ())
    exclusions, invited = _exclusions(tasks, chart.on), invited_on(tasks)
    owner = find_coordinator(record.beside.get("CareTeam", ()))
    return [
        Candidate(
            record.version,
            record.patient,
            plan,
            chart.saved.get(plan.plan),
            _is_ahead(context.knowledge, plan.plan, eligible),
            exclusions.get(plan.plan) if plan.state == "new" else None,
            owner,
            invited,
        )
        for plan in plans
    ]


def _is_ahead(knowledge: Knowledge, plan: str, eligible: set[str]) -> bool:
    return any(other in eligible for other in knowledge.plans[plan].ahead_with)


def _exclusions(tasks: Sequence[Json], day: date) -> dict[str, Exclusion]:
    """The exclusions that hold on a day, by plan type."""
    found = (find_exclusion(task) for task in tasks)
    return {one.plan: one for one in found if one is not None and one.holds(day)}


def _lapsed(record: _Record, chart: Chart) -> list[Lapsed]:
    found = [(goal, find_deviation(goal)) for goal in record.beside.get("Goal", ()) if is_active(goal)]
    over = [(goal, deviation) for goal, deviation in found if deviation is not None and is_expired(deviation, chart.on)]
    if not over or record.patient.get("deceasedDateTime") or record.patient.get("deceasedBoolean") is True:
        return []
    return [Lapsed(record.version, record.patient, tuple(sorted(over, key=_until)), tuple(sorted(chart.saved)))]


def _until(one: tuple[Json, Deviation]) -> tuple[date, str]:
    goal, deviation = one
    return deviation.valid_until or date.max, str(goal["id"])


def _practice(clinic: str | None, patient: Json) -> str | None:
    """The practice asked for, else the one the patient is listed with."""
    name = clinic or listed_with(patient)
    return None if name is None else f"Organization/{name}"
