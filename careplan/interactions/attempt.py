"""An attempt to reach the person of a referral is written down, by its receiver; that it was in vain changes nothing.

What follows three of them is a step of the case like any other (`casework`), taken by somebody. A plain PUT is held to
the same by `sent_case`. Not here: when attempts are enough (`careplan.domain.attempt`).
"""

from careplan.domain.attempt import Attempt, attempt_fault
from careplan.domain.errors import CareplanError
from careplan.domain.referral import RECEIVER, StepNotAllowed
from careplan.fhir.attempt import output_from_attempt
from careplan.fhir.instant import find_date, instant_text
from careplan.interactions import access
from careplan.interactions.casework import check_receiving, keep_case, read_case, side_of
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity
from careplan.interactions.context import Context
from careplan.interactions.precondition import PreconditionFailed
from careplan.store.protocol import Version


class AttemptFaulty(CareplanError):
    """An attempt by no channel that is known, or of a day that cannot be."""

    code = "referral-faulty"


async def note_attempt(context: Context, task: str, expects: int | None, attempt: Attempt) -> Version:
    """Write it down with the case; the Task as it then is.

    expects  the version of the Task that was seen
    Raises   AttemptFaulty, StepNotAllowed once the person was reached, PreconditionFailed, NotFound, Forbidden
    """
    opened = await read_case(context, task)
    access.check_writes(context, "Task", "u")
    if side_of(context) != RECEIVER or not opened.case.is_trying:
        raise StepNotAllowed(
            "attempts are noted by the receiver of a referral, from when it is taken to the first talk"
        )
    await check_receiving(context, opened)
    if expects is not None and opened.version.number != expects:
        raise PreconditionFailed(f"Task/{task} is at version {opened.version.number}; see what stands there now")
    fault = attempt_fault(attempt, find_date(opened.request.get("authoredOn")), context.on)
    if fault:
        raise AttemptFaulty(f"an attempt to reach the person: {fault}")
    output = output_from_attempt(attempt, f"Organization/{context.caller.organization}")
    value = {**opened.task, "lastModified": instant_text(context.now)}
    value["output"] = [*opened.task.get("output", ()), output]
    change = change_from_value(value, opened.version.id, opened.version)
    return await keep_case(context, change, (), Activity("referral-attempt"))
