"""What a refusal looks like over HTTP: one table from our codes to status and FHIR issue code.

Not for finding faults, nor for logging them. Diagnostics are our own messages; what an unforeseen
error says stays inside, and no stack trace leaves.
Follows https://hl7.org/fhir/R4/operationoutcome.html and https://hl7.org/fhir/R4/http.html#Status-Codes.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from careplan.domain.errors import CareplanError, Fault


class Answer(NamedTuple):
    """What a code becomes.

    status  HTTP status of a request that ends with it
    issue   code of the value set issue-type
    keep    whether our message may be shown; else a general one is
    """

    status: int
    issue: str
    keep: bool = True


ANSWERS = {
    # the body
    "text-unparsable": Answer(400, "structure"),
    "resource-invalid": Answer(422, "invalid"),
    "element-unknown": Answer(422, "structure"),
    "element-missing": Answer(422, "required"),
    "element-repeated": Answer(422, "structure"),
    "element-empty": Answer(422, "structure"),
    "type-wrong": Answer(422, "structure"),
    "value-invalid": Answer(422, "value"),
    "code-invalid": Answer(422, "code-invalid"),
    "xhtml-unsafe": Answer(422, "invalid"),
    "reference-type-wrong": Answer(422, "value"),
    "invariant-broken": Answer(422, "invariant"),
    "profile-unknown": Answer(422, "not-found"),
    "profile-violated": Answer(422, "invalid"),
    "resource-type-mismatch": Answer(400, "invalid"),
    "id-mismatch": Answer(400, "invalid"),
    "patch-failed": Answer(422, "processing"),
    "bundle-invalid": Answer(400, "invalid"),
    # the request
    "login-required": Answer(401, "login"),
    "token-refused": Answer(401, "login"),
    "issuer-unavailable": Answer(503, "transient"),
    "forbidden": Answer(403, "forbidden"),
    "not-found": Answer(404, "not-found"),
    "type-unknown": Answer(404, "not-supported"),
    "operation-unknown": Answer(404, "not-supported"),
    "not-allowed": Answer(405, "not-supported"),
    "seal-faulty": Answer(400, "invalid"),
    "not-acceptable": Answer(406, "not-supported"),
    "deleted": Answer(410, "deleted"),
    "too-large": Answer(413, "too-long"),
    "media-type-unsupported": Answer(415, "not-supported"),
    "too-costly": Answer(422, "too-costly"),
    "expansion-impossible": Answer(422, "not-supported"),
    "expansion-too-large": Answer(422, "too-costly"),
    "parameter-unsupported": Answer(400, "not-supported"),
    "parameter-invalid": Answer(400, "invalid"),
    "async-required": Answer(400, "required"),
    "hook-invalid": Answer(400, "invalid"),
    "patient-mismatch": Answer(400, "invalid"),
    "record-needed": Answer(412, "not-found"),
    "too-many-exports": Answer(429, "throttled"),
    "range-beyond": Answer(416, "value"),
    "folder-taken": Answer(409, "conflict"),
    # versions and conditions
    "version-conflict": Answer(412, "conflict"),
    "multiple-matches": Answer(412, "multiple-matches"),
    "precondition-failed": Answer(412, "conflict"),
    "reference-unresolved": Answer(412, "not-found"),
    "guard-failed": Answer(409, "conflict"),
    "id-taken": Answer(409, "duplicate"),
    "cursor-invalid": Answer(400, "invalid"),
    "plan-exists": Answer(409, "duplicate"),
    "goal-exists": Answer(409, "duplicate"),
    "exclusion-exists": Answer(409, "duplicate"),
    "message-faulty": Answer(422, "business-rule"),
    "form-sent": Answer(409, "duplicate"),
    "call-unsaid": Answer(422, "required"),
    "clinic-missing": Answer(422, "business-rule"),
    "colleague-unknown": Answer(422, "business-rule"),
    "not-eligible": Answer(422, "business-rule"),
    "goal-unfit": Answer(422, "business-rule"),
    # care
    "unit-mismatch": Answer(422, "value"),
    "out-of-range": Answer(422, "value"),
    "value-type": Answer(422, "value"),
    "value-implausible": Answer(422, "business-rule"),
    "status-invalid": Answer(422, "business-rule"),
    "deviation-needs-reason": Answer(422, "business-rule"),
    "exclusion-needs-reason": Answer(422, "business-rule"),
    "emergency-needs-reason": Answer(422, "business-rule"),
    "review-own": Answer(403, "forbidden"),
    "review-needs-note": Answer(422, "business-rule"),
    "review-exists": Answer(409, "duplicate"),
    "term-faulty": Answer(422, "business-rule"),
    "kind-unknown": Answer(422, "code-invalid"),
    "only-reads": Answer(403, "forbidden"),
    "emergency-reads": Answer(403, "forbidden"),
    "representation-lost": Answer(403, "forbidden"),
    "choice-needed": Answer(409, "business-rule"),
    "deviation-needs-author": Answer(422, "business-rule"),
    "needs-doctor": Answer(403, "forbidden"),
    "recommendation-altered": Answer(422, "business-rule"),
    "achievement-wrong": Answer(422, "business-rule"),
    "agreement-dropped": Answer(422, "business-rule"),
    "measure-altered": Answer(422, "business-rule"),
    "patient-altered": Answer(422, "business-rule"),
    "patient-other": Answer(422, "business-rule"),
    "agent-other": Answer(422, "business-rule"),
    "review-other": Answer(422, "business-rule"),
    "message-sent": Answer(422, "business-rule"),
    "plan-ended": Answer(409, "business-rule"),
    "referral-step": Answer(409, "business-rule"),
    "referral-needs-reason": Answer(422, "business-rule"),
    "referral-needs-consent": Answer(422, "business-rule"),
    "referral-faulty": Answer(422, "business-rule"),
    "referral-altered": Answer(422, "business-rule"),
    "plan-empty": Answer(422, "business-rule"),
    "exclude-needs-reason": Answer(422, "business-rule"),
    "knowledge-faulty": Answer(500, "exception"),
    "questionnaire-faulty": Answer(500, "exception"),
    "answer-invalid": Answer(422, "value"),
    "reply-changed": Answer(409, "conflict"),
    "answers-sent": Answer(409, "conflict"),
    "answers-changed": Answer(409, "conflict"),
    "plans-share": Answer(422, "informational"),
    "targets-differ": Answer(422, "business-rule"),
    # the pages
    "form-faulty": Answer(400, "invalid"),
    "form-expired": Answer(403, "forbidden"),
    "sign-in-refused": Answer(403, "login"),
    "sign-in-denied": Answer(403, "login"),
    "sign-in-needed": Answer(403, "login"),
    "sign-in-expired": Answer(400, "login"),
    "sign-in-unfit": Answer(403, "forbidden"),
    "edition-unknown": Answer(400, "not-supported"),
    "font-missing": Answer(400, "not-supported"),
    "text-missing": Answer(500, "exception", keep=False),
    # the house
    "client-key-faulty": Answer(500, "exception"),
    "careplan-error": Answer(500, "exception", keep=False),
    "store-unavailable": Answer(503, "transient"),
    "query-too-long": Answer(503, "timeout"),
    "busy": Answer(503, "throttled"),
    "too-many-requests": Answer(429, "throttled"),
    "too-slow": Answer(408, "timeout"),
    "took-too-long": Answer(503, "timeout"),
}
"""Every code of ours, of errors and of faults. A test sees that no error's code is missing."""

_NUMBER = re.compile(r"(?<!\d)\d{6}-?\d{4}(?!\d)", re.ASCII)
UNFORESEEN = Answer(500, "exception", keep=False)
_GENERAL = "The server could not complete the request."


class ResourceInvalid(CareplanError):
    """The text is a JSON object but not a valid resource; `faults` holds every fault found."""

    code = "resource-invalid"


def outcome(issues: Iterable[Fault]) -> dict[str, Any]:
    """An OperationOutcome of one issue or more; with none it says that all is well."""
    listed = [_issue(fault) for fault in issues]
    well = {"severity": "information", "code": "informational", "diagnostics": "No issues detected"}
    return {"resourceType": "OperationOutcome", "issue": listed or [well]}


def outcome_from_error(error: Exception) -> tuple[int, dict[str, Any]]:
    """HTTP status and OperationOutcome for an error; one we did not foresee says nothing of itself.

    An error with faults of its own lists them, worst first; the status is that of the error.
    """
    if not isinstance(error, CareplanError):
        return UNFORESEEN.status, outcome([Fault("", "careplan-error", _GENERAL, "fatal")])
    answer = ANSWERS.get(error.code, UNFORESEEN)
    faults = error.faults or (Fault("", error.code, error.message),)
    return answer.status, outcome(sorted(faults, key=_rank))


def _rank(fault: Fault) -> int:
    return ("fatal", "error", "warning", "information").index(fault.severity)


def _issue(fault: Fault) -> dict[str, Any]:
    answer = ANSWERS.get(fault.code, UNFORESEEN)
    issue: dict[str, Any] = {
        "severity": fault.severity,
        "code": answer.issue,
        "details": {"text": fault.code},
        "diagnostics": _without_numbers(fault.message) if answer.keep else _GENERAL,
    }
    return issue | ({"expression": [_without_numbers(fault.expression)]} if fault.expression else {})


def _without_numbers(text: str) -> str:
    """Our message, person numbers left out that a caller put where a name belongs."""
    return _NUMBER.sub("…", text)
