"""Computed values as `$overview` and `$recommended-targets` show them, and that none of them is stored."""

import pytest

from careplan.fhir.text import Json

from .conftest import BASE, Town, measured


@pytest.fixture
async def measured_town(town: Town) -> Town:
    """Anna with a diabetes plan, and a creatinine without an eGFR."""
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    await town.put({**measured("NPU18016", 150, "umol/L"), "id": "creatinine"})
    return town


async def computed(town: Town, who: str, **asked: str) -> dict[str, Json]:
    bundle = await town.call("Patient/$overview", "anna", who, **asked)
    entries = [entry for entry in bundle["entry"] if "derivedFrom" in entry["resource"]]
    assert all(entry["fullUrl"].startswith("urn:uuid:") and "id" not in entry["resource"] for entry in entries)
    return {entry["resource"]["method"]["text"]: entry["resource"] for entry in entries}


@pytest.mark.parametrize("who", ["doctor", "anna"])
async def test_an_overview_tells_the_computed_egfr_and_the_newer_formula_beside_it(
    measured_town: Town, who: str
) -> None:
    found = await computed(measured_town, who)
    assert {name: one["valueQuantity"]["value"] for name, one in found.items()} == {
        "CKD-EPI 2009": 32,
        "CKD-EPI 2021": 34,
    }
    for one in found.values():
        assert one["derivedFrom"] == [{"reference": f"{BASE}/Observation/creatinine"}]
        assert one["subject"] == {"reference": f"{BASE}/Patient/anna"}


async def test_nothing_computed_is_stored(measured_town: Town) -> None:
    await computed(measured_town, "doctor")
    assert [one["id"] for one in await measured_town.find("Observation", patient="anna")] == ["creatinine"]


async def test_a_reported_value_of_the_day_stands_alone(measured_town: Town) -> None:
    await measured_town.put({**measured("DNK35302", 58, "mL/min/{1.73_m2}"), "id": "egfr"})
    assert await computed(measured_town, "doctor") == {}


async def test_the_same_value_has_the_same_address_each_time(measured_town: Town) -> None:
    urls = [
        {
            e["fullUrl"]
            for e in (await measured_town.call("Patient/$overview", "anna"))["entry"]
            if "derivedFrom" in e["resource"]
        }
        for _ in range(2)
    ]
    assert urls[0] == urls[1] and len(urls[0]) == 2
