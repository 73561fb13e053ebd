"""What patients, relatives and those referred to may write: their own words, never a fact a clinician answers for.

Not here: which types a role writes, and in whose record (`access`).
"""

from collections.abc import Mapping

from careplan.fhir.exclusion import is_offer
from careplan.fhir.goal import is_personal
from careplan.fhir.systems import EXT_DEVIATION, FACT, normal_system
from careplan.fhir.text import Json
from careplan.interactions.consent import is_relative
from careplan.interactions.context import Context

OWN: Mapping[str, str] = {
    "Observation": "performer",
    "QuestionnaireResponse": "author",
    "Consent": "performer",
    "Communication": "sender",
}
"""Where what a patient writes names the patient, or the relative, as the one who speaks."""
LABORATORY = "laboratory"
"""The category of an Observation that a laboratory has made."""


def find_refusal(context: Context, type_name: str, value: Json) -> str | None:
    """Why a guest may not write this; None: nothing against it."""
    if type_name == "Observation" and FACT in _systems(value.get("code")):
        return "what a clinician judges, such as frailty, is entered by the clinic"
    if type_name == "Observation" and _is_score(value):
        return "what answers come to is worked out by the service; correct the answers"
    if type_name == "Observation" and LABORATORY in _codes(value.get("category")):
        return "a laboratory's value comes from the laboratory, or from the clinic"
    if type_name == "Task" and is_offer(value):
        return "whether a plan is offered is entered by the clinic"
    if context.caller.role == "patient":
        return _find_foreign(context, type_name, value)
    if type_name == "Observation" and not _is_of(context, value):
        return f"a value of Organization/{context.caller.organization} names it as performer, and nobody else"
    if not _names_caller(context, value):
        who = f"Organization/{context.caller.organization}"
        return f"{who} writes and changes what names it as performer, owner or requester"
    return None


def _find_foreign(context: Context, type_name: str, value: Json) -> str | None:
    """A patient writes home values, answers, questions, consent and personal goals, nothing a clinician decides."""
    own, member = speaker_of(context), OWN.get(type_name)
    if member is not None and (references_of(value, member) != [own] or _unnamed(value, member)):
        return f"a {type_name} that a patient writes names {own} as {member}, and nobody else"
    if member is not None and not _displays(value, member) <= {context.caller.name}:
        return f"{member} is told by its reference; leave out display"
    if type_name == "QuestionnaireResponse" and "source" in value and references_of(value, "source") != [own]:
        return f"answers that a patient writes are {own}'s: source names the same, or is left out"
    if type_name == "Communication" and "inResponseTo" in value:
        return "the clinic answers messages; a patient asks anew"
    if type_name == "Communication" and "basedOn" in value:
        return "notes of a course are written by who holds it; leave out basedOn"
    return _find_decided(context, value) if type_name == "Goal" else None


def _find_decided(context: Context, goal: Json) -> str | None:
    """A goal of a patient's is a wish in the patient's own words: no target, and no reason for one."""
    own = {speaker_of(context), f"Patient/{context.caller.patient}"}
    if not is_personal(goal):
        return "a patient writes personal goals; targets are agreed with the clinic"
    if not set(references_of(goal, "expressedBy")) <= own or _displays(goal, "expressedBy") - {context.caller.name}:
        return "a personal goal is expressedBy the patient, or does not say by whom"
    if any(isinstance(one, dict) and one.get("url") == EXT_DEVIATION for one in _listed(goal.get("extension"))):
        return "why a target differs is said by who sets it; a personal goal has no deviation"
    return None


def speaker_of(context: Context) -> str:
    """Who says what is written: the patient, or the relative who acts for one."""
    return str(context.caller.reference) if is_relative(context) else f"Patient/{context.caller.patient}"


def _is_score(value: Json) -> bool:
    """Whether an Observation is drawn from answers."""
    return any("QuestionnaireResponse/" in one for one in references_of(value, "derivedFrom"))


def _names_caller(context: Context, value: Json) -> bool:
    """Whether a value or a task is of the caller's organisation or of the caller: its performer, owner or requester."""
    ours = _ours(context)
    return any(one in ours for name in ("performer", "owner", "requester") for one in references_of(value, name))


def _is_of(context: Context, observation: Json) -> bool:
    """Whether everybody who is named as performer of a value is the caller's own."""
    named = references_of(observation, "performer")
    return bool(named) and set(named) <= _ours(context) and not _unnamed(observation, "performer")


def _ours(context: Context) -> set[str | None]:
    return {f"Organization/{context.caller.organization}", context.caller.reference}


def _systems(concept: Json) -> set[str]:
    """The systems of the codings of a CodeableConcept that need not be valid yet."""
    codings = _listed(concept.get("coding") if isinstance(concept, dict) else None)
    found = [one.get("system") for one in codings if isinstance(one, dict)]
    return {normal_system(one) for one in found if isinstance(one, str)}


def _codes(concepts: Json) -> list[Json]:
    """The codes of CodeableConcepts that need not be valid yet."""
    codings = [_listed(one.get("coding")) for one in _listed(concepts) if isinstance(one, dict)]
    return [one.get("code") for some in codings for one in some if isinstance(one, dict)]


def references_of(value: Json, name: str) -> list[str]:
    """The references of a member, in a resource that need not be valid yet."""
    found = [one.get("reference") for one in _listed(value.get(name)) if isinstance(one, dict)]
    return [one for one in found if isinstance(one, str)]


def _unnamed(value: Json, name: str) -> bool:
    """Whether a member names somebody by no reference."""
    return len(references_of(value, name)) < len([one for one in _listed(value.get(name)) if one is not None])


def _displays(value: Json, name: str) -> set[str]:
    """The names that a member calls whom it refers to by."""
    return {str(one["display"]) for one in _listed(value.get(name)) if isinstance(one, dict) and "display" in one}


def _listed(there: Json) -> list[Json]:
    return there if isinstance(there, list) else [there]
