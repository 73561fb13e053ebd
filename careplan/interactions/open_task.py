"""What waits for a clinic: its open Tasks of one kind, found in one search with what they are about.

Not here: what each kind is and how it is done (`casework`, `message`, `ringing`).
https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Collection

from careplan.fhir.agreed import OPEN_TASK
from careplan.fhir.systems import ACTIVITY
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.search import Found, query_from_pairs, search

MOST = 400
"""Open Tasks of a kind listed at once, the oldest first."""


async def open_tasks(
    context: Context, activity: str, *include: str, states: Collection[str] = OPEN_TASK, also: Collection[str] = ()
) -> Found:
    """The Tasks of an activity whose people the caller may see, oldest first, at most `MOST`. Raises Forbidden.

    Whom an emergency access has opened is still another clinic's to answer, and not among them.
    include  what comes with them: `focus`, `patient`; states: of `Task.status`; also: other activities than the first
    """
    access.check_clinical(context)
    asked = (
        ("code", ",".join(f"{ACTIVITY}|{one}" for one in (activity, *also))),
        ("status", ",".join(sorted(states))),
        ("_sort", "authored-on"),
        *(("_include", f"Task:{one}") for one in include),
        ("_count", str(MOST)),
    )
    return await search(context, query_from_pairs(context, "Task", asked, strict=True), emergency=False)
