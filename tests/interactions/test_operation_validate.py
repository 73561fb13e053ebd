"""$validate: every fault of a resource, against the profiles it claims and those asked for; nothing is stored."""

from pathlib import Path
from typing import Any

import pytest

from careplan.app import open_house
from careplan.fhir import systems
from careplan.fhir.registry import TYPES
from careplan.fhir.text import dump, parse
from careplan.interactions.access import Forbidden
from careplan.interactions.caller import SYSTEM
from careplan.interactions.context import Context
from careplan.interactions.operations import OPERATIONS
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.precondition import ResourceTypeMismatch
from careplan.published import read_profiles
from careplan.settings import Settings
from careplan.store.protocol import Deleted, NotFound

from .conftest import BASE, NOW, PROFILES, Json, Town, concept, hba1c, patient

DANISH = PROFILES.parents[1] / "shared" / "data" / "dk-core"
PLAN = {
    "resourceType": "CarePlan",
    "status": "active",
    "intent": "plan",
    "subject": {"reference": "Patient/anna"},
    "category": [concept(systems.PLAN_TYPE, "diabetes")],
    "period": {"start": "2026-01-01"},
}


async def found(town: Town, type_name: str, id: str | None = None, who: str = "doctor", **asked: Any) -> list[Json]:
    """The issues but the one that says all is well."""
    before = await town.everything()
    outcome = await town.call(f"{type_name}/$validate", id, who, **asked)
    assert outcome["resourceType"] == "OperationOutcome" and outcome["issue"]
    assert await town.everything() == before
    issues: list[Json] = outcome["issue"]
    return [one for one in issues if one["code"] != "informational"]


async def test_a_good_resource_has_no_issues(town: Town) -> None:
    """R4-109."""
    outcome = await town.call("Observation/$validate", None, "doctor", resource=hba1c(50))
    assert [(one["severity"], one["code"]) for one in outcome["issue"]] == [("information", "informational")]


async def test_every_fault_is_listed_with_its_place(town: Town) -> None:
    """R4-109: an answer, not a refusal; warnings beside errors."""
    bad = {**hba1c(50), "status": "nope", "coloured": True, "meta": {"profile": ["http://else.where/profile"]}}
    del bad["code"]
    issues = await found(town, "Observation", resource=bad)
    assert {(one["severity"], one["expression"][0]) for one in issues} == {
        ("error", "Observation.status"),
        ("error", "Observation.coloured"),
        ("error", "Observation.code"),
        ("warning", "Observation.meta.profile"),
    }


async def test_profiles_claimed_are_enforced(town: Town) -> None:
    """R4-109: by meta.profile."""
    claim = {"profile": [systems.PROFILE_OBSERVATION]}
    undated = {name: part for name, part in hba1c(50).items() if name != "effectiveDateTime"}
    assert await found(town, "Observation", resource=undated) == []
    issues = await found(town, "Observation", resource=undated | {"meta": claim})
    assert issues and all(one["severity"] == "error" for one in issues)


async def test_profiles_asked_for_are_enforced_though_not_claimed(town: Town) -> None:
    """R4-109: by parameter, with a version too, and several."""
    undated = {name: part for name, part in hba1c(50).items() if name != "effectiveDateTime"}
    for profile in (systems.PROFILE_OBSERVATION, f"{systems.PROFILE_OBSERVATION}|2026.1"):
        for mode in ({}, {"mode": "profile"}):
            issues = await found(town, "Observation", resource=undated, profile=profile, **mode)
            assert [one["severity"] for one in issues] == ["error"], profile
    both = [systems.PROFILE_OBSERVATION, systems.PROFILE_GOAL]
    texts = [one["diagnostics"] for one in await found(town, "Observation", resource=undated, profile=both)]
    assert len(texts) == 2 and "profile of Goal" in texts[1]


async def test_an_unknown_profile_is_an_error_when_asked_for(town: Town) -> None:
    """R4-109: it is not vouched for; a profile that is R4's own type is that type."""
    for where in ({"resource": hba1c(50)}, {"resource": hba1c(50, meta={"profile": ["http://no/such"]})}):
        issues = await found(town, "Observation", profile="http://no/such", **where)
        assert [(one["severity"], one["code"]) for one in issues] == [("error", "not-found")]
    plain = "http://hl7.org/fhir/StructureDefinition/"
    assert await found(town, "Observation", resource=hba1c(50), profile=f"{plain}Observation") == []
    assert await found(town, "Observation", resource=hba1c(50), profile=f"{plain}Patient") != []


async def test_what_is_stored_is_validated_by_its_id(town: Town) -> None:
    """R4-109: alone, against a profile, and unless something is sent in its place."""
    await town.put({name: part for name, part in hba1c(50, id="o").items() if name != "effectiveDateTime"})
    assert await found(town, "Observation", "o") == []
    assert await found(town, "Observation", "o", mode="profile", profile=systems.PROFILE_OBSERVATION) != []
    assert await found(town, "Observation", "o", resource={**hba1c(50), "status": "nope"}) != []
    with pytest.raises(NotFound):
        await found(town, "Observation", "nobody", "system")
    with pytest.raises(Forbidden):
        await found(town, "Observation", "o", "stranger")
    await town.delete("Observation/o")
    with pytest.raises(Deleted):
        await found(town, "Observation", "o")


async def test_a_create_is_judged_by_what_stands(town: Town) -> None:
    """R4-109: mode=create finds a second active plan, and a caller who may not write."""
    assert await found(town, "CarePlan", resource=PLAN, mode="create") == []
    await town.post(PLAN)
    assert await found(town, "CarePlan", resource=PLAN) == []
    assert [one["code"] for one in await found(town, "CarePlan", resource=PLAN, mode="create")] == ["duplicate"]
    denied = await found(town, "CarePlan", None, "anna", resource=PLAN, mode="create")
    assert [one["code"] for one in denied] == ["forbidden"]
    published = {"resourceType": "CodeSystem", "status": "active", "content": "complete"}
    refused = await found(town, "CodeSystem", resource=published, mode="create")
    assert [one["code"] for one in refused] == ["not-supported"]


async def test_an_update_is_judged_by_its_address_and_by_what_stands(town: Town) -> None:
    """R4-109: mode=update."""
    await town.put({**PLAN, "id": "p"})
    assert await found(town, "CarePlan", "p", resource={**PLAN, "id": "p"}, mode="update") == []
    assert await found(town, "CarePlan", resource={**PLAN, "id": "p"}, mode="update") == []
    other = await found(town, "CarePlan", "p", resource={**PLAN, "id": "q"}, mode="update")
    assert [(one["code"], one["expression"]) for one in other] == [("invalid", ["CarePlan.id"])]
    second = await found(town, "CarePlan", "q", resource={**PLAN, "id": "q"}, mode="update")
    assert [one["code"] for one in second] == ["duplicate"]
    cpr = await found(town, "Patient", resource=patient("0101010000"), mode="update")
    assert [one["expression"] for one in cpr] == [["Patient.id"]]
    moved = hba1c(50, id="carls", of="carl")
    await town.put(moved)
    taken = {**moved, "subject": {"reference": "Patient/anna"}}
    assert [one["code"] for one in await found(town, "Observation", resource=taken, mode="update")] == ["forbidden"]
    with pytest.raises(ParameterFaulty):
        await found(town, "CarePlan", resource=PLAN, mode="update")


async def test_faulty_content_is_not_asked_for_more(town: Town) -> None:
    for odd in ({"subject": 7}, {"subject": {"reference": 7}}, {"category": "x"}, {"id": 7}, {"meta": []}):
        for mode in ({}, {"mode": "create"}):
            assert await found(town, "CarePlan", resource=PLAN | odd, **mode) != [], odd


async def test_a_delete_is_judged_by_who_asks(town: Town) -> None:
    """R4-109: mode=delete; what refers to the resource does not keep it."""
    await town.put(hba1c(50, id="o"))
    assert await found(town, "Observation", "o", mode="delete") == []
    assert await found(town, "Patient", "anna", mode="delete") == []
    assert [one["code"] for one in await found(town, "Observation", "o", "anna", mode="delete")] == ["forbidden"]
    assert [one["code"] for one in await found(town, "CodeSystem", "measure", mode="delete")] == ["not-supported"]
    with pytest.raises(ParameterFaulty):
        await found(town, "Observation", resource=hba1c(50), mode="delete")


async def test_what_cannot_be_looked_at_is_refused(town: Town) -> None:
    for asked in ({}, {"resource": hba1c(50), "mode": "look"}, {"resource": hba1c(50), "mode": "profile"}):
        with pytest.raises(ParameterFaulty):
            await found(town, "Observation", **asked)
    with pytest.raises(ParameterFaulty):
        await found(town, "Observation", resource=hba1c(50), profile={"reference": "x"})
    for odd in (patient("anna"), {}, "Observation", 7):
        with pytest.raises(ResourceTypeMismatch):
            await found(town, "Observation", resource=odd)


def test_every_type_can_be_validated() -> None:
    """R4-109."""
    for name, row in TYPES.items():
        for level in ("type", "instance"):
            assert "validate" in row.operations[level] and (name, level, "validate") in OPERATIONS


@pytest.mark.skipif(not DANISH.is_dir(), reason="the dk-core profiles are not beside the repository")
async def test_a_deployment_may_add_profiles_of_its_own(tmp_path: Path) -> None:
    """R4-109: dk-core beside ours in the folder of the setting."""
    terms = [path for kind in ("CodeSystem", "ValueSet") for path in (DANISH / "terminology").glob(f"{kind}-*.json")]
    for path in (*PROFILES.glob("*.json"), *(DANISH / "profiles").glob("*.json"), *terms):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert len(read_profiles(tmp_path)) > 60
    dk_patient = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-patient"
    bad = patient("p", identifier=[{"use": "official", "system": systems.CPR, "value": "9999999999"}])
    async with open_house(Settings(store=":memory:", secret="x", profiles=tmp_path)) as house:
        context = Context(house, SYSTEM, NOW, lambda: "new", BASE)
        asked = Asked(None, {"resource": [bad], "profile": [dk_patient]}, BASE)
        outcome = parse(await OPERATIONS["Patient", "type", "validate"].run(context, asked))
        assert "error" in {one["severity"] for one in outcome["issue"]}, dump(outcome)
        url = {"url": ["http://hl7.dk/fhir/core/ValueSet/dk-core-MunicipalityCodes"], "filter": ["aarhus"]}
        expanded = parse(await OPERATIONS["ValueSet", "type", "expand"].run(context, Asked(None, url, BASE)))
        assert [one["code"] for one in expanded["expansion"]["contains"]] == ["0751"]
