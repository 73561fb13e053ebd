"""What goes from one person's pages to another's, in a real browser, with and without JavaScript; and what C2 costs."""

import re
import sys
import time
from typing import Any

import pytest

from .conftest import sync_api
from .test_journeys import be, leave

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
    hand.click(page.get_by_role("link", name="Se plan Birthe Test Nielsen"))
    known = set(page.locator(".grid .value").all_inner_texts())
    hand.click(page.get_by_role("group", name="Rehabilitering").get_by_label("Ikke relevant"))
    hand.type("Ny værdi: Vægt (kg)", "82,5")
    hand.click(page.get_by_role("button", name="Sæt resten til «Udført»"))
    hand.click(page.get_by_role("button", name="Godkend og del med patienten"))
    assert "Årskontrollen er gemt" in page.get_by_role("status").first.inner_text()
    took = time.perf_counter() - began
    again = [one for one in hand.typed if any(value.startswith(f"{one}\u2009") for value in known)]
    with capsys.disabled():
        sys.stdout.write(f" C2: {hand.clicks} clicks, {len(again)} values typed again, {took:.1f} s ")
    assert hand.clicks <= CLICKS and again == [] and took <= SECONDS


def test_a_home_value_reaches_the_clinic(page: Page) -> None:
    be(page, "patient-birthe")
    page.goto("/plan/hjemmemaaling/weight")
    page.get_by_label("Vægt (kg)").fill("83,4")
    page.get_by_role("button", name="Næste").click()
    page.get_by_role("button", name="Næste").click()
    page.get_by_role("button", name="Gem").click()
    expect(page.get_by_role("heading", name="Gemt")).to_be_visible()
    leave(page)
    be(page, "nurse")
    page.goto("/patient/birthe/aarskontrol")
    row = page.locator("tbody", has=page.locator("#v-weight")).inner_text()
    assert "83,4" in row and "22.11.2026, målt hjemme" in row


def test_a_question_is_asked_answered_and_read(page: Page) -> None:
    be(page, "patient-fatima")
    page.get_by_role("link", name="Skriv til klinikken").first.click()
    page.get_by_label("Din besked").fill("Må jeg cykle til kontrol?")
    page.get_by_role("button", name="Send").click()
    leave(page)
    be(page, "nurse")
    page.goto("/beskeder")
    page.get_by_role("link", name=re.compile("Fatima")).first.click()
    page.locator("#tekst").fill("Ja, gør endelig det.")
    page.get_by_role("button", name="Send svar").click()
    leave(page)
    be(page, "patient-fatima")
    page.goto("/plan/beskeder")
    expect(page.get_by_text("Ja, gør endelig det.")).to_be_visible()


def test_a_patient_prepares_the_control_and_the_clinic_reads_it(page: Page) -> None:
    be(page, "patient-carl")
    page.goto("/plan/forbered")
    page.get_by_role("link", name="Begynd").click()
    for _ in range(40):
        if page.get_by_role("button", name="Send til klinikken").count():
            break
        page.locator("main input[type=radio], main input[type=checkbox]").first.check()
        page.get_by_role("button", name="Næste").click()
    page.get_by_role("button", name="Send til klinikken").click()
    leave(page)
    be(page, "nurse")
    page.goto("/patient/carl/aarskontrol")
    expect(page.get_by_text("Patientens egne svar")).to_be_visible()
    expect(page.get_by_text("Sendt 22.11.2026.")).to_be_visible()


def test_a_referral_goes_from_the_clinic_to_the_municipality_and_is_accepted(page: Page) -> None:
    be(page, "nurse")
    page.goto("/patient/fatima/aarskontrol")
    page.get_by_role("link", name="Henvis til kommune eller sygehus").click()
    page.get_by_role("group", name="Årsag: diagnoser").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Vis det, der bliver sendt, igen").click()
    page.get_by_label(re.compile("har sagt ja til")).check()
    page.get_by_role("button", name="Send henvisning").click()
    leave(page)
    be(page, "visitator")
    page.get_by_role("link", name="Fatima Test Yilmaz", exact=True).click()
    page.get_by_role("button", name="Tag sag").click()
    if "/borger/fatima" not in page.url:
        page.goto("/borger/fatima")
    page.get_by_role("button", name="Acceptér").click()
    page.goto("/borger/fatima")
    expect(page.get_by_text("Accepteret").first).to_be_visible()


def test_a_target_outside_the_span_is_set_by_a_doctor_alone(page: Page) -> None:
    for persona, allowed in (("nurse", False), ("doctor", True)):
        be(page, persona)
        page.goto("/patient/fatima/maal/fatima-g1")
        page.get_by_label("Til", exact=True).fill("80")
        page.get_by_role("button", name="Vis, hvordan patienten ser det").click()
        said = page.inner_text("main")
        assert ("Det skal en læge sætte. Intet er gemt." in said) != allowed
        assert ("Du sætter det som læge." in said) == allowed
        leave(page)
