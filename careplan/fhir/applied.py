"""A draft as `$apply` answers it: one CarePlan with everything in it, and a word on what of the template is left out.

Not for what a draft holds (`draft`). https://hl7.org/fhir/R4/plandefinition-operation-apply.html
"""

from careplan.domain.danish import danish_list, fact_name
from careplan.domain.guideline import Activity, Knowledge
from careplan.fhir import systems
from careplan.fhir.agreed import reference_of
from careplan.fhir.draft import Absent, Draft
from careplan.fhir.text import Json


def contained(draft: Draft, knowledge: Knowledge) -> Json:
    """The draft as one CarePlan with its Goals, Tasks and orders contained, as `$apply` answers (nothing stored).

    Activities that are not for this person stand in it as such; goals are told of in a note.
    """
    parts = [{**goal.value, "id": goal.id} for goal in draft.goals]
    parts += [{**task.value, "id": task.id} for task in draft.tasks]
    names = {reference_of(part): f"#{part['id']}" for part in parts}
    bare = [{name: value for name, value in part.items() if name not in ("meta", "basedOn")} for part in parts]
    plan = {**draft.care_plan, "status": "draft", "contained": bare}
    plan["goal"] = [{"reference": names[one["reference"]]} for one in draft.care_plan.get("goal", ())]
    plan["activity"] = [
        {"reference": {"reference": names[one["reference"]["reference"]]}}
        for one in draft.care_plan.get("activity", ())
    ]
    plan["activity"] += [_not_done(one, one.activity) for one in draft.absent if one.activity is not None]
    plan["note"] = [{"text": _no_goal(one, knowledge)} for one in draft.absent if one.activity is None]
    return {name: value for name, value in plan.items() if value not in ([], {})}


def _not_done(absent: Absent, activity: Activity) -> Json:
    code = {"coding": [{"system": systems.ACTIVITY, "code": activity.id}], "text": activity.title}
    detail = {"kind": activity.kind, "code": code, "status": "cancelled", "statusReason": {"text": _WHY[absent.why]}}
    return {"detail": {**detail, "doNotPerform": True}}


def _no_goal(absent: Absent, knowledge: Knowledge) -> str:
    said = f"{absent.name}: {_WHY[absent.why]}"
    names = [fact_name(name, knowledge) for name in absent.missing]
    return f"{said}: {danish_list(names)}" if names else said


_WHY = {
    "excluded": "valgt fra af klinikken",
    "unsuited": "gælder ikke denne person",
    "undecided": "intet mål endnu, fordi oplysninger mangler",
    "unruled": "reglerne siger intet om et mål for denne person",
}
