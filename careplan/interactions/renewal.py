"""What the rules say today beside what they said when a plan was made: the Goals that a clinician should look at again.

A Goal remembers the row and the table version that it was recommended by; nothing agreed changes by itself, so it
stands as it was until the clinic accepts (`acceptance`). Whose Goals in a clinic: `renewal_list`. Design §4, screen C7.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from careplan.domain.evaluation import Answer, Recommendation
from careplan.domain.measure import Measure
from careplan.domain.target import Target, same_target
from careplan.fhir import systems
from careplan.fhir.goal import (
    AGREED,
    RECOMMENDED,
    Deviation,
    find_deviation,
    find_entry,
    find_target,
    is_active,
    measure_of_goal,
)
from careplan.fhir.reading import Codes
from careplan.fhir.text import Json
from careplan.interactions.context import Context
from careplan.interactions.person import Person


@dataclass(frozen=True, slots=True)
class Renewal:
    """An active Goal whose recommendation is another today: another row, or another target.

    before      the target that was recommended, by which row of which version of the table
    now         what the rules say today
    agreed      what is agreed with the patient; deviation: why it is not what was recommended
    """

    measure: Measure
    goal: Json
    before: Target | None
    before_row: str
    before_version: str
    now: Recommendation
    agreed: Target | None
    deviation: Deviation | None

    @property
    def cause(self) -> str:
        """`version`: the table has another version; `facts`: something else is known of the patient."""
        return "facts" if self.before_version == self.now.version else "version"

    @property
    def moves(self) -> bool:
        """Whether the target is another, not only the row that says it."""
        return not same_target(self.before, self.now.target)

    @property
    def number(self) -> int:
        """The version of the Goal."""
        return int(self.goal.get("meta", {}).get("versionId", "1"))


def renewals(context: Context, person: Person) -> tuple[Renewal, ...]:
    """Those of one person, who was read with their Goals; the most important measure first."""
    return renewals_of(person.resources["Goal"], person.answer, context.house.reader.codes, context.knowledge.measures)


def renewals_of(
    goals: Iterable[Json], answer: Answer, codes: Codes, measures: Mapping[str, Measure]
) -> tuple[Renewal, ...]:
    """Those among one person's Goals; a Goal that the rules say nothing of today is left as it is."""
    return tuple(sorted(_found(goals, answer, codes, measures), key=lambda one: (one.measure.priority, one.measure.id)))


def _found(goals: Iterable[Json], answer: Answer, codes: Codes, measures: Mapping[str, Measure]) -> Iterator[Renewal]:
    for goal in goals:
        measure = measure_of_goal(goal, codes, measures) if is_active(goal) else None
        now = None if measure is None else answer.recommendations.get(measure.id)
        source = recommended_by(goal)
        if measure is None or now is None or source is None:
            continue
        before = find_target(goal, RECOMMENDED)
        if source[0] != now.row.id or not same_target(before, now.target):
            agreed, deviation = find_target(goal, AGREED), find_deviation(goal)
            yield Renewal(measure, goal, before, *source, now, agreed, deviation)


def recommended_by(goal: Json) -> tuple[str, str] | None:
    """The row and the table version that a Goal's recommendation came from; None where it has none."""
    entry = find_entry(goal, RECOMMENDED)
    extensions = () if entry is None else entry.get("extension", ())
    parts = next((one.get("extension", ()) for one in extensions if one.get("url") == systems.EXT_RECOMMENDATION), None)
    if parts is None:
        return None
    row = next((str(one.get("valueCode", "")) for one in parts if one.get("url") == "row"), "")
    canonical = next((str(one.get("valueString", "")) for one in parts if one.get("url") == "knowledge"), "")
    return row, canonical.rpartition("|")[2]
