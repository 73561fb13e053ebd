"""Nobody answers: attempts are written down, three of them open the way back to who referred, and nobody is hurried."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from careplan.domain.attempt import Attempt
from careplan.domain.referral import StepNotAllowed
from careplan.fhir import systems
from careplan.fhir.attempt import output_from_attempt
from careplan.fhir.case import Draft
from careplan.fhir.outcome import ResourceInvalid
from careplan.interactions.access import Forbidden
from careplan.interactions.attempt import AttemptFaulty, note_attempt
from careplan.interactions.casework import move, read_case
from careplan.interactions.handover import refer
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.release import NOT_REACHED

from .conftest import Json, Town

ON = date(2026, 11, 22)
THREE = (("phone", 0), ("letter", 0), ("phone", 1))
"""Channels, and how many days after the referral."""


async def taken(town: Town, *steps: str) -> str:
    """The case of a referral of Anna, taken these steps; the logical id of its Task."""
    task = (
        await refer(town.as_("doctor"), "anna", Draft("town", "Samtale", until=date(2027, 5, 22)), agreed=True)
    ).task
    for step in steps or ("take",):
        await move(town.as_("visitator"), task, step, None)
    return task


async def note(town: Town, task: str, channel: str, after: int = 0, expects: int | None = None) -> None:
    context = town.as_("visitator")
    await note_attempt(context, task, expects, Attempt(ON + timedelta(days=after), channel, context.caller.name))


async def tried(town: Town, task: str) -> None:
    town.later(days=2)
    for channel, after in THREE:
        await note(town, task, channel, after)


async def asked_of_clinic(town: Town) -> list[Json]:
    """The Tasks that came back with a referral."""
    found = await town.find("Task", patient="anna", status="requested")
    return [one for one in found if one["code"].get("text") == NOT_REACHED]


async def given_up(town: Town, task: str) -> None:
    await move(town.as_("visitator"), task, "no-contact", None, reason="not-reached")


async def test_an_attempt_is_kept_with_the_case_and_moves_nothing(town: Town) -> None:
    task = await taken(town)
    before = await town.get(f"Task/{task}")
    town.later(hours=1)
    await note(town, task, "phone")
    after = await town.get(f"Task/{task}")
    assert {name for name in after if after[name] != before.get(name)} == {"meta", "lastModified", "output"}
    (output,) = after["output"]
    assert output["type"]["coding"][0]["code"] == "phone"
    author = {"reference": "Organization/town", "display": "Sanne Bach"}
    assert output["valueAnnotation"] == {"authorReference": author, "time": "2026-11-22", "text": "Telefon"}
    assert (await read_case(town.as_("doctor"), task)).case.tried == (Attempt(ON, "phone", "Sanne Bach"),)


@pytest.mark.parametrize("steps", [("take",), ("take", "accept")])
async def test_three_in_vain_and_it_goes_back_to_who_referred_as_a_task(town: Town, steps: tuple[str, ...]) -> None:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/diabetes"])
    task = await taken(town, *steps)
    await tried(town, task)
    assert (await town.get(f"Task/{task}"))["status"] == ("accepted" if "accept" in steps else "received")
    await given_up(town, task)
    case = (await read_case(town.as_("doctor"), task)).case
    assert (case.status, case.phase, case.reason) == ("rejected", "returned", "not-reached")
    (asked,) = await asked_of_clinic(town)
    assert (asked["owner"], asked["restriction"]) == (
        {"reference": "PractitionerRole/doctor"},
        {"period": {"end": "2026-12-01"}},
    )
    assert [one["reference"].partition("/")[0] for one in asked["basedOn"]] == ["CarePlan", "ServiceRequest"]
    with pytest.raises(Forbidden):
        await town.get("Patient/anna", "visitator")


async def test_fewer_do_not_and_no_plain_return_is_for_that(town: Town) -> None:
    task = await taken(town)
    for channel in ("phone", "letter", "phone"):
        await note(town, task, channel)
    with pytest.raises(StepNotAllowed):
        await given_up(town, task)
    with pytest.raises(Exception, match="needs a reason"):
        await move(town.as_("visitator"), task, "return", None, reason="not-reached")


async def test_who_was_reached_meanwhile_is_tried_anew(town: Town) -> None:
    task = await taken(town)
    await tried(town, task)
    await note(town, task, "reached", 2)
    with pytest.raises(StepNotAllowed):
        await given_up(town, task)
    assert not (await read_case(town.as_("visitator"), task)).case.tried


async def test_after_a_plain_return_nobody_is_asked_to_talk_with_the_person(town: Town) -> None:
    task = await taken(town)
    await move(town.as_("visitator"), task, "return", None, reason="no-offer")
    assert await asked_of_clinic(town) == []


@pytest.mark.parametrize(
    "attempt",
    [Attempt(ON, "pigeon"), Attempt(date(2026, 11, 21), "phone"), Attempt(date(2026, 11, 23), "phone")],
    ids=str,
)
async def test_an_attempt_that_cannot_be_is_refused(town: Town, attempt: Attempt) -> None:
    task = await taken(town)
    with pytest.raises(AttemptFaulty):
        await note_attempt(town.as_("visitator"), task, None, attempt)


async def test_who_is_in_a_course_is_not_tried(town: Town) -> None:
    task = await taken(town, "take", "accept", "start")
    with pytest.raises(StepNotAllowed):
        await note(town, task, "phone")


async def test_only_the_receiver_tries(town: Town) -> None:
    task = await taken(town)
    for who, error in (("doctor", StepNotAllowed), ("stranger", Forbidden), ("anna", Forbidden)):
        with pytest.raises(error):
            await note_attempt(town.as_(who), task, None, Attempt(ON, "phone"))


async def test_sent_twice_an_attempt_is_kept_once(town: Town) -> None:
    task = await taken(town)
    seen = (await read_case(town.as_("visitator"), task)).version.number
    asked: list[Any] = [note(town, task, "phone", expects=seen) for _ in range(2)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["NoneType", "PreconditionFailed"]
    with pytest.raises(PreconditionFailed):
        await note(town, task, "phone", expects=seen)
    assert len((await town.get(f"Task/{task}"))["output"]) == 1


# ── what is sent over FHIR ───────────────────────────────────────────────────────────────────────


async def put(town: Town, task: str, *outputs: Json, who: str = "visitator", **more: Any) -> None:
    value = await town.get(f"Task/{task}", who)
    await town.put({**value, "output": [*value.get("output", ()), *outputs], **more}, who=who)


def sent(channel: str = "phone", on: date = ON, organization: str = "Organization/town") -> Json:
    return output_from_attempt(Attempt(on, channel), organization)


async def test_over_fhir_attempts_count_as_on_pages(town: Town) -> None:
    task = await taken(town)
    why = {"coding": [{"system": systems.REFERRAL_REASON, "code": "not-reached"}]}
    back = {"status": "rejected", "statusReason": why, "businessStatus": {"text": "Returneret"}}
    await put(town, task, sent("phone"), sent("letter"))
    with pytest.raises(StepNotAllowed):
        await put(town, task, sent("visit"), **back)
    await put(town, task, sent("visit"))
    await put(town, task, **back)
    assert (await read_case(town.as_("doctor"), task)).case.phase == "returned"
    (asked,) = await asked_of_clinic(town)
    assert asked["requester"] == {"reference": "PractitionerRole/v"}


@pytest.mark.parametrize(
    "output",
    [sent("phone", date(2026, 11, 23)), sent("phone", date(2026, 11, 21)), sent(organization="Organization/city")],
    ids=str,
)
async def test_what_no_page_would_keep_is_refused_over_fhir(town: Town, output: Json) -> None:
    task = await taken(town)
    with pytest.raises(ResourceInvalid):
        await put(town, task, output)
    with pytest.raises(ResourceInvalid):
        await put(town, task, {**sent(), "type": {"coding": [{"system": systems.CONTACT, "code": "pigeon"}]}})


async def test_the_clinic_notes_none_and_nobody_takes_one_away(town: Town) -> None:
    task = await taken(town)
    with pytest.raises(ResourceInvalid):
        await put(town, task, sent(), who="doctor")
    await note(town, task, "phone")
    for who in ("visitator", "doctor"):
        value = await town.get(f"Task/{task}", who)
        for output in ([], [sent("letter")]):
            with pytest.raises(ResourceInvalid):
                await town.put({**value, "output": output}, who=who)


async def test_who_has_a_day_is_not_tried_over_fhir_either(town: Town) -> None:
    task = await taken(town, "take", "accept")
    await move(town.as_("visitator"), task, "book", None, on=date(2026, 12, 1))
    with pytest.raises(ResourceInvalid):
        await put(town, task, sent())
