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

NOTHING = "-"
"""Stands for the row and the version of what is not recommended."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """An active Goal whose recommendation is another today: another row, another target, or none any more.

    before      the target that was recommended, by which row of which version of the table
    now         what the rules say today; None: nothing
    missing     where that is so, the facts without which they cannot decide; none: it is recommended no longer
    agreed      what is agreed with the patient; deviation: why it is not what was recommended
    """

    measure: Measure
    goal: Json
    before: Target | None
    before_row: str
    before_version: str
    now: Recommendation | None
    agreed: Target | None
    deviation: Deviation | None
    missing: tuple[str, ...] = ()

    @property
    def cause(self) -> str:
        """`version`: the table has another version; `facts`: something else is known of the patient; of what is
        recommended no longer, `withdrawn`, and of what cannot be decided now, `undecided`.
        """
        if self.now is None:
            return "undecided" if self.missing else "withdrawn"
        return "facts" if self.before_version == self.now.version else "version"

    @property
    def after(self) -> tuple[str, str]:
        """The row and version that recommend it today; NOTHING, twice, where none does."""
        return (NOTHING, NOTHING) if self.now is None else (self.now.row.id, self.now.version)

    @property
    def moves(self) -> bool:
        """Whether the target is another, not only the row that says it."""
        return not same_target(self.before, None if self.now is None else self.now.target)

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
    """Those among one person's Goals; a Goal that was never recommended is left as it is."""
    return tuple(sorted(_found(goals, answer, codes, measures), key=lambda one: (one.measure.priority, one.measure.id)))


def _found(goals: Iterable[Json], answer: Answer, codes: Codes, measures: Mapping[str, Measure]) -> Iterator[Renewal]:
    for goal in goals:
        measure = measure_of_goal(goal, codes, measures) if is_active(goal) else None
        now = None if measure is None else answer.recommendations.get(measure.id)
        source = recommended_by(goal)
        if measure is None or source is None:
            continue
        before = find_target(goal, RECOMMENDED)
        if now is None or source[0] != now.row.id or not same_target(before, now.target):
            agreed, deviation = find_target(goal, AGREED), find_deviation(goal)
            missing = () if now is not None else answer.undecided.get(measure.id, ())
            yield Renewal(measure, goal, before, *source, now, agreed, deviation, missing)


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
