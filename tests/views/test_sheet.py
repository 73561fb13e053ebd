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
from page_house import NOW, ON, World

from careplan.domain.evaluation import Answer
from careplan.domain.target import Target
from careplan.fhir.goal import Deviation
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.views.closed import with_closed_plans
from careplan.views.sheet import plan_pdf

PDFTOTEXT = shutil.which("pdftotext")
needs_pdftotext = pytest.mark.skipif(PDFTOTEXT is None, reason="pdftotext (poppler) is not installed")

BLOCKS = (
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
MARKUP = "#*_=$\\[]{}<>@`~\"'-/+:;%&abcæøåÆ0 "


async def overview_of(world: World, patient: str) -> Overview:
    context = world.context(f"patient-{patient}")
    return await with_closed_plans(context, await read_overview(context, patient, "patient"))


def printed(overview: Overview) -> bytes:
    return plan_pdf(overview, printed_at=NOW)


def pages_of(pdf: bytes) -> int:
    found = re.search(rb"<xmpTPg:NPages>(\d+)<", pdf)
    assert found is not None
    return int(found[1])


def text_of(pdf: bytes) -> str:
    """The words of a sheet in reading order, spaces of any kind made one."""
    assert PDFTOTEXT is not None
    made = subprocess.run([PDFTOTEXT, "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return re.sub(r"\s+", " ", made.stdout.decode())


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
    for block in BLOCKS:
        places.append(text.find(block, places[-1] if places else 0))
        assert places[-1] >= 0, block


@needs_pdftotext
async def test_every_goal_is_said_with_value_day_target_and_status_word(world: World) -> None:
    text = text_of(printed(await overview_of(world, "birthe")))
    assert "Langtidsblodsukker 58 mmol/mol · 21.08.2026 mellem 53 og 58 mmol/mol" in text
    assert re.search(r"Det dårlige kolesterol 1,5 mmol/L · 21\.08\.2026 under 1,4 mmol/L . Tæt på mål", text)


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
