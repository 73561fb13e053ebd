"""What patients, relatives and those referred to may write: their own words, never a fact a clinician answers for.

Not here: which types a role writes, and in whose record (`access`).
"""

from collections.abc import Mapping

from careplan.fhir.exclusion import is_offer
from careplan.fhir.goal import is_personal
from careplan.fhir.systems import FACT, normal_system
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


def find_refusal(context: Context, type_name: str, value: Json) -> str | None:
    """Why a guest may not write this; None: nothing against it."""
    if type_name == "Observation" and FACT in _systems(value.get("code")):
        return "what a clinician judges, such as frailty, is entered by the clinic"
    if type_name == "Observation" and _is_score(value):
        return "what answers come to is worked out by the service; correct the answers"
    if type_name == "Task" and is_offer(value):
        return "whether a plan is offered is entered by the clinic"
    if context.caller.role == "patient":
        return _find_foreign(context, type_name, value)
    if not _names_caller(context, value):
        who = f"Organization/{context.caller.organization}"
        return f"{who} writes and changes what names it as performer, owner or requester"
    return None


def _find_foreign(context: Context, type_name: str, value: Json) -> str | None:
    """A patient writes home values, answers, questions, consent and personal goals, nothing a clinician decides."""
    own, member = speaker_of(context), OWN.get(type_name)
    named = [] if member is None else references_of(value, member)
    if member is not None and named != [own] and (named or type_name != "Consent"):
        return f"a {type_name} that a patient writes names {own} as {member}, and nobody else"
    if type_name == "QuestionnaireResponse" and "source" in value and references_of(value, "source") != [own]:
        return f"answers that a patient writes are {own}'s: source names the same, or is left out"
    if type_name == "Communication" and "inResponseTo" in value:
        return "the clinic answers messages; a patient asks anew"
    if type_name == "Goal" and not is_personal(value):
        return "a patient writes personal goals; targets are agreed with the clinic"
    return None


def speaker_of(context: Context) -> str:
    """Who says what is written: the patient, or the relative who acts for one."""
    return str(context.caller.reference) if is_relative(context) else f"Patient/{context.caller.patient}"


def _is_score(value: Json) -> bool:
    """Whether an Observation is drawn from answers."""
    return any("QuestionnaireResponse/" in one for one in references_of(value, "derivedFrom"))


def _names_caller(context: Context, value: Json) -> bool:
    """Whether a value or a task is of the caller's organisation or of the caller: its performer, owner or requester."""
    ours = {f"Organization/{context.caller.organization}", context.caller.reference}
    return any(one in ours for name in ("performer", "owner", "requester") for one in references_of(value, name))


def _systems(concept: Json) -> set[str]:
    """The systems of the codings of a CodeableConcept that need not be valid yet."""
    codings = _listed(concept.get("coding") if isinstance(concept, dict) else None)
    found = [one.get("system") for one in codings if isinstance(one, dict)]
    return {normal_system(one) for one in found if isinstance(one, str)}


def references_of(value: Json, name: str) -> list[str]:
    """The references of a member, in a resource that need not be valid yet."""
    found = [one.get("reference") for one in _listed(value.get(name)) if isinstance(one, dict)]
    return [one for one in found if isinstance(one, str)]


def _listed(there: Json) -> list[Json]:
    return there if isinstance(there, list) else [there]
