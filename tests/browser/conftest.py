"""A real browser at the pages of an invented clinic; skipped where there is no Chromium or no Playwright."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from page_house import World, fill, open_world
from revised import stricter_ldl

from careplan.fhir.mapping import ChartReader
from careplan.knowledge.load import load_knowledge

CHROMIUM = Path("/usr/bin/chromium")

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
        asyncio.run(self._serve())

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


@pytest.fixture(scope="session")
def filled_clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("browser") / "filled.db"
    filling = threading.Thread(target=asyncio.run, args=(fill(path),))  # the browser's own loop has this thread
    filling.start()
    filling.join()
    return path


@pytest.fixture
def address(filled_clinic: Path, tmp_path: Path) -> Iterator[str]:
    """Where this test's own clinic is served."""
    served = Served(filled_clinic, tmp_path)
    served.start()
    yield served.address
    served.stop()


@pytest.fixture
def stricter_address(filled_clinic: Path, tmp_path: Path) -> Iterator[str]:
    """Where a clinic is served whose plans were made with older rules."""
    served = Served(filled_clinic, tmp_path, stricter_ldl(tmp_path / "new"))
    served.start()
    yield served.address
    served.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, chromium: Any, address: str) -> Iterator[Any]:
    """A page with and without JavaScript; whatever a browser complains of fails the test."""
    context = chromium.new_context(base_url=address, locale="da-DK", java_script_enabled=request.param)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert [one for one in complaints if "status of 422" not in one] == []  # a form that was sent back to be corrected
