"""A referral as resources: the ServiceRequest that asks, the Task that is its case, the Consent that lets it be seen.

The Task is known by its focus, a ServiceRequest that no plan ordered. Its status and `businessStatus` (CodeSystem/
referral-phase) are the case's state and phase, `statusReason` (CodeSystem/referral-reason) why the last step was taken,
`restriction.period` the days in which an answer is owed, `input` the next meeting, `output` among others the attempts
to reach the person (`attempt`). Not here: which step may follow which (`careplan.domain.referral`).
https://hl7.org/fhir/R4/servicerequest.html · https://hl7.org/fhir/R4/task.html ·
https://hl7.org/fhir/R4/consent.html · MedCom XREF15 «kommunehenvisning» is what it stands for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careplan.domain.referral import PHASE_OF, PHASES, REASONS, Case
from careplan.fhir import systems
from careplan.fhir.attempt import attempts_of
from careplan.fhir.instant import find_date, instant_text
from careplan.fhir.reading import coding_keys
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json

CASE, CASE_NAME = "henvisning", "Visitation af henvisning"
"""The activity that such a Task is."""

NEXT = "Næste dato"
NEEDS: Mapping[str, str] = {
    "interpreter": "Tolk",
    "transport": "Transport",
    "vision": "Nedsat syn",
    "hearing": "Nedsat hørelse",
}
"""Codes of CodeSystem/special-need, in the order they are offered."""

LAW = "Sundhedsloven § 41: videregivelse med patientens samtykke"


@dataclass(frozen=True, slots=True)
class Draft:
    """A referral as it is filled in, before anything is kept.

    receiver  logical id of the Organization; offer: what is asked for, in words
    reasons   references of the Conditions it is for; words: why, in words
    needs     codes of NEEDS; note: what else the receiver must know about them
    until     the last day the receiver sees the plan
    mark      of the form it comes by
    """

    receiver: str
    offer: str
    reasons: tuple[str, ...] = ()
    words: str = ""
    needs: tuple[str, ...] = ()
    note: str = ""
    until: date | None = None
    mark: str = ""


def request_from_draft(draft: Draft, patient: str, requester: str | None, at: datetime, on: date) -> dict[str, Any]:
    """The ServiceRequest, active from today until the last day of the draft."""
    return {
        "resourceType": "ServiceRequest",
        **({"identifier": [{"system": systems.URI, "value": draft.mark}]} if draft.mark else {}),
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "code": {"text": draft.offer},
        **({"orderDetail": _needs(draft)} if draft.needs or draft.note else {}),
        "subject": {"reference": f"Patient/{patient}"},
        "occurrencePeriod": {"start": on.isoformat(), **({"end": draft.until.isoformat()} if draft.until else {})},
        "authoredOn": instant_text(at),
        **({"requester": {"reference": requester}} if requester else {}),
        "performer": [{"reference": f"Organization/{draft.receiver}"}],
        **({"reasonCode": [{"text": draft.words}]} if draft.words else {}),
        **({"reasonReference": [{"reference": one} for one in draft.reasons]} if draft.reasons else {}),
    }


def _needs(draft: Draft) -> list[Json]:
    coded = [{"coding": [{"system": systems.SPECIAL_NEED, "code": one}], "text": NEEDS[one]} for one in draft.needs]
    return [*coded, *([{"text": draft.note}] if draft.note else [])]


def needs_of(request: Json) -> tuple[str, ...]:
    """The special needs a referral names, as words."""
    found = [one.get("text") or _need(one) for one in request.get("orderDetail", ())]
    return tuple(str(one) for one in found if one)


def _need(concept: Json) -> str:
    return next((NEEDS.get(code, "") for system, code in coding_keys(concept) if system == systems.SPECIAL_NEED), "")


def receivers_of(request: Json) -> tuple[str, ...]:
    """References of those who are asked."""
    return tuple(str(one.get("reference", "")) for one in request.get("performer", ()))


def task_from_request(request: Json, id: str, due: date, at: datetime) -> dict[str, Any]:
    """The case of a referral that is sent now: the receiving organisation's, until somebody there takes it."""
    reference = {"reference": f"ServiceRequest/{id}"}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "basedOn": [reference],
        "intent": "order",
        "code": {"coding": [{"system": systems.ACTIVITY, "code": CASE, "display": CASE_NAME}], "text": "Visitation"},
        "focus": reference,
        "for": request["subject"],
        "authoredOn": request["authoredOn"],
        "restriction": {"period": {"start": request["authoredOn"][:10], "end": due.isoformat()}},
    }
    task |= {"requester": request["requester"]} if "requester" in request else {}
    return task_with_case(task, Case(owner=receivers_of(request)[0]), at)


def consent_from_request(request: Json, id: str, clinic: str | None, classes: Iterable[str]) -> dict[str, Any]:
    """The patient's agreement that the receiver sees the slice, until the referral's last day.

    classes  the types of what is seen: the preview is made of no others
    """
    period, at = request["occurrencePeriod"], request["authoredOn"]
    role = {"coding": [{"system": systems.PARTICIPATION_TYPE, "code": "IRCP"}], "text": "Modtager"}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": systems.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": systems.LOINC, "code": "59284-0", "display": "Patient Consent"}]}],
        "patient": request["subject"],
        "dateTime": at,
        "performer": [request["subject"]],
        **({"organization": [{"reference": f"Organization/{clinic}"}]} if clinic else {}),
        "policyRule": {"text": LAW},
        "verification": [{"verified": True, "verifiedWith": request["subject"], "verificationDate": at}],
        "provision": {
            "type": "permit",
            "period": period,
            "actor": [{"role": role, "reference": one} for one in request["performer"]],
            "action": [{"coding": [{"system": systems.CONSENT_ACTION, "code": "access"}]}],
            "purpose": [{"system": systems.ACT_REASON, "code": "TREAT"}],
            "class": [{"system": systems.RESOURCE_TYPES, "code": one} for one in sorted(classes)],
            "data": [{"meaning": "related", "reference": {"reference": f"ServiceRequest/{id}"}}],
        },
    }


def request_of_consent(consent: Json, base: str | None = None) -> str | None:
    """`ServiceRequest/17` of the referral a Consent was given for; None for any other."""
    provision = consent.get("provision") or {}
    found = (_request(one.get("reference"), base) for one in provision.get("data", ()))
    permits = provision.get("type") == "permit"
    return next((one for one in found if permits and one), None)


def request_of_task(task: Json, base: str | None = None) -> str | None:
    """`ServiceRequest/17` that a Task is about; None for any other Task. The Task need not be valid yet."""
    return _request(task.get("focus"), base)


def _request(reference: Json | None, base: str | None) -> str | None:
    text = reference.get("reference") if isinstance(reference, dict) else None
    target = find_target(text, base) if isinstance(text, str) else None
    return f"ServiceRequest/{target.id}" if target is not None and target.type == "ServiceRequest" else None


def case_from_task(task: Json) -> Case:
    """Where the case stands."""
    why = task.get("statusReason") or {}
    return Case(
        status=str(task.get("status", "")),
        phase=phase_of(task),
        owner=str((task.get("owner") or {}).get("reference", "")),
        reason=next((code for system, code in coding_keys(why) if system == systems.REFERRAL_REASON), ""),
        text=str(why.get("text", "")),
        next_on=next_day(task),
        attempts=attempts_of(task),
    )


def phase_of(task: Json) -> str:
    """The code of its phase; where it names none of ours, that of its status."""
    coded = [code for system, code in coding_keys(task.get("businessStatus") or {}) if system == systems.REFERRAL_PHASE]
    return coded[0] if coded and coded[0] in PHASES else PHASE_OF.get(str(task.get("status")), "received")


def next_day(task: Json) -> date | None:
    """The next meeting that is agreed."""
    days = (one.get("valueDate") for one in task.get("input", ()) if (one.get("type") or {}).get("text") == NEXT)
    return next((day for one in days if (day := find_date(one)) is not None), None)


def asked_on(task: Json) -> date | None:
    """The day from which the deadline runs."""
    period = (task.get("restriction") or {}).get("period") or {}
    return find_date(period.get("start")) or find_date(task.get("authoredOn"))


def task_with_case(task: Json, case: Case, at: datetime) -> dict[str, Any]:
    """The Task as it is with the case standing so."""
    rest = {name: part for name, part in task.items() if name not in ("statusReason", "input")}
    inputs = [one for one in task.get("input", ()) if (one.get("type") or {}).get("text") != NEXT]
    if case.next_on is not None:
        inputs.append({"type": {"text": NEXT}, "valueDate": case.next_on.isoformat()})
    phase = {"system": systems.REFERRAL_PHASE, "code": case.phase, "display": PHASES[case.phase]}
    return {
        **rest,
        "status": case.status,
        **({"statusReason": reason_concept(case.reason, case.text)} if case.reason else {}),
        "businessStatus": {"coding": [phase], "text": PHASES[case.phase]},
        "lastModified": instant_text(at),
        "owner": {"reference": case.owner},
        **({"input": inputs} if inputs else {}),
    }


def reason_concept(code: str, text: str = "") -> dict[str, Any]:
    """A reason of ours, with words."""
    coding = {"system": systems.REFERRAL_REASON, "code": code, "display": REASONS[code]}
    return {"coding": [coding], "text": text or REASONS[code]}
