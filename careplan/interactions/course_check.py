"""The tjekliste of a course: which one a referral has, and what came of its lines; kept in the case.

The lists are data of the knowledge (`courses/`), kept as the clinic keeps that of the årskontrol. Not here: the notes
of a course (`coursework`).
"""

from collections.abc import Mapping
from datetime import date

from careplan.domain.guideline import CourseType, Knowledge
from careplan.fhir.check import POSTPONED, RESULTS, check_of, outputs_from_checks
from careplan.fhir.instant import instant_text
from careplan.fhir.text import Json
from careplan.interactions.casework import keep_case
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity
from careplan.interactions.context import Context
from careplan.interactions.coursework import NoteFaulty, open_course
from careplan.store.protocol import Version


def course_of(knowledge: Knowledge, request: Json) -> CourseType | None:
    """The course that a referral asks for; None where the knowledge has none for it."""
    return knowledge.find_course(str((request.get("code") or {}).get("text", "")))


async def keep_checks(
    context: Context, task: str, expects: int | None, checks: Mapping[str, str], until: Mapping[str, date]
) -> Version:
    """What came of the lines of the list, as it is now: a line that is not named has no answer any more.

    checks  a code of RESULTS by line; until: to which day those that are postponed are
    Raises  NoteFaulty, StepNotAllowed, PreconditionFailed, Forbidden, NotFound
    """
    opened = await open_course(context, task, expects)
    course = course_of(context.knowledge, opened.request)
    own = {one.id for one in course.checks} if course else set[str]()
    if not checks.keys() <= own or not set(checks.values()) <= set(RESULTS):
        raise NoteFaulty(f"the lines of the list are {', '.join(sorted(own))}, what came of each {', '.join(RESULTS)}")
    if any(result == POSTPONED and until.get(id, date.min) < context.on for id, result in checks.items()):
        raise NoteFaulty("a line that is postponed is so to a day from today on")
    others = [one for one in opened.task.get("output", ()) if check_of(one) not in own]
    outputs = [*others, *outputs_from_checks(checks, until)]
    bare = {name: part for name, part in opened.task.items() if name != "output"}
    value = {**bare, "lastModified": instant_text(context.now), **({"output": outputs} if outputs else {})}
    change = change_from_value(value, opened.version.id, opened.version)
    return await keep_case(context, change, (), Activity("referral-checklist"))
