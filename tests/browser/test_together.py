"""What goes from one person's pages to another's, in a real browser, with and without JavaScript; and what C2 costs."""

import re
import sys
import time
from typing import Any

import pytest

from .conftest import sync_api
from .test_journeys import be, leave
from .visits import go

Page = Any
expect = sync_api.expect

CLICKS, SECONDS = 12, 90
"""What an årskontrol may cost where the laboratory's values are there (the brief, C2)."""


class Hand:
    """Does what a hand does at a page, and counts it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.typed: list[str] = []

    def click(self, target: Any) -> None:
        target.click()
        self.clicks += 1

    def go(self, target: Any) -> None:
        go(target)
        self.clicks += 1

    def type(self, label: str, text: str) -> None:
        self.page.get_by_label(label).fill(text)
        self.typed.append(text)


def test_an_aarskontrol_costs_few_clicks_and_nothing_is_typed_again(
    page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    """Birthe's three plans, from the worklist until the plan is shared; the clicks on the way there count."""
    be(page, "nurse")
    hand, began = Hand(page), time.perf_counter()
    page.goto("/arbejdsliste?fane=i-orden")
    hand.go(page.get_by_role("link", name="Se plan Birthe Test Nielsen"))
    known = set(page.locator(".grid .value").all_inner_texts())
    rehabilitation = page.get_by_role("group", name="Rehabilitering")
    hand.click(rehabilitation.get_by_label("Ikke relevant"))
    rehabilitation.get_by_label("Hvorfor ikke?").fill("Har lige været der")
    hand.type("Ny værdi: Vægt (kg)", "82,5")
    hand.go(page.get_by_role("button", name="Sæt resten til «Udført»"))
    hand.go(page.get_by_role("button", name="Godkend og del med patienten"))
    assert "Årskontrollen er gemt" in page.get_by_role("status").first.inner_text()
    took = time.perf_counter() - began
    again = [one for one in hand.typed if any(value.startswith(f"{one}\u2009") for value in known)]
    with capsys.disabled():
        sys.stdout.write(f" C2: {hand.clicks} clicks, {len(again)} values typed again, {took:.1f} s ")
    assert hand.clicks <= CLICKS and again == [] and took <= SECONDS


def test_a_question_is_asked_answered_and_read(page: Page) -> None:
    be(page, "patient-fatima")
    go(page.get_by_role("link", name="Skriv til klinikken").first)
    page.get_by_label("Din besked").fill("Må jeg cykle til kontrol?")
    go(page.get_by_role("button", name="Send"))
    leave(page)
    be(page, "nurse")
    page.goto("/beskeder")
    go(page.get_by_role("link", name=re.compile("Fatima")).first)
    page.locator("#tekst").fill("Ja, gør endelig det.")
    go(page.get_by_role("button", name="Send svar"))
    leave(page)
    be(page, "patient-fatima")
    page.goto("/plan/beskeder")
    expect(page.get_by_text("Ja, gør endelig det.")).to_be_visible()


def test_what_a_patient_measures_and_answers_is_there_at_the_control_and_nobody_types_it_again(page: Page) -> None:
    be(page, "patient-carl")
    page.goto("/plan/hjemmemaaling/weight")
    page.get_by_label("Vægt (kg)").fill("83,4")
    go(page.get_by_role("button", name="Næste"))
    go(page.get_by_role("button", name="Næste"))
    go(page.get_by_role("button", name="Gem"))
    expect(page.get_by_role("heading", name="Gemt")).to_be_visible()
    page.goto("/plan/forbered")
    go(page.get_by_role("link", name="Begynd"))
    for _ in range(40):
        if page.get_by_role("button", name="Send til klinikken").count():
            break
        page.locator("main input[type=radio], main input[type=checkbox]").first.check()
        go(page.get_by_role("button", name="Næste"))
    go(page.get_by_role("button", name="Send til klinikken"))
    leave(page)
    be(page, "nurse")
    hand = Hand(page)
    page.goto("/arbejdsliste?fane=klar")
    hand.go(page.get_by_role("link", name=re.compile("Carl Test Mortensen")).first)
    weight = page.locator("tbody", has=page.locator("#v-weight")).inner_text()
    assert "83,4" in weight and "22.11.2026, målt hjemme" in weight
    expect(page.get_by_text("Patientens egne svar")).to_be_visible()
    expect(page.get_by_text("Sendt 22.11.2026.")).to_be_visible()
    assert "22.11.2026" in page.locator("tbody", has=page.locator("#v-cat")).inner_text()
    hand.go(page.get_by_role("button", name="Sæt resten til «Udført»"))
    hand.go(page.get_by_role("button", name="Godkend og del med patienten"))
    assert "Årskontrollen er gemt" in page.get_by_role("status").first.inner_text()
    assert hand.clicks <= CLICKS and hand.typed == []


def test_answers_that_are_urgent_are_rung_about_and_then_off_the_list(page: Page) -> None:
    be(page, "nurse")
    page.goto("/arbejdsliste?fane=svar")
    expect(page.get_by_text("Ring i dag")).to_be_visible()
    go(page.get_by_role("link", name="Ring op Nils Test Kjær"))
    expect(page.get_by_role("link", name=re.compile("00 20 30 40"))).to_be_visible()
    go(page.get_by_role("button", name="Samtalen er holdt"))
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("#tekst").fill("Talte med Nils. Han kommer i morgen kl. 9.")
    go(page.get_by_role("button", name="Samtalen er holdt"))
    assert page.url.partition("?")[0].endswith("/patient/nils/aarskontrol")
    page.goto("/arbejdsliste?fane=svar")
    assert "Nils" not in page.inner_text("main")


def test_a_relative_reads_the_plan_for_as_long_as_the_patient_lets_them(page: Page) -> None:
    """Dorte takes back what Mads may, lets him read, and takes that back too."""

    def withdraw() -> None:
        be(page, "patient-dorte")
        page.goto("/plan/adgang")
        go(page.get_by_role("link", name="Stop fuldmagten").first)
        go(page.get_by_role("button", name="Ja, stop fuldmagten"))
        assert page.get_by_role("status").first.inner_text() == "Fuldmagten er stoppet."
        leave(page)

    def plans_of_others() -> Any:
        be(page, "patient-mads")
        page.goto("/plan/person")
        return page.get_by_role("button", name=re.compile("Dorte Test Østergaard"))

    withdraw()
    assert plans_of_others().count() == 0
    leave(page)
    be(page, "patient-dorte")
    page.goto("/plan/adgang/fuldmagt")
    page.get_by_label(re.compile("Mads Test Østergaard")).check()
    page.get_by_label("Læse", exact=True).check()
    go(page.get_by_role("button", name="Videre"))
    go(page.get_by_role("button", name="Ja, giv fuldmagt"))
    assert page.get_by_role("status").first.inner_text() == "Du har givet en fuldmagt."
    leave(page)
    go(plans_of_others())
    expect(page.get_by_role("region", name="Hvis plan du ser")).to_contain_text("Dorte")
    assert page.get_by_role("heading", name="Mine mål").count() == 1
    assert page.get_by_role("link", name=re.compile("^Ret")).count() == 0
    leave(page)
    withdraw()
    assert plans_of_others().count() == 0


def test_a_referral_from_the_clinic_until_the_course_is_over_and_nobody_there_sees_the_plan(page: Page) -> None:
    be(page, "nurse")
    page.goto("/patient/fatima/aarskontrol")
    go(page.get_by_role("link", name="Henvis til kommune eller sygehus"))
    page.get_by_role("group", name="Årsag: diagnoser").get_by_role("checkbox").first.check()
    go(page.get_by_role("button", name="Vis det, der bliver sendt, igen"))
    page.get_by_label(re.compile("har sagt ja til")).check()
    go(page.get_by_role("button", name="Send henvisning"))
    leave(page)

    be(page, "visitator")
    go(page.get_by_role("link", name="Fatima Test Yilmaz", exact=True))
    go(page.get_by_role("button", name="Tag sag"))
    page.goto("/borger/fatima")
    go(page.get_by_role("button", name="Acceptér"))
    page.goto("/borger/fatima")
    expect(page.get_by_text("Accepteret").first).to_be_visible()
    go(page.get_by_role("link", name="Bed om mere"))
    page.get_by_label("Hvad mangler du at vide?").fill("Går hun med stok?")
    go(page.get_by_role("button", name="Bed om oplysninger"))
    leave(page)

    be(page, "nurse")
    page.goto("/arbejdsliste?fane=kommune")
    go(page.get_by_role("link", name="Se henvisning Fatima Test Yilmaz"))
    page.get_by_label("Dit svar").fill("Nej, hun går uden.")
    go(page.get_by_role("button", name="Send svar"))
    leave(page)

    be(page, "visitator")
    page.goto("/borger/fatima")
    expect(page.get_by_text("Nej, hun går uden.")).to_be_visible()
    go(page.get_by_role("button", name="Start forløb"))
    page.goto("/borger/fatima")
    go(page.get_by_role("link", name="Afslut forløbet"))
    page.get_by_label("Hvordan sluttede forløbet?").select_option(label="Gennemført")
    page.get_by_label("Deltagelse").fill("Kom hver gang.")
    page.get_by_label("En sætning til borgeren").fill("Godt gået, Fatima.")
    go(page.get_by_role("button", name="Afslut forløbet"))
    assert "adgangen til borgerens plan er lukket" in page.get_by_role("status").first.inner_text()
    assert page.get_by_role("link", name="Fatima Test Yilmaz").count() == 0
    assert page.goto("/borger/fatima").status == 403
    page.goto("/henvisninger")
    leave(page)

    be(page, "patient-fatima")
    page.goto("/plan/kommune")
    expect(page.get_by_text("Godt gået, Fatima.").first).to_be_visible()
    expect(page.get_by_text("De kan ikke længere se din plan.").first).to_be_visible()


def test_a_patient_stops_sharing_and_it_holds_at_once(page: Page) -> None:
    be(page, "patient-carl")
    page.goto("/plan/adgang")
    go(page.get_by_role("link", name=re.compile("Se, hvad de kan se")).first)
    go(page.get_by_role("button", name="Stop deling"))
    go(page.get_by_role("button", name="Ja, stop deling"))
    assert "Du deler ikke mere." in page.get_by_role("status").first.inner_text()
    leave(page)
    be(page, "visitator")
    assert page.get_by_role("link", name="Carl Test Mortensen").count() == 0
    assert page.goto("/borger/carl").status == 403


def test_a_target_outside_the_span_is_set_by_a_doctor_alone_and_the_patient_reads_it(page: Page) -> None:
    for persona, allowed in (("nurse", False), ("doctor", True)):
        be(page, persona)
        page.goto("/patient/fatima/maal/fatima-g1")
        page.get_by_label("Til", exact=True).fill("80")
        go(page.get_by_role("button", name="Vis, hvordan patienten ser det"))
        said = page.inner_text("main")
        assert ("Det skal en læge sætte. Intet er gemt." in said) != allowed
        assert ("Du sætter det som læge." in said) == allowed
        if not allowed:
            leave(page)
    go(page.get_by_role("button", name="Gem målet"))
    assert "Det individuelle mål er gemt." in page.get_by_role("status").first.inner_text()
    leave(page)
    be(page, "patient-fatima")
    page.locator("article.goal", has=page.locator("#m-hba1c")).locator("summary").first.click()
    expect(page.get_by_text(re.compile(r"Mit mål: .*80")).first).to_be_visible()


def test_a_patient_turns_the_pages_to_english_prints_in_large_letters_and_turns_back(page: Page) -> None:
    be(page, "patient-birthe")
    page.goto("/plan/indstillinger")
    page.get_by_label("English").check()
    go(page.get_by_role("button", name="Gem"))
    page.goto("/plan")
    assert page.evaluate("document.documentElement.lang") == "en" and page.inner_text("h1") == "My care plan"
    page.goto("/plan/udskriv")
    page.get_by_label("Large print").check()
    page.get_by_label("Dansk").check()
    go(page.get_by_role("button", name="Show the sheet"))
    assert page.get_by_label("Large print").is_checked() and page.get_by_label("Dansk").is_checked()
    with page.expect_response(re.compile(r"plan\.pdf\?.*edition=large")) as answer:
        go(page.get_by_role("button", name="Get the PDF"))
    assert answer.value.status == 200 and answer.value.headers["content-type"] == "application/pdf"
    page.goto("/plan/indstillinger")
    page.get_by_label("Dansk").check()
    go(page.get_by_role("button", name="Save"))
    page.goto("/plan")
    assert page.evaluate("document.documentElement.lang") == "da" and page.inner_text("h1") == "Min forløbsplan"
