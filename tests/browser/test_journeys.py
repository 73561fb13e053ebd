"""The journeys of patient and nurse in a real browser, each with and without JavaScript."""

import re
from typing import Any

import pytest

Page = Any
"""playwright.sync_api.Page, which need not be installed."""

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

WIDTHS = (320, 768, 1280)


def be(page: Page, persona: str) -> None:
    page.goto("/")
    page.click(f'button[value="{persona}"]')
    page.get_by_role("button", name="Log ud").wait_for()


def leave(page: Page) -> None:
    page.get_by_role("button", name="Log ud").click()
    page.get_by_role("heading", name="Hvem vil du være?").wait_for()


def test_a_patient_reads_the_plan_and_says_what_matters(page: Page) -> None:
    be(page, "patient-birthe")
    assert page.title() == "Min forløbsplan – Forløbsplan"
    assert page.locator("h2").first.inner_text() == "Det næste, du skal"
    goal = page.locator("article.goal", has=page.locator("#m-ldl"))
    expect(goal.locator("svg[role=img]").first).to_be_visible()
    goal.locator("summary").first.click()
    expect(goal.get_by_text("Mit mål:")).to_be_visible()
    page.get_by_role("link", name="Ret Det vigtigste for mig").first.click()
    page.get_by_label("Det vigtigste for mig").fill("Jeg vil danse til min fødselsdag.")
    page.get_by_role("button", name="Gem").click()
    assert page.get_by_role("status").inner_text() == "Gemt."
    expect(page.get_by_text("Jeg vil danse til min fødselsdag.").first).to_be_visible()


def test_a_nurse_makes_a_heart_plan_and_sees_why_ldl_is_to_be_under_1_4(page: Page) -> None:
    be(page, "nurse")
    page.get_by_role("link", name=re.compile("Egnet, men uden plan")).click()
    page.get_by_role("link", name="Opret plan Anna Test Jensen").click()
    assert page.get_by_label("Forløbsplan for hjertesygdom").is_checked()
    page.get_by_role("button", name="Forhåndsvisning").click()
    page.get_by_role("button", name="Opret").click()
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
    page.get_by_role("button", name="Søg").click()
    assert page.url.endswith("/arbejdsliste")
    page.get_by_role("link", name="Se plan Birthe Test Nielsen").click()
    page.get_by_role("link", name="Sæt individuelt mål for HbA1c").click()
    page.get_by_label("Fra").fill("55")
    page.get_by_label("Til", exact=True).fill("61")
    page.get_by_label("Årsag").select_option(label="Hypoglykæmi")
    page.get_by_role("button", name="Vis, hvordan patienten ser det").click()
    expect(page.get_by_text("Det er, fordi du har haft lavt blodsukker.")).to_be_visible()
    page.get_by_role("button", name="Gem målet").click()
    assert "Det individuelle mål er gemt." in page.get_by_role("status").inner_text()
    leave(page)
    be(page, "patient-birthe")
    goal = page.locator("article.goal", has=page.locator("#m-hba1c"))
    goal.locator("summary").first.click()
    expect(goal.get_by_text("Mit mål: mellem 55 og 61")).to_be_visible()
    page.get_by_role("link", name="Skriv ud").click()
    expect(page.get_by_role("heading", name="Min forløbsplan")).to_be_visible()
    chosen = page.locator("input[name=edition]:checked").get_attribute("value")
    printed = page.request.get(f"/print/Patient/birthe/plan.pdf?edition={chosen}")
    assert printed.status == 200 and printed.body().startswith(b"%PDF-")


def test_a_nurse_holds_the_yearly_control_in_few_clicks(page: Page) -> None:
    """Laboratory values are there already: nothing is retyped; one click a mandatory line, and one to approve."""
    be(page, "nurse")
    page.goto("/patient/fatima/aarskontrol")
    page.get_by_label("Ny værdi: Vægt (kg)").fill("825")
    page.get_by_role("button", name="Godkend og del med patienten").click()
    assert "Står der 825" in page.get_by_role("alert").inner_text()
    page.get_by_label("Ny værdi: Vægt (kg)").fill("82,5")
    lines = page.locator("fieldset.check:has-text('skal udfyldes')")
    for nth in range(lines.count()):
        lines.nth(nth).get_by_label("Udført").check()
    assert lines.count() + 2 <= 12
    page.get_by_role("button", name="Godkend og del med patienten").click()
    assert "Årskontrollen er gemt" in page.get_by_role("status").inner_text()
    expect(page.get_by_text("Årskontrol senest 22.11.2027")).to_be_visible()


def test_a_nurse_holds_the_control_of_three_plans_within_twelve_clicks(page: Page) -> None:
    """Lines that differ are answered, the rest filled in at once, one of them corrected: nothing ticked is lost."""
    be(page, "nurse")
    page.goto("/patient/birthe/aarskontrol")
    assert page.locator("fieldset.check:has-text('skal udfyldes')").count() > 11
    line = {name: page.get_by_role("group", name=name) for name in ("Rehabilitering", "Inhalationsteknik")}
    page.get_by_label("Ny værdi: Vægt (kg)").fill("82,5")
    clicks = [
        line["Rehabilitering"].get_by_label("Ikke relevant"),
        page.get_by_role("button", name="Sæt resten til «Udført»"),
        line["Inhalationsteknik"].get_by_label("Udsat"),
        page.get_by_role("button", name="Godkend og del med patienten"),
    ]
    assert len(clicks) <= 12
    for nth, one in enumerate(clicks):
        one.click()
        if nth == 1:
            assert "Inhalationsteknik" in page.locator("#sat").inner_text()
            assert "Rehabilitering" not in page.locator("#sat").inner_text()
            expect(line["Rehabilitering"].get_by_label("Ikke relevant")).to_be_checked()
    assert "Årskontrollen er gemt" in page.get_by_role("status").inner_text()


def test_a_visitator_opens_the_slice_from_the_inbox(page: Page) -> None:
    be(page, "visitator")
    page.get_by_role("link", name="Carl Test Mortensen", exact=True).click()
    expect(page.get_by_text("Du ser et udsnit. Delt af Lægehuset Nord")).to_be_visible()


@pytest.mark.parametrize(
    ("persona", "path"),
    [
        ("patient-birthe", "/plan"),
        ("patient-birthe", "/plan/vigtigst"),
        ("patient-birthe", "/plan/maaling/hba1c"),
        ("nurse", "/arbejdsliste?fane=i-orden"),
        ("nurse", "/patient/birthe/aarskontrol"),
        ("nurse", "/patient/birthe/historik?dato=22.11.2026&maaling=ldl"),
        ("nurse", "/arbejdsliste?fane=egnet"),
        ("nurse", "/patient/anna/opret-plan"),
        ("nurse", "/patient/anna/fravalg"),
        ("nurse", "/patient/fatima/maal/fatima-g1"),
        ("visitator", "/henvisninger"),
        ("visitator", "/borger/carl"),
    ],
)
def test_nothing_is_cut_or_scrolls_sideways(chromium: Any, address: str, persona: str, path: str) -> None:
    context = chromium.new_context(base_url=address)
    page = context.new_page()
    be(page, persona)
    page.goto(path)
    check_fits(page)
    context.close()


def check_fits(page: Page) -> None:
    """No width scrolls the page sideways, whatever is opened; prose beside a wide table is as wide as the window."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
        cut = page.evaluate(
            """[...document.querySelectorAll('td .why, td .note, .because div')]
            .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.innerText.slice(0, 40))"""
        )
        assert cut == [], width


def test_the_steps_of_a_form_fit_as_well(chromium: Any, address: str) -> None:
    context = chromium.new_context(base_url=address)
    page = context.new_page()
    be(page, "nurse")
    page.goto("/patient/fatima/maal/fatima-g1")
    page.get_by_role("button", name="Vis, hvordan patienten ser det").click()
    page.get_by_role("heading", name="Sådan ser patienten").wait_for()
    check_fits(page)
    page.goto("/patient/anna/opret-plan")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_label("Begrundelse").fill("Aftalt med patienten")
    page.get_by_role("button", name="Forhåndsvisning").click()
    page.get_by_role("button", name="Opret", exact=True).wait_for()
    check_fits(page)
    context.close()


def test_what_newer_rules_change_fits_as_well(chromium: Any, stricter_address: str) -> None:
    context = chromium.new_context(base_url=stricter_address)
    page = context.new_page()
    be(page, "nurse")
    page.goto("/patient/birthe/aarskontrol")
    page.get_by_text("To mål passer ikke sammen").first.wait_for()
    check_fits(page)
    page.goto("/forskelle")
    check_fits(page)
    page.get_by_role("link", name=re.compile("Se patienterne")).first.click()
    check_fits(page)
    context.close()


def test_staff_targets_are_24_pixels_high(chromium: Any, stricter_address: str) -> None:
    context = chromium.new_context(base_url=stricter_address, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    be(page, "nurse")
    page.goto("/forskelle")
    page.get_by_role("link", name=re.compile("Se patienterne")).first.wait_for()
    group = page.get_by_role("link", name=re.compile("Se patienterne")).first.get_attribute("href")
    history = "/patient/birthe/historik?slags=maaling&dato=31.02.2026"
    for path in ("/arbejdsliste?fane=egnet", group, history, "/patient/birthe/aarskontrol"):
        page.goto(path)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        small = page.evaluate(
            """[...document.querySelectorAll('a, button, summary')]
            .filter(one => one.checkVisibility() && !one.matches('.skip, .hidden'))
            .map(one => [one.innerText, one.getBoundingClientRect().height]).filter(([, high]) => high < 24)"""
        )
        assert small == [], path
    context.close()


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


def test_patients_targets_are_44_pixels_high(chromium: Any, address: str) -> None:
    context = chromium.new_context(base_url=address, viewport={"width": 320, "height": 800})
    page = context.new_page()
    be(page, "patient-birthe")
    for path in ("/plan", "/plan/maaling/hba1c"):
        page.goto(path)
        small = page.evaluate(
            """[...document.querySelectorAll('a, button, summary, input')]
            .filter(one => one.checkVisibility() && !one.classList.contains('skip'))
            .map(one => [one.innerText, one.getBoundingClientRect().height]).filter(([, high]) => high < 44)"""
        )
        assert small == [], path
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
