"""C3 with more than one plan: what is made once for them all, and two targets that do not fit together."""

import re
from decimal import Decimal

from page_house import Browser, World, text_of

from careplan.fhir.goal import is_active
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.operations.establish import make_plans
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted

PAGE = "/patient/anna/opret-plan"


def part(html: str, heading: str) -> str:
    """The words from a heading to the next one."""
    return text_of(html.split(f">{heading}</h2>")[1].split("<h2")[0])


async def with_heart_plan(world: World) -> Json:
    """Anna with a heart plan; her LDL goal."""
    await make_plans(world.context("doctor"), "anna", [world.house.knowledge.plans["hjerte"]])
    goals = [parse(one.body or b"") for one in (await world.house.store.search(Query("Goal", patient="anna"))).matches]
    return next(one for one in goals if is_active(one) and "LDL" in one["description"]["text"])


async def preview_diabetes(browser: Browser) -> None:
    await browser.get(PAGE)
    await browser.post(PAGE, {"plan": "diabetes", "begrundelse": "Prædiabetes", "trin": "forhaandsvis"})


async def test_an_agreement_and_a_recommendation_that_differ_are_both_shown_and_nothing_is_picked(
    nurse: Browser, world: World
) -> None:
    goal = await with_heart_plan(world)
    wish = Wanted(None, Decimal("2.6"), False, "side-effect", "Ondt i musklerne", None)
    stored = await set_target(world.context("doctor"), goal["id"], wish)
    await preview_diabetes(nurse)
    clash = part(nurse.html, "To mål passer ikke sammen")
    for words in ("LDL-kolesterol", "Aftalt er højst 2,6", "I dag anbefales under 1,4", "Bivirkning: Ondt i musklerne"):
        assert words in clash
    assert "Aftalt af Mette" in clash and "Det aftalte mål gælder, til du vælger" in clash
    assert f'href="/patient/anna/maal/{goal["id"]}"' in nurse.html
    kept = re.findall(r'name="(med|vist)" value="([^"]+)"', nurse.html)
    await nurse.post(PAGE, [("plan", "diabetes"), ("begrundelse", "Prædiabetes"), *kept, ("trin", "opret")])
    version = await world.house.store.read("Goal", goal["id"])
    assert version is not None and version.number == stored.number


async def test_targets_that_fit_together_are_not_called_a_clash(nurse: Browser, world: World) -> None:
    await with_heart_plan(world)
    await preview_diabetes(nurse)
    assert "To mål passer ikke sammen" not in nurse.text
    assert re.search(r"LDL-kolesterol: slået sammen for Hjertesygdom og Type 2-diabetes\.", nurse.text)


async def test_one_order_of_samples_for_several_plans_is_named_once_with_what_it_gives(nurse: Browser) -> None:
    await nurse.get(PAGE)
    fields = [("plan", "hjerte"), ("plan", "diabetes"), ("begrundelse", "Prædiabetes"), ("trin", "forhaandsvis")]
    await nurse.post(PAGE, fields)
    merged = part(nurse.html, "Slået sammen")
    assert merged.count("Få taget blodprøver") == 1
    (said,) = re.findall(r"Få taget blodprøver: én prøvetagning for ([^.]*)\. Den giver ([^.]*)\.", merged)
    assert {"Hjertesygdom", "Type 2-diabetes"} == set(said[0].split(" og "))
    assert {"HbA1c", "LDL-kolesterol", "Kalium"} <= set(re.split(", | og ", said[1]))
