"""What came back of the clinic's referrals: found for the whole clinic, and ticked off by whoever has seen or done it.

Not here: when such a Task is made (`follow_up`), and the referrals that nobody has ended (`casework.open_referrals`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from careplan.fhir.agreed import OPEN_TASK, activity_of, completed, due_of
from careplan.fhir.case import request_of_task
from careplan.fhir.reply import FOLLOW_UP, SEE, case_of_reply, is_reply
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.casework import CaseFile
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.open_task import open_tasks
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import read
from careplan.store.protocol import NotFound, Version, VersionConflict


@dataclass(frozen=True, slots=True)
class Returned:
    """A referral that ended, of which the clinic has something left.

    notice      the Task to see it; None once somebody has
    follow_ups  the Tasks that are still to be done
    """

    opened: CaseFile
    patient: Json
    notice: Json | None
    follow_ups: tuple[Json, ...]

    @property
    def due(self) -> date | None:
        """The day by which the first of them is to be done."""
        return min((day for one in self.follow_ups if (day := due_of(one)) is not None), default=None)


async def returned(context: Context) -> tuple[Returned, ...]:
    """What the caller's clinic has not seen or not done, what falls due first and then the oldest. Raises Forbidden."""
    found = await open_tasks(context, SEE, "focus", "based-on", "patient", also=(FOLLOW_UP,))
    beside = {version.reference: version for version in found.included}
    by_case: dict[str, list[Json]] = {}
    for version in found.page.matches:
        task = parse(version.body or b"")
        by_case.setdefault(case_of_reply(task), []).append(task)
    listed = [_returned(context, beside, case, tasks) for case, tasks in by_case.items()]
    return tuple(sorted((one for one in listed if one is not None), key=lambda one: one.due or date.max))


def _returned(context: Context, beside: Mapping[str, Version], case: str, tasks: list[Json]) -> Returned | None:
    """None where the case, its referral or its person did not come with the Tasks."""
    version = beside.get(f"Task/{case}")
    value = parse(version.body or b"") if version is not None else {}
    request = beside.get(request_of_task(value, context.base) or "")
    person = beside.get(f"Patient/{version.patient}") if version is not None else None
    if version is None or request is None or person is None:
        return None
    return Returned(
        CaseFile(version, value, parse(request.body or b"")),
        parse(person.body or b""),
        next((one for one in tasks if activity_of(one) == SEE), None),
        tuple(one for one in tasks if activity_of(one) == FOLLOW_UP),
    )


def left_of(case: str, tasks: tuple[Json, ...]) -> tuple[Json, ...]:
    """Of a patient's Tasks those that a case, by its logical id, has left and that are not done."""
    return tuple(one for one in tasks if is_reply(one) and case_of_reply(one) == case and one["status"] in OPEN_TASK)


async def settle(context: Context, task: str, expects: int | None) -> Version:
    """Such a Task was seen, or done; the Task as it then is.

    expects  the version of it that was seen
    Raises   PreconditionFailed once somebody has, NotFound for any other Task, Forbidden
    """
    access.check_clinical(context)

    async def work() -> Version:
        version = await read(context, "Task", task)
        value = parse(version.body or b"")
        if not is_reply(value):
            raise NotFound(f"Task/{task} is nothing that a referral left")
        if value.get("status") not in OPEN_TASK or expects not in (None, version.number):
            raise PreconditionFailed(f"Task/{task} is at version {version.number}; see what stands there now")
        change = change_from_value(completed(value, context.now), version.id, version)
        await access.check_write(context, change.type, change.value, version.patient, act="u")
        return (await commit(context, [change], (), Activity("referral-seen")))[0]

    return await again(work, VersionConflict)
