"""What several plans share, and where an earlier agreement and today's recommendation do not agree.

Read from the drafts and the plans there are; never stored (design §2). A conflict is told and nothing is picked:
the agreed target stands until somebody who answers for it chooses (design §4).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from careplan.domain.guideline import Activity, Knowledge
from careplan.domain.measure import Measure
from careplan.domain.target import Target, same_target
from careplan.fhir.agreed import reference_of
from careplan.fhir.draft import Draft
from careplan.fhir.goal import AGREED, Deviation, find_deviation, find_target
from careplan.fhir.text import Json


@dataclass(frozen=True, slots=True)
class Merged:
    """A Goal, Task or order that more than one plan uses.

    plans     types of the plans, those there are first
    existing  it is there already
    samples   of an order: the measures that one sample of blood or urine serves, in the order of the plans
    """

    id: str
    reference: str
    name: str
    plans: tuple[str, ...]
    existing: bool
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """An agreed target that is another than the rules recommend today, with the reason and author there may be."""

    measure: Measure
    goal: str
    agreed: Target
    recommended: Target
    deviation: Deviation | None


def merged(made: Sequence[Draft], active: Mapping[str, Json], knowledge: Knowledge) -> tuple[Merged, ...]:
    """What the drafts share with one another and with active plans, goals first.

    active  the patient's active CarePlans by plan type
    """
    users = {kind: _listed(plan) for kind, plan in active.items()}
    users |= {draft.plan.id: _listed(draft.care_plan) for draft in made}
    found: dict[str, Merged] = {}
    for one, activity in _parts(made):
        plans = tuple(kind for kind, used in users.items() if one.reference in used)
        if one.reference not in found and (one.existing or len(plans) > 1):
            samples = sampled(activity, plans, knowledge) if activity is not None else ()
            found[one.reference] = replace(one, plans=plans, samples=samples)
    return tuple(found.values())


def _parts(made: Sequence[Draft]) -> Iterator[tuple[Merged, Activity | None]]:
    """Everything in the drafts as if it were shared, goals first."""
    for goal in (goal for draft in made for goal in draft.goals):
        yield Merged(goal.measure.id, f"Goal/{goal.id}", goal.measure.name, (), goal.shared), None
    for task in (task for draft in made for task in draft.tasks):
        reference = reference_of({**task.value, "id": task.id})
        yield Merged(task.activity.id, reference, task.activity.title, (), task.shared), task.activity


def _listed(plan: Json) -> frozenset[str]:
    """What a plan refers to: `Goal/17`, `Task/3`."""
    references = [*plan.get("goal", ()), *(one.get("reference", {}) for one in plan.get("activity", ()))]
    return frozenset(str(one.get("reference", "")) for one in references)


def sampled(activity: Activity, plans: Iterable[str], knowledge: Knowledge) -> tuple[str, ...]:
    """Names of the measures that one order of samples serves in these plans."""
    same = [one for kind in plans if kind in knowledge.plans for one in knowledge.plans[kind].activities]
    served = dict.fromkeys(name for one in same if one.id == activity.id for name in one.serves)
    return tuple(knowledge.measures[name].name for name in served if knowledge.measures[name].sample)


def conflicts(made: Sequence[Draft]) -> tuple[Conflict, ...]:
    """Goals of these plans whose agreed target is another than what the rules recommend today, each once."""
    found: dict[str, Conflict] = {}
    for goal in (goal for draft in made for goal in draft.goals if goal.shared):
        agreed = find_target(goal.value, AGREED)
        recommended = goal.recommendation.target if goal.recommendation else None
        if agreed is not None and recommended is not None and not same_target(agreed, recommended):
            conflict = Conflict(goal.measure, goal.id, agreed, recommended, find_deviation(goal.value))
            found.setdefault(goal.measure.id, conflict)
    return tuple(found.values())
