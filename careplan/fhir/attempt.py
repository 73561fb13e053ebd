"""An attempt to reach somebody as it stands in the Task of the case: one `output`, an Annotation under a code of ours.

`type` is the channel (CodeSystem/contact), `valueAnnotation` the day, the organisation with the name of who tried, and
the channel in words. Attendance stands beside it in the same way. Not here: what attempts lead to
(`careplan.domain.attempt`). https://hl7.org/fhir/R4/task-definitions.html#Task.output
"""

from collections.abc import Mapping
from typing import Any

from careplan.domain.attempt import CHANNELS, REACHED, REACHED_NAME, Attempt
from careplan.fhir import systems
from careplan.fhir.instant import find_whole_date
from careplan.fhir.reading import coding_keys
from careplan.fhir.text import Json

WORDS: Mapping[str, str] = {**CHANNELS, REACHED: REACHED_NAME}
"""Every code of CodeSystem/contact."""


def attempts_of(task: Json) -> tuple[Attempt, ...]:
    """The attempts of a case, as they were written down; what is none of ours is left out."""
    found = (find_attempt(one) for one in outputs_of(task))
    return tuple(one for one in found if one is not None)


def outputs_of(task: Json) -> list[Json]:
    """The outputs of a case that say they are attempts, as they are written."""
    return [one for one in task.get("output", ()) if _channel(one)]


def find_attempt(output: Json) -> Attempt | None:
    """What an output says; None where its code is none of ours, or it names no day."""
    note, channel = output.get("valueAnnotation") or {}, _channel(output)
    on = find_whole_date(note.get("time"))
    by = str((note.get("authorReference") or {}).get("display", ""))
    return None if on is None or channel not in WORDS else Attempt(on, channel, by)


def _channel(output: Json) -> str:
    return next((code for system, code in coding_keys(output.get("type") or {}) if system == systems.CONTACT), "")


def organization_of(output: Json) -> str:
    """The reference of whose attempt it is."""
    return str(((output.get("valueAnnotation") or {}).get("authorReference") or {}).get("reference", ""))


def output_from_attempt(attempt: Attempt, organization: str) -> dict[str, Any]:
    """The output of the Task. organization: the reference of whose attempt it is."""
    words = WORDS[attempt.channel]
    author = {"reference": organization, **({"display": attempt.by} if attempt.by else {})}
    return {
        "type": {"coding": [{"system": systems.CONTACT, "code": attempt.channel, "display": words}], "text": words},
        "valueAnnotation": {"authorReference": author, "time": attempt.on.isoformat(), "text": words},
    }
