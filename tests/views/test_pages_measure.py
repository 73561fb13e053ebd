"""B3, one measure of the patient's plan: the brief's order, the own target alone, why in plain words, all values."""

import re
from decimal import Decimal

import pytest
from page_house import Browser, World

from careplan.domain.readability import readability, unexplained
from careplan.fhir.query import Query
from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.operations.individual_target import follow, set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.write import delete, update


async def opened(world: World, who: str, measure: str) -> Browser:
    browser = Browser(world)
    await browser.sign_in(f"patient-{who}")
    await browser.get(f"/plan/maaling/{measure}")
    return browser


def fold(browser: Browser, summary: str) -> str:
    """The inside of a fold of the page."""
    (found,) = [part for part in browser.html.split("<details") if f"<summary>{summary}</summary>" in part]
    return found.split("</summary>")[1].split("</details>")[0]


async def goal_of(world: World, patient: str, name: str) -> str:
    page = await world.house.store.search(Query("Goal", patient=patient, count=1000))
    goals = [parse(version.body or b"") for version in page.matches]
    (found,) = [one for one in goals if one.get("target") and one["target"][0]["measure"]["text"] == name]
    return str(found["id"])


async def test_the_parts_stand_in_the_order_of_the_brief(world: World) -> None:
    html = (await opened(world, "fatima", "hba1c")).html
    parts = [
        'class="sentence',
        'aria-labelledby="linje-hba1c',
        'id="gaaet"',
        'id="goere"',
        "Hvorfor er mit mål sådan?",
        "Viser, hvor højt",
        "Se alle tal",
        "Se det anbefalede mål",
    ]
    places = [html.find(part) for part in parts]
    assert -1 not in places and places == sorted(places), places


async def test_every_row_of_the_plan_leads_to_its_measure(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    ids = re.findall(r'href="/plan/maaling/(\w+)"', browser.html)
    assert {"hba1c", "ldl", "sbp", "potassium"} <= set(ids) and len(ids) == len(set(ids))
    for id in ids:
        assert (await browser.get(f"/plan/maaling/{id}")).status_code == 200, id
        assert len(re.findall("<h1", browser.html)) == 1


async def test_the_stamp_says_day_and_hour_and_source_and_makes_no_hour_up(world: World) -> None:
    browser = await opened(world, "birthe", "hba1c")
    assert re.search(r"Opdateret \d\d\.\d\d\.2026 kl\. \d\d\.\d\d · Kilde: lab\.kort<", browser.html)
    page = await world.house.store.search(Query("Observation", patient="birthe", count=1000))
    found = [parse(version.body or b"") for version in page.matches]
    newest = max(
        (one for one in found if any(code.get("code") == "NPU27300" for code in one["code"].get("coding", ()))),
        key=lambda one: str(one["effectiveDateTime"]),
    )
    dated = {**newest, "effectiveDateTime": newest["effectiveDateTime"][:10]}
    await update(world.context(), "Observation", newest["id"], read_text(dump(dated)))
    await browser.get("/plan/maaling/hba1c")
    assert re.search(r"Opdateret \d\d\.\d\d\.2026 · Kilde: lab\.kort<", browser.html)


async def test_the_number_line_shows_the_patients_own_target_alone(world: World) -> None:
    browser = await opened(world, "fatima", "hba1c")
    line = browser.html.split('class="drawing"')[1].split("</svg>")[0]
    assert "højst 63" in line and "højst 58" not in line and "nbefal" not in line


async def test_what_i_can_do_is_at_most_three_things_of_my_own_that_serve_the_measure(world: World) -> None:
    browser = await opened(world, "birthe", "hba1c")
    actions = browser.html.split('id="goere"')[1].split("</section>")[0]
    items = re.findall(r'class="what">([^<]+)<', actions)
    assert 1 <= len(items) <= 3 and any("blodprøve" in one for one in items)
    assert not any("øjne" in one.lower() for one in items)
    alone = (await opened(world, "birthe", "alcohol")).html.split('id="goere"')[1].split("</section>")[0]
    assert "Spørg klinikken, hvad du selv kan gøre." in alone


async def test_why_tells_the_rule_the_facts_it_rests_on_and_their_days(world: World) -> None:
    inside = fold(await opened(world, "birthe", "ldl"), "Hvorfor er mit mål sådan?")
    assert "Derfor er dit mål under 1,4." in inside
    agreed = r"Målet har du aftalt med Lars Test Krogh\.</p>\s*<p>Det var \d\d\.\d\d\.\d{4}\."
    assert re.search(rf"{agreed}</p>\s*<p>I ser på målet igen i august 2027\.", inside)
    assert re.search(r"Du har en sygdom i hjertets årer\. <span class=\"muted\">\(\d\d\.\d\d\.\d{4}\)", inside)
    assert "Beregnet 22.11.2026 kl. 10.03" in inside


async def test_why_an_individual_target_names_person_reason_and_review_and_hides_the_recommended(
    world: World,
) -> None:
    wanted = Wanted(None, Decimal("2.0"), True, "side-effect", "Smerter i benene", None)
    await set_target(world.context("doctor"), await goal_of(world, "birthe", "LDL-kolesterol"), wanted)
    browser = await opened(world, "birthe", "ldl")
    inside = fold(browser, "Hvorfor er mit mål sådan?")
    for words in (
        "Din læge, Mette Test Holm, har sat målet for dig.",
        "Det var 22.11.2026.",
        "Smerter i benene",
        "I ser på målet igen",
    ):
        assert words in inside
    assert "under 1,4" not in inside
    recommended = fold(browser, "Se det anbefalede mål")
    assert "under 1,4" in recommended.replace("\u2009", " ") and "Du har en sygdom i hjertets årer." in recommended


async def test_why_names_whoever_agreed_on_it_last_and_nobody_where_nobody_is_named(world: World) -> None:
    goal = await goal_of(world, "birthe", "LDL-kolesterol")
    stored = await world.house.store.read("Goal", goal)
    assert stored is not None
    bare = {name: part for name, part in parse(stored.body or b"").items() if name != "expressedBy"}
    await update(world.context(), "Goal", goal, read_text(dump(bare)))
    unnamed = fold(await opened(world, "birthe", "ldl"), "Hvorfor er mit mål sådan?")
    assert "Målet har du aftalt med klinikken." in unnamed
    await set_target(world.context("doctor"), goal, Wanted(None, Decimal("2.0"), True, "other", "Aftalt", None))
    await follow(world.context("doctor"), goal)
    assert "Målet har du aftalt med Mette Test Holm." in fold(
        await opened(world, "birthe", "ldl"), "Hvorfor er mit mål sådan?"
    )


async def test_a_control_that_is_late_has_no_day_on_which_the_target_is_looked_at_again(world: World) -> None:
    inside = fold(await opened(world, "carl", "spo2"), "Hvorfor er mit mål sådan?")
    assert "I ser på målet igen ved din næste årskontrol." in inside and "I ser på målet igen i " not in inside


async def forget(world: World, patient: str, code: str) -> None:
    """Delete what the record has of a measure or an answer."""
    page = await world.house.store.search(Query("Observation", patient=patient, count=1000))
    for version in page.matches:
        codings = parse(version.body or b"").get("code", {}).get("coding", ())
        if any(one.get("code") == code for one in codings):
            await delete(world.context(), "Observation", version.id)


async def test_a_provisional_target_says_so_and_what_we_would_like_to_know(world: World) -> None:
    await forget(world, "birthe", "clinical-frailty-scale")
    inside = fold(await opened(world, "birthe", "ldl"), "Hvorfor er mit mål sådan?")
    assert "Målet kan ændre sig. Vi mangler at vide:</p><ul><li>hvor stærk din krop er</li></ul>" in inside


async def test_a_rule_that_no_source_stands_behind_is_told_in_plain_words(world: World) -> None:
    marked = "Vi har ikke en sikker kilde til reglen endnu."
    assert marked in (await opened(world, "birthe", "spo2")).text  # SPO2-01
    assert marked not in (await opened(world, "birthe", "alcohol")).text  # ALC-01


async def test_a_target_that_cannot_be_worked_out_says_so_in_plain_words(world: World) -> None:
    browser = await opened(world, "carl", "sbp")
    assert "Vi kan ikke regne målet ud endnu. Vi mangler at vide:" in browser.text
    assert "din risiko for en blodprop" in browser.text


async def test_all_values_stand_in_the_table_newest_first(world: World) -> None:
    browser = await opened(world, "birthe", "hba1c")
    days = re.findall(r'<th scope="row">(\d\d)\.(\d\d)\.(\d{4})</th>', fold(browser, "Se alle tal"))
    assert len(days) > 12
    assert [day[::-1] for day in days] == sorted((day[::-1] for day in days), reverse=True)


async def test_a_measure_without_a_value_says_when_it_is_taken(world: World) -> None:
    await forget(world, "birthe", "NPU01568")
    browser = await opened(world, "birthe", "ldl")
    assert "Der er ingen måling endnu. Den bliver taget ved din næste kontrol." in browser.text
    assert "Se alle tal" not in browser.text and 'id="gaaet"' not in browser.html


async def test_an_old_value_is_greyed_and_called_old(world: World) -> None:
    world.clock.forward(days=500)
    browser = await opened(world, "birthe", "ldl")
    assert 'class="sentence old"' in browser.html and "Tallet er gammelt." in browser.text


async def test_the_last_three_years_are_shown_and_every_year_is_a_link_away(world: World) -> None:
    browser = await opened(world, "birthe", "hba1c")
    assert "22.11.2023 til 22.11.2026" in browser.html
    assert 'href="?aar=alle#gaaet">Vis alle år' in browser.html
    shown = browser.html.count('class="mark"')
    await browser.get("/plan/maaling/hba1c?aar=alle")
    assert "Vis de sidste 3 år" in browser.text and "22.11.2023 til" not in browser.html
    assert browser.html.count('class="mark"') > shown


@pytest.mark.parametrize("measure", ["sygdom", "creatinine"])
async def test_a_measure_that_the_plan_does_not_follow_is_not_found(world: World, measure: str) -> None:
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    assert (await browser.get(f"/plan/maaling/{measure}")).status_code == 404


async def test_staff_do_not_open_it(nurse: Browser) -> None:
    assert (await nurse.get("/plan/maaling/ldl")).status_code == 403


@pytest.mark.parametrize("who", ["birthe", "fatima", "carl"])
async def test_every_sentence_of_every_measure_reads_easily(world: World, who: str) -> None:
    browser = Browser(world)
    await browser.sign_in(f"patient-{who}")
    for id in re.findall(r'href="/plan/maaling/(\w+)"', browser.html):
        await browser.get(f"/plan/maaling/{id}")
        main = browser.html.split("<main")[1].split("</main>")[0]
        bare = re.sub(r"<(svg|table|style)\b.*?</\1>", " ", main, flags=re.S)
        texts = re.findall(r'<p(?: class="(?:sentence|note)[^"]*")?>(.*?)</p>|<li>(.*?)</li>', bare, flags=re.S)
        plain = [re.sub(r"<[^>]+>|\([\d.]+\)|«.*?»", "", "".join(one)).strip() for one in texts]
        said = " ".join(one if one.endswith((".", ":", "?")) else f"{one}." for one in plain if one)
        found = readability(said)
        assert found.easy, (id, said, found)
        assert unexplained(said) == ()
