"""The invariants that R4 itself sets between elements."""

from typing import Any

import pytest

from careplan.fhir.models import faults
from careplan.fhir.text import Digits

PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"given": ["Test"]}], "birthDate": "1958-03-12"}
OBSERVATION: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
REPORT: dict[str, Any] = {
    "resourceType": "MeasureReport",
    "status": "complete",
    "type": "summary",
    "measure": "https://x",
    "period": {"start": "2026"},
}
SEARCH: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "url": "https://x",
    "name": "x",
    "status": "draft",
    "description": "x",
    "code": "x",
    "base": ["Patient"],
    "type": "string",
}


def question(*items: dict[str, Any]) -> dict[str, Any]:
    numbered = [{"linkId": str(number), **item} for number, item in enumerate(items, 1)]
    return {"resourceType": "Questionnaire", "status": "draft", "item": numbered}


def asking(*conditions: dict[str, Any]) -> dict[str, Any]:
    return question({"type": "string"}, {"type": "string", "enableWhen": [{"question": "1", **x} for x in conditions]})


def stratified(stratum: dict[str, Any]) -> dict[str, Any]:
    return {**REPORT, "group": [{"stratifier": [{"stratum": [stratum]}]}]}


def operation(parameter: dict[str, Any]) -> dict[str, Any]:
    kind = {"system": False, "type": True, "instance": False}
    named = {"resourceType": "OperationDefinition", "name": "x", "status": "draft", "kind": "operation", "code": "x"}
    return {**named, **kind, "parameter": [parameter]}


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        (
            {
                "resourceType": "Encounter",
                "status": "planned",
                "class": {"code": "AMB"},
                "period": {"start": "2026-02", "end": "2026-01"},
            },
            "per-1",
        ),
        (
            {**OBSERVATION, "valuePeriod": {"start": "2026-01-01T10:00:00+02:00", "end": "2026-01-01T07:00:00Z"}},
            "per-1",
        ),
        ({**OBSERVATION, "valueRange": {"low": {"value": 2}, "high": {"value": 1}}}, "rng-2"),
        ({**OBSERVATION, "valueRange": {"low": {"value": 2, "comparator": "<"}}}, "sqty-1"),
        ({**OBSERVATION, "valueQuantity": {"value": 2, "code": "mg"}}, "qty-3"),
        ({**OBSERVATION, "valueRatio": {"numerator": {"value": 2}}}, "rat-1"),
        ({**OBSERVATION, "valueString": "x", "dataAbsentReason": {"text": "y"}}, "obs-6"),
        ({**OBSERVATION, "referenceRange": [{"appliesTo": [{"text": "y"}]}]}, "obs-3"),
        (
            {
                **OBSERVATION,
                "code": {"coding": [{"system": "s", "code": "c"}]},
                "valueString": "x",
                "component": [{"code": {"coding": [{"system": "s", "code": "c", "display": "d"}]}}],
            },
            "obs-7",
        ),
        ({"resourceType": "Patient", "telecom": [{"value": "1"}]}, "cpt-2"),
        ({"resourceType": "Patient", "photo": [{"data": "AAAA"}]}, "att-1"),
        ({"resourceType": "Patient", "contact": [{"gender": "male"}]}, "pat-1"),
        ({"resourceType": "Organization", "active": True}, "org-1"),
        ({"resourceType": "Organization", "name": "x", "address": [{"use": "home"}]}, "org-2"),
        (
            {
                "resourceType": "Goal",
                "lifecycleStatus": "active",
                "description": {"text": "x"},
                "subject": {"display": "x"},
                "target": [{"detailString": "x"}],
            },
            "gol-1",
        ),
        (
            {
                "resourceType": "Condition",
                "subject": {"display": "x"},
                "abatementString": "x",
                "clinicalStatus": {"coding": [{"code": "active"}]},
            },
            "con-4",
        ),
        (
            {
                "resourceType": "Condition",
                "subject": {"display": "x"},
                "clinicalStatus": {"coding": [{"code": "active"}]},
                "verificationStatus": {"coding": [{"code": "entered-in-error"}]},
            },
            "con-5",
        ),
        ({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": PATIENT}]}, "bdl-3"),
        (
            {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"resource": PATIENT, "request": {"method": "GET", "url": "x"}}],
            },
            "bdl-3",
        ),
        ({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:x"}]}, "bdl-5"),
        ({"resourceType": "Bundle", "type": "collection", "total": 1}, "bdl-1"),
        (
            {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:x", "resource": PATIENT}] * 2},
            "bdl-7",
        ),
        (
            {
                "resourceType": "ValueSet",
                "status": "draft",
                "compose": {"include": [{"valueSet": ["v"], "concept": [{"code": "x"}]}]},
            },
            "vsd-2",
        ),
        (
            {
                "resourceType": "Appointment",
                "status": "booked",
                "participant": [{"status": "accepted", "type": [{"text": "x"}]}],
            },
            "app-3",
        ),
        (
            {
                "resourceType": "Group",
                "type": "person",
                "actual": False,
                "member": [{"entity": {"reference": "Patient/1"}}],
            },
            "grp-1",
        ),
        (
            {
                "resourceType": "Task",
                "status": "draft",
                "intent": "order",
                "authoredOn": "2026-02-01",
                "lastModified": "2026-01-01",
            },
            "inv-1",
        ),
        (question({"type": "group"}), "que-1"),
        (question({"type": "display", "item": [{"linkId": "2", "type": "string"}]}), "que-1"),
        (question({"type": "string"}, {"type": "group", "item": [{"linkId": "1", "type": "string"}]}), "que-2"),
        (question({"type": "display", "code": [{"code": "x"}]}), "que-3"),
        (question({"type": "choice", "answerValueSet": "v", "answerOption": [{"valueString": "x"}]}), "que-4"),
        (question({"type": "boolean", "answerValueSet": "v"}), "que-5"),
        (question({"type": "display", "required": True}), "que-6"),
        (asking({"operator": "exists", "answerString": "x"}), "que-7"),
        (question({"type": "display", "initial": [{"valueString": "x"}]}), "que-8"),
        (question({"type": "display", "readOnly": True}), "que-9"),
        (question({"type": "date", "maxLength": 4}), "que-10"),
        (
            question({"type": "choice", "answerOption": [{"valueString": "x"}], "initial": [{"valueString": "x"}]}),
            "que-11",
        ),
        (asking(*[{"operator": "=", "answerString": "x"}] * 3), "que-12"),
        (question({"type": "string", "initial": [{"valueString": "x"}, {"valueString": "y"}]}), "que-13"),
        ({**REPORT, "type": "data-collection", "group": [{"code": {"text": "x"}}]}, "mrp-1"),
        (stratified({"value": {"text": "x"}, "component": [{"code": {"text": "x"}, "value": {"text": "y"}}]}), "mrp-2"),
        (stratified({"measureScore": {"value": 1}}), "mrp-2"),
        ({**SEARCH, "xpath": "f:Patient"}, "spd-1"),
        ({**SEARCH, "chain": ["name"]}, "spd-2"),
        (operation({"name": "x", "use": "in", "min": 0, "max": "1"}), "opd-1"),
        (operation({"name": "x", "use": "in", "min": 0, "max": "1", "type": "code", "searchType": "token"}), "opd-2"),
        (operation({"name": "x", "use": "in", "min": 0, "max": "1", "type": "code", "targetProfile": ["p"]}), "opd-3"),
        (
            {"resourceType": "Consent", "status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}]},
            "ppc-1",
        ),
        (
            {
                "resourceType": "Appointment",
                "status": "booked",
                "start": "2027-11-22T09:45:00+01:00",
                "end": "2027-11-22T10:15:00+01:00",
                "participant": [{"status": "accepted"}],
            },
            "app-1",
        ),
        (
            {
                "resourceType": "Appointment",
                "status": "waitlist",
                "start": "2027-11-22T09:45:00+01:00",
                "participant": [{"status": "accepted", "type": [{"text": "x"}]}],
            },
            "app-2",
        ),
        (
            {
                "resourceType": "Appointment",
                "status": "proposed",
                "cancelationReason": {"text": "x"},
                "participant": [{"status": "accepted", "type": [{"text": "x"}]}],
            },
            "app-4",
        ),
        (
            {
                "resourceType": "QuestionnaireResponse",
                "status": "completed",
                "item": [{"linkId": "1", "answer": [{"valueString": "x"}], "item": [{"linkId": "2"}]}],
            },
            "qrs-1",
        ),
    ],
)
def test_the_invariants_of_r4_hold(resource: dict[str, Any], key: str) -> None:
    assert [fault.message.split(":")[0] for fault in faults(resource) if fault.code == "invariant-broken"] == [key]


def test_equal_bounds_and_open_periods_are_in_order() -> None:
    for more in (
        {"valueRange": {"low": {"value": Digits("1.0")}, "high": {"value": 1}}},
        {"valuePeriod": {"start": "2026-01-02", "end": "2026-01-02"}},
        {"valuePeriod": {"start": "2026-01-02", "end": "2026-01-01T23:30:00-05:00"}},
        {"valuePeriod": {"end": "2026-01-02"}},
        {"valuePeriod": {"start": "2016-12-31T23:59:60Z", "end": "2017-01-01T00:00:00Z"}},
    ):
        assert faults({**OBSERVATION, **more}) == []


def test_a_questionnaire_may_ask_nested_questions_under_conditions() -> None:
    nested = {"type": "string", "item": [{"linkId": "1.1", "type": "display"}]}
    choice = {"type": "choice", "repeats": True, "answerOption": [{"valueString": "x", "initialSelected": True}]}
    twice = [{"question": "1", "operator": "exists", "answerBoolean": True}] * 2
    assert faults(question(nested, {**choice, "enableWhen": twice}, {"type": "open-choice", "maxLength": 9})) == []
