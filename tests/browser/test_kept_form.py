"""C2's draft in a real browser: kept by itself with JavaScript, by «Gem kladde» without."""

import re
from typing import Any

import pytest

from .conftest import sign_in, sync_api
from .test_journeys import be, leave
from .visits import go

Page = Any
expect = sync_api.expect

C2 = "/patient/birthe/aarskontrol"
KEPT = re.compile(r"^Kladde gemt kl\. \d\d\.\d\d\.$")
PATIENCE = 15_000
"""Milliseconds until what is typed must be kept on a slow machine."""


def opened(chromium: Any, address: str, *, persona: str = "nurse", script: bool = True) -> Page:
    """C2 as somebody signed in sees it, in a browser of their own."""
    context = chromium.new_context(base_url=address, locale="da-DK", java_script_enabled=script)
    context.set_default_timeout(PATIENCE)
    sign_in(context, address, persona)
    page = context.new_page()
    page.goto(C2)
    return page


def weight(page: Page) -> Any:
    return page.get_by_label("Ny værdi: Vægt (kg)")


def medicine(page: Page) -> Any:
    return page.locator("#t-medicin-postponed")


def test_what_is_typed_is_kept_by_itself_told_once_and_found_by_a_colleague(chromium: Any, address: str) -> None:
    page = opened(chromium, address)
    told: list[str] = []
    page.expose_function("heard", lambda text: told.append(text))
    page.evaluate("new MutationObserver(() => heard(live.textContent)).observe(live, { childList: true })")
    weight(page).fill("82,5")
    expect(page.locator("#live")).to_have_text(KEPT, timeout=PATIENCE)
    with page.expect_response(lambda one: one.request.method == "POST") as answer:
        medicine(page).check()
    assert answer.value.status == 200 and len(told) == 1
    page.goto("/arbejdsliste")
    page.goto(C2)
    expect(weight(page)).to_have_value("82,5")
    expect(medicine(page)).to_be_checked()
    page.context.close()
    colleague = opened(chromium, address, persona="doctor")
    expect(weight(colleague)).to_have_value("82,5")
    expect(colleague.get_by_text(re.compile(r"Kladde gemt .* af Lars Test Krogh\.")).first).to_be_visible()
    go(colleague.get_by_role("button", name="Kassér kladden"))
    expect(weight(colleague)).to_have_value("")
    colleague.context.close()


def test_a_page_that_is_left_at_once_is_kept(chromium: Any, address: str) -> None:
    page = opened(chromium, address)
    weight(page).fill("82,5")
    page.goto("/hjaelp")
    for _ in range(20):  # the browser sends it behind the next page
        page.goto(C2)
        if weight(page).input_value():
            break
        page.wait_for_timeout(250)
    expect(weight(page)).to_have_value("82,5")
    page.context.close()


def test_a_network_that_fails_is_tried_again_quietly(chromium: Any, address: str) -> None:
    page = opened(chromium, address)
    page.clock.install()
    page.context.set_offline(True)
    weight(page).fill("82,5")
    with page.expect_event("requestfailed", lambda one: one.method == "POST"):
        page.clock.run_for(5_000)
    expect(page.locator("#live")).to_have_text("")
    page.context.set_offline(False)
    page.clock.run_for(60_000)
    expect(page.locator("#live")).to_have_text(KEPT)
    page.context.close()


@pytest.mark.parametrize("status", [403, 429])
def test_a_refusal_does_not_count_as_kept_and_is_tried_again(chromium: Any, address: str, status: int) -> None:
    page = opened(chromium, address)
    page.clock.install()
    page.route(f"**{C2}", lambda route: route.fulfill(status=status, json={}), times=1)
    weight(page).fill("82,5")
    with page.expect_response(lambda one: one.status == status):
        page.clock.run_for(5_000)
    expect(page.locator("#live")).to_have_text("")
    page.clock.run_for(60_000)
    expect(page.locator("#live")).to_have_text(KEPT)
    page.context.close()


def test_without_a_script_gem_kladde_keeps_the_form(page: Page) -> None:
    be(page, "nurse")
    page.goto(C2)
    weight(page).fill("otteogfirs")
    medicine(page).check()
    until = page.locator("#udsat-medicin")
    until.fill("01.12.2026")
    go(page.get_by_role("button", name="Gem kladde"))
    expect(page.get_by_role("status").first).to_have_text("Kladden er gemt.")
    leave(page)
    be(page, "doctor")
    page.goto(C2)
    expect(weight(page)).to_have_value("otteogfirs")
    expect(medicine(page)).to_be_checked()
    expect(until).to_have_value("01.12.2026")
    weight(page).fill("88")
    go(page.get_by_role("button", name="Sæt resten til «Udført»"))
    go(page.get_by_role("button", name="Godkend og del med patienten"))
    expect(page.get_by_role("status").first).to_have_text("Årskontrollen er gemt og delt med patienten.")
    expect(weight(page)).to_have_value("")
    expect(page.get_by_text("Kladde gemt")).to_have_count(0)
