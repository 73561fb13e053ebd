"""Who may see and change what: every read, search, include, history, write and operation asks, and none leaks."""

from typing import Any

import pytest

from careplan.fhir.search import parse as parse_query
from careplan.interactions.access import Forbidden
from careplan.interactions.caller import Caller
from careplan.interactions.read import history, read, vread
from careplan.interactions.search import search
from careplan.store.protocol import Deleted, NotFound

from . import conftest
from .conftest import BASE, Json, Town, concept, condition, hba1c, patient, personal, referral

OWN, OTHERS = ("Observation/anna-1", "Condition/anna-t2d", "Patient/anna"), ("Observation/carl-1", "Patient/carl")


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["system", "doctor", "anna", "lps"])
async def test_who_has_to_do_with_anna_reads_her_record(open_town: Town, who: str) -> None:
    for reference in OWN:
        assert (await open_town.get(reference, who))["id"] == reference.rpartition("/")[2]


async def test_a_referral_opens_values_but_not_the_problem_list(open_town: Town) -> None:
    assert (await open_town.get("Observation/anna-1", "visitator"))["id"] == "anna-1"
    with pytest.raises(Forbidden):
        await open_town.get("Condition/anna-t2d", "visitator")
    for operation in ("Patient/$recommended-targets",):
        with pytest.raises(Forbidden):
            await open_town.call(operation, "anna", "visitator")


@pytest.mark.parametrize("who", ["stranger", "birthe", "statistics"])
async def test_who_has_nothing_to_do_with_anna_reads_nothing_of_hers(open_town: Town, who: str) -> None:
    for reference in OWN:
        type_name, _, id = reference.partition("/")
        with pytest.raises(Forbidden):
            await open_town.get(reference, who)
        with pytest.raises(Forbidden):
            await vread(open_town.as_(who), type_name, id, "1")
        with pytest.raises(Forbidden):
            await history(open_town.as_(who), type_name, id, count=10)


@pytest.mark.parametrize("who", ["doctor", "anna", "visitator", "lps"])
async def test_others_stay_out_of_reach(open_town: Town, who: str) -> None:
    for reference in OTHERS:
        with pytest.raises(Forbidden) as refused:
            await open_town.get(reference, who)
        assert "carl" not in refused.value.message.removeprefix(f"no access to {reference}")


async def test_a_deleted_version_tells_strangers_nothing(open_town: Town) -> None:
    await open_town.delete("Observation/anna-1")
    with pytest.raises(Deleted):
        await open_town.get("Observation/anna-1")
    with pytest.raises(Forbidden):
        await open_town.get("Observation/anna-1", "stranger")


async def test_ids_that_never_were_are_refused_as_others_ids_are(open_town: Town) -> None:
    for number in ("2", "0", "x", "9999999999999999999999"):
        with pytest.raises(NotFound, match=f"Observation/anna-1/_history/{number}"):
            await vread(open_town.as_("doctor"), "Observation", "anna-1", number)
    for who in ("doctor", "anna", "visitator", "lps"):
        refusals = []
        for id in ("never", "carl-1"):
            for attempt in (
                read(open_town.as_(who), "Observation", id),
                vread(open_town.as_(who), "Observation", id, "1"),
                vread(open_town.as_(who), "Observation", id, "99"),
                history(open_town.as_(who), "Observation", id, count=10),
            ):
                with pytest.raises(Forbidden) as refused:
                    await attempt
                refusals.append(refused.value.message.replace(id, "x"))
        assert len(set(refusals)) == 1
    with pytest.raises(NotFound):
        await history(open_town.as_("system"), "Observation", "never", count=10)


@pytest.mark.parametrize("who", ["anna", "visitator", "stranger", "statistics"])
async def test_what_we_publish_and_who_works_where_is_open_to_all_but_aggregates(open_town: Town, who: str) -> None:
    if who == "statistics":
        with pytest.raises(Forbidden):
            await open_town.get("Organization/north", who)
    else:
        assert (await open_town.get("Organization/north", who))["id"] == "north"
        assert (await open_town.get("PlanDefinition/kol", who))["id"] == "kol"


async def test_a_caller_without_relation_sees_nobody(open_town: Town) -> None:
    nobody = {"clinic": Caller("clinic", "x"), "patient": Caller("patient", "x"), "odd": Caller("municipality", "x")}
    for name, caller in nobody.items():
        conftest.CALLERS[name] = caller
        with pytest.raises(Forbidden):
            await open_town.get("Patient/anna", name)
        assert await open_town.find("Observation", name) == []
        del conftest.CALLERS[name]


# ── searching ────────────────────────────────────────────────────────────────────────────────────


async def found(town: Town, who: str, type_name: str, *pairs: tuple[str, str]) -> tuple[set[str], int | None, set[str]]:
    asked = parse_query(type_name, [*pairs, ("_total", "accurate")], strict=True, base=BASE)
    answer = await search(town.as_(who), asked)
    ids = {version.reference for version in answer.page.matches}
    return ids, answer.page.total, {version.reference for version in answer.included}


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("system", {"Observation/anna-1", "Observation/carl-1"}),
        ("doctor", {"Observation/anna-1"}),
        ("lps", {"Observation/anna-1"}),
        ("anna", {"Observation/anna-1"}),
        ("visitator", {"Observation/anna-1"}),
        ("stranger", {"Observation/carl-1"}),
        ("birthe", set()),
    ],
)
async def test_a_search_finds_and_counts_only_one_s_own(open_town: Town, who: str, seen: set[str]) -> None:
    assert await found(open_town, who, "Observation") == (seen, len(seen), set())
    assert await found(open_town, who, "Observation", ("code", "http://npu-terminology.org|NPU27300")) == (
        seen,
        len(seen),
        set(),
    )


async def test_naming_somebody_else_s_patient_finds_nothing_and_counts_nothing(open_town: Town) -> None:
    for who in ("doctor", "anna", "visitator", "lps"):
        assert await found(open_town, who, "Observation", ("patient", "carl")) == (set(), 0, set())
        assert await found(open_town, who, "Observation", ("_id", "carl-1")) == (set(), 0, set())
        assert await found(open_town, who, "Patient", ("_id", "carl")) == (set(), 0, set())


async def test_statistics_search_no_persons(open_town: Town) -> None:
    with pytest.raises(Forbidden):
        await open_town.find("Observation", "statistics")


async def test_includes_bring_nothing_that_could_not_be_read(open_town: Town) -> None:
    await open_town.put(
        {**hba1c(52), "id": "mixed", "focus": [{"reference": "Patient/carl"}, {"reference": "Organization/town"}]}
    )
    _, _, brought = await found(open_town, "doctor", "Observation", ("_id", "mixed"), ("_include", "Observation:focus"))
    assert brought == {"Organization/town"}
    _, _, own = await found(open_town, "doctor", "Observation", ("_id", "mixed"), ("_include", "Observation:subject"))
    assert own == {"Patient/anna"}


async def test_reverse_includes_bring_nothing_that_could_not_be_searched(open_town: Town) -> None:
    await open_town.put({**hba1c(61, of="carl"), "id": "about", "focus": [{"reference": "Condition/anna-t2d"}]})
    asked = (("_id", "anna-t2d"), ("_revinclude", "Observation:focus"))
    assert (await found(open_town, "doctor", "Condition", *asked))[2] == set()
    assert (await found(open_town, "system", "Condition", *asked))[2] == {"Observation/about"}
    proofs = (("_id", "anna-1"), ("_revinclude", "Provenance:target"))
    assert (await found(open_town, "visitator", "Observation", *proofs))[2] == set()


# ── referral ─────────────────────────────────────────────────────────────────────────────────────


async def sees_anna(town: Town, who: str = "visitator") -> bool:
    try:
        await read(town.as_(who), "Patient", "anna")
    except Forbidden:
        assert await found(town, who, "Observation") == (set(), 0, set())
        return False
    assert (await found(town, who, "Observation"))[1]
    return True


@pytest.mark.parametrize(
    ("more", "sees"),
    [
        ({}, True),
        ({"status": "revoked"}, False),
        ({"status": "completed"}, False),
        ({"status": "draft"}, False),
        ({"status": "on-hold"}, False),
        ({"status": "entered-in-error"}, False),
        ({"to": "city"}, False),
        ({"occurrencePeriod": {"start": "2026-11-01", "end": "2026-11"}}, True),
        ({"occurrencePeriod": {"start": "2026-09-01", "end": "2026-10"}}, False),
        ({"occurrenceDateTime": "2026-11-01"}, True),
        ({"occurrencePeriod": {"start": "2026-11-01"}}, True),
        ({"occurrencePeriod": {"start": "2026-11-01", "end": "2026-12-01"}}, True),
        ({"occurrencePeriod": {"start": "2026-11-01", "end": "2026-11-22"}}, True),
        ({"occurrencePeriod": {"start": "2026-11-01", "end": "2026-11-21"}}, False),
        ({"occurrencePeriod": {"start": "2026-11-01", "end": "2026-11-22T09:00:00+01:00"}}, False),
        ({"occurrencePeriod": {"start": "2026-11-01", "end": "2026-11-22T11:00:00+01:00"}}, True),
    ],
)
async def test_a_referral_opens_the_record_from_when_it_is_active_to_its_last_day(
    town: Town, more: dict[str, Any], sees: bool
) -> None:
    await town.put({**hba1c(51), "id": "anna-1"}, referral("r", **more))
    assert await sees_anna(town) is sees


async def test_a_referral_s_last_day_ends_at_midnight_in_copenhagen(town: Town) -> None:
    period = {"start": "2026-11-01", "end": "2026-11-22"}
    await town.put({**hba1c(51), "id": "anna-1"}, referral("r", occurrencePeriod=period))
    town.later(hours=13, minutes=59)  # 23.59 in Copenhagen, 22.59 UTC
    assert await sees_anna(town)
    town.later(minutes=1)
    assert not await sees_anna(town)


async def test_a_referral_that_ends_closes_the_record(open_town: Town) -> None:
    assert await sees_anna(open_town)
    await open_town.put(referral("r-anna", status="completed"))
    assert not await sees_anna(open_town)


async def test_a_referral_of_another_patient_opens_nothing_of_anna(open_town: Town) -> None:
    await open_town.put(referral("r-anna", status="revoked"), referral("r-birthe", of="birthe"))
    with pytest.raises(Forbidden):
        await open_town.get("Patient/anna", "visitator")
    assert (await open_town.get("Patient/birthe", "visitator"))["id"] == "birthe"


@pytest.mark.parametrize("type_name", ["MedicationStatement", "Provenance", "RelatedPerson", "DiagnosticReport"])
async def test_a_referral_opens_a_slice_and_no_more(open_town: Town, type_name: str) -> None:
    with pytest.raises(Forbidden, match=type_name):
        await open_town.find(type_name, "visitator")
    with pytest.raises(Forbidden, match=type_name):
        await open_town.get(f"{type_name}/1", "visitator")


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


def home(value: int, **more: Any) -> Json:
    return {**hba1c(value), "performer": [{"reference": "Patient/anna"}], **more}


async def test_a_patient_writes_home_values_and_personal_goals(open_town: Town) -> None:
    await open_town.post(home(52), "anna")
    made = await open_town.post(personal("Gå ture med børnebørnene"), "anna")
    await open_town.put(personal("Cykle til arbejde", id=made.id), who="anna")
    await open_town.delete(made.reference, "anna")


ANNA = {"reference": "Patient/anna"}
DOCTOR = {"reference": "PractitionerRole/doctor"}


def answers(by: Json) -> Json:
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": ANNA, "author": by}


def consent(by: Json) -> Json:
    found = {"resourceType": "Consent", "status": "active", "scope": {"text": "Spærring"}, "patient": ANNA}
    return {**found, "category": [{"text": "x"}], "policyRule": {"text": "x"}, "performer": [by]}


def message(by: Json) -> Json:
    return {"resourceType": "Communication", "status": "completed", "subject": ANNA, "sender": by}


async def test_a_patient_writes_own_answers_consent_and_questions(open_town: Town) -> None:
    for resource in (answers(ANNA), consent(ANNA), message(ANNA)):
        made = await open_town.post(resource, "anna")
        await open_town.put({**resource, "id": made.id, "language": "da"}, who="anna")
        assert (await open_town.get(made.reference, "doctor"))["language"] == "da"
        with pytest.raises(Forbidden):
            await open_town.get(made.reference, "birthe")
        with pytest.raises(Forbidden):
            await open_town.get(made.reference, "visitator")
        await open_town.delete(made.reference, "anna")


@pytest.mark.parametrize(
    "resource",
    [
        answers(DOCTOR),
        consent(DOCTOR),
        message(DOCTOR),
        {**message(ANNA), "subject": {"reference": "Patient/birthe"}},
        {"resourceType": "Questionnaire", "status": "draft"},
        {"resourceType": "HealthcareService", "name": "x"},
        hba1c(52),
        {**hba1c(52), "performer": [{"reference": "PractitionerRole/doctor"}]},
        {**hba1c(52), "performer": [{"reference": "Patient/anna"}, {"reference": "PractitionerRole/doctor"}]},
        {**hba1c(52, of="birthe"), "performer": [{"reference": "Patient/anna"}]},
        personal("x", target=[{"measure": {"text": "HbA1c"}, "detailString": "lavt"}]),
        {**condition("c", "R95")},
        patient("anna"),
    ],
)
async def test_a_patient_writes_nothing_a_clinician_decides(open_town: Town, resource: Json) -> None:
    before = await open_town.everything()
    with pytest.raises(Forbidden):
        await open_town.post(resource, "anna")
    with pytest.raises(Forbidden):
        await open_town.put({**resource, "id": "mine"}, who="anna")
    assert await open_town.everything() == before


async def test_a_patient_replaces_and_deletes_nothing_of_the_clinic_s(open_town: Town) -> None:
    await open_town.call("CarePlan/$establish", subject="Patient/anna", definition="diabetes")
    goal = (await open_town.goals())["HbA1c"]
    before = await open_town.everything()
    for attempt in (
        open_town.put(home(40, id="anna-1"), who="anna"),
        open_town.put(personal("Nej tak", id=goal["id"]), who="anna"),
        open_town.delete("Observation/anna-1", "anna"),
        open_town.delete(f"Goal/{goal['id']}", "anna"),
        open_town.delete("Condition/anna-t2d", "anna"),
        open_town.bundle({"request": {"method": "DELETE", "url": "Observation/anna-1"}}, who="anna"),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert await open_town.everything() == before


def of_town(value: int, **more: Any) -> Json:
    return {**hba1c(value), "performer": [{"reference": "Organization/town"}], **more}


async def test_the_municipality_writes_its_own_values_of_those_referred(open_town: Town) -> None:
    made = await open_town.post(of_town(52), "visitator")
    await open_town.put(of_town(53, id=made.id), who="visitator")
    with pytest.raises(Forbidden):
        await open_town.post(of_town(52, subject={"reference": "Patient/birthe"}), "visitator")


async def test_the_municipality_replaces_and_deletes_nothing_of_the_clinic_s(open_town: Town) -> None:
    await open_town.call("CarePlan/$establish", subject="Patient/anna", definition="diabetes")
    task = (await open_town.find("Task", patient="anna"))[0]
    goal = (await open_town.goals())["HbA1c"]
    before = await open_town.everything()
    for attempt in (
        open_town.put(of_town(40, id="anna-1"), who="visitator"),
        open_town.delete("Observation/anna-1", "visitator"),
        open_town.put(goal, who="visitator"),
        open_town.put({**task, "status": "cancelled"}, who="visitator"),
        open_town.delete(f"Task/{task['id']}", "visitator"),
        open_town.put(referral("r-anna", status="completed"), who="visitator"),
        open_town.put(patient("anna"), who="visitator"),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert await open_town.everything() == before


async def test_the_municipality_does_not_speak_for_the_clinic(open_town: Town) -> None:
    for performer in ([{"reference": "PractitionerRole/doctor"}], []):
        with pytest.raises(Forbidden, match="Organization/town"):
            await open_town.post({**hba1c(52), "performer": performer}, "visitator")


def frailty(performer: str) -> Json:
    fact = concept("https://careplan.example/fhir/CodeSystem/fact", "clinical-frailty-scale")
    bare = {name: part for name, part in hba1c(1).items() if name != "valueQuantity"}
    return {**bare, "code": fact, "valueInteger": 9, "performer": [{"reference": performer}]}


async def test_only_the_clinic_judges_what_moves_the_rules(open_town: Town) -> None:
    for who, performer in (("anna", "Patient/anna"), ("visitator", "Organization/town")):
        with pytest.raises(Forbidden, match="entered by the clinic"):
            await open_town.post(frailty(performer), who)
    await open_town.post(frailty("PractitionerRole/doctor"), "doctor")


async def test_provenance_stands(open_town: Town) -> None:
    (proof,) = [one for one in await open_town.find("Provenance", patient="anna") if "Observation/anna-1" in str(one)]
    for attempt in (
        open_town.delete(f"Provenance/{proof['id']}"),
        open_town.put({**proof, "recorded": "2020-01-01T00:00:00Z"}, who="doctor"),
    ):
        with pytest.raises(Forbidden, match="who did what"):
            await attempt


async def test_the_municipality_answers_a_task_that_is_its_own(open_town: Town) -> None:
    task = {
        "resourceType": "Task",
        "id": "t1",
        "status": "requested",
        "intent": "order",
        "for": {"reference": "Patient/anna"},
        "owner": {"reference": "Organization/town"},
    }
    await open_town.put(task)
    (version,) = await open_town.put({**task, "status": "accepted"}, who="visitator")
    assert version.number == 2


async def test_a_clinic_writes_for_its_own_patients_only(open_town: Town) -> None:
    before = await open_town.everything()
    for attempt in (
        open_town.post(hba1c(52), "stranger"),
        open_town.put({**hba1c(52), "id": "anna-1"}, who="stranger"),
        open_town.put({**hba1c(52, of="carl"), "id": "anna-1"}, who="stranger"),
        open_town.put({**hba1c(52), "id": "carl-1"}, who="doctor"),
        open_town.delete("Observation/anna-1", "stranger"),
        open_town.put(patient("anna", "south"), who="stranger"),
        open_town.put(patient("anna", "south"), who="doctor"),
        open_town.post(patient("new", "north"), "stranger"),
        open_town.delete("Patient/anna", "stranger"),
        open_town.put({"resourceType": "Organization", "id": "north", "name": "Overtaget"}, who="stranger"),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert await open_town.everything() == before


async def test_a_clinic_registers_its_own_people(open_town: Town) -> None:
    made = await open_town.post(patient("x"), "doctor")
    assert (await open_town.get(made.reference))["generalPractitioner"] == [{"reference": "Organization/north"}]


async def test_a_practice_of_the_same_id_elsewhere_is_not_ours(open_town: Town) -> None:
    elsewhere = [{"reference": "https://elsewhere.example/fhir/Organization/north"}]
    await open_town.put(patient("eva", generalPractitioner=elsewhere))
    with pytest.raises(Forbidden):
        await open_town.get("Patient/eva")
    with pytest.raises(Forbidden):
        await open_town.post(patient("eva2", generalPractitioner=elsewhere))
    absolute = [{"reference": f"{BASE}/Organization/north"}]
    await open_town.put(patient("finn", generalPractitioner=absolute))
    assert (await open_town.get("Patient/finn"))["id"] == "finn"


async def test_lps_writes_values_and_no_plans(open_town: Town) -> None:
    await open_town.post(hba1c(52), "lps")
    await open_town.put(condition("c1", "K86"), who="lps")
    shot = {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "x"}, "patient": ANNA}
    await open_town.post({**shot, "occurrenceDateTime": "2026-10-06"}, "lps")
    await open_town.post(
        {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}, "subject": ANNA}, "lps"
    )
    for resource in (
        personal("x"),
        referral("r2"),
        {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": "Patient/anna"}},
    ):
        with pytest.raises(Forbidden):
            await open_town.post(resource, "lps")
