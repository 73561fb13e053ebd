"""A message as somebody replaces it, by PUT, a patch, a Bundle or a deletion: what a clinic was asked stands as asked.

Once a Task asks the clinic to answer a Communication, a patient changes it no more, since an answer is to those words;
until it is answered, the patient may take it back as it stands. Not here: who writes which Communication (`guest`), and
sending and answering (`message`).
https://hl7.org/fhir/R4/communication.html
"""

from careplan.domain.errors import Fault
from careplan.fhir.agreed import OPEN_TASK
from careplan.fhir.message import MESSAGE
from careplan.fhir.query import Criterion, Query, ReferenceIs, TokenIs
from careplan.fhir.systems import ACTIVITY
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.refusal import refuse


async def check_sent_message(context: Context, change: Change) -> None:
    """Raises ResourceInvalid when a patient changes or deletes what the clinic was asked, but to take it back."""
    if change.type != "Communication" or context.caller.role != "patient":
        return
    tasks = [] if change.previous is None else await _asking(context, change)
    is_answered = any(task.get("status") not in OPEN_TASK for task in tasks)
    if tasks and (is_answered or not _is_taken_back(change)):
        message = "the clinic was asked this and answers these words; send a new message"
        refuse(change, [Fault("Communication", "message-sent", message)])


def _is_taken_back(change: Change) -> bool:
    """Whether nothing changes but that it was sent in error."""
    before = {} if change.previous is None or change.previous.body is None else parse(change.previous.body)
    withdrawn = {**before, "status": "entered-in-error"}
    return before.get("status") == "completed" and _words(change.value or {}) == _words(withdrawn)


def _words(communication: Json) -> Json:
    return {name: part for name, part in communication.items() if name not in ("id", "meta")}


async def _asking(context: Context, change: Change) -> list[Json]:
    """The Tasks by which the clinic is asked this."""
    focus = Criterion("focus", "reference", (ReferenceIs("Communication", change.id),))
    kind = Criterion("code", "token", (TokenIs(ACTIVITY, MESSAGE),))
    found = await every(context, Query("Task", (focus, kind), patient=change.patient))
    return [parse(version.body or b"") for version in found]
