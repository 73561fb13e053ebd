"""The lines of a tjekliste as they are answered in a Task: an `output` each, under their id, with what came of it.

A clinic's årskontrol and a municipality's course keep theirs alike. Not here: which lines there are (the knowledge).
https://hl7.org/fhir/R4/task-definitions.html#Task.output
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from careplan.fhir import systems
from careplan.fhir.instant import find_whole_date
from careplan.fhir.reading import coding_keys
from careplan.fhir.text import Json

DONE, NOT_RELEVANT, POSTPONED = RESULTS = ("done", "not-relevant", "postponed")
"""Udført, ikke relevant, udsat."""


def check_of(output: Json) -> str | None:
    """The id of the line that an output answers; None for any other output."""
    keys = coding_keys(output.get("type") or {})
    return next((code for system, code in keys if system == systems.CHECK), None)


def checks_of(task: Json) -> dict[str, str]:
    """What came of each line that is answered, a code of RESULTS, by its id."""
    found = ((check_of(one), str(one.get("valueCode", ""))) for one in task.get("output", ()))
    return {id: result for id, result in found if id is not None and result in RESULTS}


def postponed_in(task: Json) -> dict[str, date]:
    """Until when lines are postponed that say so, by id."""
    found = ((check_of(one), find_whole_date(one.get("valueDate"))) for one in task.get("output", ()))
    return {id: day for id, day in found if id is not None and day is not None}


def reasons_in(task: Json) -> dict[str, str]:
    """Why lines are not relevant that say so, by id."""
    found = ((check_of(one), one.get("valueString")) for one in task.get("output", ()))
    return {id: str(why) for id, why in found if id is not None and why}


def outputs_from_checks(
    checks: Mapping[str, str], until: Mapping[str, date] | None = None, reasons: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """The outputs of a Task. until: to which day lines are postponed; reasons: why they are not relevant."""
    days, whys = until or {}, reasons or {}
    for id, result in checks.items():
        concept = {"coding": [{"system": systems.CHECK, "code": id}]}
        yield {"type": concept, "valueCode": result}
        if result == POSTPONED and id in days:
            yield {"type": concept, "valueDate": days[id].isoformat()}
        if result == NOT_RELEVANT and id in whys:
            yield {"type": concept, "valueString": whys[id]}
