"""«Sæt individuelt mål»: the safety span is said before sending; the sentence to the patient, and how easy it reads."""

import re

import pytest
from page_house import Browser, World, row

from careplan.domain.readability import readability
from careplan.interactions.operations.wanted import REASONS
from careplan.views.catalogue import read_catalogue

from .test_pages_target_form import FILLED, goal_page

TEXTS = read_catalogue("da").texts


@pytest.fixture
async def doctor(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("doctor")
    return signed_in


def sentence(browser: Browser) -> str:
    found = re.search(r'<textarea id="tekst"[^>]*>([^<]*)</textarea>', browser.html)
    assert found is not None
    return found[1]


# ── the safety span ──────────────────────────────────────────────────────────────────────────────


async def test_the_form_says_which_targets_take_a_doctor(nurse: Browser) -> None:
    await goal_page(nurse, "birthe", "HbA1c")
    assert "En læge skal sætte et mål, der ligger uden for 48 til 75 mmol/mol." in nurse.text
    await goal_page(nurse, "birthe", "Systolisk blodtryk")
    assert "uden for 120 til 150 mmHg. (Ikke efterprøvet)" in nurse.text
    await goal_page(nurse, "birthe", "BMI")
    assert "uden for mindst 20 kg/m²." in nurse.text
    await goal_page(nurse, "birthe", "Alkohol")
    assert "En læge skal sætte" not in nurse.text


@pytest.mark.parametrize("step", ["vis", "gem"])
@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"fra": "40", "til": "58"}, "fra", "Målet ligger uden for 48 til 75 mmol/mol. Det skal en læge sætte."),
        ({"fra": "", "til": "80"}, "til", "Målet ligger uden for 48 til 75 mmol/mol."),
        ({"fra": "53", "til": ""}, "til", "Kun en læge kan lade den stå åben."),
    ],
)
async def test_a_nurse_is_told_and_loses_nothing_of_what_was_typed(
    nurse: Browser, change: dict[str, str], field: str, says: str, step: str
) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    version = nurse.field("version")
    filled = {**FILLED, **change, "aarsag": "frailty", "tekst": "Bor alene."}
    answer = await nurse.post(page, {**filled, "version": version, "trin": step})
    assert answer.status_code == 403
    assert f'href="#{field}"' in nurse.html and says in nurse.text
    assert (nurse.field("fra"), nurse.field("til")) == (filled["fra"], filled["til"])
    assert sentence(nurse) == "Bor alene." and re.search(r'value="frailty" selected', nurse.html)
    await nurse.get(page)
    assert nurse.field("version") == version


async def test_a_doctor_is_told_before_sending_and_may(doctor: Browser) -> None:
    page = await goal_page(doctor, "birthe", "HbA1c")
    filled = {**FILLED, "fra": "", "til": "80", "version": doctor.field("version")}
    assert (await doctor.post(page, {**filled, "trin": "vis"})).status_code == 200
    assert "Målet ligger uden for 48 til 75 mmol/mol. Du sætter det som læge." in doctor.text
    await doctor.follow(await doctor.post(page, {**filled, "trin": "gem"}))
    assert "højst 80" in row(doctor, "HbA1c")


async def test_within_the_span_nobody_is_told(nurse: Browser) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    await nurse.post(page, {**FILLED, "version": nurse.field("version"), "trin": "vis"})
    assert "som læge" not in nurse.text


# ── the sentence to the patient ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reason", [one for one in REASONS if one != "other"])
async def test_a_sentence_is_written_beforehand_for_each_reason(nurse: Browser, reason: str) -> None:
    written = TEXTS[f"written.{reason}"]
    assert readability(written).easy
    page = await goal_page(nurse, "birthe", "HbA1c")
    await nurse.post(page, {**FILLED, "aarsag": reason, "version": nurse.field("version"), "trin": "vis"})
    assert sentence(nurse) == written
    assert f"Klinikken skriver: «{written}»" in nurse.text


async def test_the_sentence_can_be_edited_and_is_shown_again_with_its_lix(nurse: Browser) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    filled = {**FILLED, "version": nurse.field("version")}
    await nurse.post(page, {**filled, "trin": "vis"})
    assert re.search(r"LIX \d+: let at læse\.", nurse.text)
    hard = "Behandlingsmålet individualiseres på baggrund af tilbagevendende hypoglykæmitilfælde."
    await nurse.post(page, {**filled, "sat": "1", "tekst": hard, "trin": "vis"})
    assert sentence(nurse) == hard
    assert re.search(r"LIX \d+: svær at læse\. Skriv kortere ord og sætninger, så LIX er højst 34\.", nurse.text)
    await nurse.follow(await nurse.post(page, {**filled, "sat": "1", "tekst": "Du må ikke falde.", "trin": "gem"}))
    await nurse.get(page)
    assert sentence(nurse) == "Du må ikke falde."


async def test_a_sentence_that_was_taken_away_stays_away(nurse: Browser) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    filled = {**FILLED, "version": nurse.field("version"), "sat": "1", "tekst": ""}
    await nurse.post(page, {**filled, "trin": "vis"})
    assert sentence(nurse) == "" and "LIX" not in nurse.text and "Klinikken skriver" not in nurse.text
    await nurse.follow(await nurse.post(page, {**filled, "trin": "gem"}))
    await nurse.get(page)
    assert sentence(nurse) == ""


async def test_a_form_of_another_reason_takes_the_other_sentence_where_nobody_wrote_one(nurse: Browser) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    filled = {**FILLED, "version": nurse.field("version")}
    await nurse.post(page, {**filled, "trin": "vis"})
    await nurse.post(page, {**filled, "sat": "1", "tekst": sentence(nurse), "trin": "ret"})
    await nurse.post(page, {**filled, "aarsag": "frailty", "tekst": sentence(nurse), "trin": "vis"})
    assert sentence(nurse) == TEXTS["written.frailty"]


# ── what was seen, and how far ahead ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": "x"}, {"version": "-1"}])
async def test_a_form_that_does_not_say_which_version_was_seen_keeps_nothing(
    nurse: Browser, version: dict[str, str]
) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    stood = nurse.field("version")
    for path, step in ((page, "gem"), (f"{page}/anbefaling", "")):
        answer = await nurse.post(path, {**FILLED, **version, "trin": step})
        assert answer.status_code == 409
    await nurse.get(page)
    assert nurse.field("version") == stood


async def test_a_day_too_far_ahead_and_words_that_cannot_be_seen_are_told(nurse: Browser) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    filled = {**FILLED, "version": nurse.field("version"), "trin": "vis", "sat": "1"}
    answer = await nurse.post(page, {**filled, "gaelder": "23.11.2028"})
    assert answer.status_code == 422 and "Datoen må højst være 22.11.2028." in nurse.text
    answer = await nurse.post(page, {**filled, "aarsag": "other", "tekst": "\u200b\u200b"})
    assert answer.status_code == 422 and 'href="#tekst"' in nurse.html
