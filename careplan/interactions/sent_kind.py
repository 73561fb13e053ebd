"""What guests of a record send in somebody else's name, or of a kind that others make.

The clinic calls in, rings up, answers and turns down by Tasks of kinds of its own: whoever could send one could undo
that. A value says who took it, a message who wrote it, a wish whose it is. Scores are drawn from answers
(`preparation`); what else is not a number that is measured is a clinician's to judge. What stands already is left as it
is, however it is written. Not here: whom what stands must name to be a guest's (`guest`), and the steps of a referral's
case (`sent_case`).
"""

from careplan.fhir.agreed import activity_of
from careplan.fhir.case import CASE
from careplan.fhir.reading import is_of_laboratory, parts_of
from careplan.fhir.systems import EXT_DEVIATION
from careplan.fhir.text import Json, parse
from careplan.interactions.access import GUESTS, Forbidden
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.guest import OWN, references_of, speaker_of
from careplan.interactions.slice import WORK, names_of

MEASURED = "quantity"
"""The kind of a measure whose values are read off a device, or counted."""


async def check_sent_kind(context: Context, change: Change) -> None:
    """Raises Forbidden. What is not valid passes: the commit refuses it."""
    if context.caller.role not in GUESTS or change.type not in ("Task", "Goal", *OWN):
        return
    value, before = change.value, _before(change)
    if value is not None and any(one.severity == "error" for one in context.house.validate(value)):
        return
    if change.type == "Task":
        _check_task(before, value)
    elif value is not None and context.caller.role == "patient":
        _check_patients(context, change.type, before, value)
    elif value is not None and change.type == "Observation":
        await _check_receivers(context, before, value)


def _before(change: Change) -> Json:
    return parse(change.previous.body) if change.previous is not None and change.previous.body is not None else {}


def _check_task(before: Json, value: Json | None) -> None:
    stood = activity_of(before)
    kinds = {stood, stood if value is None else activity_of(value)} - {None, CASE}
    if kinds and (kinds != {stood} or stood in WORK):
        raise Forbidden(
            "Tasks of CodeSystem/activity are made by the clinic, or by the pages; send one without its code"
        )


def _check_patients(context: Context, type_name: str, before: Json, value: Json) -> None:
    if type_name == "Observation":
        _check_judged(context, value)
    if type_name == "Communication" and value.get("basedOn") != before.get("basedOn"):
        raise Forbidden("notes of a course are written by who holds it; leave out basedOn")
    if type_name == "Goal":
        _check_wish(context, before, value)
    member = "expressedBy" if type_name == "Goal" else OWN[type_name]
    if _nameless(value, member) > _nameless(before, member):
        raise Forbidden(f"{member} names everybody by a reference")
    if _displays(value, member) - _displays(before, member) - {context.caller.name}:
        raise Forbidden(f"{member} is told by its reference; leave out display")


def _check_judged(context: Context, observation: Json) -> None:
    for part in parts_of(observation):
        found = context.house.reader.codes.find(part.get("code"))
        if found is not None and found[0].kind != MEASURED:
            raise Forbidden("a patient writes a number that is measured; scores are drawn from answers (Questionnaire)")


def _check_wish(context: Context, before: Json, goal: Json) -> None:
    """A goal of a patient's is a wish in the patient's own words: nobody else's, and no reason for a target."""
    own = {speaker_of(context), *references_of(goal, "subject"), *references_of(before, "expressedBy")}
    if not set(references_of(goal, "expressedBy")) <= own:
        raise Forbidden("a personal goal is expressedBy the patient, or does not say by whom")
    if _deviations(goal) > _deviations(before):
        raise Forbidden("why a target differs is said by who sets it; a personal goal has no deviation")


def _deviations(goal: Json) -> int:
    return sum(one.get("url") == EXT_DEVIATION for one in goal.get("extension", ()))


async def _check_receivers(context: Context, before: Json, value: Json) -> None:
    """A value of those who are referred to is their organisation's, or that of its people."""
    if is_of_laboratory(value) and not is_of_laboratory(before):
        raise Forbidden("a laboratory's value comes from the laboratory, or from the clinic; leave out the category")
    named = set(references_of(value, "performer")) - set(references_of(before, "performer"))
    if _nameless(value, "performer") > _nameless(before, "performer") or not named <= await names_of(context):
        who = f"Organization/{context.caller.organization}"
        raise Forbidden(f"a value of {who} names it or its people as performer, and nobody else")


def _nameless(value: Json, member: str) -> int:
    """How many a member names by no reference."""
    return sum(not one.get("reference") for one in _listed(value.get(member)))


def _displays(value: Json, member: str) -> set[str]:
    """The names that a member calls whom it refers to by."""
    return {str(one["display"]) for one in _listed(value.get(member)) if "display" in one}


def _listed(there: Json) -> list[Json]:
    listed = there if isinstance(there, list) else [there]
    return [one for one in listed if isinstance(one, dict)]
