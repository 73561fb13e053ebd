"""The versions of a Goal → målbånd: which target was agreed from one day until another.

The first version counts from the Goal's own start, later ones from when they were written. A Goal that had ended when
it came was valid from its start until its `statusDate`, where both are known. Not here: the drawing.
https://hl7.org/fhir/R4/goal-definitions.html#Goal.statusDate
"""

from collections.abc import Iterable
from datetime import date

from careplan.domain.target import Band, Target
from careplan.fhir.goal import AGREED, find_target, is_active
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json

ENDED = frozenset({"completed", "cancelled"})
"""States of a Goal that was pursued once."""


def bands_from_goals(values: Iterable[Json]) -> tuple[Band, ...]:
    """A new band where the agreed target changed; the last one ends where the Goal did.

    values  one Goal's versions, oldest first
    """
    steps: list[tuple[date, Target | None]] = []
    for value in values:
        if not steps:
            steps += _before(value)
        target, start = find_target(value, AGREED) if is_active(value) else None, agreed_since(value, first=not steps)
        ends = bool(steps) and not is_active(value)
        if start is not None and (target is not None or ends) and (not steps or steps[-1][1] != target):
            steps.append((start, target))
    ends_on = [start for start, _ in steps[1:]] + [None] * bool(steps)
    pairs = zip(steps, ends_on, strict=True)
    return tuple(Band(start, end, target) for (start, target), end in pairs if target is not None)


def _before(goal: Json) -> list[tuple[date, Target | None]]:
    """From when until when the target was valid of a Goal that had ended when it came."""
    start, ended = find_date(goal.get("startDate")), find_date(goal.get("statusDate"))
    target = find_target(goal, AGREED) if goal.get("lifecycleStatus") in ENDED else None
    if target is None or start is None or ended is None or not start < ended:
        return []
    return [(start, target), (ended, None)]


def agreed_since(goal: Json, *, first: bool) -> date | None:
    """The day from which a version of a Goal holds."""
    written = find_date(goal.get("meta", {}).get("lastUpdated"))
    return (find_date(goal.get("startDate")) or written) if first else written
