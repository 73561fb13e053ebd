"""The people who each stand for a state of the pages come beside the others, and show what they are there for."""

from datetime import date

import pytest

from careplan.domain.referral import OPEN, PHASES
from careplan.synthetic.observation import Resource
from careplan.synthetic.people import clinic
from careplan.synthetic.situation import IDS

ON = date(2026, 11, 22)


def _nothing(_resources: list[Resource], _on: date) -> list[Resource]:
    return []


@pytest.fixture(scope="module")
def situations() -> dict[str, list[Resource]]:
    plain = list(clinic(7, 30, on=ON, recommend=_nothing))
    more = list(clinic(7, 30, on=ON, recommend=_nothing, states=True))
    assert more[: len(plain)] == plain
    return {one["entry"][0]["resource"]["id"]: [row["resource"] for row in one["entry"]] for one in more[len(plain) :]}


def _of(record: list[Resource], kind: str) -> list[Resource]:
    return [one for one in record if one["resourceType"] == kind]


def test_they_come_last_and_change_nobody_else(situations: dict[str, list[Resource]]) -> None:
    assert tuple(situations) == IDS


def test_every_value_of_ingrid_is_older_than_fifteen_months(situations: dict[str, list[Resource]]) -> None:
    values = _of(situations["ingrid"], "Observation")
    assert values and max(one["effectiveDateTime"][:10] for one in values) < "2025-08-22"


def test_the_plan_of_jens_is_a_draft(situations: dict[str, list[Resource]]) -> None:
    assert [plan["status"] for plan in _of(situations["jens"], "CarePlan")] == ["draft"]
    assert {task["status"] for task in _of(situations["jens"], "Task")} == {"draft"}


def test_the_year_of_kirstens_target_is_over(situations: dict[str, list[Resource]]) -> None:
    (control,) = [one for one in _of(situations["kirsten"], "Task") if one["code"].get("text") == "Årskontrol"]
    assert control["restriction"]["period"]["end"] < ON.isoformat()


def test_leif_lets_the_clinic_see_nothing(situations: dict[str, list[Resource]]) -> None:
    (bar,) = [one for one in _of(situations["leif"], "Consent") if one["provision"]["type"] == "deny"]
    assert bar["patient"] == {"reference": "Patient/leif"}
    assert bar["provision"]["actor"][0]["reference"] == {"reference": "Organization/clinic-own"}


def test_nils_and_olga_have_sent_answers_since_their_last_control(situations: dict[str, list[Resource]]) -> None:
    for id, forms in (("nils", {"who5", "cat", "mrc", "samtale"}), ("olga", {"who5", "samtale"})):
        sent = _of(situations[id], "QuestionnaireResponse")
        assert {one["questionnaire"].rpartition("/")[2] for one in sent} == forms
        assert {one["status"] for one in sent} == {"completed"}
        (control,) = _of(situations[id], "Encounter")
        assert all(control["period"]["start"] < one["authored"] < ON.isoformat() for one in sent)


def test_a_case_stands_in_every_phase_there_is(situations: dict[str, list[Resource]]) -> None:
    requests = {one["id"]: one for some in situations.values() for one in _of(some, "ServiceRequest")}
    tasks = [one for some in situations.values() for one in _of(some, "Task")]
    cases = [one for one in tasks if one.get("focus", {}).get("reference", "").startswith("ServiceRequest/")]
    assert {one["businessStatus"]["coding"][0]["code"] for one in cases} == set(PHASES)
    for case in cases:
        request = requests[case["focus"]["reference"].partition("/")[2]]
        assert (request["status"] == "active") == (case["status"] in OPEN), case["id"]
