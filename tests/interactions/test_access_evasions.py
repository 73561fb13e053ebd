"""Ways around who may do what that look like something allowed: each is refused, and leaves nothing behind."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.case import Draft
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.patch.json_patch import json_patch_from_list
from careplan.fhir.questionnaire_response import RING
from careplan.interactions.access import Forbidden
from careplan.interactions.attorney import give, withdraw
from careplan.interactions.block import block, lift, stop_sharing
from careplan.interactions.caller import Caller
from careplan.interactions.casework import ask, move, open_referrals
from careplan.interactions.context import Context
from careplan.interactions.coursework import keep_course
from careplan.interactions.delivery import deliver, find_delivery
from careplan.interactions.emergency import open_in_emergency
from careplan.interactions.emergency_review import ReviewOwn, inspected, may_review, review, reviewed_of_patient
from careplan.interactions.handover import Sent, refer
from careplan.interactions.message import answer_message, messages_of_patient, open_messages, send_message
from careplan.interactions.patch import patch
from careplan.interactions.ringing import open_calls

from . import conftest
from .conftest import Json, Town, patient, referral
from .consenting import RELATIVE, SURGEON, as_caller, attorney, relative
from .consenting import block as denial

WHY = "Bevidstløs patient, medicinen skal kendes nu"
ANNA = {"reference": "Patient/anna"}


# ── an emergency access lets read, and write nothing ─────────────────────────────────────────────


async def under_way(town: Town) -> str:
    """A case of Anna that a hospital has accepted; the logical id of its Task."""
    task = (
        await refer(town.as_("doctor"), "anna", Draft("city", "Vurdering", until=date(2026, 11, 30)), agreed=True)
    ).task
    for step in ("take", "accept", "start"):
        await move(as_caller(town, SURGEON), task, step, None)
    return task


async def past_its_period(town: Town, task: str) -> None:
    town.later(days=30)


async def denied_whole(town: Town, task: str) -> None:
    await town.put(denial("Organization/city"))


async def denied_alone(town: Town, task: str) -> None:
    request = (await town.get(f"Task/{task}"))["focus"]
    data = [{"meaning": "instance", "reference": request}]
    await town.put(denial("Organization/city", data=data))


async def denied_beside_another(town: Town, task: str) -> None:
    await denied_alone(town, task)
    await town.put(referral("other", to="city"))


@pytest.mark.parametrize("closed", [past_its_period, denied_whole, denied_alone, denied_beside_another])
async def test_who_opened_a_referral_in_an_emergency_neither_takes_a_step_nor_writes_nor_asks(
    town: Town, closed: Callable[[Town, str], Awaitable[None]]
) -> None:
    task = await under_way(town)
    await closed(town, task)
    surgeon = as_caller(town, SURGEON)
    await open_in_emergency(surgeon, "anna", WHY)
    before = await town.everything()
    for attempt in (
        move(surgeon, task, "hold", None, reason="patient-paused", text="Syg"),
        keep_course(surgeon, task, None, on=date(2026, 11, 22), came=True, words="Gik 400 m."),
        ask(surgeon, task, "Må vi se mere?"),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert await town.everything() == before


async def test_the_lists_of_a_clinic_hold_no_work_of_whom_an_emergency_opened(open_town: Town) -> None:
    await send_message(open_town.as_("anna"), "anna", "question", "Må jeg løbe?")
    await refer(open_town.as_("doctor"), "anna", Draft("town", "Samtale", until=date(2027, 5, 22)), agreed=True)
    await open_town.post(ring(), "doctor")
    lists: tuple[Callable[[Context], Awaitable[tuple[Any, ...]]], ...] = (open_messages, open_referrals, open_calls)
    await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    for listed in lists:
        assert len(await listed(open_town.as_("doctor"))) == 1
        assert await listed(open_town.as_("stranger")) == ()


def ring() -> Json:
    coding = {"system": systems.ACTIVITY, "code": RING}
    base = {"resourceType": "Task", "status": "requested", "intent": "proposal", "code": {"coding": [coding]}}
    return {**base, "for": ANNA, "authoredOn": "2026-11-22", "owner": {"reference": "Organization/north"}}


async def test_who_only_reads_prints_and_leaves_no_delivery_in_the_record(open_town: Town) -> None:
    await open_town.put(relative(), attorney())
    await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    before = await open_town.everything()
    for context in (as_caller(open_town, RELATIVE), open_town.as_("stranger")):
        assert not await deliver(context, "anna", "short", "da", ["CarePlan/some"])
    assert await open_town.everything() == before
    assert await find_delivery(open_town.as_("doctor"), "anna") is None
    assert await deliver(open_town.as_("doctor"), "anna", "short", "da", ["CarePlan/some"])


async def test_a_person_number_of_two_opens_both(open_town: Town) -> None:
    number = {"system": "urn:oid:1.2.208.176.1.2", "value": "2511489996"}
    await open_town.put(patient("anna", identifier=[number]), patient("twin", "south", identifier=[number]))
    opened = await open_town.call("Patient/$emergency-access", None, "stranger", reason=WHY, identifier=number)
    made = {one["resource"]["patient"]["reference"] for one in opened["entry"]}
    assert made == {"Patient/anna", "Patient/twin"}
    assert (await open_town.get("Observation/anna-1", "stranger"))["id"] == "anna-1"


@pytest.mark.parametrize("listed", [["south"], ["north", "south"]], ids=str)
@pytest.mark.parametrize("way", ["put", "patch", "bundle"])
async def test_an_emergency_access_makes_nobody_the_patient_s_own_clinic(
    open_town: Town, listed: list[str], way: str
) -> None:
    await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    anna = await open_town.get("Patient/anna", "stranger")
    practices = [{"reference": f"Organization/{one}"} for one in listed]
    moved = {**anna, "generalPractitioner": practices}
    step = json_patch_from_list([{"op": "replace", "path": "/generalPractitioner", "value": practices}])
    attempts: dict[str, Callable[[], Awaitable[Any]]] = {
        "put": lambda: open_town.put(moved, who="stranger"),
        "patch": lambda: patch(open_town.as_("stranger"), "Patient", "anna", step),
        "bundle": lambda: open_town.bundle(
            {"resource": moved, "request": {"method": "PUT", "url": "Patient/anna"}}, who="stranger"
        ),
    }
    with pytest.raises(Forbidden):
        await attempts[way]()
    assert await open_town.get("Patient/anna") == anna
    both = [{"reference": "Organization/north"}, *practices]
    await open_town.put({**anna, "generalPractitioner": both}, who="doctor")


# ── going through an emergency access ────────────────────────────────────────────────────────────


def provenance(consent: str, **agent: Any) -> Json:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": consent}, ANNA],
        "recorded": "2026-11-22T09:03:00Z",
        "activity": {"text": "emergency-review"},
        "reason": [{"text": "I orden"}],
        "agent": [{key: {"reference": one} for key, one in agent.items()}],
    }


@pytest.mark.parametrize("who", ["doctor", "stranger", "lps"])
async def test_nobody_writes_a_review_of_an_emergency_by_hand(open_town: Town, who: str) -> None:
    made = await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    name = conftest.CALLERS[who].reference or "Organization/north"
    with pytest.raises((ResourceInvalid, Forbidden)):
        await open_town.post(provenance(made.reference, who=name), who)
    assert await reviewed_of_patient(open_town.as_("anna"), "anna") == frozenset()


@pytest.mark.parametrize(
    ("who", "behalf"),
    [
        ("PractitionerRole/doctor", "Organization/north"),
        ("PractitionerRole/other", "Organization/south"),
        ("PractitionerRole/second", ""),
    ],
)
async def test_what_no_other_of_the_organisation_went_through_is_no_review(
    open_town: Town, who: str, behalf: str
) -> None:
    """As a system may have loaded it."""
    made = await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    agent = {"who": who} | ({"onBehalfOf": behalf} if behalf else {})
    await open_town.post(provenance(made.reference, **agent), "system")
    (one,) = await inspected(open_town.as_("stranger"))
    assert one.review is None
    second = Caller("clinic", "Ulla", "south", reference="PractitionerRole/second")
    await review(as_caller(open_town, second), made.id, "Der var grund til det")
    assert await reviewed_of_patient(open_town.as_("anna"), "anna") == {made.reference}


@pytest.mark.parametrize("name", ["PractitionerRole/second", "Practitioner/jens"])
async def test_nobody_reviews_an_access_of_their_own_in_another_role(open_town: Town, name: str) -> None:
    person = {"reference": "Practitioner/jens"}
    for id in ("other", "second"):
        await open_town.put({"resourceType": "PractitionerRole", "id": id, "practitioner": person})
    made = await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    same = as_caller(open_town, Caller("clinic", "Jens Toft", "south", reference=name))
    (one,) = await inspected(same)
    assert not may_review(same, one)
    with pytest.raises(ReviewOwn):
        await review(same, made.id, "Der var grund til det")


# ── said twice at once ───────────────────────────────────────────────────────────────────────────


async def test_a_power_of_attorney_given_twice_at_once_is_one(town: Town) -> None:
    await town.put(relative())
    until = date(2027, 6, 1)
    made = await asyncio.gather(*[give(town.as_("anna"), "anna", "anders", until, writes=True) for _ in range(3)])
    assert len(set(made)) == 1
    assert len(await town.find("Consent", patient="anna")) == 1


async def test_a_block_said_twice_at_once_is_one(town: Town) -> None:
    made = await asyncio.gather(*[block(town.as_("anna"), "anna", "Organization/south", "all") for _ in range(3)])
    assert len(set(made)) == 1
    assert len(await town.find("Consent", patient="anna")) == 1


async def test_a_referral_without_a_consent_is_stopped_once_though_said_twice(open_town: Town) -> None:
    await asyncio.gather(*[stop_sharing(open_town.as_("anna"), "anna", "r-anna") for _ in range(3)])
    assert len(await open_town.find("Consent", patient="anna")) == 1


async def test_what_stands_twice_ends_at_once(town: Town) -> None:
    await town.put(relative(), attorney(), {**attorney("2027-01-31", "access", "correct"), "id": "second"})
    await town.put(denial("Organization/south", id="b1"), denial("Organization/south", id="b2"))
    await town.put(denial("Organization/town", id="b3"))
    assert await withdraw(town.as_("anna"), "anna", "attorney")
    assert await lift(town.as_("anna"), "anna", "b2")
    assert [one["id"] for one in await town.find("Consent", patient="anna", status="active")] == ["b3"]


# ── what a patient writes ────────────────────────────────────────────────────────────────────────


async def asked(town: Town) -> tuple[str, Json]:
    """A question of Anna: its Task, and the Communication."""
    task = await send_message(town.as_("anna"), "anna", "question", "Må jeg løbe?")
    return task, await town.get((await town.get(f"Task/{task}"))["focus"]["reference"])


async def test_nobody_in_the_role_patient_answers_for_the_clinic(town: Town) -> None:
    await town.put(relative(), attorney("2026-12-31", "access", "correct"))
    _, question = await asked(town)
    for context, by in ((town.as_("anna"), "Patient/anna"), (as_caller(town, RELATIVE), "RelatedPerson/anders")):
        forged = {key: question[key] for key in ("resourceType", "status", "subject", "topic")}
        forged |= {"sender": {"reference": by, "display": "Mette Holm"}, "payload": [{"contentString": "Stop."}]}
        conftest.CALLERS["speaker"] = context.caller
        with pytest.raises(Forbidden):
            await town.post({**forged, "inResponseTo": [{"reference": f"Communication/{question['id']}"}]}, "speaker")
        del conftest.CALLERS["speaker"]


async def test_what_only_says_it_answers_is_no_answer(town: Town) -> None:
    task, question = await asked(town)
    reply = {key: question[key] for key in ("resourceType", "status", "subject", "topic")}
    reply |= {
        "inResponseTo": [{"reference": f"Communication/{question['id']}"}],
        "payload": [{"contentString": "Stop."}],
    }
    await town.post(reply, "system")
    assert [one.answer for one in await messages_of_patient(town.as_("anna"), "anna")] == [None]
    await answer_message(town.as_("doctor"), task, "Ja, gerne")
    (one,) = await messages_of_patient(town.as_("anna"), "anna")
    assert one.answer is not None and one.answer.text == "Ja, gerne"


async def test_a_question_stands_as_the_clinic_was_asked_it(town: Town) -> None:
    _, question = await asked(town)
    changed = {**question, "payload": [{"contentString": "Må jeg stoppe med insulin?"}]}
    for attempt in (town.put(changed, who="anna"), town.delete(f"Communication/{question['id']}", "anna")):
        with pytest.raises(ResourceInvalid):
            await attempt
    assert (await town.get(f"Communication/{question['id']}"))["payload"] == question["payload"]


async def test_a_question_is_taken_back_until_it_is_answered_and_never_put_again(town: Town) -> None:
    task, question = await asked(town)
    withdrawn = {**question, "status": "entered-in-error"}
    await town.put(withdrawn, who="anna")
    with pytest.raises(ResourceInvalid):
        await town.put({**question, "payload": [{"contentString": "Noget andet"}]}, who="anna")
    task, question = await asked(town)
    await answer_message(town.as_("doctor"), task, "Ja, gerne")
    with pytest.raises(ResourceInvalid):
        await town.put({**question, "status": "entered-in-error"}, who="anna")


async def test_a_patient_changes_no_score_and_draws_none(open_town: Town) -> None:
    score = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "WHO-5"},
        "subject": ANNA,
        "performer": [ANNA],
        "valueInteger": 12,
        "derivedFrom": [{"reference": "QuestionnaireResponse/q"}],
    }
    stands = await open_town.post(score, "system")
    for attempt in (
        open_town.post(score, "anna"),
        open_town.put({**score, "id": stands.id, "valueInteger": 100}, who="anna"),
        open_town.put({**{key: score[key] for key in score if key != "derivedFrom"}, "id": stands.id}, who="anna"),
        open_town.delete(stands.reference, "anna"),
    ):
        with pytest.raises(Forbidden):
            await attempt


@pytest.mark.parametrize(
    ("source", "fits"), [(None, True), ("Patient/anna", True), ("PractitionerRole/doctor", False), ("", False)]
)
async def test_answers_of_a_patient_have_no_other_source(town: Town, source: str | None, fits: bool) -> None:
    answers = {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": ANNA, "author": ANNA}
    answers |= {} if source is None else {"source": {"reference": source} if source else {"display": "Lægen"}}
    if fits:
        await town.post(answers, "anna")
    else:
        with pytest.raises(Forbidden):
            await town.post(answers, "anna")


# ── a referral opens what was agreed ─────────────────────────────────────────────────────────────


async def referred(town: Town) -> tuple[Sent, Json]:
    sent = await refer(town.as_("doctor"), "anna", Draft("town", "Samtale", until=date(2026, 12, 22)), agreed=True)
    return sent, await town.get(f"ServiceRequest/{sent.request}")


@pytest.mark.parametrize(
    "wider",
    [
        {"occurrencePeriod": {"start": "2026-11-22", "end": "2040-01-01"}},
        {"occurrencePeriod": {"start": "2026-11-22"}},
        {"performer": [{"reference": "Organization/town"}, {"reference": "Organization/city"}]},
        {"performer": [{"reference": "Organization/city"}]},
        {"subject": {"reference": "Patient/birthe"}},
    ],
    ids=str,
)
async def test_a_referral_opens_no_more_than_the_patient_agreed_to(town: Town, wider: Json) -> None:
    _, request = await referred(town)
    with pytest.raises(ResourceInvalid):
        await town.put({**request, **wider}, who="doctor")
    assert await town.get(f"ServiceRequest/{request['id']}") == request


async def test_a_referral_may_come_to_open_less(town: Town) -> None:
    _, request = await referred(town)
    await town.put({**request, "occurrencePeriod": {"start": "2026-11-22", "end": "2026-12-01"}}, who="doctor")
    await town.put({**request, "note": [{"text": "Ring først"}]}, who="system")


async def test_a_referral_that_nobody_agreed_to_here_is_the_clinics_to_change(town: Town) -> None:
    """As GP systems send them: the agreement stands in their record."""
    await town.put(referral("r"), who="doctor")
    await town.put(referral("r", to="city"), who="doctor")


async def test_what_the_patient_has_stopped_is_not_sent_again(open_town: Town) -> None:
    sent, request = await referred(open_town)
    loose = referral("loose", authoredOn="2026-11-20")
    await open_town.put(loose)
    open_town.later(hours=1)
    for one in (sent.request, "loose"):
        await stop_sharing(open_town.as_("anna"), "anna", one)
    for again in (request, loose, referral("undated")):
        with pytest.raises(ResourceInvalid):
            await open_town.post({key: again[key] for key in again if key not in ("id", "meta")}, "doctor")
    open_town.later(days=1)
    await open_town.put(referral("anew", authoredOn=(open_town.now + timedelta(minutes=-1)).isoformat()), who="doctor")
    await open_town.put(referral("elsewhere", to="city"), who="doctor")
