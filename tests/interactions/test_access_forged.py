"""What guests of a record write in the name of others, or as what only others make: each is refused."""

from datetime import date
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.case import Draft
from careplan.fhir.invitation import INVITATION
from careplan.fhir.message import MESSAGE
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.questionnaire_response import RING
from careplan.interactions.access import Forbidden
from careplan.interactions.block import stop_sharing
from careplan.interactions.casework import move, read_case
from careplan.interactions.coursework import keep_course, notes_of
from careplan.interactions.handover import Sent, refer
from careplan.interactions.message import send_message

from .conftest import Json, Town, concept, hba1c
from .consenting import SURGEON, as_caller

ANNA = {"reference": "Patient/anna"}
DOCTOR = {"reference": "PractitionerRole/doctor"}
TOWN = {"reference": "Organization/town"}


# ── notes of a course are of who holds it ────────────────────────────────────────────────────────


async def under_way(town: Town) -> str:
    sent = await refer(town.as_("doctor"), "anna", Draft("city", "Vurdering", until=date(2026, 12, 30)), agreed=True)
    for step in ("take", "accept", "start"):
        await move(as_caller(town, SURGEON), sent.task, step, None)
    return sent.task


def said(**more: Any) -> Json:
    return {
        "resourceType": "Communication",
        "status": "completed",
        "subject": ANNA,
        "sent": "2026-11-22T10:00:00+01:00",
        "sender": ANNA,
        "payload": [{"contentString": "Insulin bør ophøre."}],
        **more,
    }


async def test_a_note_of_a_course_is_its_receiver_s_and_nobody_else_s(town: Town) -> None:
    task = await under_way(town)
    await keep_course(as_caller(town, SURGEON), task, None, on=date(2026, 11, 22), came=True, words="Gik 400 m.")
    request = (await town.get(f"Task/{task}"))["focus"]
    await town.put({**said(basedOn=[request], topic={"text": "Afslutningsnotat"}), "id": "forged"})
    opened = await read_case(town.as_("doctor"), task)
    assert [one.lines for one in await notes_of(town.as_("doctor"), opened)] == [("Gik 400 m.",)]


async def test_a_patient_writes_no_note_of_a_course(town: Town) -> None:
    request = (await town.get(f"Task/{await under_way(town)}"))["focus"]
    with pytest.raises(Forbidden, match="basedOn"):
        await town.post(said(basedOn=[request]), "anna")


@pytest.mark.parametrize(
    ("value", "member"),
    [(said(), "sender"), ({**hba1c(51), "performer": [ANNA]}, "performer")],
    ids=["Communication", "Observation"],
)
async def test_a_patient_writes_under_no_other_name(town: Town, value: Json, member: str) -> None:
    named = {**ANNA, "display": "Mette Holm, læge"}
    with pytest.raises(Forbidden, match="display"):
        await town.post({**value, member: [named] if member == "performer" else named}, "anna")


# ── the service's own work ───────────────────────────────────────────────────────────────────────


def task_of(kind: str, **more: Any) -> Json:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": concept(systems.ACTIVITY, kind),
        "for": ANNA,
        "authoredOn": "2026-11-22",
        "requester": TOWN,
        **more,
    }


@pytest.mark.parametrize("kind", [INVITATION, RING, MESSAGE, "aarskontrol"])
async def test_who_was_referred_to_makes_no_task_of_a_kind_that_the_clinic_s_work_goes_by(
    open_town: Town, kind: str
) -> None:
    with pytest.raises(Forbidden, match="CodeSystem/activity"):
        await open_town.post(task_of(kind), "visitator")


async def test_who_was_referred_to_turns_no_task_of_its_own_into_such_a_one(open_town: Town) -> None:
    own = {key: value for key, value in task_of("x").items() if key != "code"}
    made = await open_town.post(own, "visitator")
    with pytest.raises(Forbidden, match="CodeSystem/activity"):
        await open_town.put({**task_of(RING), "id": made.id}, who="visitator")


async def test_who_was_referred_to_neither_changes_nor_deletes_a_question_it_asked(open_town: Town) -> None:
    """The page asks; what was asked is then the clinic's to answer."""
    await open_town.put({**task_of(MESSAGE, intent="proposal"), "id": "asked"})
    with pytest.raises(Forbidden, match="CodeSystem/activity"):
        await open_town.put({**task_of(MESSAGE, intent="proposal", status="cancelled"), "id": "asked"}, who="visitator")
    with pytest.raises(Forbidden, match="CodeSystem/activity"):
        await open_town.delete("Task/asked", "visitator")


async def test_who_was_referred_to_does_what_a_plan_asks_of_it(open_town: Town) -> None:
    await open_town.put({**task_of("aarskontrol", owner=TOWN), "id": "planned"})
    done = {**task_of("aarskontrol", owner=TOWN, status="completed"), "id": "planned"}
    (version,) = await open_town.put(done, who="visitator")
    assert version.number == 2


async def test_a_patient_s_question_still_reaches_the_clinic(open_town: Town) -> None:
    task = await send_message(open_town.as_("anna"), "anna", "question", "Må jeg løbe?")
    assert (await open_town.get(f"Task/{task}"))["status"] == "requested"


# ── values ───────────────────────────────────────────────────────────────────────────────────────


def value_of(system: str, code: str, **more: Any) -> Json:
    kept = {name: part for name, part in hba1c(51).items() if name not in ("code", "valueQuantity")}
    return {**kept, "code": concept(system, code), "performer": [ANNA], **more}


async def test_a_patient_writes_no_score_and_nothing_a_clinician_judges(open_town: Town) -> None:
    measures = open_town.house.knowledge.measures
    judged = [one for one in measures.values() if one.kind != "quantity" and one.codes]
    assert {"who5", "cat"} <= {one.id for one in judged}
    for one in judged:
        code = one.codes[0]
        with pytest.raises(Forbidden, match="number that is measured"):
            await open_town.post(value_of(code.system, code.code, valueInteger=1), "anna")


async def test_a_part_of_a_panel_that_is_a_score_is_refused_as_well(open_town: Town) -> None:
    code = open_town.house.knowledge.measures["who5"].codes[0]
    part = {"code": concept(code.system, code.code), "valueInteger": 100}
    with pytest.raises(Forbidden, match="number that is measured"):
        await open_town.post({**hba1c(51), "performer": [ANNA], "component": [part]}, "anna")


@pytest.mark.parametrize(
    "more",
    [
        {"performer": [DOCTOR, TOWN]},
        {"performer": [{"display": "Mette Holm, læge"}, TOWN]},
        {"performer": [TOWN], "category": [concept(systems.OBSERVATION_CATEGORY, "laboratory")]},
    ],
    ids=["a doctor's", "somebody's", "the laboratory's"],
)
async def test_a_value_of_who_was_referred_to_looks_like_nobody_else_s(open_town: Town, more: Json) -> None:
    with pytest.raises(Forbidden):
        await open_town.post({**hba1c(41), **more}, "visitator")


async def test_a_patient_s_value_looks_like_nobody_else_s(open_town: Town) -> None:
    with pytest.raises(Forbidden, match="performer"):
        await open_town.post({**hba1c(51), "performer": [{"display": "Mette Holm, læge"}, ANNA]}, "anna")


async def test_what_stands_under_another_name_is_still_the_patient_s_to_mend_and_delete(open_town: Town) -> None:
    named = {**hba1c(51), "id": "own", "performer": [{**ANNA, "display": "Anna T. Jensen"}]}
    await open_town.put(named)
    (version,) = await open_town.put({**named, "status": "entered-in-error"}, who="anna")
    assert version.number == 2
    await open_town.delete("Observation/own", "anna")


async def test_a_wish_that_another_wrote_down_is_the_patient_s_to_change(open_town: Town) -> None:
    wish = {"resourceType": "Goal", "id": "wish", "lifecycleStatus": "active", "description": {"text": "Gå en tur"}}
    wish |= {"subject": ANNA, "expressedBy": {**DOCTOR, "display": "Mette Holm"}}
    await open_town.put(wish)
    await open_town.put({**wish, "description": {"text": "Gå en lang tur"}}, who="anna")
    await open_town.delete("Goal/wish", "anna")


@pytest.mark.parametrize("performers", [["PractitionerRole/v2"], ["Practitioner/p2"]])
async def test_who_was_referred_to_names_its_own_people_and_mends_what_a_colleague_wrote(
    open_town: Town, performers: list[str]
) -> None:
    role = {"resourceType": "PractitionerRole", "id": "v2", "practitioner": {"reference": "Practitioner/p2"}}
    await open_town.put({**role, "organization": TOWN})
    named = [TOWN, *({"reference": one} for one in performers)]
    made = await open_town.post({**hba1c(41), "performer": named}, "visitator")
    await open_town.put({**hba1c(42), "id": made.id, "performer": [TOWN]}, who="visitator")
    await open_town.delete(f"Observation/{made.id}", "visitator")


@pytest.mark.parametrize(
    "more",
    [
        {"expressedBy": DOCTOR},
        {"extension": [{"url": systems.EXT_DEVIATION, "extension": [{"url": "text", "valueString": "x"}]}]},
    ],
    ids=["expressedBy", "deviation"],
)
async def test_a_patient_s_wish_is_the_patient_s_own(open_town: Town, more: Json) -> None:
    wish = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "Jeg vil danse"},
        "subject": ANNA,
    }
    await open_town.post({**wish, "expressedBy": ANNA}, "anna")
    with pytest.raises(Forbidden):
        await open_town.post({**wish, **more}, "anna")


# ── a referral is what the patient agreed to ─────────────────────────────────────────────────────


async def agreed(town: Town) -> tuple[Sent, Json]:
    sent = await refer(town.as_("doctor"), "anna", Draft("town", "Samtale", until=date(2026, 12, 22)), agreed=True)
    request = await town.get(f"ServiceRequest/{sent.request}")
    return sent, {name: part for name, part in request.items() if name != "meta"}


async def test_a_referral_becomes_no_order_of_a_plan_and_an_order_no_referral(town: Town) -> None:
    _, request = await agreed(town)
    ordered = {**request, "code": concept(systems.ACTIVITY, "x")}
    with pytest.raises(ResourceInvalid, match="code"):
        await town.put(ordered, who="doctor")
    await town.put({**ordered, "id": "ordered"}, who="doctor")
    with pytest.raises(ResourceInvalid, match="code"):
        await town.put({**request, "id": "ordered"}, who="doctor")


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_deleted_referral_is_not_sent_again_under_its_id(town: Town, stopped: bool) -> None:
    sent, request = await agreed(town)
    if stopped:
        town.later(minutes=5)
        await stop_sharing(town.as_("anna"), "anna", sent.request)
    await town.delete(f"ServiceRequest/{sent.request}")
    for status in ("active", "draft"):
        with pytest.raises(Exception, match="make a new referral"):
            await town.put(
                {**request, "status": status, "performer": [{"reference": "Organization/city"}]}, who="doctor"
            )
