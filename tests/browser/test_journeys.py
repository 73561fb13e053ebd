"""The journeys of patient and nurse in a real browser, each with and without JavaScript."""

import re
from typing import Any

import pytest

from .visits import go

Page = Any
"""playwright.sync_api.Page, which need not be installed."""

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


def be(page: Page, persona: str) -> None:
    page.goto("/")
    go(page.locator(f'button[value="{persona}"]'))


def leave(page: Page) -> None:
    go(page.get_by_role("button", name="Log ud"))
    expect(page.get_by_role("heading", name="Hvem vil du være?")).to_be_visible()


def test_a_patient_reads_the_plan_and_says_what_matters(page: Page) -> None:
    be(page, "patient-birthe")
    assert page.title() == "Min forløbsplan – Forløbsplan"
    assert page.locator("h2").first.inner_text() == "Det næste, du skal"
    goal = page.locator("article.goal", has=page.locator("#m-ldl"))
    expect(goal.locator("svg[role=img]").first).to_be_visible()
    goal.locator("summary").first.click()
    expect(goal.get_by_text("Mit mål:")).to_be_visible()
    go(page.get_by_role("link", name="Ret Det vigtigste for mig").first)
    page.get_by_label("Det vigtigste for mig").fill("Jeg vil danse til min fødselsdag.")
    go(page.get_by_role("button", name="Gem"))
    assert page.get_by_role("status").inner_text() == "Gemt."
    expect(page.get_by_text("Jeg vil danse til min fødselsdag.").first).to_be_visible()


def test_a_nurse_makes_a_heart_plan_and_sees_why_ldl_is_to_be_under_1_4(page: Page) -> None:
    be(page, "nurse")
    go(page.get_by_role("link", name=re.compile("Egnet, men uden plan")))
    go(page.get_by_role("link", name="Opret plan Anna Test Jensen"))
    assert page.get_by_label("Forløbsplan for hjertesygdom").is_checked()
    go(page.get_by_role("button", name="Forhåndsvisning"))
    go(page.get_by_role("button", name="Opret"))
    assert page.get_by_role("status").inner_text() == "Planen er oprettet."
    ldl = page.locator("tbody", has=page.locator("#v-ldl"))
    assert "under 1,4" in ldl.inner_text()
    ldl.locator("summary").click()
    why = ldl.locator(".why")
    expect(why.get_by_text(re.compile(r"Regel LDL-\d+"))).to_be_visible()
    assert why.get_by_role("link").get_attribute("href").startswith("https://")


def test_a_nurse_sets_a_target_of_hba1c_and_the_patient_sees_and_prints_it(page: Page) -> None:
    be(page, "nurse")
    page.get_by_label("Søg efter navn").fill("birthe")
    go(page.get_by_role("button", name="Søg"))
    assert page.url.endswith("/arbejdsliste")
    go(page.get_by_role("link", name="Se plan Birthe Test Nielsen"))
    go(page.get_by_role("link", name="Sæt individuelt mål for HbA1c"))
    page.get_by_label("Fra").fill("55")
    page.get_by_label("Til", exact=True).fill("61")
    page.get_by_label("Årsag").select_option(label="Hypoglykæmi")
    go(page.get_by_role("button", name="Vis, hvordan patienten ser det"))
    expect(page.get_by_text("Det er, fordi du har haft lavt blodsukker.")).to_be_visible()
    go(page.get_by_role("button", name="Gem målet"))
    assert "Det individuelle mål er gemt." in page.get_by_role("status").inner_text()
    leave(page)
    be(page, "patient-birthe")
    goal = page.locator("article.goal", has=page.locator("#m-hba1c"))
    goal.locator("summary").first.click()
    expect(goal.get_by_text("Mit mål: mellem 55 og 61")).to_be_visible()
    go(page.get_by_role("link", name="Skriv ud"))
    expect(page.get_by_role("heading", name="Min forløbsplan")).to_be_visible()
    chosen = page.locator("input[name=edition]:checked").get_attribute("value")
    printed = page.request.get(f"/print/Patient/birthe/plan.pdf?edition={chosen}")
    assert printed.status == 200 and printed.body().startswith(b"%PDF-")


def test_a_nurse_holds_the_yearly_control_in_few_clicks(page: Page) -> None:
    """Laboratory values are there already: nothing is retyped; one click a mandatory line, and one to approve."""
    be(page, "nurse")
    page.goto("/patient/fatima/aarskontrol")
    page.get_by_label("Ny værdi: Vægt (kg)").fill("525")
    go(page.get_by_role("button", name="Godkend og del med patienten"))
    assert "Står der 525" in page.get_by_role("alert").inner_text()
    page.get_by_label("Ny værdi: Vægt (kg)").fill("82,5")
    lines = page.locator("fieldset.check:has-text('skal udfyldes')")
    for nth in range(lines.count()):
        lines.nth(nth).get_by_label("Udført").check()
    assert lines.count() + 2 <= 12
    go(page.get_by_role("button", name="Godkend og del med patienten"))
    assert "Årskontrollen er gemt" in page.get_by_role("status").inner_text()
    expect(page.get_by_text("Årskontrol senest 22.11.2027")).to_be_visible()


def test_lines_of_a_control_are_filled_in_at_once_and_one_of_them_corrected(page: Page) -> None:
    """Lines that differ are answered, the rest filled in at once, one of them corrected: nothing ticked is lost."""
    be(page, "nurse")
    page.goto("/patient/birthe/aarskontrol")
    assert page.locator("fieldset.check:has-text('skal udfyldes')").count() > 11
    line = {name: page.get_by_role("group", name=name) for name in ("Rehabilitering", "Inhalationsteknik")}
    page.get_by_label("Ny værdi: Vægt (kg)").fill("82,5")
    expect(line["Rehabilitering"].get_by_label("Hvorfor ikke?")).to_be_hidden()
    line["Rehabilitering"].get_by_label("Ikke relevant").click()
    line["Rehabilitering"].get_by_label("Hvorfor ikke?").fill("Har lige været der")
    go(page.get_by_role("button", name="Sæt resten til «Udført»"))
    assert "Inhalationsteknik" in page.locator("#sat").inner_text()
    assert "Rehabilitering" not in page.locator("#sat").inner_text()
    expect(line["Rehabilitering"].get_by_label("Ikke relevant")).to_be_checked()
    line["Inhalationsteknik"].get_by_label("Udsat").click()
    go(page.get_by_role("button", name="Godkend og del med patienten"))
    assert "hvornår det er udsat til" in page.get_by_role("alert").inner_text()
    line["Inhalationsteknik"].get_by_label("Ny dato").fill("01.12.2026")
    go(page.get_by_role("button", name="Godkend og del med patienten"))
    assert "Årskontrollen er gemt" in page.get_by_role("status").inner_text()


def test_a_visitator_opens_the_slice_from_the_inbox(page: Page) -> None:
    be(page, "visitator")
    go(page.get_by_role("link", name="Carl Test Mortensen", exact=True))
    expect(page.get_by_text("Du ser et udsnit. Delt af Lægehuset Nord")).to_be_visible()


def test_no_two_landmarks_of_a_page_have_one_name_and_nothing_stands_outside(chromium: Any, address: str) -> None:
    context = chromium.new_context(base_url=address)
    page = context.new_page()
    be(page, "nurse")
    for path in ("/patient/birthe/aarskontrol", "/patient/birthe/historik?dato=22.11.2026"):
        page.goto(path)
        named = page.evaluate(
            "[...document.querySelectorAll('[aria-labelledby]')].map(one => one.getAttribute('aria-labelledby'))"
        )
        assert len(named) == len(set(named)), path
        outside = page.evaluate("[...document.body.children].map(one => one.localName)")
        assert set(outside) <= {"header", "main", "footer", "section", "a"}, path
    context.close()


def test_the_keyboard_reaches_the_content_first_and_shows_where_it_is(chromium: Any, address: str) -> None:
    context = chromium.new_context(base_url=address)
    page = context.new_page()
    be(page, "nurse")
    page.goto("/arbejdsliste?fane=i-orden")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Gå til sidens indhold"
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className") == "button small"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "navn"
    context.close()
