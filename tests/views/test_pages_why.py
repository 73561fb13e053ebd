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


async def test_the_recommendation_is_followed_or_the_agreement_kept_from_the_row_itself(
    nurse: Browser, world: World
) -> None:
    await observe(world, "clinical-frailty-scale", valueInteger=7)
    await nurse.get(PAGE)
    goal = await goal_of(world, "birthe", "LDL-kolesterol")
    target = f"/patient/birthe/maal/{goal['id']}"
    assert f'href="{target}">Behold som individuelt mål' in nurse.html
    form = re.search(rf'<form id="foelg-ldl" method="post" action="{target}/anbefaling">(.*?)</form>', nurse.html)
    assert form is not None and '<button class="quiet" form="foelg-ldl">' in row(nurse, "LDL-kolesterol")
    version = re.search(r'name="version" value="(\d+)"', form[1])
    assert version is not None and nurse.token in form[1]
    answer = await nurse.post(f"{target}/anbefaling", {"version": version[1]})
    await nurse.follow(answer)
    changed = await goal_of(world, "birthe", "LDL-kolesterol")
    agreed = find_target(changed, AGREED)
    assert agreed is not None and agreed.high == Decimal("1.8") and find_deviation(changed) is None
    assert "To mål passer ikke sammen" not in row(nurse, "LDL-kolesterol")
