"""C5: the plan as it stood on a day, and what differs between two days.

Recommended is what stood in the record then, with its rule; nothing is worked out again by rules of today. The record
of a day is `interactions.chronicle`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from careplan.fhir.goal import RECOMMENDED, find_target, is_active, is_personal
from careplan.interactions.context import Context
from careplan.interactions.overview import Line, lines_of
from careplan.interactions.person import Person
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.status import status_of_line


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One measure on the day: every text is empty or a dash where there was nothing.

    individual  why the agreed target differed, and until when
    """

    name: str
    value: str
    day: str
    recommended: str
    agreed: str
    individual: str
    icon: str
    word: str
    standing: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The plan on a day; `rows` by measure, in the order of the pages."""

    on: date
    plans: tuple[str, ...]
    rows: Mapping[str, SnapshotRow]
    wishes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure on both days; `changed` names what is not the same: value, recommended, agreed, status."""

    name: str
    before: SnapshotRow | None
    after: SnapshotRow | None
    changed: tuple[str, ...]


def snapshot_of(context: Context, person: Person | None, on: date, t: Catalogue) -> Snapshot | None:
    """None where the store knew nothing of the person."""
    if person is None:
        return None
    plans = context.knowledge.plans
    goals = [one for one in person.resources["Goal"] if is_active(one) and is_personal(one)]
    return Snapshot(
        on=on,
        plans=tuple(plan.name for kind, plan in plans.items() if kind in person.active_plans),
        rows={line.measure.id: _row(line, on, t) for line in lines_of(context, person)},
        wishes=tuple(goal.get("description", {}).get("text", "") for goal in goals),
    )


def _row(line: Line, on: date, t: Catalogue) -> SnapshotRow:
    measure, newest = line.measure, line.newest
    icon, word, status = status_of_line(line, on, t)
    recommended = None if line.goal is None else find_target(line.goal, RECOMMENDED)
    return SnapshotRow(
        name=measure.name,
        value=wording.value_with_unit(measure, newest, t) if newest else "",
        day=wording.danish_date(wording.day_of(newest)) if newest else "",
        recommended=wording.target_with_unit(measure, recommended, t),
        agreed=wording.target_with_unit(measure, line.agreed, t),
        individual=_individual(line, t),
        icon=icon,
        word=word,
        standing=status,
    )


def _individual(line: Line, t: Catalogue) -> str:
    if line.deviation is None:
        return ""
    key = f"reason.{line.deviation.reason}"
    reason, until = t(key) if t.has(key) else line.deviation.reason, line.deviation.valid_until
    return f"{reason}, {t('control.until', day=wording.danish_date(until))}" if until else reason


def differences(before: Snapshot, after: Snapshot) -> tuple[Difference, ...]:
    """Every measure of either day, in the order of the pages."""
    names = dict.fromkeys([*after.rows, *before.rows])
    return tuple(_difference(before.rows.get(name), after.rows.get(name)) for name in names)


_PARTS: Mapping[str, Callable[[SnapshotRow], object]] = {
    "value": lambda row: (row.value, row.day),
    "recommended": lambda row: row.recommended,
    "agreed": lambda row: (row.agreed, row.individual),
    "status": lambda row: row.word,
}


def _difference(before: SnapshotRow | None, after: SnapshotRow | None) -> Difference:
    known = after or before
    assert known is not None
    both = before is not None and after is not None
    changed = [name for name, part in _PARTS.items() if not both or part(before) != part(after)]  # type: ignore[arg-type]
    return Difference(known.name, before, after, tuple(changed))


def come_and_gone(before: Sequence[str], after: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is only in the second, and what is only in the first."""
    return tuple(one for one in after if one not in before), tuple(one for one in before if one not in after)
