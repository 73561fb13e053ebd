"""What a clinician who opens a patient is told: each kind exactly when it should be, and what came along with it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.exclusion import Exclusion, task_from_exclusion
from careplan.fhir.text import dump, parse
from careplan.interactions.access import Forbidden
from careplan.interactions.advice import Advice, advice
from careplan.interactions.brought import Brought, PatientMismatch, RecordNeeded, read_brought
from careplan.interactions.match import MultipleMatches

from .conftest import NOW, Json, Town, concept, condition, hba1c, measured, patient
from .test_eligible import plan

CPR_OF_ANNA = {"system": systems.CPR, "value": "2005663996"}


async def told(town: Town, who: str = "doctor", id: str = "anna", **brought: Any) -> Advice:
    context = town.as_(who)
    return advice(context, await read_brought(context, Brought(id, **brought)))


def kinds(found: Advice) -> dict[str, list[str]]:
    """What there is of each kind, by plan or measure."""
    return {
        "offers": [one.plan.id for one in found.offers],
        "overdue": [one.plan.id for one in found.overdue],
        "outside": [one.measure.id for one in found.outside],
        "renewals": [one.measure.id for one in found.renewals],
        "expired": [one.measure.id for one in found.expired],
    }


def some(**found: Sequence[str]) -> dict[str, list[str]]:
    """Of these kinds these, of the others nothing."""
    return {name: list(found.get(name, ())) for name in kinds(Advice())}


async def establish(town: Town, *plans: str) -> None:
    await town.call(
        "CarePlan/$establish",
        subject={"reference": "Patient/anna"},
        definition=[f"{systems.CANONICAL}/PlanDefinition/{one}" for one in plans],
    )


async def test_a_patient_without_plans_is_to_be_offered_those_that_fit(town: Town) -> None:
    found = await told(town)
    assert kinds(found) == some(offers=["diabetes", "hjerte"])
    assert {one.plan.id: one.eligibility.must_offer for one in found.offers} == {"diabetes": False, "hjerte": "allowed"}


async def test_a_patient_with_no_disease_is_told_nothing_of(town: Town) -> None:
    assert kinds(await told(town, id="birthe")) == some()


async def test_a_plan_that_was_declined_is_not_offered_until_the_day_to_ask_again(town: Town) -> None:
    no = Exclusion("diabetes", "patient-wish", "", None, None, NOW.date().replace(year=2027))
    await town.put({**task_from_exclusion(no, "anna", NOW), "id": "no"})
    assert kinds(await told(town)) == some(offers=["hjerte"])
    town.later(days=400)
    assert kinds(await told(town)) == some(offers=["diabetes", "hjerte"])


async def test_plans_in_order_and_values_in_range_say_nothing(town: Town) -> None:
    await town.put({**hba1c(50), "id": "h1"})
    await establish(town, "diabetes", "hjerte")
    assert kinds(await told(town)) == some()


async def test_a_plan_is_overdue_from_the_day_it_should_have_been_reviewed(town: Town) -> None:
    await town.put(plan("p1", "diabetes", "anna", "2025-06-10"), plan("p2", "hjerte", "anna", "2025-12-10"))
    found = await told(town)
    assert kinds(found) == some(overdue=["diabetes"])
    (overdue,) = found.overdue
    assert (overdue.saved.isoformat(), overdue.since.isoformat()) == ("2025-06-10", "2026-06-10")


@pytest.mark.parametrize(
    ("value", "outside"), [("1.3", []), ("1.5", []), ("2.6", ["ldl"])], ids=["in target", "near", "out"]
)
async def test_only_what_is_outside_is_told_and_near_is_not(town: Town, value: str, outside: list[str]) -> None:
    await establish(town, "hjerte")
    await town.put({**measured("NPU01568", 9, "mmol/L", "2026-11-01"), "id": "old"})
    number = parse(f'{{"value": {value}}}'.encode())["value"]
    await town.put({**measured("NPU01568", number, "mmol/L", "2026-11-15"), "id": "new"})
    assert kinds(await told(town))["outside"] == outside


async def test_a_value_too_old_to_conclude_from_is_told_as_old_and_after_the_others(town: Town) -> None:
    await establish(town, "diabetes", "hjerte")
    await town.put({**hba1c(90, "2024-08-01"), "id": "h1"}, {**measured("NPU01568", 9, "mmol/L"), "id": "l1"})
    assert [(one.measure.id, one.old) for one in (await told(town)).outside] == [("ldl", False), ("hba1c", True)]


async def test_another_recommendation_than_the_plan_was_made_from_is_told_with_both(town: Town) -> None:
    await town.delete("Condition/anna-ihd", "system")
    await establish(town, "diabetes")
    assert kinds(await told(town)) == some()
    await town.put(condition("anna-ihd", "K74", "2024-05-20"))
    found = await told(town)
    assert kinds(found) == some(offers=["hjerte"], renewals=["hba1c", "ldl"])
    renewal = found.renewals[1]
    assert renewal.before is not None and renewal.before.high is not None
    assert renewal.now.target.high is not None and renewal.now.target.high < renewal.before.high


async def test_the_same_target_by_another_row_is_not_told(town: Town) -> None:
    await town.put({**hba1c(50), "id": "h1"})
    await establish(town, "diabetes", "hjerte")
    (goal,) = [one for name, one in (await town.goals()).items() if name.startswith("LDL")]
    text = dump(goal).decode()
    await town.put(parse(text.replace("LDL-04", "LDL-99").encode()))
    assert kinds(await told(town)) == some()


async def test_an_individual_target_is_told_of_the_day_after_its_last(town: Town) -> None:
    role = {"resourceType": "PractitionerRole", "id": "doctor", "organization": {"reference": "Organization/north"}}
    await town.put({**role, "code": [concept(systems.PROFESSION, "7170")]})
    await establish(town, "diabetes")
    goal = (await town.goals())["HbA1c"]
    last = (NOW.date() + timedelta(days=1)).isoformat()
    await town.call("Goal/$set-individual-target", goal["id"], reason="frailty", high=64, valid_until=last)
    town.later(days=1)
    assert kinds(await told(town))["expired"] == []
    town.later(days=1)
    assert kinds(await told(town))["expired"] == ["hba1c"]


async def test_of_the_dead_nothing_is_told(town: Town) -> None:
    await town.put(plan("p1", "diabetes", "anna", "2025-06-10"), patient("anna", deceasedDateTime="2026-11-01"))
    assert kinds(await told(town)) == some()


# ── what comes along ─────────────────────────────────────────────────────────────────────────────


def brought(**resources: Sequence[Json]) -> Mapping[str, Sequence[Json]]:
    return resources


async def test_a_value_brought_along_counts_and_is_not_stored(town: Town) -> None:
    await town.put({**hba1c(50), "id": "h1"})
    await establish(town, "diabetes")
    before = await town.everything()
    newer = {**hba1c(90, "2026-11-20"), "id": "theirs"}
    found = await told(town, resources=brought(Observation=[newer]))
    assert kinds(found)["outside"] == ["hba1c"]
    assert await town.everything() == before
    assert kinds(await told(town))["outside"] == []


async def test_a_diagnosis_brought_along_makes_a_plan_one_to_offer(town: Town) -> None:
    kol = condition("theirs", "R95", of="anna")
    assert "kol" in kinds(await told(town, resources=brought(Condition=[kol])))["offers"]


async def test_a_resource_that_both_have_counts_once_as_it_was_brought(town: Town) -> None:
    await town.put({**hba1c(90), "id": "h1"})
    await establish(town, "diabetes")
    assert kinds(await told(town))["outside"] == ["hba1c"]
    withdrawn = {**hba1c(90), "id": "h1", "status": "entered-in-error"}
    assert kinds(await told(town, ours=True, resources=brought(Observation=[withdrawn])))["outside"] == []


async def test_the_same_id_on_another_server_is_another_resource(town: Town) -> None:
    await town.put(patient("anna", identifier=[CPR_OF_ANNA]), {**hba1c(90), "id": "h1"})
    await establish(town, "diabetes")
    withdrawn = {**hba1c(90), "id": "h1", "status": "entered-in-error"}
    theirs = patient("their-7", identifier=[CPR_OF_ANNA])
    found = await told(town, id="their-7", ours=False, patient=theirs, resources=brought(Observation=[withdrawn]))
    assert kinds(found)["outside"] == ["hba1c"]


async def test_the_same_identifier_on_another_server_is_the_same_resource(town: Town) -> None:
    number = {"identifier": [{"system": "urn:oid:1.2.3", "value": "sample-1"}]}
    await town.put(patient("anna", identifier=[CPR_OF_ANNA]), {**hba1c(90), "id": "h1", **number})
    await establish(town, "diabetes")
    withdrawn = {**hba1c(90), "id": "x", "status": "entered-in-error", **number}
    theirs = patient("their-7", identifier=[CPR_OF_ANNA])
    found = await told(town, id="their-7", ours=False, patient=theirs, resources=brought(Observation=[withdrawn]))
    assert kinds(found)["outside"] == []


async def test_values_that_share_the_number_of_a_blood_test_are_all_counted(town: Town) -> None:
    await establish(town, "diabetes", "hjerte")
    number = {"identifier": [{"system": "urn:oid:1.2.3", "value": "requisition-1"}]}
    values = [{**hba1c(90), "id": "x1", **number}, {**measured("NPU01568", 9, "mmol/L"), "id": "x2", **number}]
    assert kinds(await told(town, resources=brought(Observation=values)))["outside"] == ["hba1c", "ldl"]


async def test_a_plan_brought_along_does_not_replace_ours(town: Town) -> None:
    await town.put(plan("p1", "diabetes", "anna", "2026-06-10"))
    stale = plan("p1", "diabetes", "anna", "2020-06-10")
    assert kinds(await told(town, ours=True, resources=brought(CarePlan=[stale])))["overdue"] == []


async def test_a_patient_of_another_server_is_found_by_person_number(town: Town) -> None:
    await town.put(patient("anna", identifier=[CPR_OF_ANNA]), plan("p1", "diabetes", "anna", "2025-06-10"))
    written = {"system": "http://www.cpr.dk/cpr-systemet", "value": "200566-3996"}
    context = town.as_("doctor")
    found = await read_brought(
        context, Brought("their-7", ours=False, patient=patient("their-7", identifier=[written]))
    )
    assert found.id == "anna"
    assert kinds(advice(context, found))["overdue"] == ["diabetes"]


WHOLE = {"Condition": [], "Observation": [], "MedicationStatement": []}


async def test_the_id_of_another_server_is_never_taken_for_one_of_ours(town: Town) -> None:
    found = await told(town, id="anna", ours=False, patient=patient("anna"), resources=WHOLE)
    assert kinds(found) == some()


async def test_a_patient_who_is_not_ours_is_told_of_by_what_was_brought_alone(town: Town) -> None:
    resources = WHOLE | {"Condition": [condition("c", "T90", of="their-7")]}
    found = await told(town, id="their-7", ours=False, patient=patient("their-7"), resources=resources)
    assert kinds(found) == some(offers=["diabetes"])


@pytest.mark.parametrize("left_out", ["Patient", "Condition", "Observation", "MedicationStatement"])
async def test_a_patient_who_is_not_ours_must_be_brought_whole(town: Town, left_out: str) -> None:
    resources = {name: some for name, some in WHOLE.items() if name != left_out}
    theirs = None if left_out == "Patient" else patient("their-7")
    with pytest.raises(RecordNeeded, match=left_out):
        await told(town, id="their-7", patient=theirs, resources=resources)


async def test_a_patient_of_others_is_answered_like_one_who_is_not_there(town: Town) -> None:
    await town.put(patient("carl", "south", gender="male", identifier=[CPR_OF_ANNA]))
    await town.put({**hba1c(90, of="carl"), "id": "c-1"})
    for id in ("carl", "nobody"):
        with pytest.raises(RecordNeeded) as refusal:
            await told(town, id=id)
        assert id not in refusal.value.message
    theirs = [
        await told(town, id=id, patient=patient(id, identifier=[CPR_OF_ANNA]), resources=WHOLE)
        for id in ("carl", "nobody")
    ]
    assert theirs == [Advice(), Advice()]


async def test_an_id_of_ours_with_another_persons_number_is_refused(town: Town) -> None:
    await town.put(patient("anna", identifier=[CPR_OF_ANNA]))
    other = patient("anna", identifier=[{"system": systems.CPR, "value": "1203589990"}])
    with pytest.raises(PatientMismatch):
        await told(town, patient=other)


async def test_a_number_that_two_of_ours_have_names_nobody(town: Town) -> None:
    await town.put(patient("anna", identifier=[CPR_OF_ANNA]), patient("birthe", identifier=[CPR_OF_ANNA]))
    with pytest.raises(MultipleMatches):
        await told(town, id="x", ours=False, patient=patient("x", identifier=[CPR_OF_ANNA]))


async def test_what_they_do_not_say_of_the_patient_is_as_we_have_it(town: Town) -> None:
    theirs = {"resourceType": "Patient", "id": "anna", "birthDate": "1966-05-20"}
    assert kinds(await told(town, patient=theirs))["offers"] == ["diabetes", "hjerte"]


@pytest.mark.parametrize("who", ["anna", "visitator", "statistics"])
async def test_advice_is_for_those_who_treat(town: Town, who: str) -> None:
    with pytest.raises(Forbidden):
        await told(town, who)


@pytest.mark.parametrize("who", ["doctor", "lps", "system"])
async def test_the_clinic_and_its_system_are_told(town: Town, who: str) -> None:
    assert kinds(await told(town, who))["offers"] == ["diabetes", "hjerte"]
