"""What is agreed: the plan's Tasks as people read them, who does them, by when, and whether they are done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.schedule import is_late
from careplan.fhir.draft import OPEN_TASK, activity_of
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.views.contact import contact_of

MONTHS = tuple("januar februar marts april maj juni juli august september oktober november december".split())


@dataclass(frozen=True, slots=True)
class Agreement:
    """One Task of the plan.

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


@dataclass(frozen=True, slots=True)
class Month:
    """One month of «Mit år» and what is due in it."""

    name: str
    year: int
    items: tuple[Agreement, ...]


def agreements(tasks: Iterable[Json], directory: Mapping[str, Json], on: date) -> tuple[Agreement, ...]:
    """The Tasks of care plans, open and done, soonest first; cases of referrals and what was dropped are left out."""
    found = [_agreement(task, directory, on) for task in tasks if is_agreed(task)]
    return tuple(sorted(found, key=lambda one: (one.done, one.due or date.max, one.title, one.id)))


def is_agreed(task: Json) -> bool:
    """Whether a Task stands in a plan and is open or was done."""
    plans = [one for one in task.get("basedOn", ()) if str(one.get("reference", "")).startswith("CarePlan/")]
    return bool(plans) and (task.get("status") in OPEN_TASK or task.get("status") == "completed")


def _agreement(task: Json, directory: Mapping[str, Json], on: date) -> Agreement:
    owner = str(task.get("owner", {}).get("reference", ""))
    title = str(task.get("code", {}).get("text") or task.get("description") or "").removesuffix(".")
    says = str(task.get("description") or "")
    due, done = due_of(task), task.get("status") == "completed"
    return Agreement(
        id=task["id"],
        title=title,
        says="" if says.removesuffix(".") == title else says,
        own=owner.startswith("Patient/"),
        who=contact_of(directory, owner).name,
        due=due,
        done=done,
        late=not done and is_late(due, on),
        activity=activity_of(task) or "",
    )


def due_of(task: Json) -> date | None:
    """The day by which a Task is to be done."""
    return find_date(task.get("restriction", {}).get("period", {}).get("end"))


def next_step(found: Sequence[Agreement]) -> Agreement | None:
    """The one thing to do next: what is due first, the patient's own before the clinic's."""
    dated = [one for one in found if not one.done and one.due is not None]
    return min(dated, key=lambda one: (one.due or date.max, not one.own), default=None)


def year_ahead(found: Iterable[Agreement], on: date) -> tuple[Month, ...]:
    """The next twelve months, this one first; what is late stands in this one."""
    waiting = [one for one in found if not one.done and one.due is not None]
    first = on.replace(day=1)
    months = []
    for nth in range(12):
        start, end = add_months(first, nth), add_months(first, nth + 1)
        items = tuple(one for one in waiting if one.due and start <= max(one.due, first) < end)
        months.append(Month(MONTHS[start.month - 1], start.year, items))
    return tuple(months)
