"""A referral as resources: what is written is read again, and nothing else is taken for a case."""

from datetime import UTC, date, datetime

import pytest

from careplan.domain.referral import PHASE_OF, Case
from careplan.fhir import systems
from careplan.fhir.case import (
    Draft,
    asked_on,
    case_from_task,
    consent_from_request,
    needs_of,
    request_from_draft,
    request_of_consent,
    request_of_task,
    task_from_request,
    task_with_case,
)
from careplan.fhir.consent import consent_faults, rule_from_consent

AT, ON = datetime(2026, 11, 22, 9, tzinfo=UTC), date(2026, 11, 22)
DRAFT = Draft("town", "Afklarende samtale", ("Condition/c",), "Ord", ("transport",), "Går dårligt", date(2027, 5, 22))
REQUEST = request_from_draft(DRAFT, "p", "PractitionerRole/d", AT, ON)
TASK = task_from_request(REQUEST, "r", date(2026, 11, 27), AT)
BASE = "https://plan.example/fhir"


@pytest.mark.parametrize("status", sorted(PHASE_OF))
def test_a_case_that_is_written_is_read_again(status: str) -> None:
    case = Case(status, PHASE_OF[status], "PractitionerRole/v", "other", "Fordi", date(2026, 12, 1))
    task = task_with_case(TASK, case, AT)
    assert case_from_task(task) == case
    assert case_from_task(task_with_case(task, Case(owner="Organization/town"), AT)) == Case(owner="Organization/town")


@pytest.mark.parametrize("business", [{}, {"text": "Noget"}, {"coding": [{"system": "http://x", "code": "active"}]}])
def test_a_phase_that_is_none_of_ours_is_that_of_the_state(business: dict[str, object]) -> None:
    assert case_from_task({**TASK, "status": "accepted", "businessStatus": business}).phase == "accepted"


def test_other_inputs_of_the_task_stay() -> None:
    other = {"type": {"text": "Andet"}, "valueString": "x"}
    task = task_with_case({**TASK, "input": [other]}, Case(next_on=ON, owner="x"), AT)
    assert task["input"][0] == other and case_from_task(task).next_on == ON


def test_the_deadline_runs_from_the_day_it_was_sent() -> None:
    assert asked_on(TASK) == ON and asked_on({"authoredOn": "2026-11-20T10:00:00+01:00"}) == date(2026, 11, 20)


def test_special_needs_are_told_as_words() -> None:
    assert needs_of(REQUEST) == ("Transport", "Går dårligt")
    coded = {"coding": [{"system": systems.SPECIAL_NEED, "code": "hearing"}]}
    assert needs_of({"orderDetail": [coded, {"coding": [{"system": "http://x", "code": "y"}]}]}) == ("Nedsat hørelse",)


@pytest.mark.parametrize(
    ("focus", "found"),
    [
        ({"reference": "ServiceRequest/r"}, "ServiceRequest/r"),
        ({"reference": f"{BASE}/ServiceRequest/r"}, "ServiceRequest/r"),
        ({"reference": "https://elsewhere.example/fhir/ServiceRequest/r"}, None),
        ({"reference": "CarePlan/r"}, None),
        ({"display": "r"}, None),
        ("ServiceRequest/r", None),
        (None, None),
    ],
)
def test_a_task_is_known_by_the_referral_it_is_about(focus: object, found: str | None) -> None:
    assert request_of_task({"focus": focus}, BASE) == found


def test_the_agreement_is_one_that_can_be_kept_and_names_its_referral() -> None:
    consent = consent_from_request(REQUEST, "r", "north", ["Goal", "Patient"])
    assert list(consent_faults(consent, BASE)) == [] and request_of_consent(consent, BASE) == "ServiceRequest/r"
    rule = rule_from_consent({**consent, "id": "k"}, BASE)
    assert rule is not None and not rule.denies and rule.actors == {"Organization/town"}
    assert rule.types == {"Goal", "Patient"}
    denial = {**consent, "provision": {**consent["provision"], "type": "deny"}}
    assert request_of_consent(denial, BASE) is None
