"""The printed sheet: one tagged page with what the brief asks for, in its order, and nobody's name read as markup."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from page_house import NOW, ON, World
from typst import TypstError

from careplan.domain.evaluation import Answer
from careplan.domain.target import Band, Target
from careplan.fhir.goal import Deviation
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.views import typeset
from careplan.views.catalogue import read_catalogue
from careplan.views.closed import with_closed_plans
from careplan.views.sheet import BLOCKS, Edition, sheet_of
from careplan.views.typeset import FontMissing, has_font, pdf_of_sheet

PDFTOTEXT = shutil.which("pdftotext")
needs_pdftotext = pytest.mark.skipif(PDFTOTEXT is None, reason="pdftotext (poppler) is not installed")

SAID = (
    "Testtjeneste – kun opdigtede personer",
    "Min forløbsplan",
    "Det næste, du skal",
    "Mine mål",
    "Langtidsblodsukker",
    "Blodtryk",
    "Det har vi aftalt",
    "Hvornår skal jeg ringe, og til hvem?",
    "Min medicin",
    "Mine spørgsmål",
    "Side 1 af 1",
)
TWELVE = 13.6
"""How high pdftotext has a word's box for letters of twelve points."""
MARKUP = "#*_=$\\[]{}<>@`~\"'-/+:;%&abcæøåÆ0 "


async def overview_of(world: World, patient: str) -> Overview:
    context = world.context(f"patient-{patient}")
    return await with_closed_plans(context, await read_overview(context, patient, "patient"))


SHORT = Edition()
SHEETS = [Edition(name, language) for name in BLOCKS for language in ("da", "en", "ar")]
needs_amiri = pytest.mark.skipif(not has_font("ar"), reason="the font Amiri (fonts-hosny-amiri) is not installed")
CAN = [
    pytest.param(one, id=f"{one.name}-{one.language}", marks=[needs_amiri] if one.language == "ar" else [])
    for one in SHEETS
]


def content(overview: Overview, edition: Edition = SHORT) -> dict[str, Any]:
    return sheet_of(overview, edition, read_catalogue(edition.language), NOW)


def printed(overview: Overview, edition: Edition = SHORT) -> bytes:
    return pdf_of_sheet(content(overview, edition))


def pages_of(pdf: bytes) -> int:
    found = re.search(rb"<xmpTPg:NPages>(\d+)<", pdf)
    assert found is not None
    return int(found[1])


def text_of(pdf: bytes) -> str:
    """The words of a sheet in reading order, spaces of any kind made one."""
    assert PDFTOTEXT is not None
    made = subprocess.run([PDFTOTEXT, "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return re.sub(r"\s+", " ", made.stdout.decode())


def letter_heights(pdf: bytes) -> list[tuple[float, str]]:
    """Of every word how high its box is, in points, and the word."""
    assert PDFTOTEXT is not None
    made = subprocess.run([PDFTOTEXT, "-bbox", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    found = re.findall(r'yMin="([0-9.]+)" xMax="[0-9.]+" yMax="([0-9.]+)">([^<]*)<', made)
    return [(float(bottom) - float(top), word) for top, bottom, word in found]


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def small(**parts: Any) -> Overview:
    """A plan with nothing in it, of somebody whose name is asked for."""
    empty: dict[str, Any] = dict.fromkeys(
        "closed lines personal tasks conditions medicines referrals care_teams encounters observations changes".split(),
        (),
    )
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": parts.pop("name", "Prøve")}]}
    plan = {"resourceType": "CarePlan", "id": "c"}
    answer = Answer(ON, {}, {}, {})
    return Overview(audience="patient", on=ON, patient=patient, answer=answer, plans=(plan,), **{**empty, **parts})


def task(number: int, text: str, owner: str = "Patient/p") -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": f"t{number}",
        "status": "requested",
        "basedOn": [{"reference": "CarePlan/c"}],
        "owner": {"reference": owner},
        "code": {"text": text},
        "description": text,
        "restriction": {"period": {"end": f"2027-03-{number + 1:02d}"}},
    }


def crowded(overview: Overview) -> Overview:
    """Fourteen individual targets, and long agreements beside those there are."""
    deviation = Deviation("other", None, None, date(2027, 8, 31))
    goals = [replace(one, deviation=deviation) for one in overview.lines if one.agreed is not None]
    spare = [one for one in overview.lines if one.agreed is None and one.newest is not None]
    more = [replace(one, agreed=Target(high=Decimal(12)), deviation=deviation) for one in spare[: 14 - len(goals)]]
    own = f"Patient/{overview.patient['id']}"
    text = "Jeg går en tur på mindst tredive minutter hver dag sammen med min nabo og hans gamle hund {}"
    tasks = [task(number, text.format(number), own) for number in range(4)]
    return replace(overview, lines=(*goals, *more), tasks=(*overview.tasks, *tasks))


async def test_the_sheet_is_one_page_with_language_title_and_the_mark_of_an_accessible_pdf(world: World) -> None:
    pdf = printed(await overview_of(world, "birthe"))
    assert pages_of(pdf) == 1
    assert b"/Lang(da)" in pdf
    assert b"<pdfuaid:part>1<" in pdf
    assert b"/DisplayDocTitle true" in pdf
    assert "Forløbsplan for Birthe Test Nielsen".encode() in pdf
    assert b"/Marked true" in pdf


async def test_the_document_is_dated_when_it_was_printed(world: World) -> None:
    pdf = printed(await overview_of(world, "birthe"))
    assert b"2026-11-22T10:03:00" in pdf


async def test_the_same_plan_at_the_same_moment_gives_the_same_bytes(world: World) -> None:
    first = printed(await overview_of(world, "birthe"))
    assert printed(await overview_of(world, "carl")) != first
    assert printed(await overview_of(world, "birthe")) == first


@needs_pdftotext
async def test_the_blocks_stand_in_the_order_of_the_brief(world: World) -> None:
    text = text_of(printed(await overview_of(world, "birthe")))
    places: list[int] = []
    for block in SAID:
        places.append(text.find(block, places[-1] if places else 0))
        assert places[-1] >= 0, block


@needs_pdftotext
async def test_every_goal_is_said_with_value_day_target_and_status_word(world: World) -> None:
    text = text_of(printed(await overview_of(world, "birthe")))
    assert bare("Langtidsblodsukker 58 mmol/mol · 21.08.2026, lab.kort mellem 53 og 58 mmol/mol") in bare(text)
    assert re.search(r"Det dårlige kolesterol 1,5 mmol/L · 21\.08\.2026, lab\.kort under 1,4 mmol/L . Tæt på mål", text)


@needs_pdftotext
async def test_what_the_clinic_measured_is_said_once(world: World) -> None:
    overview = await overview_of(world, "birthe")
    text, once = text_of(printed(overview)), "Tallene er fra klinikken, hvor der ikke står andet."
    assert "139 mmHg · 31.08.2026 mellem" in text and once in text
    laboratory = [line for line in overview.lines if line.measure.id == "ldl"]
    assert once not in text_of(printed(replace(overview, lines=tuple(laboratory))))


@needs_pdftotext
async def test_values_without_a_target_stand_together_under_their_day_and_source(world: World) -> None:
    text = text_of(printed(await overview_of(world, "birthe")))
    assert re.search(r"21\.08\.2026, lab\.kort – Protein i urinen: 30 mg/g; Nyrernes funktion: >90 [^;]+; Kalium", text)
    assert "31.08.2026 – Vægt: 86,6 kg;" in text


@needs_pdftotext
@pytest.mark.parametrize("who", ["birthe", "carl", "dorte", "fatima"])
async def test_the_short_sheet_has_twelve_points_and_its_drawings_on_one_page(world: World, who: str) -> None:
    overview = await overview_of(world, who)
    sheet, pdf = content(overview), printed(overview)
    drawn = {
        word for one in sheet["courses"] for text in etree.fromstring(one["svg"]).itertext() for word in text.split()
    }
    furniture = {*sheet["words"]["strip"].split(), "Side"}
    heights = {word: high for high, word in letter_heights(pdf) if word.isalpha() and len(word) > 2}
    assert pages_of(pdf) == 1 and pdf.count(b"/Alt") == len(sheet["courses"]) == 2
    assert {word: high for word, high in heights.items() if word not in drawn | furniture and high < TWELVE} == {}


@needs_pdftotext
@pytest.mark.parametrize("edition", CAN[:3])
async def test_letters_are_never_smaller_than_eleven_points_where_an_ordinary_plan_is_crowded(
    world: World, edition: Edition
) -> None:
    pdf = printed(await overview_of(world, "birthe"), edition)
    heights = [high for high, word in letter_heights(pdf) if "2026" in word and len(word) == 10]
    assert pages_of(pdf) == 1 and pdf.count(b"/Alt") == 2
    assert sum(high >= TWELVE * 11 / 12 for high in heights) >= 11, "the days of the table"


@needs_pdftotext
async def test_the_head_says_who_and_when_and_never_the_personal_number(world: World) -> None:
    overview = await overview_of(world, "birthe")
    text = text_of(printed(overview))
    for said in ("Birthe Test Nielsen", "Født 02.09.1955", "Lægehuset Nord", "Telefon 00 10 20 30"):
        assert said in text
    assert "Udskrevet 22.11.2026 · gælder til næste kontrol" in text
    numbers = [one["value"] for one in overview.patient["identifier"]]
    assert numbers
    assert not [one for one in numbers if one in text]
    assert "••••" not in text


@needs_pdftotext
async def test_the_sheet_says_when_to_call_whom_and_where_the_medicine_stands(world: World) -> None:
    text = text_of(printed(await overview_of(world, "birthe")))
    assert bare("ring til Lægehuset Nord på 00 10 20 30") in bare(text)
    for said in ("ring 1-1-2", "ring til lægevagten", "Fælles Medicinkort", "sundhed.dk"):
        assert bare(said) in bare(text)


@needs_pdftotext
async def test_agreements_have_their_days_and_where_a_referral_goes(world: World) -> None:
    text = bare(text_of(printed(await overview_of(world, "carl"))))
    assert bare("Tag blodprøve – senest 25.07.2026, fristen er gået") in text
    assert bare("Din læge har henvist dig til Nordby Kommune") in text


@needs_pdftotext
async def test_only_targets_of_unverified_rules_have_a_star(world: World) -> None:
    overview = await overview_of(world, "birthe")
    text = text_of(printed(overview))
    assert "under 10 point*" in text
    assert "* Tallet er ikke efterprøvet i kilden." in text
    verified = [line for line in overview.lines if line.measure.id == "ldl"]
    assert "*" not in text_of(printed(replace(overview, lines=tuple(verified))))


@needs_pdftotext
async def test_an_individual_target_is_marked_as_agreed_with_the_patient(world: World) -> None:
    overview = await overview_of(world, "birthe")
    assert "aftalt med dig" not in text_of(printed(overview))
    text = bare(text_of(printed(with_deviation(overview, date(2027, 8, 31)))))
    assert bare("under 10 point (aftalt med dig til 31.08.2027)") in text


@needs_pdftotext
async def test_an_individual_target_past_its_day_says_so(world: World) -> None:
    text = bare(text_of(printed(with_deviation(await overview_of(world, "birthe"), date(2026, 8, 31)))))
    assert bare("(aftalt med dig; skulle ses igen 31.08.2026)") in text


def with_deviation(overview: Overview, until: date) -> Overview:
    deviation = Deviation("other", None, None, until)

    def agreed(line: Line) -> Line:
        return replace(line, deviation=deviation) if line.measure.id == "cat" else line

    return replace(overview, lines=tuple(agreed(line) for line in overview.lines))


@needs_pdftotext
async def test_a_closed_plan_says_so_and_promises_nothing(world: World) -> None:
    text = text_of(printed(await overview_of(world, "gunnar")))
    assert "Planen er afsluttet" in text
    assert "gælder til" not in text
    assert "Det næste, du skal" not in text
    assert "Det har vi aftalt" not in text


async def test_at_most_two_courses_are_drawn_each_with_its_description(world: World) -> None:
    overview = await overview_of(world, "birthe")
    assert printed(overview).count(b"/Alt") == 2
    assert printed(replace(overview, lines=())).count(b"/Alt") == 0


async def test_a_course_needs_two_values_of_the_last_three_years(world: World) -> None:
    overview = await overview_of(world, "birthe")
    glucose = next(line for line in overview.lines if line.measure.id == "hba1c")
    one = replace(glucose, readings=glucose.readings[:1])
    assert printed(replace(overview, lines=(glucose,))).count(b"/Alt") == 1
    assert printed(replace(overview, lines=(one,))).count(b"/Alt") == 0
    assert printed(replace(overview, on=date(2035, 1, 1), lines=(glucose,))).count(b"/Alt") == 0


async def test_a_crowded_plan_still_fits_one_page(world: World) -> None:
    assert pages_of(printed(crowded(await overview_of(world, "birthe")))) == 1


@needs_pdftotext
async def test_nothing_of_a_crowded_plan_is_left_out(world: World) -> None:
    overview = crowded(await overview_of(world, "birthe"))
    text = bare(text_of(printed(overview)))
    assert sum(line.agreed is not None for line in overview.lines) == 14
    assert not [line.measure.id for line in overview.lines if bare(line.measure.patient) not in text]
    assert not [number for number in range(4) if f"hansgamlehund{number}" not in text]


@needs_pdftotext
def test_what_no_page_holds_goes_on_and_both_pages_are_numbered() -> None:
    pdf = printed(small(tasks=tuple(task(number % 28, f"Lang aftale {number} " * 30) for number in range(28))))
    text = text_of(pdf)
    assert pages_of(pdf) > 1
    assert f"Side 2 af {pages_of(pdf)}" in text
    assert "Lang aftale 27" in text


@needs_pdftotext
@given(st.text(MARKUP, min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_markup_in_names_and_agreements_stays_what_it_is(words: str) -> None:
    said = f"a{words}b"
    text = bare(text_of(printed(small(name=said, tasks=(task(1, said),)))))
    assert text.count(bare(said)) >= 3


@given(st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_any_text_can_be_printed(words: str) -> None:
    assert pages_of(printed(small(name=words, tasks=(task(1, f"Aftale {words}"),)))) == 1


def test_every_sign_that_is_kept_is_in_the_font() -> None:
    signs = " ".join(chr(number) for number in range(0x3000))
    assert printed(small(tasks=(task(1, signs),))).startswith(b"%PDF")


@needs_pdftotext
def test_a_sign_the_font_lacks_is_shown_as_a_box_and_explained() -> None:
    text = text_of(printed(small(name="Ada 漢 Prøve")))
    assert "Ada □ Prøve" in text
    assert "□ er et tegn, der ikke kan printes her." in text
    assert "□" not in text_of(printed(small(name="Ada Čapek Ørsted Ωμέγα Жук")))


# ── editions and languages ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("edition", CAN)
async def test_every_edition_is_tagged_titled_and_in_its_language(world: World, edition: Edition) -> None:
    pdf = printed(await overview_of(world, "birthe"), edition)
    for mark in (f"/Lang({edition.language})".encode(), b"<pdfuaid:part>1<", b"/Marked true", b"/StructTreeRoot"):
        assert mark in pdf
    assert b"/Outlines" in pdf, "bookmarks"


@pytest.mark.parametrize("edition", CAN)
async def test_every_edition_has_a_description_for_each_drawing(world: World, edition: Edition) -> None:
    overview = await overview_of(world, "birthe")
    courses = content(overview, edition)["courses"]
    assert courses and all(one["alt"] for one in courses)
    assert printed(overview, edition).count(b"/Alt") == len(courses)


@pytest.mark.parametrize("edition", CAN)
async def test_every_edition_gives_the_same_bytes_again(world: World, edition: Edition) -> None:
    overview = await overview_of(world, "birthe")
    first = printed(overview, edition)
    printed(await overview_of(world, "carl"), edition)
    assert printed(overview, edition) == first


async def test_a_drawing_without_a_description_makes_no_sheet(world: World) -> None:
    sheet = content(await overview_of(world, "birthe"))
    sheet["courses"][0]["alt"] = ""
    with pytest.raises(TypstError, match="alt"):
        pdf_of_sheet(sheet)


@needs_pdftotext
@pytest.mark.parametrize("edition", [one for one in SHEETS if one.language != "ar"], ids=lambda one: str(one)[8:])
async def test_the_blocks_of_every_edition_stand_in_its_order_and_pages_are_numbered(
    world: World, edition: Edition
) -> None:
    overview = await overview_of(world, "birthe")
    sheet, pdf = content(overview, edition), printed(overview, edition)
    text = bare(text_of(pdf))
    heads = {"helps": "helps", "year": "year", "history": "history"}
    titles = [sheet["words"][heads.get(one, one)] for one in sheet["blocks"] if one not in ("history", "courses")]
    places = [text.find(bare(f"{title}")) for title in titles]
    assert -1 not in places and places == sorted(places)
    pages = pages_of(pdf)
    last = sheet["words"]["page"].replace("{page}", str(pages)).replace("{pages}", str(pages))
    assert bare(last) in text


def test_a_language_has_the_blocks_of_the_danish_sheet_in_their_order() -> None:
    for name in BLOCKS:
        sheets = [content(small(), Edition(name, language)) for language in ("da", "en", "ar")]
        assert sheets[0]["blocks"] == sheets[1]["blocks"] == sheets[2]["blocks"] == list(BLOCKS[name])
    assert BLOCKS["large"] == BLOCKS["short"]
    assert [one for one in BLOCKS["full"] if one in BLOCKS["short"]] == list(BLOCKS["short"])


@needs_pdftotext
async def test_the_whole_plan_has_every_course_the_year_and_who_helps(world: World) -> None:
    overview = await overview_of(world, "birthe")
    text = bare(text_of(printed(overview, Edition("full"))))
    drawn = content(overview, Edition("full"))["courses"]
    assert len(drawn) > 2
    for said in (*(one["title"] for one in drawn), "Mit år", "august 2027", "Hvem hjælper mig", "Spørg klinikken om"):
        assert bare(said) in text, said


@needs_pdftotext
async def test_the_whole_plan_tells_how_targets_have_changed(world: World) -> None:
    overview = await overview_of(world, "birthe")
    glucose = next(line for line in overview.lines if line.measure.id == "hba1c")
    (band,) = glucose.bands
    day = date(2026, 11, 1)
    stepped = replace(
        glucose, bands=(replace(band, end=day), Band(day, None, Target(high=Decimal(64), unit="mmol/mol")))
    )
    text = bare(text_of(printed(replace(overview, lines=(stepped,)), Edition("full"))))
    assert bare("Mine mål over tid: Langtidsblodsukker") in text
    assert bare("01.11.2026 gælder stadig højst 64 mmol/mol") in text
    assert bare(f"{band.start:%d.%m.%Y} 01.11.2026 mellem 53 og 58 mmol/mol") in text


@needs_pdftotext
async def test_large_print_has_no_letter_under_eighteen_points(world: World) -> None:
    pdf = printed(await overview_of(world, "birthe"), Edition("large"))
    heights = letter_heights(pdf)
    drawn = [high for high, word in heights if word.isalpha() and len(word) > 2]
    assert min(drawn) >= 17, "words of the sheet and of its drawings"
    assert pages_of(pdf) > 1


@needs_pdftotext
async def test_the_personal_number_stands_there_only_when_asked_for(world: World) -> None:
    overview = await overview_of(world, "birthe")
    (number,) = {one["value"].replace("-", "") for one in overview.patient["identifier"] if len(one["value"]) >= 10}
    written = f"{number[:6]}-{number[6:]}"
    for name in BLOCKS:
        assert written not in text_of(printed(overview, Edition(name)))
        assert f"CPR-nummer {written}" in text_of(printed(overview, Edition(name, cpr=True)))


@needs_pdftotext
async def test_another_language_says_who_has_not_read_it_and_that_some_words_are_danish(world: World) -> None:
    text = text_of(printed(await overview_of(world, "birthe"), Edition("short", "en")))
    assert "No clinician has read the English of this sheet yet." in text
    assert "Some words are written in Danish by the clinic or the service." in text


async def test_what_a_clinician_wrote_is_marked_as_danish_in_another_language(world: World) -> None:
    overview = await overview_of(world, "birthe")
    assert content(overview, Edition("short", "en"))["own"][0]["title"] == {"da": content(overview)["own"][0]["title"]}
    assert printed(overview, Edition("short", "en")).count(b"/Lang(da)") >= 1
    assert printed(overview).count(b"/Lang(da)") == 1, "the document's own"


@needs_amiri
async def test_numbers_and_phones_keep_their_order_in_arabic(world: World) -> None:
    shown = content(await overview_of(world, "birthe"), Edition("short", "ar"))
    assert "\u206600\u00a010\u00a020\u00a030\u2069" in shown["head"]["phone"]
    assert any("\u2066139\u2009mmHg\u2069" in one["newest"] for one in shown["goals"])
    assert "\u20661-1-2\u2069" in shown["call"][1]["whom"]


async def test_without_the_font_an_arabic_sheet_is_refused_in_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typeset, "ARABIC", ())
    sheet = content(await overview_of(world, "birthe"), Edition("short", "ar"))
    with pytest.raises(FontMissing, match="fonts-hosny-amiri"):
        pdf_of_sheet(sheet)


@needs_amiri
def test_every_arabic_sign_that_is_kept_is_in_the_fonts() -> None:
    signs = " ".join(chr(number) for number in range(0x3000))
    assert printed(small(tasks=(task(1, signs),)), Edition("full", "ar")).startswith(b"%PDF")
