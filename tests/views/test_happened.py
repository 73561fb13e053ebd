"""«Siden sidst»: new values with whom they come from, whoever wrote them; what became of a referral."""

from datetime import date

import pytest
from page_house import World

from careplan.fhir.case import Draft
from careplan.fhir.text import Json, dump, read_text
from careplan.interactions.casework import move
from careplan.interactions.coursework import Ending, close_course
from careplan.interactions.handover import refer
from careplan.interactions.overview import read_overview
from careplan.interactions.transaction import perform
from careplan.views.frame import catalogue
from careplan.views.happened import happened

from .sharing import HANNE, relate, send, signed_in, trust

WEIGHT = {"coding": [{"system": "http://npu-terminology.org", "code": "NPU03804"}]}
LDL = {"coding": [{"system": "http://npu-terminology.org", "code": "NPU01568"}]}
DAY = "22.11.2026"


def value(code: Json, number: float, unit: str, **more: object) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "subject": {"reference": "Patient/birthe"},
        "effectiveDateTime": "2026-11-22T08:00:00+01:00",
        "valueQuantity": {"value": number, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        **more,
    }


async def load(world: World, *values: Json) -> None:
    """As an installation loads what other systems sent: nobody is named."""
    entries = [{"resource": one, "request": {"method": "POST", "url": "Observation"}} for one in values]
    await perform(world.context(), read_text(dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})))


async def told(world: World, audience: str) -> tuple[str, ...]:
    overview = await read_overview(world.context("nurse"), "birthe", "clinic")
    return happened(overview, catalogue(), audience)


PATIENT = {"performer": [{"reference": "Patient/birthe"}]}
ANSWERS = {"derivedFrom": [{"reference": "QuestionnaireResponse/birthe-q-cat"}]}
RELATIVE = {"performer": [{"reference": "RelatedPerson/mads-for-dorte"}]}
ELSEWHERE = {"performer": [{"reference": "Practitioner/elsewhere", "display": "Rikke Test Vang"}]}
LAB = "Nordby Sygehus, Klinisk Biokemi"
RECEIVER = "Nordby Kommune, Forebyggelsescenter"
LABORATORY = {"performer": [{"reference": "Organization/laboratorium-nord"}]}


@pytest.mark.parametrize(
    ("source", "who"),
    [
        (ANSWERS | ELSEWHERE, "Rikke Test Vang"),
        (LABORATORY, LAB),
        (ELSEWHERE, "Rikke Test Vang"),
        (RELATIVE, "en pårørende"),
        ({}, "klinikken"),
    ],
)
async def test_a_value_that_was_loaded_is_told_with_whom_it_comes_from(world: World, source: Json, who: str) -> None:
    await load(world, value(WEIGHT, 82.5, "kg", **source))
    assert f"{DAY}: nye værdier for vægt ({who})." in await told(world, "staff")
    assert f"Der kom nye tal for vægt den {DAY}. De kom fra {who}." in await told(world, "patient")


@pytest.mark.parametrize("source", [PATIENT, ANSWERS])
async def test_what_the_patient_wrote_is_told_them_as_theirs(world: World, source: Json) -> None:
    await load(world, value(WEIGHT, 82.5, "kg", **source))
    assert f"{DAY}: nye værdier for vægt (patienten)." in await told(world, "staff")
    assert f"Du har skrevet nye tal for vægt den {DAY}." in await told(world, "patient")


async def test_values_of_one_commit_are_told_by_whom_they_come_from(world: World) -> None:
    await load(world, value(WEIGHT, 82.5, "kg", **PATIENT), value(LDL, 1.9, "mmol/L", **LABORATORY))
    said = await told(world, "staff")
    assert f"{DAY}: nye værdier for vægt (patienten)." in said
    assert f"{DAY}: nye værdier for LDL-kolesterol ({LAB})." in said


async def test_a_value_that_a_relative_wrote_has_their_name(world: World) -> None:
    await relate(world, "birthe", whose="hanne")
    await trust(world, "birthe")
    hanne = await signed_in(world, "patient-hanne")
    await hanne.get("/plan/person")
    await send(hanne, "/plan/person", person=HANNE)
    value_of = {"vaerdi-weight": "82,5", "dag": "22.11.2026", "klokken": "09.30", "trin": "se", "til": "gem"}
    await hanne.get("/plan/hjemmemaaling/weight")
    await send(hanne, "/plan/hjemmemaaling/weight", **value_of)
    assert f"{DAY}: nye værdier for vægt (Hanne Test Friis)." in await told(world, "staff")


# ── referrals ────────────────────────────────────────────────────────────────────────────────────


async def referred(world: World, *steps: str) -> str:
    """The case of a referral of Birthe to the municipality, taken these steps; the logical id of its Task."""
    draft = Draft("kommune-nord", "Afklarende samtale", until=date(2027, 5, 22))
    task = (await refer(world.context("doctor"), "birthe", draft, agreed=True)).task
    for step in steps:
        world.clock.forward(minutes=1)
        await move(world.context("visitator"), task, step, None)
    world.clock.forward(minutes=1)
    return task


async def test_a_referral_and_the_answer_to_it_are_told(world: World) -> None:
    await referred(world, "take", "accept")
    assert await told(world, "patient") == (
        f"{RECEIVER} tog imod din henvisning den {DAY}.",
        f"Lægehuset Nord henviste dig til et forløb den {DAY}.",
    )
    assert f"{DAY}: {RECEIVER} accepterede henvisningen." in await told(world, "staff")


async def test_a_referral_that_came_back_is_told_with_what_to_do(world: World) -> None:
    task = await referred(world, "take")
    await move(world.context("visitator"), task, "return", None, reason="no-offer")
    said = f"{RECEIVER} sendte henvisningen tilbage til din læge den {DAY}. Ring til klinikken."
    assert (await told(world, "patient"))[0] == said
    assert f"{DAY}: {RECEIVER} returnerede henvisningen." in await told(world, "staff")


async def test_the_end_of_a_course_and_what_it_left_in_the_plan_are_told(world: World) -> None:
    task = await referred(world, "take", "accept", "start")
    ending = Ending("carried-out", "", ("Gik selv.",), "Mål iltmætning igen", date(2026, 12, 18), "Godt gået.")
    await close_course(world.context("visitator"), task, None, ending)
    assert (await told(world, "patient"))[:2] == (
        f"{RECEIVER} afsluttede dit forløb den {DAY}.",
        f"Der kom noget nyt i det, vi har aftalt, den {DAY}: Mål iltmætning igen.",
    )
    assert (await told(world, "staff"))[:2] == (
        f"{DAY}: {RECEIVER} afsluttede forløbet.",
        f"{DAY}: Sanne Test Bach føjede til aftalerne: Mål iltmætning igen.",
    )


async def test_a_referral_that_the_clinic_withdrew_is_told_as_theirs(world: World) -> None:
    task = await referred(world)
    await move(world.context("doctor"), task, "withdraw", None, reason="not-needed")
    assert (await told(world, "patient"))[0] == f"Mette Test Holm trak din henvisning tilbage den {DAY}."
