"""C2's «Hvorfor dette mål?» and the two targets that do not fit together: shown with who, when and why; not picked."""

import re
from decimal import Decimal
from typing import Any

import pytest
from page_house import Browser, World

from careplan.fhir import systems
from careplan.fhir.goal import AGREED, find_deviation, find_target
from careplan.fhir.query import Query
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.write import create

PAGE = "/patient/birthe/aarskontrol"


def row(browser: Browser, name: str) -> str:
    """The grid's rows of one measure."""
    found = [part for part in browser.html.split("<tbody>")[1:] if f'<th scope="row">{name}<' in part]
    return found[0].split("</tbody>")[0]


def why(browser: Browser, name: str) -> str:
    return row(browser, name).split('<div class="why">')[1].split("</details>")[0]


async def goal_of(world: World, patient: str, name: str) -> Json:
    page = await world.house.store.search(Query("Goal", patient=patient, count=1000))
    goals = [parse(version.body or b"") for version in page.matches]
    (found,) = [one for one in goals if one.get("target") and one["target"][0]["measure"]["text"] == name]
    return found


async def observe(world: World, code: str, patient: str = "birthe", **value: Any) -> None:
    """What a clinician answers today."""
    body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": systems.FACT, "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": world.clock().date().isoformat(),
        **value,
    }
    await create(world.context("doctor"), "Observation", read_text(dump(body)))


@pytest.mark.parametrize("name", ["LDL-kolesterol", "HbA1c", "Systolisk blodtryk", "BMI"])
async def test_every_target_of_the_grid_says_why_without_a_script(nurse: Browser, name: str) -> None:
    await nurse.get(PAGE)
    text = why(nurse, name)
    assert re.search(r"Regel [A-Z0-9]+-\d+ \([a-z0-9_]+ \d{4}\.\d+\):", text)
    assert "Oplysninger, der er brugt:" in text and 'Kilde: <a href="https://' in text
    assert "<details><summary>" in row(nurse, name)


async def test_every_measure_that_is_ruled_says_why_also_the_time_until_the_next_control(nurse: Browser) -> None:
    await nurse.get(PAGE)
    for name, table in (("GOLD-grad (1–4)", "KOLGRADE"), ("KOL-gruppe (A, B, E)", "KOLGRP")):
        assert f"Regel {table}-0" in why(nurse, name)
    following = nurse.html.split("Næste kontrol</h2>")[1].split("</aside>")[0]
    assert re.search(r"Regel INT-0\d \(review_interval", following)


async def test_a_row_that_failed_tells_the_values_it_met_and_what_lies_behind_them(
    nurse: Browser, world: World
) -> None:
    await observe(world, "clinical-frailty-scale", valueInteger=3)
    await nurse.get(PAGE)
    text = why(nurse, "LDL-kolesterol")
    assert "LDL-01: " in text
    assert "Passer ikke: skrøbelighed (her: nej: CFS (Clinical Frailty Scale) 3 (22.11.2026), demens nej" in text


async def test_a_missing_fact_says_what_it_would_change(nurse: Browser) -> None:
    await nurse.get("/patient/carl/aarskontrol")
    text = why(nurse, "Systolisk blodtryk")
    assert "Var urin-albumin/kreatinin-ratio (uACR) 30 mg/g eller mere, ville målet være mellem 120 og 130 mmHg" in text
    assert "Var SCORE2-kategori meget høj, ville målet være mellem 120 og 130 mmHg" in text
    assert "Regler, der kan afgøre målet endnu:" in text


async def test_a_target_that_cannot_be_worked_out_names_what_is_missing(nurse: Browser) -> None:
    await nurse.get("/patient/carl/aarskontrol")
    cell = row(nurse, "Systolisk blodtryk")
    said = re.search(r"Målet kan ikke beregnes: ([^<]+) mangler", cell)
    assert said is not None
    assert said[0] in why(nurse, "Systolisk blodtryk")
    assert "ville målet være" in why(nurse, "Systolisk blodtryk")


# ── two targets that do not fit together ─────────────────────────────────────────────────────────


async def test_an_agreement_older_than_the_recommendation_is_shown_beside_it_and_nothing_is_picked(
    nurse: Browser, world: World
) -> None:
    before = await goal_of(world, "birthe", "LDL-kolesterol")
    await nurse.get(PAGE)
    assert "To mål passer ikke sammen" not in nurse.text
    await observe(world, "clinical-frailty-scale", valueInteger=7)
    await nurse.get(PAGE)
    cell = row(nurse, "LDL-kolesterol").replace("\u2009", " ")
    assert "To mål passer ikke sammen. Vælg et af dem." in cell
    assert re.search(
        r"Aftalt: under 1,4 mmol/L, Lægehuset Nord, \d\d\.\d\d\.\d{4}\. Fulgte regel LDL-04 \(2026\.1\)", cell
    )
    assert "Anbefalet i dag: under 1,8 mmol/L. Regel LDL-01 (ldl 2026.1):" in cell
    assert find_target(await goal_of(world, "birthe", "LDL-kolesterol"), AGREED) == find_target(before, AGREED)


async def test_an_individual_target_that_holds_is_no_conflict_and_one_that_ran_out_is(
    nurse: Browser, world: World
) -> None:
    goal = await goal_of(world, "birthe", "LDL-kolesterol")
    wanted = Wanted(None, Decimal("2.0"), True, "side-effect", "Smerter i benene", None)
    await set_target(world.context("doctor"), goal["id"], wanted)
    await nurse.get(PAGE)
    assert "To mål passer ikke sammen" not in row(nurse, "LDL-kolesterol")
    world.clock.forward(days=500)
    await nurse.sign_in("nurse")
    await nurse.get(PAGE)
    cell = row(nurse, "LDL-kolesterol").replace("\u2009", " ")
    assert "Aftalt: under 2 mmol/L, Mette Test Holm, 22.11.2026. Bivirkning: Smerter i benene (udløbet " in cell


async def conflicting(nurse: Browser, world: World) -> dict[str, str]:
    """The fields with which the recommendation of LDL is followed, on a page that shows the conflict."""
    await observe(world, "clinical-frailty-scale", valueInteger=7)
    await nurse.get(PAGE)
    goal = await goal_of(world, "birthe", "LDL-kolesterol")
    assert f'href="/patient/birthe/maal/{goal["id"]}">Behold som individuelt mål' in nurse.html
    assert f'name="handling" value="foelg:{goal["id"]}"' in row(nurse, "LDL-kolesterol")
    version = nurse.field(f"version-{goal['id']}")
    return {"mark": nurse.field("mark"), "handling": f"foelg:{goal['id']}", f"version-{goal['id']}": version}


TYPED = {"vaerdi-weight": "82", "tjek-medicin": "done"}


async def test_the_recommendation_is_followed_from_the_row_itself_and_what_was_typed_is_kept(
    nurse: Browser, world: World
) -> None:
    answer = await nurse.post(PAGE, {**await conflicting(nurse, world), **TYPED})
    assert answer.status_code == 200
    assert "Målet følger nu anbefalingen. Værdierne er gemt." in nurse.text
    changed = await goal_of(world, "birthe", "LDL-kolesterol")
    agreed = find_target(changed, AGREED)
    assert agreed is not None and agreed.high == Decimal("1.8") and find_deviation(changed) is None
    assert "To mål passer ikke sammen" not in row(nurse, "LDL-kolesterol")
    assert "82,0\u2009kg" in row(nurse, "Vægt") and nurse.field("vaerdi-weight") == ""
    assert re.search(r'name="tjek-medicin" value="done" checked', nurse.html)


def as_sent(browser: Browser, handling: str, **typed: str) -> list[tuple[str, str]]:
    """The whole form as a browser sends it: what is hidden in it too."""
    form = browser.html.split('class="control"')[1].split("</form>")[0]
    hidden = [one for one in re.findall(r"<input[^>]*>", form) if 'type="hidden"' in one]
    told = [(re.findall(r'name="([^"]*)"', one)[0], re.findall(r'value="([^"]*)"', one)[0]) for one in hidden]
    return [*((name, text) for name, text in told if name != "formular"), *typed.items(), ("handling", handling)]


@pytest.mark.parametrize("weight", ["82", ""])
async def test_the_recommendation_is_followed_with_all_that_the_form_says_it_has_seen(
    nurse: Browser, world: World, weight: str
) -> None:
    handling = (await conflicting(nurse, world))["handling"]
    fields = as_sent(nurse, handling, **{"vaerdi-weight": weight})
    assert any(name.startswith("aftalt-") for name, _ in fields)
    answer = await nurse.post(PAGE, fields)
    assert answer.status_code == 303
    await nurse.follow(answer)
    assert "Målet følger nu anbefalingen" in nurse.text
    agreed = find_target(await goal_of(world, "birthe", "LDL-kolesterol"), AGREED)
    assert agreed is not None and agreed.high == Decimal("1.8")
    assert ("82,0\u2009kg" in row(nurse, "Vægt")) == bool(weight)


async def test_a_target_changed_meanwhile_is_not_followed_and_nothing_typed_is_lost(
    nurse: Browser, world: World
) -> None:
    fields = await conflicting(nurse, world)
    goal = (await goal_of(world, "birthe", "LDL-kolesterol"))["id"]
    await set_target(world.context("doctor"), goal, Wanted(None, Decimal("2.0"), True, "frailty", None, None))
    for asked in (fields, {**fields, "handling": "foelg:nobody"}, {**fields, f"version-{goal}": "0"}):
        assert (await nurse.post(PAGE, {**asked, **TYPED})).status_code == 409
        assert "Målet er ikke ændret" in nurse.text and "under 2\u2009mmol/L" in row(nurse, "LDL-kolesterol")
        assert nurse.field("vaerdi-weight") == "82" and "82,0\u2009kg" not in row(nurse, "Vægt")
        assert re.search(r'name="tjek-medicin" value="done" checked', nurse.html)


async def test_a_wrong_value_keeps_the_recommendation_from_being_followed(nurse: Browser, world: World) -> None:
    before = await goal_of(world, "birthe", "LDL-kolesterol")
    fields = {**await conflicting(nurse, world), **TYPED, "vaerdi-weight": "tung"}
    assert (await nurse.post(PAGE, fields)).status_code == 422
    assert nurse.field("vaerdi-weight") == "tung" and "Skriv et tal" in nurse.text
    after = await goal_of(world, "birthe", "LDL-kolesterol")
    assert find_target(after, AGREED) == find_target(before, AGREED)


async def test_enter_in_a_field_saves_values_and_follows_nothing(nurse: Browser, world: World) -> None:
    await conflicting(nurse, world)
    form = nurse.html.split('class="control"')[1]
    first = re.search(r'<button[^>]*name="handling" value="([^"]+)"', form)
    assert first is not None and first[1] == "gem"
