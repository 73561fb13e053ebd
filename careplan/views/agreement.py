"""What is agreed: the plan's Tasks and orders as people read them, who does them, by when, and whether done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.schedule import is_late
from careplan.fhir.agreed import activity_of, due_of, is_of_plan, is_open, key_of
from careplan.fhir.invitation import INVITATION
from careplan.fhir.text import Json
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.wording import month_name

MEASURED_AT_HOME: Mapping[str, str] = {"hjemmeblodtryk": "sbp"}
"""Activities of plan types that are measurements at home, and the measure that is written down."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One Task or order of the plan.

    id        a Task's id, an order's reference; `ordered` tells which
    own       whether the patient does it
    activity  the activity of the plan type it is, or empty
    """

    id: str
    title: str
    says: str
    own: bool
    who: str
    due: date | None
    done: bool
    late: bool
    activity: str
    ordered: bool = False

    @property
    def written(self) -> str:
        """The measure to write down, where that is what is to be done; else empty."""
        return MEASURED_AT_HOME.get(self.activity, "")

    @property
    def habit(self) -> bool:
        """Whether it is something the patient goes on doing: no time to book, no test, no value to write down."""
        return self.own and not self.ordered and not self.written and self.activity != INVITATION


@dataclass(frozen=True, slots=True)
class Month:
    """One month of «Mit år» and what is due in it."""

    name: str
    year: int
    items: tuple[Agreement, ...]


def agreements(tasks: Iterable[Json], directory: Mapping[str, Json], on: date) -> tuple[Agreement, ...]:
    """Tasks and orders of care plans, open and done, soonest first; not cases of referrals, nor what was dropped."""
    found = [_agreement(task, directory, on) for task in tasks if is_agreed(task)]
    return tuple(sorted(found, key=lambda one: (one.done, one.due or date.max, one.title, one.id)))


def is_agreed(task: Json) -> bool:
    """Whether a Task or order stands in a plan and is open or was done."""
    return is_of_plan(task) and (is_open(task) or task.get("status") == "completed")


def _agreement(task: Json, directory: Mapping[str, Json], on: date) -> Agreement:
    order = task["resourceType"] == "ServiceRequest"
    doer = str(task.get("requester" if order else "owner", {}).get("reference", ""))
    title = str(task.get("code", {}).get("text") or task.get("description") or "").removesuffix(".")
    says = str(task.get("patientInstruction" if order else "description") or "")
    due, done = due_of(task), task.get("status") == "completed"
    return Agreement(
        id=key_of(task),
        title=title,
        says="" if says.removesuffix(".") == title else says,
        own="patientInstruction" in task if order else doer.startswith("Patient/"),
        who=contact_of(directory, doer).name,
        due=due,
        done=done,
        late=not done and is_late(due, on),
        activity=activity_of(task) or "",
        ordered=order,
    )


def next_step(found: Sequence[Agreement]) -> Agreement | None:
    """The one thing to do next: times to book, tests and controls before habits; then what is due first, the patient's
    own before the clinic's.
    """
    dated = [one for one in found if not one.done and one.due is not None]
    return min(dated, key=lambda one: (one.habit, one.due or date.max, not one.own), default=None)


def year_ahead(found: Iterable[Agreement], on: date, t: Catalogue) -> tuple[Month, ...]:
    """The next twelve months, this one first; what is late stands in this one."""
    waiting = [one for one in found if not one.done and one.due is not None]
    first = on.replace(day=1)
    months = []
    for nth in range(12):
        start, end = add_months(first, nth), add_months(first, nth + 1)
        items = tuple(one for one in waiting if one.due and start <= max(one.due, first) < end)
        months.append(Month(month_name(start, t), start.year, items))
    return tuple(months)
