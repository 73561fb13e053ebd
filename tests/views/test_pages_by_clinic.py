"""What a clinician wrote stands as it is on pages in other languages, and says that it is Danish and whose it is."""

import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from page_house import Browser, World, stored

from careplan.fhir.text import dump, read_text
from careplan.interactions.message import answer_message, send_message
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.write import update
from careplan.views.catalogue import read_catalogue

PLACE = "/plan/hjemmemaaling/sbp"
WORDS = "Ring til os, hvis du bliver svimmel."


async def reader(world: World, language: str, path: str) -> Browser:
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    await browser.post("/sprog", {"sprog": language}, token="")
    await browser.get(path)
    return browser


async def answered(world: World) -> str:
    task = await send_message(world.context("patient-birthe"), "birthe", "question", "Hvad nu?")
    await answer_message(world.context("doctor"), task, WORDS)
    return "/plan/beskeder"


async def targeted(world: World) -> str:
    wanted = Wanted(None, Decimal("2.0"), True, "side-effect", WORDS, None)
    await set_target(world.context("doctor"), await goal_of(world, "LDL"), wanted)
    return "/plan/maaling/ldl"


async def agreed(world: World) -> str:
    task: Any = next(one for one in await stored(world, "Task", "birthe") if one["status"] == "requested")
    kept = {**task, "code": {"text": "Hvil dig"}, "description": WORDS}
    await update(world.context("doctor"), "Task", task["id"], read_text(dump(kept)))
    return "/plan"


async def instructed(world: World) -> str:
    """Birthe's receipt for a high blood pressure, where an instruction is agreed for it."""
    id = await goal_of(world, "ystolisk")
    goal = next(one for one in await stored(world, "Goal", "birthe") if one["id"] == id)
    await update(world.context(), "Goal", id, read_text(dump({**goal, "note": [{"text": WORDS}]})))
    browser = await reader(world, "da", PLACE)
    fields = {"vaerdi-sbp": "178", "vaerdi-dbp": "70", "dag": "22.11.2026", "klokken": "09.30"}
    answer = await browser.post(PLACE, {**fields, "mark": "m", "trin": "se", "til": "gem"})
    return answer.headers["location"]


async def goal_of(world: World, name: str) -> str:
    return next(one["id"] for one in await stored(world, "Goal", "birthe") if name in one["description"]["text"])


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("write", [answered, targeted, agreed, instructed])
async def test_what_a_clinician_wrote_says_so_right_after_it(
    world: World, write: Callable[[World], Awaitable[str]], language: str
) -> None:
    browser = await reader(world, language, await write(world))
    after = re.sub(r"^\W+", "", browser.text.partition(WORDS)[2])
    assert after.startswith(read_catalogue(language)("frame.by-clinic")), after[:200]


async def test_what_the_service_wrote_is_not_said_to_be_the_clinics_and_a_danish_page_says_nothing(
    world: World,
) -> None:
    path = await answered(world)
    assert "Skrevet på dansk" not in (await reader(world, "da", path)).text
    says = read_catalogue("en")("frame.by-clinic")
    assert (await reader(world, "en", "/plan/maaling/ldl")).text.count(says) == 0
