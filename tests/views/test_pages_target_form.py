"""The form of an individual target: seen as the patient will see it, stale or at fault, followed again."""

import re
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from overtaken import overtaken
from page_house import Browser, World, row, stored

from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted

PAGE = "/patient/birthe/aarskontrol"


async def goal_page(browser: Browser, patient: str, name: str) -> str:
    await browser.get(f"/patient/{patient}/aarskontrol")
    found = re.search(r'class="set" href="([^"]+)"', row(browser, name))
    assert found is not None
    await browser.get(found[1])
    return found[1]


FILLED = {"fra": "55", "til": "61", "graense": "med", "aarsag": "hypoglycaemia", "tekst": "", "gaelder": "22.11.2027"}


async def test_an_individual_target_is_seen_as_the_patient_will_before_it_is_kept(nurse: Browser, world: World) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    version = nurse.field("version")
    await nurse.post(page, {**FILLED, "version": version, "trin": "vis"})
    for words in (
        "Intet er gemt endnu",
        "Langtidsblodsukker",
        "Mit mål: mellem 55 og 61",
        "Din sygeplejerske, Lars Test Krogh, har sat målet for dig.",
        "Det er, fordi du har haft lavt blodsukker.",
        "I ser på målet igen i november 2027.",
    ):
        assert words in nurse.text
    (before,) = [g for g in await stored(world, "Goal", "birthe") if g["id"] == page.rpartition("/")[2]]
    assert before["meta"]["versionId"] == version
    answer = await nurse.post(page, {**FILLED, "version": nurse.field("version"), "trin": "gem"})
    await nurse.follow(answer)
    assert "Det individuelle mål er gemt." in nurse.text
    cell = row(nurse, "HbA1c")
    assert "mellem 55 og 61" in cell and "Hypoglykæmi, til 22.11.2027" in cell
    patient = Browser(world)
    await patient.sign_in("patient-birthe")
    assert "Mit mål: mellem 55 og 61" in patient.text


async def test_the_form_begins_with_the_next_control_as_its_last_day(nurse: Browser) -> None:
    await goal_page(nurse, "birthe", "HbA1c")
    assert nurse.field("gaelder") == "31.08.2027"


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"fra": "", "til": ""}, "til", "Skriv mindst en af grænserne."),
        ({"fra": "60", "til": "50"}, "fra", "Fra skal være lavere end Til."),
        ({"til": "lavt"}, "til", "Skriv målet som et tal"),
        ({"til": "5000"}, "til", "Et mål skal ligge mellem 15 og 200."),
        ({"aarsag": ""}, "aarsag", "Vælg en årsag."),
        ({"aarsag": "other"}, "tekst", "Skriv en begrundelse, når årsagen er Andet."),
        ({"gaelder": "31.02.2027"}, "gaelder", "Skriv datoen som dd.mm.åååå"),
        ({"gaelder": "22.11.2026"}, "gaelder", "Datoen skal ligge efter i dag."),
        ({"tekst": "x" * 601}, "tekst", "Begrundelsen er for lang."),
    ],
)
async def test_a_form_with_a_fault_says_which_and_keeps_the_rest(
    nurse: Browser, change: dict[str, str], field: str, says: str
) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    answer = await nurse.post(page, {**FILLED, **change, "version": nurse.field("version"), "trin": "gem"})
    assert answer.status_code == 422
    assert f'href="#{field}"' in nurse.html and says in nurse.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true" aria-describedby="e-{field}"', nurse.html)
    if field != "gaelder":
        assert nurse.field("gaelder") == "22.11.2027"


async def test_going_back_from_the_preview_keeps_what_was_filled_in(nurse: Browser) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    await nurse.post(page, {**FILLED, "version": nurse.field("version"), "trin": "ret"})
    assert (nurse.field("fra"), nurse.field("til")) == ("55", "61")
    assert re.search(r'value="hypoglycaemia" selected', nurse.html)


async def test_a_preview_of_a_stale_form_shows_both_versions(nurse: Browser, world: World) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    seen = nurse.field("version")
    other = Wanted(None, Decimal(60), False, "frailty", None, None)
    await set_target(world.context("doctor"), page.rpartition("/")[2], other)
    assert (await nurse.post(page, {**FILLED, "version": seen, "trin": "vis"})).status_code == 409
    assert "Det, der er gemt nu (Mette Test Holm)" in nurse.text and "Mit mål: højst 60" in nurse.text
    await nurse.post(page, {**FILLED, "version": seen, "trin": "ret"})
    assert "Målet er ændret, siden du åbnede siden." in nurse.text and nurse.field("til") == "61"


async def test_a_race_that_is_lost_shows_what_the_other_agreed_on(nurse: Browser, world: World) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    fields = {**FILLED, "version": nurse.field("version"), "trin": "gem"}
    other = Wanted(None, Decimal(60), False, "frailty", None, None)
    work = partial(set_target, world.context("doctor"), page.rpartition("/")[2], other)
    world.app.state.view = replace(world.view, house=overtaken(world.house, work))
    assert (await nurse.post(page, fields)).status_code == 409
    assert "Det, der er gemt nu (Mette Test Holm)" in nurse.text and "Mit mål: højst 60" in nurse.text
    answer = await nurse.post(page, {**fields, "version": nurse.field("version")})
    await nurse.follow(answer)
    assert "mellem 55 og 61" in row(nurse, "HbA1c")


async def test_a_stale_form_shows_both_versions_and_overwrites_nothing(nurse: Browser, world: World) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    seen = nurse.field("version")
    other = Wanted(None, 60, False, "frailty", None, None)  # type: ignore[arg-type]
    await set_target(world.context("doctor"), page.rpartition("/")[2], other)
    answer = await nurse.post(page, {**FILLED, "version": seen, "trin": "gem"})
    assert answer.status_code == 409
    assert "Det, der er gemt nu (Mette Test Holm)" in nurse.text and "Mit mål: højst 60" in nurse.text
    assert "Det, du har skrevet" in nurse.text and "Mit mål: mellem 55 og 61" in nurse.text
    await nurse.follow(await nurse.post(page, {**FILLED, "version": nurse.field("version"), "trin": "gem"}))
    assert "mellem 55 og 61" in row(nurse, "HbA1c")


async def test_following_the_recommendation_ends_an_individual_target(nurse: Browser) -> None:
    page = await goal_page(nurse, "fatima", "HbA1c")
    assert "Følg anbefalingen" in nurse.text
    answer = await nurse.post(f"{page}/anbefaling", {"version": nurse.field("version")})
    await nurse.follow(answer)
    assert "Målet følger nu anbefalingen." in nurse.text
    assert "Hypoglykæmi" not in row(nurse, "HbA1c")


async def test_following_from_a_stale_form_changes_nothing(nurse: Browser, world: World) -> None:
    page = await goal_page(nurse, "fatima", "HbA1c")
    seen = nurse.field("version")
    other = Wanted(None, 60, False, "frailty", None, None)  # type: ignore[arg-type]
    await set_target(world.context("doctor"), page.rpartition("/")[2], other)
    answer = await nurse.post(f"{page}/anbefaling", {"version": seen})
    assert answer.status_code == 409
    assert "Målet er ændret, siden du åbnede siden." in nurse.text
    assert nurse.field("til") == "60"


async def test_a_goal_of_somebody_else_is_not_found_under_this_patient(nurse: Browser) -> None:
    page = await goal_page(nurse, "fatima", "HbA1c")
    assert (await nurse.get(page.replace("/fatima/", "/birthe/"))).status_code == 404
