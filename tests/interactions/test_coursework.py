"""What the receiver of a referral writes of its course: each form keeps all of it once, or nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from overtaken import overtaken

from careplan.domain.referral import StepNotAllowed
from careplan.fhir.case import Draft
from careplan.interactions.access import Forbidden, ScopeMissing
from careplan.interactions.casework import move, read_case
from careplan.interactions.context import Context
from careplan.interactions.coursework import (
    TESTS,
    Ending,
    NoteFaulty,
    attendance,
    close_course,
    closing_sentence,
    hold_talk,
    keep_course,
    notes_of,
)
from careplan.interactions.handover import refer
from careplan.interactions.overview import read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.smart import scopes_from_text

from .conftest import Json, Town

WEIGHT = TESTS[-1]
ON = date(2026, 11, 22)
ENDING = Ending("carried-out", "", ("Mødt 3 af 4 gange.", "Går selv nu."), "Ny vægt", date(2027, 1, 4), "Godt gået.")

Act = Callable[[Context, str, int | None], Awaitable[object]]


async def talk(context: Context, task: str, expects: int | None) -> object:
    return await hold_talk(context, task, expects, ["Motivation: stor"], ["Gå en tur"], None)


async def meet(context: Context, task: str, expects: int | None) -> object:
    return await keep_course(
        context, task, expects, on=ON, came=None, words="Gik 400 m.", tests=[(WEIGHT, Decimal("88.5"))]
    )


async def close(context: Context, task: str, expects: int | None) -> object:
    return await close_course(context, task, expects, ENDING)


ACTS: dict[str, Act] = {"talk": talk, "meeting": meet, "closing": close}


async def under_way(town: Town, *steps: str) -> str:
    """The case of a referral of Anna, taken these steps; the logical id of its Task."""
    draft = Draft("town", "Afklarende samtale", until=date(2027, 5, 22))
    task = (await refer(town.as_("doctor"), "anna", draft, agreed=True)).task
    for step in steps or ("take", "accept", "start"):
        await move(town.as_("visitator"), task, step, None)
    return task


async def number_of(town: Town, task: str) -> int:
    return (await read_case(town.as_("visitator"), task)).version.number


async def kept(town: Town, type_name: str) -> list[Json]:
    return await town.find(type_name, patient="anna")


# ── what each form keeps ─────────────────────────────────────────────────────────────────────────


async def test_the_first_talk_keeps_its_note_and_what_was_agreed_and_the_course_begins(town: Town) -> None:
    task = await under_way(town, "take", "accept")
    lines, goals = ["Motivation: stor", "Ønsker: at gå"], ["Gå en tur", ""]
    await hold_talk(town.as_("visitator"), task, await number_of(town, task), lines, goals, date(2026, 12, 1))
    opened = await read_case(town.as_("doctor"), task)
    assert (opened.case.status, opened.case.next_on) == ("in-progress", date(2026, 12, 1))
    (note,) = await notes_of(town.as_("doctor"), opened)
    assert (note.topic, note.lines, note.on) == ("Afklarende samtale", ("Motivation: stor", "Ønsker: at gå"), ON)
    (agreed,) = [one for one in await kept(town, "Task") if one["code"].get("text") == "Gå en tur"]
    assert (agreed["status"], agreed["owner"]) == ("in-progress", {"reference": "Patient/anna"})


async def test_a_meeting_keeps_who_came_the_test_and_the_note(town: Town) -> None:
    task = await under_way(town)
    context = town.as_("visitator")
    await keep_course(context, task, None, on=ON, came=True, words="Gik 400 m.", tests=[(WEIGHT, Decimal("88.5"))])
    await keep_course(context, task, None, on=date(2026, 11, 29), came=False)
    opened = await read_case(context, task)
    assert attendance(opened) == ((ON, True), (date(2026, 11, 29), False))
    (note,) = await notes_of(context, opened)
    assert (note.topic, note.lines) == ("Notat fra forløbet", ("Gik 400 m.",))
    (measured,) = await kept(town, "Observation")
    assert measured["performer"] == [{"reference": "Organization/town"}]
    assert (measured["valueQuantity"]["value"], measured["effectiveDateTime"]) == (Decimal("88.5"), "2026-11-22")


async def test_the_end_leaves_a_note_a_sentence_and_what_the_clinic_is_asked_to_do(town: Town) -> None:
    task = await under_way(town)
    await close(town.as_("visitator"), task, None)
    opened = await read_case(town.as_("doctor"), task)
    assert (opened.case.status, opened.case.reason) == ("completed", "carried-out")
    assert [one.lines for one in await notes_of(town.as_("doctor"), opened) if one.topic == "Afslutningsnotat"] == [
        ("Mødt 3 af 4 gange.", "Går selv nu.")
    ]
    assert await closing_sentence(town.as_("anna"), opened) == "Godt gået."
    (asked,) = [one for one in await kept(town, "Task") if one["code"].get("text") == "Ny vægt"]
    assert (asked["status"], asked["owner"]) == ("requested", {"reference": "PractitionerRole/doctor"})
    assert asked["restriction"] == {"period": {"end": "2027-01-04"}}
    with pytest.raises(Forbidden):
        await town.get("Patient/anna", "visitator")


async def test_of_whom_has_died_the_course_ends_without_a_sentence_to_them(town: Town) -> None:
    task = await under_way(town)
    ending = Ending("died", "", ("Borgeren er død.",), "", None, " ")
    with pytest.raises(NoteFaulty):
        await close_course(town.as_("visitator"), task, None, replace(ending, outcome="partly"))
    await close_course(town.as_("visitator"), task, None, ending)
    opened = await read_case(town.as_("doctor"), task)
    assert (opened.case.status, opened.case.reason) == ("failed", "died")
    assert await closing_sentence(town.as_("doctor"), opened) == ""


@pytest.mark.parametrize("act", [talk, meet], ids=["talk", "meeting"])
async def test_what_is_written_of_a_course_leaves_the_slice_and_the_targets_as_they_were(town: Town, act: Act) -> None:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/diabetes"])
    task = await under_way(town)
    goals, consents = await kept(town, "Goal"), await kept(town, "Consent")
    await act(town.as_("visitator"), task, None)
    assert (await kept(town, "Goal"), await kept(town, "Consent")) == (goals, consents)
    assert (await read_overview(town.as_("visitator"), "anna", "referral")).lines


# ── all of it once, or nothing ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_sent_twice_a_form_is_kept_once(town: Town, act: Act) -> None:
    task = await under_way(town)
    seen = await number_of(town, task)
    await act(town.as_("visitator"), task, seen)
    before = await town.everything()
    with pytest.raises((PreconditionFailed, Forbidden)):
        await act(town.as_("visitator"), task, seen)
    assert await town.everything() == before


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_of_two_who_write_at_once_one_is_told_what_stands(town: Town, act: Act) -> None:
    task = await under_way(town)
    seen = await number_of(town, task)
    asked: list[Any] = [act(town.as_("visitator"), task, seen) for _ in range(2)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    (refused,) = [one for one in answers if isinstance(one, Exception)]
    assert isinstance(refused, PreconditionFailed | Forbidden)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_step_taken_meanwhile_is_told_and_nothing_is_kept(town: Town, act: Act) -> None:
    task = await under_way(town)
    context = town.as_("visitator")

    async def meanwhile() -> object:
        return await move(context, task, "pause", None, reason="illness")

    late = replace(context, house=overtaken(town.house, meanwhile))
    with pytest.raises(PreconditionFailed):
        await act(late, task, None)
    assert await kept(town, "Communication") == await kept(town, "Observation") == []


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_case_that_was_not_accepted_yet_is_not_written_of(town: Town, act: Act) -> None:
    task = await under_way(town, "take")
    with pytest.raises(StepNotAllowed):
        await act(town.as_("visitator"), task, None)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_case_that_ended_is_not_written_of(town: Town, act: Act) -> None:
    task = await under_way(town)
    await close(town.as_("visitator"), task, None)
    before = await town.everything()
    with pytest.raises(Forbidden):
        await act(town.as_("visitator"), task, None)
    assert await town.everything() == before


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_the_clinic_does_not_write_of_the_receivers_course(town: Town, act: Act) -> None:
    task = await under_way(town)
    with pytest.raises(StepNotAllowed):
        await act(town.as_("doctor"), task, None)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_client_that_may_only_read_writes_nothing_of_a_course(town: Town, act: Act) -> None:
    task = await under_way(town)
    context = town.as_("visitator")
    reading = replace(context.caller, scopes=scopes_from_text("user/*.rs"))
    with pytest.raises(ScopeMissing):
        await act(replace(context, caller=reading), task, None)


async def test_a_meeting_without_a_word_a_value_or_who_came_is_refused(town: Town) -> None:
    task = await under_way(town)
    with pytest.raises(NoteFaulty):
        await keep_course(town.as_("visitator"), task, None, on=ON, came=None, words="  ")


async def test_a_note_changes_nothing_of_the_case_but_when_it_was_written(town: Town) -> None:
    task = await under_way(town)
    before = await town.get(f"Task/{task}")
    town.later(minutes=5)
    await meet(town.as_("visitator"), task, None)
    after = await town.get(f"Task/{task}")
    assert {name for name in after if after[name] != before.get(name)} == {"meta", "lastModified"}
