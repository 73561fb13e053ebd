"""What was acknowledged survives the process that wrote it being killed (SQLite: one file, no server to survive it)."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from storing import Home, asking, body_of, coded, fed, found, walked, where, write

from careplan.fhir.query import TokenIs
from careplan.store.protocol import Store, StoreUnavailable
from careplan.store.sqlite import SQLiteStore

WRITER = """
import asyncio, sys
sys.path[:0] = [{tests!r}]
from storing import coded, write
from careplan.store.sqlite import SQLiteStore

async def write_on(store, name):
    for n in range(100_000):
        await store.commit([write(f"{{name}}-{{n}}-{{half}}", coded("a")) for half in "ab"])
        print(f"{{name}}-{{n}}", flush=True)

async def main():
    store = SQLiteStore.open({path!r})
    await asyncio.gather(*(write_on(store, f"w{{w}}") for w in range(8)))

asyncio.run(main())
"""


def killed_while_writing(path: Path, acknowledged: int) -> list[str]:
    """Kill -9 a writing process after so many acknowledgements; all that it acknowledged."""
    script = WRITER.format(tests=str(Path(__file__).resolve().parents[1]), path=str(path))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        seen = [writer.stdout.readline().strip() for _ in range(acknowledged)]
        writer.kill()
        seen += [line.strip() for line in writer.stdout.readlines() if line.endswith("\n")]
    assert all(seen)
    return seen


@pytest.mark.parametrize("acknowledged", [20, 150])
async def test_kill_9_loses_no_acknowledged_write_and_leaves_no_half_commit(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "record.db"
    names = killed_while_writing(path, acknowledged)
    store = SQLiteStore.open(str(path))
    for name in names:
        for half in "ab":
            read = await store.read("Observation", f"{name}-{half}")
            assert read is not None, name
            assert read.body == body_of("Observation", f"{name}-{half}")
    there = [version.id for version in await fed(store)]
    assert sorted(there) == sorted(f"{id[:-2]}-{half}" for id in there if id.endswith("-a") for half in "ab")
    assert sorted(await walked(store, asking(where("code", "token", TokenIs("s", "a"))))) == sorted(there)
    await store.commit([write("after")])
    await store.close()


async def test_two_processes_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    store = SQLiteStore.open(str(path))
    other = asyncio.create_task(asyncio.to_thread(killed_while_writing, path, 60))
    n = 0
    while not other.done():
        await store.commit([write(f"here-{n}", coded("a"))])
        n += 1
    names = await other
    there = [version.id for version in await fed(store)]
    assert {f"{name}-a" for name in names} | {f"here-{i}" for i in range(n)} <= set(there)
    await store.close()


async def test_commits_under_way_end_before_the_store_closes(home: Home) -> None:
    store = await home()
    under_way = [asyncio.ensure_future(store.commit([write(f"o{n}")])) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*under_way)
    again = await home()
    assert len(await fed(again)) == 20
    await again.close()


async def test_a_caller_who_gives_up_does_no_harm(store: Store) -> None:
    given_up = asyncio.ensure_future(store.commit([write("o1")]))
    await asyncio.sleep(0)
    given_up.cancel()
    await store.commit([write("o2")])
    assert "o2" in await found(store, asking())


async def test_reading_goes_on_while_a_commit_waits(store: Store) -> None:
    await store.commit([write("o1")])
    waiting = [asyncio.ensure_future(store.commit([write(f"q{n}")])) for n in range(50)]
    assert await store.read("Observation", "o1") is not None
    await asyncio.gather(*waiting)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Kære patient\n" * 500)
    with pytest.raises(StoreUnavailable):
        SQLiteStore.open(str(path))
    with pytest.raises(StoreUnavailable):
        SQLiteStore.open(str(tmp_path / "no" / "folder.db"))
