"""D4, the tjekliste of a course: its lines as they are kept, and as the form sends them.

Which list it is comes from the knowledge, by the offer of the referral. Not here: the page it stands on (`coursework`),
and what is kept (`interactions.course_check`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from careplan.domain.guideline import Knowledge
from careplan.fhir.check import POSTPONED, RESULTS, checks_of, postponed_in
from careplan.interactions.casework import CaseFile
from careplan.interactions.course_check import course_of
from careplan.views.form import Form, find_day
from careplan.views.wording import danish_date

CHECKS, CHECKED, UNTIL = "tjekliste", "tjek-", "udsat-"
"""The button by which a tjekliste is sent, and what the fields of its lines begin with."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was sent: what came of each line that is answered, and days that can be read."""

    checks: Mapping[str, str]
    until: Mapping[str, date]

    def without_day(self, on: date) -> tuple[str, ...]:
        """Lines that are postponed, and not to a day from today on."""
        late = (id for id, result in self.checks.items() if result == POSTPONED)
        return tuple(id for id in late if self.until.get(id, date.min) < on)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the tjekliste: what came of it, and until when it is postponed, as the page shows them."""

    id: str
    says: str
    result: str
    until: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """The tjekliste of a course, and which list of which version it is."""

    name: str
    version: str
    lines: tuple[Line, ...]
    results: tuple[str, ...] = RESULTS


def filled_from_form(form: Form) -> Filled:
    checks = {id: result for id, result in form.starting(CHECKED).items() if result in RESULTS}
    days = {id: day for id in checks if (day := find_day(form.text(UNTIL + id))) is not None}
    return Filled(checks, days)


def checklist_of(knowledge: Knowledge, case: CaseFile, form: Form) -> Checklist | None:
    """As it is kept; where it was just sent and not kept, as it was sent. None where the knowledge has no list."""
    course = course_of(knowledge, case.request)
    if course is None:
        return None
    results, until = checks_of(case.task), {id: danish_date(day) for id, day in postponed_in(case.task).items()}
    if form.text("handling") == CHECKS:
        results, until = form.starting(CHECKED), form.starting(UNTIL)
    lines = (Line(one.id, one.says, results.get(one.id, ""), until.get(one.id, "")) for one in course.checks)
    return Checklist(course.name, course.version, tuple(lines))
