"""Operations about a person ask as reads do, and an overview holds what its audience may see."""

import pytest

from careplan.fhir.agreed import is_order
from careplan.interactions.access import Forbidden
from careplan.interactions.operations.asked import ParameterFaulty

from .conftest import BASE, Town, concept, condition, hba1c, personal, referral


async def test_operations_about_a_person_ask_as_reads_do(open_town: Town) -> None:
    for who in ("stranger", "birthe", "statistics"):
        for operation in ("Patient/$overview", "Patient/$recommended-targets"):
            with pytest.raises(Forbidden):
                await open_town.call(operation, "anna", who)
        with pytest.raises(Forbidden):
            await open_town.call("PlanDefinition/$apply", "diabetes", who, subject="Patient/anna")


async def kinds(town: Town, who: str, **asked: str) -> dict[str, int]:
    bundle = await town.call("Patient/$overview", "anna", who, **asked)
    found: dict[str, int] = {}
    for entry in bundle["entry"]:
        kind = entry["resource"]["resourceType"]
        if kind == "Goal" and entry["resource"]["lifecycleStatus"] == "proposed":
            kind = "proposal"
        found[kind] = found.get(kind, 0) + 1
    return found


@pytest.fixture
async def full(open_town: Town) -> Town:
    """Anna with two plans, a personal goal, medicine, and a diagnosis that is nobody's business but the clinic's."""
    await open_town.call("CarePlan/$establish", subject="Patient/anna", definition=["diabetes", "hjerte"])
    await open_town.post(personal("Gå ture"), "anna")
    drug = {
        "resourceType": "MedicationStatement",
        "id": "m1",
        "status": "active",
        "subject": {"reference": "Patient/anna"},
    }
    await open_town.put({**drug, "medicationCodeableConcept": concept("http://www.whocc.no/atc", "A10BA02")})
    await open_town.put(condition("private", "P76"))
    await open_town.put({**hba1c(1), "id": "other", "code": concept("http://loinc.org", "8302-9")})
    return open_town


async def test_an_overview_holds_what_its_audience_may_see(full: Town) -> None:
    clinic, own, slice_ = await kinds(full, "doctor"), await kinds(full, "anna"), await kinds(full, "visitator")
    assert clinic["CarePlan"] == own["CarePlan"] == slice_["CarePlan"] == 2
    assert clinic["proposal"] > 5
    assert "proposal" not in own and "proposal" not in slice_
    assert clinic["MedicationStatement"] == own["MedicationStatement"] == 1
    assert "MedicationStatement" not in slice_
    assert (clinic["Condition"], own["Condition"], slice_["Condition"]) == (3, 3, 2)
    assert (clinic["Observation"], slice_["Observation"]) == (2, 1)
    assert clinic["Goal"] == own["Goal"] == slice_["Goal"]
    assert slice_["ServiceRequest"] == 4  # the referral, and what is ordered: blood samples, eyes, feet
    assert "Provenance" not in slice_


async def test_whoever_is_referred_to_gets_the_slice_whatever_is_asked(full: Town) -> None:
    assert await kinds(full, "visitator", audience="clinic") == await kinds(full, "visitator")


async def test_the_clinic_may_look_as_others_do(full: Town) -> None:
    assert "proposal" not in await kinds(full, "doctor", audience="patient")
    assert "MedicationStatement" not in await kinds(full, "doctor", audience="referral")
    with pytest.raises(ParameterFaulty, match="patient, clinic, referral"):
        await kinds(full, "doctor", audience="everybody")


async def test_an_overview_names_each_resource_once_the_patient_first(full: Town) -> None:
    bundle = await full.call("Patient/$overview", "anna")
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert urls[0] == f"{BASE}/Patient/anna"
    assert len(urls) == len(set(urls))
    assert f"{BASE}/Organization/north" in urls


async def test_a_referral_to_somebody_else_is_not_shown(full: Town) -> None:
    await full.put(referral("r-city", to="city"))
    bundle = await full.call("Patient/$overview", "anna", "visitator")
    requests = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "ServiceRequest"]
    assert [one["id"] for one in requests if not is_order(one)] == ["r-anna"]
