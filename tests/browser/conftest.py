"""A real browser at the pages of an invented clinic; skipped where there is no Chromium or no Playwright."""

import asyncio
import re
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from page_house import World, fill, open_world
from revised import stricter_ldl

from careplan.fhir.mapping import ChartReader
from careplan.knowledge.load import load_knowledge

from .visits import Visit

LANGUAGE_COOKIE = "forloebsplan-sprog"
PATIENCE = 90
"""Seconds that one test may take: a browser that never answers fails it, and the run goes on to its end."""
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


class Served(threading.Thread):
    """The pages on a port of this machine, over a copy of a filled store; who comes early waits in line.

    rules  knowledge files newer than those that the plans were made with; None: the same
    """

    def __init__(self, filled: Path, folder: Path, rules: Path | None = None) -> None:
        super().__init__(daemon=True)
        self.filled, self.folder, self.rules = filled, folder, rules
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.server: uvicorn.Server | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self.socket.close()  # nobody waits in line for a service that did not come up

    async def _serve(self) -> None:
        async with open_world(self.filled, self.folder) as opened:
            world = opened if self.rules is None else _ruled(opened, self.rules)
            self.server = uvicorn.Server(uvicorn.Config(world.app, log_level="warning", lifespan="off"))
            await self.server.serve(sockets=[self.socket])

    def stop(self) -> None:
        if self.server is not None:
            self.server.should_exit = True
        self.join(10)
        self.socket.close()


def _ruled(world: World, rules: Path) -> World:
    knowledge = load_knowledge(rules)
    return World(replace(world.house, knowledge=knowledge, reader=ChartReader(knowledge)), world.clock)


def fill_clinic(path: Path) -> Path:
    """A store with everybody of the demo; filled beside this thread, which the browser's own loop has."""
    filling = threading.Thread(target=asyncio.run, args=(fill(path, states=True),))
    filling.start()
    filling.join()
    return path


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """A test that waits for ever ends as failed: what a browser is asked to compute has no time limit of its own."""

    def give_up(_signal: int, _frame: object) -> None:
        pytest.fail(f"not over in {PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def filled_clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_clinic(tmp_path_factory.mktemp("browser") / "filled.db")


@pytest.fixture
def address(filled_clinic: Path, tmp_path: Path) -> Iterator[str]:
    """Where this test's own clinic is served."""
    served = Served(filled_clinic, tmp_path)
    served.start()
    yield served.address
    served.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


class Walk:
    """One visit under way: the page, what the browser asked for, and what it said."""

    def __init__(self, page: Any, origin: str) -> None:
        self.page, self.origin = page, origin
        self.status = 0
        self.said: list[str] = []
        self.answers: list[Any] = []
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("response", lambda answer: self.answers.append(answer))

    def strangers(self) -> list[str]:
        """Addresses asked for elsewhere."""
        asked = [one.url for one in self.answers]
        return [one for one in asked if not one.startswith((self.origin, "data:"))]

    def complaints(self) -> list[str]:
        """What the browser complains of, but for answers that are errors of the reader's own."""
        return [one for one in self.said if "the server responded with a status of 4" not in one]

    def weight(self) -> int:
        """Bytes over the wire of the page and all it asks for, as if nothing had been kept."""
        kept = {one.url: one for one in self.answers if "/static/" in one.url}
        shown = next(one for one in reversed(self.answers) if one.request.resource_type == "document")
        return int(shown.request.sizes()["responseBodySize"]) + sum(len(one.body()) for one in kept.values())


def sign_in(context: Any, address: str, persona: str) -> None:
    """Choose who to be, by the form of the first page; no page is drawn."""
    token = re.search(r'name="formular" value="([^"]+)"', context.request.get(f"{address}/").text())
    assert token is not None
    asked = {"formular": token[1], "person": persona}
    answer = context.request.post(f"{address}/log-ind", form=asked, headers={"Origin": address}, max_redirects=0)
    assert answer.status == 303, persona


class Walker:
    """Somebody who walks through visits: a clinic, one with newer rules, and a browser context for each person."""

    def __init__(self, chromium: Any, filled: Path, folder: Path, scripts: Sequence[Path] = ()) -> None:
        """scripts: what every page has beside its own"""
        self.chromium, self.scripts = chromium, scripts
        (folder / "as-it-is").mkdir()
        (folder / "newer").mkdir()
        rules = stricter_ldl(folder / "rules")
        self.clinics = {
            False: Served(filled, folder / "as-it-is"),
            True: Served(filled, folder / "newer", rules),
        }
        for one in self.clinics.values():
            one.start()
        self._contexts: dict[tuple[Any, ...], Any] = {}

    def context(self, visit: Visit, **options: Any) -> Any:
        """A browser in which who the visit is of is signed in, in the visit's language."""
        key = (visit.persona, visit.newer, visit.language, *sorted(options.items(), key=str))
        if key not in self._contexts:
            address = self.clinics[visit.newer].address
            opened = self.chromium.new_context(
                base_url=address, locale="da-DK", timezone_id="Europe/Copenhagen", **options
            )
            opened.set_default_timeout(20_000)
            if visit.language:
                opened.add_cookies([{"name": LANGUAGE_COOKIE, "value": visit.language, "url": address}])
            if visit.persona:
                sign_in(opened, address, visit.persona)
            for script in self.scripts:
                opened.add_init_script(path=script)
            self._contexts[key] = opened
        return self._contexts[key]

    @contextmanager
    def walk(self, visit: Visit, **options: Any) -> Iterator[Walk]:
        """The page of a visit, its steps done."""
        context = self.context(visit, **options)
        page = context.new_page()
        page.set_viewport_size({"width": 1280, "height": 900})
        walk = Walk(page, self.clinics[visit.newer].address)
        answer = page.goto(visit.path)
        walk.status = answer.status
        for step in visit.steps:
            step(page)
            page.wait_for_load_state()
        yield walk
        page.close()

    def close(self) -> None:
        for context in self._contexts.values():
            context.close()
        for one in self.clinics.values():
            one.stop()


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, chromium: Any, address: str) -> Iterator[Any]:
    """A page with and without JavaScript; whatever a browser complains of fails the test."""
    context = chromium.new_context(base_url=address, locale="da-DK", java_script_enabled=request.param)
    context.set_default_timeout(15_000)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert [one for one in complaints if "status of 4" not in one] == []  # forms sent back, and what is refused
