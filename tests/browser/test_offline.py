"""Sending while there is no network (B4, B5): the page stays and says so, and sends when the network is back.

Nothing is stored in the browser, so what waits is the form on the page: leaving it warns.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import sign_in, sync_api
from .visits import go

Page = Any
expect = sync_api.expect

WAITS = "Ikke sendt endnu. Lad siden være åben, så prøver vi igen, når du har net."


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Page]:
    """A page of a browser whose network can be taken away; what it then says of itself is no fault of the page."""
    context = chromium.new_context(base_url=address, locale="da-DK")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def weighed(page: Page, address: str) -> None:
    """Birthe has typed a weight and is asked whether it is right."""
    sign_in(page.context, address, "patient-birthe")
    page.goto("/plan/hjemmemaaling/weight")
    page.get_by_label("Vægt (kg)").fill("82,5")
    go(page.get_by_role("button", name="Næste"))
    go(page.get_by_role("button", name="Næste"))


def is_waiting(page: Page) -> None:
    expect(page.locator("[data-waits]").get_by_text(WAITS)).to_be_visible()
    expect(page.locator("#live")).to_have_text(WAITS)


def kept(page: Page) -> Any:
    page.goto("/plan/hjemmemaaling")
    return page.locator("ul.agreed > li", has_text="82,5")


def test_a_home_value_waits_for_the_network_and_is_kept_once(page: Page, address: str) -> None:
    weighed(page, address)
    page.context.set_offline(True)
    page.get_by_role("button", name="Gem", exact=True).click()
    is_waiting(page)
    page.get_by_role("button", name="Gem", exact=True).click()
    page.get_by_role("button", name="Prøv igen").click()
    is_waiting(page)
    expect(page.get_by_role("heading", name="Er det rigtigt?")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Gemt")).to_be_visible()
    expect(kept(page)).to_have_count(1)


def test_a_network_that_leads_nowhere_is_tried_by_hand(page: Page, address: str) -> None:
    weighed(page, address)
    page.route("**/static/plan.js*", lambda route: route.abort())
    page.get_by_role("button", name="Gem", exact=True).click()
    is_waiting(page)
    page.unroute("**/static/plan.js*")
    go(page.get_by_role("button", name="Prøv igen"))
    expect(page.get_by_role("heading", name="Gemt")).to_be_visible()


def test_leaving_warns_only_while_something_waits(page: Page, address: str) -> None:
    weighed(page, address)
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.context.set_offline(True)
    page.get_by_role("button", name="Gem", exact=True).click()
    is_waiting(page)
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Fortryd").click(no_wait_after=True)
    is_waiting(page)
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Gemt")).to_be_visible()
    assert asked == ["beforeunload"]


def test_an_answer_before_the_control_waits_for_the_network_with_the_button_that_was_pressed(
    page: Page, address: str
) -> None:
    sign_in(page.context, address, "patient-ingrid")
    page.goto("/plan/forbered/who5-1")
    asked = page.locator("legend").inner_text()
    page.context.set_offline(True)
    page.get_by_role("button", name="Spring over").click()
    is_waiting(page)
    page.context.set_offline(False)
    expect(page.locator("legend")).not_to_have_text(asked)


def test_nothing_that_waits_is_stored_in_the_browser(page: Page, address: str) -> None:
    weighed(page, address)
    page.context.set_offline(True)
    page.get_by_role("button", name="Gem", exact=True).click()
    is_waiting(page)
    stored = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "82,5" not in stored
    assert page.evaluate("indexedDB.databases().then(found => found.length)") == 0


def test_what_waits_past_the_session_stays_to_be_copied(page: Page, address: str) -> None:
    page.clock.install()
    weighed(page, address)
    page.context.set_offline(True)
    page.get_by_role("button", name="Gem", exact=True).click()
    is_waiting(page)
    page.clock.fast_forward("10:00:00")
    expect(page.locator("#live")).to_contain_text("Du er logget ud.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Prøv igen").click()
    expect(page.locator("#live")).to_contain_text("Du er logget ud.")
    expect(page.get_by_role("heading", name="Er det rigtigt?")).to_be_visible()
