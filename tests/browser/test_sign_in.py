"""A nurse signs in at a certified OpenID provider in a real browser, opens the worklist, and leaves nothing behind."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from provided import provider, settings_for

from careplan.app import create_app

from .conftest import Served
from .visits import go

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


class ServedWithIssuer(Served):
    """The whole application, signing in at an issuer."""

    issuer = ""

    async def _serve(self) -> None:
        await asyncio.to_thread(shutil.copy, self.filled, self.folder / "pages.db")
        app = create_app(settings_for(self.issuer, self.folder / "pages.db"))
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        await self.server.serve(sockets=[self.socket])


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def nurse(request: pytest.FixtureRequest, chromium: Any, filled_clinic: Path, tmp_path: Path) -> Iterator[Any]:
    """A browser context at a service that nobody has signed in to; whatever the browser complains of fails the test."""
    served = ServedWithIssuer(filled_clinic, tmp_path)
    with provider(served.address) as served.issuer:
        served.start()
        context = chromium.new_context(
            base_url=served.address, locale="da-DK", java_script_enabled=request.param, service_workers="block"
        )
        ours: str = served.address
        said: list[Any] = []
        context.on("console", lambda message: said.append(message))
        context.set_default_timeout(15_000)
        yield context
        complaints = [one.text for one in said if one.type == "error" and one.location["url"].startswith(ours)]
        context.close()
        served.stop()
    assert complaints == []


def test_a_nurse_signs_in_opens_the_worklist_and_leaves_nothing_behind(nurse: Any) -> None:
    page = nurse.new_page()
    page.goto("/arbejdsliste")
    go(page.get_by_role("link", name="Log ind"))
    page.fill("input[name=login]", "karen")
    page.fill("input[name=password]", "whatever")
    go(page.get_by_role("button", name=re.compile("sign-in", re.I)))
    page.wait_for_url("**/arbejdsliste")
    expect(page.get_by_text("Karen Test Lund")).to_be_visible()
    patient = page.locator(".list tbody").first.inner_text()
    copied = [one for one in nurse.cookies() if one["name"] == "forloebsplan"]
    address = page.url.removesuffix("/arbejdsliste")
    assert len(copied) == 1 and copied[0]["httpOnly"] and copied[0]["sameSite"] == "Lax"

    go(page.get_by_role("button", name="Log ud"))
    page.wait_for_url("**/session/end?**")
    assert "karen" not in page.url.lower()
    page.go_back()
    page.wait_for_load_state()
    for _ in range(2):
        assert "Karen Test Lund" not in page.content() and patient not in page.inner_text("body")
        page.go_back()
        page.wait_for_load_state()

    nurse.clear_cookies()
    nurse.add_cookies(copied)
    page.goto(f"{address}/arbejdsliste")
    expect(page.get_by_role("link", name="Log ind")).to_be_visible()
    assert "Karen Test Lund" not in page.content()
