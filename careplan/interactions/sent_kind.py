"""What guests of a record send of a kind that others make: a Task of the service's own work, a value somebody judges.

By such Tasks the clinic calls in, rings up, answers and turns down: whoever could send one could undo that. Of what a
plan asks (an activity of a plan type) its owner tells how far it is. Scores are drawn from answers (`preparation`);
what else is not a number that is measured is a clinician's to judge. Not here: whom what they send must name
(`guest`), and the steps of a referral's case (`sent_case`).
"""

from careplan.fhir.agreed import activity_of
from careplan.fhir.case import CASE
from careplan.fhir.reading import parts_of
from careplan.fhir.text import Json, parse
from careplan.interactions.access import GUESTS, Forbidden
from careplan.interactions.change import Change
from careplan.interactions.context import Context

MEASURED = "quantity"
"""The kind of a measure whose values are read off a device, or counted."""


def check_sent_kind(context: Context, change: Change) -> None:
    """Raises Forbidden. What is not valid passes: the commit refuses it."""
    if context.caller.role not in GUESTS or change.type not in ("Task", "Observation"):
        return
    value = change.value
    if value is not None and any(one.severity == "error" for one in context.house.validate(value)):
        return
    if change.type == "Task":
        _check_task(context, change)
    elif value is not None and context.caller.role == "patient":
        _check_value(context, value)


def _check_task(context: Context, change: Change) -> None:
    before = parse(change.previous.body) if change.previous is not None and change.previous.body is not None else {}
    stood = activity_of(before)
    kinds = {stood, stood if change.value is None else activity_of(change.value)} - {None, CASE}
    planned = {one.id for plan in context.knowledge.plans.values() for one in plan.activities}
    if kinds and not (kinds == {stood} and stood in planned):
        raise Forbidden(
            "Tasks of CodeSystem/activity are made by the clinic, or by the pages; send one without its code"
        )


def _check_value(context: Context, observation: Json) -> None:
    for part in parts_of(observation):
        found = context.house.reader.codes.find(part.get("code"))
        if found is not None and found[0].kind != MEASURED:
            raise Forbidden("a patient writes a number that is measured; scores are drawn from answers (Questionnaire)")
