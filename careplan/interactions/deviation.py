"""An individual target: who may agree on it, who answers for it, and until when it holds.

Not here: setting one (`operations.individual_target`), and Goals that come as they are (`sent_goal`).
"""

from collections.abc import Iterable
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.errors import CareplanError
from careplan.domain.evaluation import Answer
from careplan.domain.measure import Measure
from careplan.domain.schedule import next_control
from careplan.domain.target import Target, is_safe
from careplan.fhir.agreed import activity_of, due_of, is_open
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json
from careplan.interactions.context import Context
from careplan.interactions.profession import is_doctor

AUTHORS = frozenset({"PractitionerRole", "Practitioner", "Organization", "Device"})
"""Whom a system may name as author."""


LONGEST = 24
"""Months that an individual target may be valid without being looked at: two årskontroller. The guidelines name no
limit; beyond it nobody can be said to have decided."""


class DeviationNeedsReason(CareplanError):
    """An individual target names a reason; `other` explains itself in words."""

    code = "deviation-needs-reason"


class DeviationNeedsAuthor(CareplanError):
    """An individual target is answered for by whoever sets it, and by nobody else."""

    code = "deviation-needs-author"


class NeedsDoctor(CareplanError):
    """The target lies outside the span that any clinician may agree on."""

    code = "needs-doctor"


async def check_span(context: Context, measure: Measure, target: Target, recommended: Target | None) -> None:
    """Raises NeedsDoctor outside the measure's safety span, unless a doctor calls."""
    if is_safe(measure, target, recommended) or await is_doctor(context):
        return
    low, high = measure.safety.low, measure.safety.high
    within = f"from {low}" if high is None else f"up to {high}" if low is None else f"from {low} to {high}"
    raise NeedsDoctor(
        f"parameters low and high: a target of {measure.id} outside {within} {measure.unit}, or with no end on the "
        "side that the recommendation has, is agreed on by a doctor"
    )


async def author_of(context: Context, named: str | None = None) -> str:
    """Who answers for an individual target: the caller; of a system that is no person, whom it names, or its clinic.

    Raises DeviationNeedsAuthor
    """
    own = context.caller.reference
    if own is not None:
        if named not in (None, own):
            raise DeviationNeedsAuthor("parameter author names whoever calls, or is left out")
        return own
    if named is None and context.caller.organization is not None:
        return f"Organization/{context.caller.organization}"
    target = find_target(named, context.base) if named else None
    version = await context.store.read(target.type, target.id) if target and target.type in AUTHORS else None
    if target is None or version is None or version.deleted:
        raise DeviationNeedsAuthor(
            "parameter author is missing or unknown: a caller that is no person names a PractitionerRole, "
            "Practitioner, Organization or Device of this service that answers for the target"
        )
    return f"{target.type}/{target.id}"


def last_day(on: date) -> date:
    """The last day until which an individual target may be agreed on."""
    return add_months(on, LONGEST)


def valid_until(tasks: Iterable[Json], answer: Answer) -> date:
    """The last day of a target where nobody says: that of the next årskontrol."""
    open_ones = (task for task in tasks if activity_of(task) == "aarskontrol" and is_open(task))
    return next_control(answer, (due for task in open_ones if (due := due_of(task)) is not None))
