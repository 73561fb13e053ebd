"""A process killed or standing still in the middle of a MongoDB transaction keeps the others for seconds only."""

import asyncio
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from storing import coded, fed, write

from careplan.store.mongo import MongoStore

SECONDS = 8

CHILD = """
import asyncio, os, signal, sys, time
sys.path[:0] = [{tests!r}]
from pymongo import monitoring
from storing import asking, coded, where, write
from careplan.fhir.query import TokenIs
from careplan.store.mongo import MongoStore
from careplan.store.protocol import Guard

class Fate(monitoring.CommandListener):
    met = False
    def started(self, event):
        if event.command.get("autocommit") is False:
            self.meet("before", event.command_name)
    def succeeded(self, event):
        self.meet("after", event.command_name)
    def failed(self, event):
        pass
    def meet(self, when, command):
        if [when, command] == {moment!r}:
            if not self.met:
                print("met", flush=True)
            {fate}
            self.met = True

async def main():
    monitoring.register(Fate())
    store = await MongoStore.connect({url!r}, {driver!r})
    guards = [Guard(f"g{{n}}", asking(where("code", "token", TokenIs("s", f"g{{n}}")))) for n in range(8)]
    await store.commit([write("theirs-1", coded("a")), write("theirs-2")], guards)
    await store.close()

asyncio.run(main())
"""
COUNTED = ["after", "findAndModify"]
LOOKED = ["before", "find"]
ENDING = ["before", "commitTransaction"]

KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
STALLED = "time.sleep(0 if self.met else 9)"
SLOW = "time.sleep(0.6)"


@contextmanager
def child(url: str, driver: str, moment: list[str], fate: str) -> Iterator["subprocess.Popen[str]"]:
    """A process whose commit meets its fate at a moment between two commands to the server."""
    tests = str(Path(__file__).resolve().parents[1])
    script = CHILD.format(tests=tests, url=url, driver=driver, moment=moment, fate=fate)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline().strip() == "met"
            yield running
        finally:
            running.kill()


@pytest.fixture
def url(mongod: str) -> Iterator[str]:
    """A database of this test's own."""
    name = f"t{uuid.uuid4().hex[:12]}"
    yield mongod.format(name)
    with MongoClient[dict[str, Any]](mongod.format(name)) as client:
        client.drop_database(name)


@pytest.mark.parametrize(("driver", "moment"), [("motor", COUNTED), ("motor", ENDING), ("pymongo", COUNTED)])
async def test_writing_goes_on_within_seconds_of_a_kill_9(url: str, driver: str, moment: list[str]) -> None:
    store = await MongoStore.connect(url, driver)
    await store.commit([write("before")])
    with child(url, driver, moment, KILLED) as process:
        assert process.wait() == -signal.SIGKILL
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*(store.commit([write(f"ours-{n}", coded("a"))]) for n in range(5)))
    assert {version.id for version in await fed(store)} == {"before", *(f"ours-{n}" for n in range(5))}
    assert await store.read("Observation", "theirs-1") is None
    await store.close()


@pytest.mark.parametrize("driver", ["motor"])
async def test_a_process_started_anew_after_a_kill_9_writes_within_seconds(url: str, driver: str) -> None:
    with child(url, driver, COUNTED, KILLED) as process:
        process.wait()
    async with asyncio.timeout(SECONDS):
        store = await MongoStore.connect(url, driver)
        await store.commit([write("theirs-1"), write("theirs-2")])
    assert [version.id for version in await fed(store)] == ["theirs-1", "theirs-2"]
    await store.close()


@pytest.mark.parametrize("driver", ["pymongo"])
async def test_a_process_that_stood_still_keeps_nobody_waiting_and_loses_nothing(url: str, driver: str) -> None:
    store = await MongoStore.connect(url, driver)
    with child(url, driver, COUNTED, STALLED) as process:
        async with asyncio.timeout(SECONDS):
            await store.commit([write("ours")])
        assert process.poll() is None
        assert await asyncio.to_thread(process.wait) == 0
    assert [version.id for version in await fed(store)] == ["ours", "theirs-1", "theirs-2"]
    await store.close()


@pytest.mark.parametrize("driver", ["motor"])
async def test_who_works_slowly_is_left_alone(url: str, driver: str) -> None:
    """Its transaction takes long, and no pause in it does: nobody ends it, however long they wait."""
    store = await MongoStore.connect(url, driver)
    with child(url, driver, LOOKED, SLOW) as process:
        await store.commit([write("ours")])
        assert process.wait() == 0
    assert [version.id for version in await fed(store)] == ["theirs-1", "theirs-2", "ours"]
    await store.close()
