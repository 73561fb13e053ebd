"""The pages in process, over a clinic of invented people on a file of this test's own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from page_house import Browser, World, fill, open_world


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with everybody in it; tests work on copies."""
    path = tmp_path_factory.mktemp("pages") / "filled.db"
    asyncio.run(fill(path))
    return path


@pytest.fixture
async def world(filled: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(filled, tmp_path) as opened:
        yield opened


@pytest.fixture
async def browser(world: World) -> Browser:
    """Nobody is signed in."""
    return Browser(world)


@pytest.fixture
async def nurse(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("nurse")
    return signed_in
