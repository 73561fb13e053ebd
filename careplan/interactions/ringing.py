"""A patient whom the clinic is to ring to the same day, because of what was answered: found, and done.

Not here: which answers ask for it (`scoring`), and the shape of the Task (`careplan.fhir.questionnaire_response`).
"""

from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.domain.words import words_fault
from careplan.fhir.agreed import OPEN_TASK, activity_of, completed
from careplan.fhir.instant import instant_text
from careplan.fhir.questionnaire_response import RING
from careplan.fhir.systems import ACTIVITY
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.open_task import open_tasks
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import read
from careplan.interactions.search import query_from_pairs, search
from careplan.store.protocol import NotFound, Version, VersionConflict


class CallUnsaid(CareplanError):
    """A call that was made without a word of what came of it."""

    code = "call-unsaid"


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody to ring to: the Task as it stands, and the Patient."""

    task: Json
    patient: Json

    @property
    def id(self) -> str:
        return str(self.task["id"])


async def open_calls(context: Context) -> tuple[Call, ...]:
    """Whom the caller's clinic is to ring to, the oldest first. One search. Raises Forbidden."""
    found = await open_tasks(context, RING, "patient")
    people = {version.id: parse(version.body or b"") for version in found.included if version.type == "Patient"}
    matches = [version for version in found.page.matches if version.patient in people]
    return tuple(Call(parse(version.body or b""), people[str(version.patient)]) for version in matches)


async def is_to_be_rung(context: Context, patient: str) -> bool:
    """Whether the clinic has been told to ring to the person, and has not yet. One search. Raises Forbidden."""
    asked = (
        ("patient", f"Patient/{patient}"),
        ("code", f"{ACTIVITY}|{RING}"),
        ("status", ",".join(sorted(OPEN_TASK))),
        ("_count", "1"),
    )
    return bool((await search(context, query_from_pairs(context, "Task", asked, strict=True))).page.matches)


async def read_call(context: Context, task: str) -> tuple[Version, Json]:
    """A call that is to be made, or was. Raises NotFound, Forbidden."""
    version = await read(context, "Task", task)
    value = parse(version.body or b"")
    if activity_of(value) != RING or version.patient is None:
        raise NotFound(f"Task/{task} is no call to be made")
    return version, value


async def rung(context: Context, task: str, text: str) -> Version:
    """The call was made, and what came of it. Raises CallUnsaid, PreconditionFailed once it is done, Forbidden."""
    access.check_clinical(context)
    fault = words_fault(text, needed=True)
    if fault:
        raise CallUnsaid(f"text: {fault}")

    async def work() -> Version:
        version, value = await read_call(context, task)
        if value.get("status") not in OPEN_TASK:
            raise PreconditionFailed(f"Task/{task} is done already; see what was written")
        note = {"text": text.strip(), "time": instant_text(context.now)}
        author = {"authorString": context.caller.name} if context.caller.name else {}
        done = {**completed(value, context.now), "note": [*value.get("note", ()), {**author, **note}]}
        change = change_from_value(done, version.id, version)
        await access.check_write(context, change.type, change.value, version.patient, act="u")
        return (await commit(context, [change], (), Activity("ring")))[0]

    return await again(work, VersionConflict)


def words_of(task: Json) -> str:
    """What was written of the call."""
    return "\n".join(str(one["text"]) for one in task.get("note", ()) if "text" in one)
