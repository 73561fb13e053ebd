"""Writing to the clinic and being answered: B3's «Er tallet forkert?», B2's question, the clinic's page, both sides."""

import asyncio
import re

import pytest
from page_house import Browser, World, stored

from careplan.interactions.message import answer_message, send_message

ASK, WRONG, MINE, DESK = "/plan/spoergsmaal", "/plan/maaling/hba1c/besked", "/plan/beskeder", "/beskeder"


async def patient(world: World, who: str = "birthe") -> Browser:
    browser = Browser(world)
    await browser.sign_in(f"patient-{who}")
    return browser


async def asked(world: World, text: str = "Må jeg dyrke motion?", who: str = "birthe") -> str:
    """A message sent; the id of its Task."""
    return await send_message(world.context(f"patient-{who}"), who, "question", text)


async def test_a_question_is_sent_and_stands_among_ones_own_unanswered(world: World) -> None:
    browser = await patient(world)
    await browser.get("/plan")
    assert f'href="{ASK}"' in browser.html.split('id="hjaelp"')[1]
    await browser.get(ASK)
    assert "Ingen læser med her hele døgnet." in browser.text and "ring 1-1-2" in browser.text
    answer = await browser.post(ASK, {"mark": browser.field("mark"), "tekst": "Må jeg dyrke motion?"})
    await browser.follow(answer)
    assert "Sendt. Klinikken svarer dig her." in browser.text
    assert "Må jeg dyrke motion?" in browser.text and "Klinikken har ikke svaret endnu." in browser.text


async def test_a_wrong_number_is_told_with_the_value_it_is_about(world: World, nurse: Browser) -> None:
    browser = await patient(world)
    await browser.get("/plan/maaling/hba1c")
    assert f'href="{WRONG}"' in browser.html
    await browser.get(WRONG)
    number = re.search(r"<strong dir=.auto.>([^<]*\d\d\.\d\d\.\d{4}[^<]*)</strong>", browser.html)
    assert number is not None
    await browser.post(WRONG, {"mark": browser.field("mark"), "tekst": "Det er ikke mit tal."})
    (task,) = re.findall(rf'href="{DESK}/([^"]+)"', (await nurse.get(DESK)).text)
    await nurse.get(f"{DESK}/{task}")
    assert "Et tal er forkert" in nurse.text and "Det er ikke mit tal." in nurse.text
    value = number[1].partition(": ")[2].split(",")[0]
    assert value.replace("\u2009", " ") in nurse.text.replace("\u2009", " ")


async def test_a_home_measurement_is_a_click_away_where_it_can_be_measured_at_home(world: World) -> None:
    browser = await patient(world)
    await browser.get("/plan/maaling/dbp")
    assert 'href="/plan/hjemmemaaling/sbp"' in browser.html
    await browser.get("/plan/maaling/hba1c")
    assert "/plan/hjemmemaaling" not in browser.html


@pytest.mark.parametrize("text", ["", "   ", "a" * 2001])
async def test_an_empty_or_endless_message_is_asked_for_again_and_keeps_its_words(world: World, text: str) -> None:
    browser = await patient(world)
    await browser.get(ASK)
    answer = await browser.post(ASK, {"mark": "m", "tekst": text})
    assert answer.status_code == 422 and 'href="#tekst"' in browser.html
    assert text.strip() in browser.html
    assert await stored(world, "Communication", "birthe") == []


async def test_a_form_sent_twice_asks_once(world: World) -> None:
    browser = await patient(world)
    await browser.get(ASK)
    token, fields = browser.token, {"mark": browser.field("mark"), "tekst": "Hej"}
    await asyncio.gather(*(browser.post(ASK, fields, token=token) for _ in range(3)))
    assert len(await stored(world, "Communication", "birthe")) == 1


async def test_a_form_sent_again_with_other_words_shows_both_and_sends_these_the_next_time(world: World) -> None:
    browser = await patient(world)
    await browser.get(ASK)
    mark = browser.field("mark")
    await browser.post(ASK, {"mark": mark, "tekst": "Må jeg svømme?"})
    await browser.get(ASK)
    assert (await browser.post(ASK, {"mark": mark, "tekst": "Må jeg løbe?"})).status_code == 409
    assert "Må jeg svømme?" in browser.text and "Må jeg løbe?" in browser.text
    assert len(await stored(world, "Communication", "birthe")) == 1
    sent = {"mark": browser.field("mark"), "tekst": "Må jeg løbe?"}
    assert (await browser.post(ASK, sent)).status_code == 303
    assert len(await stored(world, "Communication", "birthe")) == 2


async def test_a_measure_without_a_value_cannot_be_wrong(world: World) -> None:
    browser = await patient(world)
    assert (await browser.get("/plan/maaling/sygdom/besked")).status_code == 404


async def test_the_clinic_answers_and_the_patient_reads_it_and_hears_of_it(world: World, nurse: Browser) -> None:
    task = await asked(world)
    await nurse.get("/arbejdsliste")
    assert f'href="{DESK}"' in nurse.html
    await nurse.get(DESK)
    assert "Birthe Test Nielsen" in nurse.text
    await nurse.get(f"{DESK}/{task}")
    answer = await nurse.post(f"{DESK}/{task}", {"version": nurse.field("version"), "tekst": "Ja. Gå en tur hver dag."})
    await nurse.follow(answer)
    assert "Svaret er sendt." in nurse.text and "Ingen beskeder venter på svar." in nurse.text
    browser = await patient(world)
    since = browser.html.split('id="siden"')[1].split("</section>")[0]
    assert "svarede på din besked den 22.11.2026." in since
    await browser.get(MINE)
    assert "Ja. Gå en tur hver dag." in browser.text and "har ikke svaret" not in browser.text


async def test_a_second_answer_is_not_sent_and_both_stand_side_by_side(world: World, nurse: Browser) -> None:
    task = await asked(world)
    await nurse.get(f"{DESK}/{task}")
    version = nurse.field("version")
    await answer_message(world.context("doctor"), task, "Ja, gerne.")
    answer = await nurse.post(f"{DESK}/{task}", {"version": version, "tekst": "Nej, vent lidt."})
    assert answer.status_code == 409
    theirs, mine = nurse.html.split('class="sides"')[1].split("</section>")[:2]
    assert "Ja, gerne." in theirs and "Nej, vent lidt." in mine and "<textarea" not in nurse.html
    assert len(await stored(world, "Communication", "birthe")) == 2


async def test_an_empty_answer_is_asked_for_again(world: World, nurse: Browser) -> None:
    task = await asked(world)
    await nurse.get(f"{DESK}/{task}")
    answer = await nurse.post(f"{DESK}/{task}", {"version": nurse.field("version"), "tekst": " "})
    assert answer.status_code == 422 and 'href="#tekst"' in nurse.html


async def test_an_answered_message_is_shown_without_a_form(world: World, nurse: Browser) -> None:
    task = await asked(world)
    await answer_message(world.context("doctor"), task, "Ja, gerne.")
    await nurse.get(f"{DESK}/{task}")
    assert "Ja, gerne." in nurse.text and "<textarea" not in nurse.html


async def test_nothing_written_is_read_as_markup(world: World, nurse: Browser) -> None:
    task = await asked(world, "<script>alert(1)</script>")
    await nurse.get(f"{DESK}/{task}")
    assert "<script>alert" not in nurse.html and "&lt;script&gt;" in nurse.html


async def test_patients_do_not_open_the_clinics_side_nor_staff_the_patients(world: World, nurse: Browser) -> None:
    task = await asked(world)
    browser = await patient(world, "fatima")
    for path in (DESK, f"{DESK}/{task}"):
        assert (await browser.get(path)).status_code == 403
    for path in (ASK, WRONG, MINE):
        assert (await nurse.get(path)).status_code == 403


async def test_a_person_reads_their_own_messages_alone(world: World) -> None:
    await asked(world)
    browser = await patient(world, "fatima")
    await browser.get(MINE)
    assert "Du har ikke skrevet til klinikken endnu." in browser.text
