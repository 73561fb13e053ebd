"""B4, «Skriv en hjemmemåling»: one question a page, looked at before it is written, once; and one's own mended."""

import asyncio
import re
from collections.abc import Sequence
from decimal import Decimal

import pytest
from page_house import Browser, World, row, stored, text_of

from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.read import read
from careplan.interactions.write import update

from .sharing import HANNE, relate, send, trust

PLACE = "/plan/hjemmemaaling"


async def patient(world: World, who: str = "birthe") -> Browser:
    browser = Browser(world)
    await browser.sign_in(f"patient-{who}")
    return browser


def hidden(browser: Browser) -> list[tuple[str, str]]:
    """The hidden fields of the page's first form, but its token."""
    form = browser.html.split("<main")[1].split("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return [(name, value) for name, value in found if name != "formular"]


async def answer(browser: Browser, place: str, *fields: tuple[str, str]) -> str:
    """Answer one step as a browser does; the page that follows, as text."""
    await browser.post(f"{PLACE}/{place}", [*hidden(browser), *fields])
    return browser.text


async def weighed(browser: Browser, value: str = "82,5", day: str = "22.11.2026", clock: str = "09.30") -> None:
    """All the way to the page where one looks before keeping."""
    await browser.get(f"{PLACE}/weight")
    await answer(browser, "weight", ("vaerdi-weight", value))
    await answer(browser, "weight", ("dag", day), ("klokken", clock))


async def keep(browser: Browser, place: str = "weight") -> None:
    await answer(browser, place, ("til", "gem"))
    assert browser.last is not None and browser.last.status_code == 303, browser.text
    await browser.follow(browser.last)


async def written(world: World, who: str = "birthe") -> list[Json]:
    """What the person has written on these pages: it carries the mark of a form."""
    found = await stored(world, "Observation", who)
    return [one for one in found if one.get("performer") == [{"reference": f"Patient/{who}"}] and "identifier" in one]


async def replaced(world: World, id: str, by: str = "doctor", **parts: object) -> None:
    """Somebody else saves another version of an Observation."""
    value = parse((await read(world.context(), "Observation", id)).body or b"")
    await update(world.context(), "Observation", id, read_text(dump({**value, **parts})))


async def test_what_can_be_measured_at_home_is_offered_from_the_plan(world: World) -> None:
    browser = await patient(world, "fatima")
    await browser.get(PLACE)
    assert re.findall(rf'href="{PLACE}/(\w+)"', browser.html)[0] == "sbp"
    assert "Blodtryk" in browser.text and "Vægt" in browser.text and "Ilt i blodet" not in browser.text
    assert f'href="{PLACE}/ldl"' not in browser.html and f'href="{PLACE}/dbp"' not in browser.html


async def test_a_decimal_comma_is_read_and_the_value_stands_in_the_record_as_one_of_home(world: World) -> None:
    browser = await patient(world)
    await weighed(browser)
    assert "82,5" in browser.text and "22.11.2026 kl. 09.30" in browser.text
    await keep(browser)
    assert "Gemt. Din læge ser tallet ved næste kontrol." in browser.text
    (found,) = await written(world)
    assert found["valueQuantity"]["value"] == Decimal("82.5") and found["valueQuantity"]["code"] == "kg"
    assert found["effectiveDateTime"] == "2026-11-22T08:30:00.000Z"
    await browser.get("/plan/maaling/weight")
    assert "målt hjemme" in browser.text


async def test_a_blood_pressure_is_two_pages_and_one_observation_under_home_codes(world: World) -> None:
    browser = await patient(world)
    await browser.get(f"{PLACE}/sbp")
    assert "Trin 1 af 4" in browser.text and browser.html.count('inputmode="decimal"') == 1
    await answer(browser, "sbp", ("vaerdi-sbp", "128"))
    assert "Trin 2 af 4" in browser.text and browser.html.count('inputmode="decimal"') == 1
    assert "lavere end det høje" in await answer(browser, "sbp", ("vaerdi-dbp", "130"))
    await answer(browser, "sbp", ("vaerdi-dbp", "79"))
    await answer(browser, "sbp", ("dag", "21.11.2026"), ("klokken", "7.05"))
    await keep(browser, "sbp")
    (found,) = await written(world)
    assert [one["code"]["coding"][0]["code"] for one in found["component"]] == ["MCS88019", "MCS88020"]
    assert found["code"]["coding"][0]["code"] == "MCS88206"


async def test_every_page_to_write_on_has_the_acute_line_and_one_heading(world: World) -> None:
    browser = await patient(world)
    for path in (PLACE, f"{PLACE}/weight"):
        await browser.get(path)
        assert "ring 1-1-2" in text_of(browser.html.split("<main")[1].split("</main>")[0])
    for fields in ((("vaerdi-weight", "82"),), (("dag", "22.11.2026"), ("klokken", "9.30")), (("til", "gem"),)):
        await answer(browser, "weight", *fields)
        if browser.last is not None and browser.last.status_code == 303:
            await browser.follow(browser.last)
        assert "ring 1-1-2" in text_of(browser.html.split("<main")[1].split("</main>")[0])
        assert browser.html.count("<h1") == 1


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "Skriv det tal, der står på måleren."),
        ("abc", "Skriv et tal, fx"),
        ("525", "Står der 525 kg på måleren?"),
        ("-3", "Skriv et tal, fx"),
    ],
)
async def test_a_number_that_cannot_be_right_is_asked_about_beside_its_field(
    world: World, value: str, says: str
) -> None:
    browser = await patient(world)
    await browser.get(f"{PLACE}/weight")
    text = await answer(browser, "weight", ("vaerdi-weight", value))
    assert browser.last is not None and browser.last.status_code == 422
    assert says in text and 'href="#vaerdi-weight"' in browser.html and f'value="{value}"' in browser.html


async def test_an_unlikely_number_passes_once_it_is_said_to_be_right_and_says_so(world: World) -> None:
    browser = await patient(world)
    await browser.get(f"{PLACE}/weight")
    assert "Skriv fx 82,5." in browser.text
    await answer(browser, "weight", ("vaerdi-weight", "18,5"))
    await answer(browser, "weight", ("vaerdi-weight", "18,5"), ("sikker-weight", "18,5"))
    assert "Hvornår målte du?" in browser.text
    await answer(browser, "weight", ("dag", "22.11.2026"), ("klokken", "09.30"))
    assert "22.11.2026 kl. 09.30" in browser.text
    await keep(browser)
    (found,) = await written(world)
    assert found["extension"][0]["valueBoolean"] is True


async def test_a_tick_for_one_number_does_not_vouch_for_another(world: World) -> None:
    browser = await patient(world)
    await browser.get(f"{PLACE}/weight")
    text = await answer(browser, "weight", ("vaerdi-weight", "525"), ("sikker-weight", "18,5"))
    assert "Står der 525 kg på måleren?" in text


@pytest.mark.parametrize(
    ("day", "clock", "says"),
    [
        ("23.11.2026", "09.00", "Dagen og tiden er ikke kommet endnu."),
        ("22.11.2026", "10.04", "Dagen og tiden er ikke kommet endnu."),
        ("22.11.2025", "09.00", ""),
        ("21.11.2025", "09.00", "Skriv en dag inden for det sidste år."),
        ("i går", "09.00", "Skriv dagen som 22.11.2026."),
        ("22.11.2026", "25.00", "Skriv klokken som 10.03."),
        ("", "", "Skriv dagen som 22.11.2026."),
    ],
)
async def test_a_day_to_come_or_long_past_is_refused(world: World, day: str, clock: str, says: str) -> None:
    browser = await patient(world)
    await weighed(browser, "82", day, clock)
    assert (says in browser.text) if says else ("Er det rigtigt?" in browser.text)


async def test_an_answer_is_mended_from_the_page_where_one_looks(world: World) -> None:
    browser = await patient(world)
    await weighed(browser)
    await answer(browser, "weight", ("til", "weight"))
    assert 'value="82,5"' in browser.html
    await answer(browser, "weight", ("vaerdi-weight", "81,4"))
    assert 'value="09.30"' in browser.html
    await answer(browser, "weight", ("dag", "22.11.2026"), ("klokken", "09.30"))
    await keep(browser)
    assert [one["valueQuantity"]["value"] for one in await written(world)] == [Decimal("81.4")]


@pytest.mark.parametrize("value", ["0", "0,5", "1001", "999999"])
async def test_a_weight_that_nobody_can_have_is_refused_whatever_is_ticked(world: World, value: str) -> None:
    browser = await patient(world)
    await browser.get(f"{PLACE}/weight")
    await answer(browser, "weight", ("vaerdi-weight", value), ("sikker-weight", value))
    assert browser.last is not None and browser.last.status_code == 422
    assert re.search("1–1.?000", browser.text) and "sikker-weight" not in browser.html


@pytest.mark.parametrize("other", [{"vaerdi-weight": "81"}, {"klokken": "08.15"}])
async def test_a_form_sent_again_with_something_else_shows_both_and_keeps_it_the_next_time(
    world: World, other: dict[str, str]
) -> None:
    browser = await patient(world)
    await weighed(browser)
    fields = dict(hidden(browser))
    await keep(browser)
    await browser.get(f"{PLACE}/weight")
    answered = await browser.post(f"{PLACE}/weight", {**fields, **other, "til": "gem"})
    assert answered.status_code == 409 and len(await written(world)) == 1
    for said in ("82,5", "09.30", *other.values()):
        assert said in browser.text
    await keep(browser)
    assert len(await written(world)) == 2


async def test_a_form_sent_twice_at_once_writes_once(world: World) -> None:
    browser = await patient(world)
    await weighed(browser)
    fields = [*hidden(browser), ("til", "gem")]
    token = browser.token
    answers = await asyncio.gather(*(browser.post(f"{PLACE}/weight", fields, token=token) for _ in range(3)))
    assert {one.status_code for one in answers} == {303}
    assert len({one.headers["location"] for one in answers}) == 1
    assert len(await written(world)) == 1


@pytest.mark.parametrize("fields", [[], [("trin", "se"), ("til", "gem")], [("trin", "x"), ("til", "gem")]])
async def test_keeping_without_answers_asks_for_them_and_writes_nothing(
    world: World, fields: Sequence[tuple[str, str]]
) -> None:
    browser = await patient(world)
    await browser.get(f"{PLACE}/weight")
    await browser.post(f"{PLACE}/weight", fields)
    assert "Skriv det tal, der står på måleren." in browser.text
    assert await written(world) == []


async def test_outside_the_target_the_agreed_words_stand_as_they_are_with_a_phone(world: World) -> None:
    words = "Ring til os, hvis tallet er over 160 tre dage i træk."
    for goal in await stored(world, "Goal", "birthe"):
        if goal.get("target") and "ystolisk" in goal["target"][0]["measure"].get("text", ""):
            noted = {**goal, "note": [{"text": words}]}
            await update(world.context(), "Goal", goal["id"], read_text(dump(noted)))
    browser = await patient(world)
    await browser.get(f"{PLACE}/sbp")
    await answer(browser, "sbp", ("vaerdi-sbp", "178"))
    await answer(browser, "sbp", ("vaerdi-dbp", "70"))
    await answer(browser, "sbp", ("dag", "22.11.2026"), ("klokken", "09.30"))
    await keep(browser, "sbp")
    assert words in browser.text and "Tallet er uden for det mål, I har aftalt." in browser.text
    assert 'href="tel:' in browser.html and "▲" not in browser.text


async def test_inside_the_target_nothing_is_said_of_it(world: World) -> None:
    browser = await patient(world)
    await weighed(browser)
    await keep(browser)
    assert "uden for" not in browser.text


# ── mending and deleting ─────────────────────────────────────────────────────────────────────────


async def kept(world: World, browser: Browser) -> str:
    await weighed(browser)
    await keep(browser)
    (found,) = await written(world)
    return str(found["id"])


async def mend(browser: Browser, id: str, *fields: tuple[str, str], do: str = "ret") -> None:
    """Send the page's form for one value with these fields in place of its own."""
    sent = {name: browser.field(name) for name in ("version", "dag", "klokken")}
    sent |= {**dict(fields), "goer": do}
    await browser.post(f"{PLACE}/tal/{id}", sent)


async def test_ones_own_value_is_mended_and_its_history_kept(world: World) -> None:
    browser = await patient(world)
    id = await kept(world, browser)
    await browser.get(PLACE)
    assert f'href="{PLACE}/tal/{id}"' in browser.html
    await browser.get(f"{PLACE}/tal/{id}")
    await mend(browser, id, ("vaerdi-weight", "81,5"), ("klokken", "09.10"))
    assert browser.last is not None and browser.last.headers["location"] == f"{PLACE}?besked=rettet"
    (found,) = await written(world)
    assert (found["status"], found["meta"]["versionId"]) == ("corrected", "2")
    assert found["valueQuantity"]["value"] == Decimal("81.5")
    assert found["effectiveDateTime"] == "2026-11-22T08:10:00.000Z"


async def test_a_value_sent_unchanged_makes_no_version(world: World) -> None:
    browser = await patient(world)
    id = await kept(world, browser)
    await browser.get(f"{PLACE}/tal/{id}")
    await mend(browser, id, ("vaerdi-weight", "82,50"))
    assert (await written(world))[0]["meta"]["versionId"] == "1"


async def test_a_mended_value_is_doubted_like_a_new_one(world: World) -> None:
    browser = await patient(world)
    id = await kept(world, browser)
    await browser.get(f"{PLACE}/tal/{id}")
    await mend(browser, id, ("vaerdi-weight", "525"))
    assert "Står der 525 kg på måleren?" in browser.text
    assert browser.last is not None and browser.last.status_code == 422
    await mend(browser, id, ("vaerdi-weight", "525"), ("sikker-weight", "525"))
    assert (await written(world))[0]["extension"][0]["valueBoolean"] is True


async def test_a_deleted_value_counts_no_more_and_stays_in_the_record(world: World) -> None:
    browser = await patient(world)
    id = await kept(world, browser)
    await browser.get(f"{PLACE}/tal/{id}")
    await mend(browser, id, do="slet")
    await mend(browser, id, do="slet")
    assert browser.last is not None and browser.last.headers["location"] == f"{PLACE}?besked=slettet"
    assert (await written(world))[0]["status"] == "entered-in-error"
    await browser.get(PLACE)
    assert id not in browser.html


async def test_a_stale_correction_shows_both_versions_and_writes_nothing(world: World) -> None:
    browser = await patient(world)
    id = await kept(world, browser)
    await browser.get(f"{PLACE}/tal/{id}")
    value = (await written(world))[0]["valueQuantity"]
    await replaced(world, id, valueQuantity={**value, "value": 80})
    await mend(browser, id, ("vaerdi-weight", "81,5"))
    assert browser.last is not None and browser.last.status_code == 409
    theirs, mine = browser.html.split('class="sides"')[1].split("</section>")[:2]
    assert "80,0" in text_of(theirs) and "81,5" in text_of(mine)
    assert (await written(world))[0]["meta"]["versionId"] == "2"
    await mend(browser, id, ("vaerdi-weight", "81,5"))
    assert (await written(world))[0]["valueQuantity"]["value"] == Decimal("81.5")


async def test_nobody_elses_value_is_mended(world: World) -> None:
    id = await kept(world, await patient(world))
    other = await patient(world, "fatima")
    for do in ("ret", "slet"):
        await other.get(PLACE)
        sent = {"goer": do, "version": "1", "vaerdi-weight": "70", "dag": "22.11.2026", "klokken": "09.30"}
        answer = await other.post(f"{PLACE}/tal/{id}", sent, token=other.token)
        assert answer.status_code == 403
    assert (await written(world))[0]["meta"]["versionId"] == "1"


async def test_a_value_of_the_clinic_is_not_mended_by_the_patient(world: World) -> None:
    theirs = next(
        one for one in await stored(world, "Observation", "birthe") if "Patient/" not in str(one.get("performer"))
    )
    browser = await patient(world)
    assert (await browser.get(f"{PLACE}/tal/{theirs['id']}")).status_code == 404


@pytest.mark.parametrize(("who", "measure"), [("birthe", "ldl"), ("fatima", "spo2"), ("birthe", "sygdom")])
async def test_what_the_plan_does_not_follow_or_nobody_measures_at_home_is_not_found(
    world: World, who: str, measure: str
) -> None:
    browser = await patient(world, who)
    assert (await browser.get(f"{PLACE}/{measure}")).status_code == 404


async def test_a_relative_who_may_write_writes_in_their_own_name_and_one_who_reads_does_not(world: World) -> None:
    await relate(world, whose="hanne")
    await trust(world)
    hanne = await patient(world, "hanne")
    await hanne.get("/plan/person")
    await send(hanne, "/plan/person", person=HANNE)
    await weighed(hanne)
    await keep(hanne)
    found = [one for one in await stored(world, "Observation", "dorte") if "identifier" in one]
    assert {"reference": f"RelatedPerson/{HANNE}"} in [who for one in found for who in one.get("performer", ())]
    await hanne.get("/plan/maaling/weight")
    assert "målt hjemme" in hanne.text
    await trust(world, writes=False)
    world.house.consents.forget()
    for path in (f"{PLACE}/weight", "/plan/spoergsmaal"):
        assert (await hanne.get(path)).status_code == 403
    await hanne.get("/plan/maaling/weight")
    assert PLACE not in hanne.html and "/besked" not in hanne.html.replace("/beskeder", "")


async def test_the_clinic_sees_at_the_control_that_a_value_was_measured_at_home(world: World, nurse: Browser) -> None:
    browser = await patient(world)
    await weighed(browser)
    await keep(browser)
    await nurse.get("/patient/birthe/aarskontrol")
    assert "82,5" in row(nurse, "Vægt") and "målt hjemme" in text_of(row(nurse, "Vægt"))


async def test_without_a_plan_there_is_nothing_to_write(world: World) -> None:
    browser = await patient(world, "anna")
    await browser.get(PLACE)
    assert "Du har ikke en plan lige nu." in browser.text


async def test_staff_do_not_open_it(nurse: Browser) -> None:
    assert (await nurse.get(PLACE)).status_code == 403
