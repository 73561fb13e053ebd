"""Exports between their pages: what is in them while others write, and what becomes of one that is interrupted."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from careplan.app import open_catalogue
from careplan.interactions.access import Forbidden
from careplan.interactions.context import Context, Exports, House
from careplan.interactions.export.chosen import complete
from careplan.interactions.export.folder import Folder
from careplan.interactions.export.job import Job, Progress
from careplan.interactions.export.kickoff import TooManyExports, kick_off, wanted_from_asked
from careplan.interactions.export.run import run
from careplan.interactions.export.shelf import read_export
from careplan.interactions.export.worker import go_on, waiting
from careplan.interactions.operations.asked import Asked
from careplan.store.protocol import Store
from careplan.store.sqlite import SQLiteStore

from .conftest import CALLERS, Town, hba1c, patient, referral

Json = dict[str, Any]


class Desk:
    """A town whose exports read two resources at a time and lie in this test's folder."""

    def __init__(self, town: Town, root: Path) -> None:
        exports = Exports(root, resources=3, settle=timedelta())
        limits = replace(town.house.limits, page_maximum=2)
        town.house = replace(town.house, exports=exports, limits=limits)
        self.town = town

    async def begin(self, who: str = "system", level: str = "patient", id: str | None = None, **asked: str) -> Job:
        values = {f"_{name}": [value] for name, value in asked.items()}
        wanted = wanted_from_asked(level, Asked(id, values))
        return await kick_off(self.town.as_(who), wanted, "https://plan.example/fhir/$export")

    def context_of(self, job: Job) -> Context:
        return replace(self.town.as_("system"), caller=job.caller)

    def folder(self, job: Job) -> Folder:
        return Folder(self.town.house.exports.folder / job.id)

    async def pages(self, job: Job, count: int) -> None:
        """So many pages, and then the process is gone."""
        going = run(self.folder(job), self.context_of)
        for _ in range(count):
            await anext(going)
        await going.aclose()

    async def work(self) -> None:
        await go_on(self.town.house, lambda: self.town.now, lambda: "unused")

    def lines(self, job: Job) -> list[Json]:
        """What the files hold, as the manifest counts it."""
        folder = self.folder(job)
        progress = folder.progress()
        assert progress.ended
        assert progress.failed is None, progress.failed
        found = []
        for part in progress.parts:
            lines = (folder.path / part.name).read_bytes().splitlines(keepends=True)
            assert (len(lines), sum(map(len, lines))) == (part.count, part.size)
            assert part.count <= self.town.house.exports.resources
            found += [json.loads(line) for line in lines]
        return found

    def versions(self, job: Job) -> list[str]:
        return sorted(f"{one['resourceType']}/{one['id']}@{one['meta']['versionId']}" for one in self.lines(job))


@pytest.fixture
def desk(town: Town, tmp_path: Path) -> Desk:
    return Desk(town, tmp_path)


async def values(town: Town, count: int, of: str = "anna") -> None:
    await town.put(*({**hba1c(40 + number, of=of), "id": f"v{number}"} for number in range(count)))


async def test_an_export_is_the_record_as_it_stood_at_its_kick_off(desk):
    """R4-115, R4-116: what others change meanwhile is shown as it was, and comes with the next `_since`."""
    town = desk.town
    await values(town, 5)
    job = await desk.begin(type="Observation")
    await desk.pages(job, 1)
    town.later(seconds=1)
    await town.put({**hba1c(99), "id": "v4"}, {**hba1c(99), "id": "v0"}, {**hba1c(99), "id": "z-later"})
    town.later(seconds=1)
    await town.put({**hba1c(98), "id": "v4"}, {**hba1c(98), "id": "z-later"})
    await desk.work()
    assert desk.versions(job) == [f"Observation/v{number}@1" for number in range(5)]

    following = await desk.begin(type="Observation", since=job.at.isoformat())
    await desk.work()
    assert desk.versions(following) == ["Observation/v0@2", "Observation/v4@3", "Observation/z-later@2"]


async def test_what_was_in_another_record_then_is_not_shown_as_it_was(desk):
    """The version before a correction of the patient belongs to somebody else's record."""
    town = desk.town
    await town.put({**hba1c(50, of="birthe"), "id": "moved"})
    job = await desk.begin("doctor", type="Observation")
    town.later(seconds=1)
    await town.put({**hba1c(50, of="anna"), "id": "moved"})
    await desk.work()
    assert desk.versions(job) == []


@pytest.mark.parametrize("pages", range(9))
async def test_an_interrupted_export_goes_on_after_its_last_page(desk, pages):
    """R4-115: nothing is lost or written twice, though lines of a page that does not count were written already."""
    await values(desk.town, 7)
    job = await desk.begin()
    await desk.pages(job, pages)
    folder = desk.folder(job)
    parts = folder.progress().parts
    with (folder.path / (parts[-1].name if parts else "Patient-1.ndjson")).open("ab") as file:
        file.write(b'{"half a line')
    (folder.path / ".progress.json").write_bytes(b"{half")
    await desk.work()
    found = desk.versions(job)
    assert set(Counter(found).values()) == {1}
    expected = {f"Observation/v{number}@1" for number in range(7)} | {
        f"Patient/{id}@1" for id in ("anna", "birthe", "carl")
    }
    assert expected <= set(found)


async def test_rights_are_asked_again_with_every_page(desk):
    """A referral that ends while its export is made ends what is read."""
    town = desk.town
    await town.put(referral("r1"))
    await values(town, 4)
    job = await desk.begin("visitator", type="Observation")
    assert (await desk.begin("visitator", type="Patient")).types == ("Patient",)
    await desk.pages(job, 1)
    await town.put(referral("r1", status="revoked"))
    await desk.work()
    assert desk.versions(job) == ["Observation/v0@1", "Observation/v1@1"]


async def test_a_role_exports_the_types_it_reads(desk):
    """A referred-to organisation its slice, a clinic its own patients, a patient one record."""
    town = desk.town
    await town.put(referral("r1"))
    jobs = {who: await desk.begin(who) for who in ("visitator", "doctor", "anna")}
    await desk.work()
    assert "Condition" not in jobs["visitator"].types
    people = {
        who: {one["id"] for one in desk.lines(job) if one["resourceType"] == "Patient"} for who, job in jobs.items()
    }
    assert people == {"visitator": {"anna"}, "doctor": {"anna", "birthe"}, "anna": {"anna"}}
    assert {one["id"] for one in desk.lines(jobs["doctor"]) if one["resourceType"] == "Condition"} == {
        "anna-t2d",
        "anna-ihd",
    }
    with pytest.raises(Forbidden):
        await desk.begin("statistics")


async def test_a_group_larger_than_one_search_is_exported_whole(desk):
    """Members who are inactive, whose time has ended, or who are no patients are left out."""
    ids = [f"p{number:03}" for number in range(120)]
    members: list[Json] = [{"entity": {"reference": f"Patient/{id}"}} for id in ids]
    members += [
        {"entity": {"reference": "Patient/anna"}, "inactive": True},
        {"entity": {"reference": "Patient/birthe"}, "period": {"end": "2026-11-20"}},
        {"entity": {"reference": "Device/d"}},
        {"entity": {"reference": "Patient/p000"}},
    ]
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": members}
    await desk.town.put(*(patient(id) for id in ids), group)
    desk.town.house = replace(desk.town.house, limits=replace(desk.town.house.limits, page_maximum=40))
    job = await desk.begin(level="group", id="g", type="Patient")
    desk.town.later(seconds=1)
    await desk.town.put({**group, "member": members[:1]})
    await desk.work()
    assert desk.versions(job) == [f"Patient/{id}@1" for id in ids]


async def test_one_at_a_time_goes_on_with_an_export(desk):
    """R4-115: who finds it held leaves it alone; afterwards it goes on."""
    job = await desk.begin(type="Patient")
    with desk.folder(job).claim() as ours, desk.folder(job).claim() as theirs:
        assert (ours, theirs) == (True, False)
        await desk.work()
        assert desk.folder(job).progress().count == 0
    await desk.work()
    assert len(desk.lines(job)) == 3


async def test_an_export_that_is_deleted_while_it_is_made_ends(desk):
    """R4-115: the writer notices at its next page, and its files go."""
    job = await desk.begin(type="Patient")
    going = run(desk.folder(job), desk.context_of)
    await anext(going)
    desk.folder(job).take_away()
    with pytest.raises(FileNotFoundError):
        await anext(going)
    await desk.work()
    assert [one.name for one in desk.town.house.exports.folder.iterdir()] == [".lock"]


async def test_an_export_waits_while_the_store_is_away(desk, caplog):
    """R4-115: the export is not lost, and a log names nobody."""
    job = await desk.begin(type="Patient")
    house = desk.town.house
    gone = SQLiteStore.open(":memory:")
    await gone.close()
    desk.town.house = replace(house, store=gone)
    await desk.work()
    assert caplog.messages == ["an export waits after StoreUnavailable"]
    assert not desk.folder(job).progress().ended
    desk.town.house = house
    await desk.work()
    assert len(desk.lines(job)) == 3


async def test_nothing_is_read_before_writes_have_settled(desk):
    """A write stamped before the kick-off may still be on its way."""
    settle = timedelta(seconds=0.3)
    desk.town.house = replace(desk.town.house, exports=replace(desk.town.house.exports, settle=settle))
    job = await desk.begin(type="Observation")
    started = time.monotonic()
    await desk.work()
    assert time.monotonic() - started >= 0.3
    assert desk.versions(job) == []


async def test_ended_exports_are_kept_in_a_limited_number_and_for_a_time(desk):
    """R4-115: nobody fills the disk; what is old is cleared away, what was only half begun too."""
    for _ in range(20):
        last = await desk.begin(type="Patient", since="2027-01-01T00:00:00Z")
        await desk.work()
    with pytest.raises(TooManyExports):
        await desk.begin()
    root = desk.town.house.exports.folder
    (root / "half-begun").mkdir()
    (root / "half-begun" / "progress.json").write_bytes(b"{}")
    long_ago = desk.town.now.timestamp() - 25 * 3600
    for folder in root.iterdir():
        if folder.name not in (".lock", last.id):
            os.utime(folder, (long_ago, long_ago))
    await desk.work()
    assert {one.name for one in root.iterdir()} == {".lock", last.id}
    assert read_export(desk.town.as_("system"), last.id).job == last


async def test_a_look_for_work_opens_no_export_that_has_ended(desk, monkeypatch):
    """There may be hundreds of them, and somebody looks every second."""
    ended = await desk.begin(type="Patient")
    await desk.work()
    left = await desk.begin(type="Patient")
    opened = []
    progress = Folder.progress

    def counted(folder: Folder) -> Progress:
        opened.append(folder.path.name)
        return progress(folder)

    monkeypatch.setattr(Folder, "progress", counted)
    root = desk.town.house.exports.folder
    assert waiting(root) == [desk.folder(left)]
    assert ended.id not in opened


async def test_an_export_that_died_at_its_very_end_has_ended(desk):
    """The progress counts, whatever else stands beside it or not."""
    job = await desk.begin(type="Patient")
    await desk.work()
    (desk.folder(job).path / "ended").unlink()
    assert waiting(desk.town.house.exports.folder) == []


async def test_an_export_that_goes_away_while_another_begins_is_not_counted(desk, monkeypatch):
    """R4-115: who deletes one export makes room for another, and never 503."""
    await desk.begin(type="Patient")
    has_ended = Folder.has_ended

    def too_late(folder: Folder) -> bool:
        folder.take_away()
        return has_ended(folder)

    monkeypatch.setattr(Folder, "has_ended", too_late)
    desk.town.house = replace(desk.town.house, exports=replace(desk.town.house.exports, jobs=1))
    assert await desk.begin(type="Patient")


async def test_the_loop_goes_on_while_the_disk_is_read(desk, monkeypatch):
    """Job and progress are read in a thread, however slow the disk."""
    job = await desk.begin(type="Patient")
    on_loop = []

    def noted(real: Callable[[Folder], Any]) -> Callable[[Folder], Any]:
        def read(folder: Folder) -> Any:
            on_loop.append(threading.current_thread() is threading.main_thread())
            return real(folder)

        return read

    monkeypatch.setattr(Folder, "job", noted(Folder.job))
    monkeypatch.setattr(Folder, "progress", noted(Folder.progress))
    await complete(desk.folder(job), desk.context_of, lambda job, progress: None)
    assert on_loop == [False] * 4


async def test_who_asked_is_remembered_whole(desk):
    """A job read back from disk is the job that was asked for."""
    for who in CALLERS.keys() - {"statistics"}:
        job = await desk.begin(who, elements="id", since="2026-01-01T00:00:00.5Z")
        assert desk.folder(job).job() == job


async def test_both_stores_export_the_same(make_house: Callable[[], House], store: Store, tmp_path: Path):
    """R4-115, R4-116: pages, `_since`, a clinic's patients and a group's members."""
    house = make_house()
    await house.store.close()
    catalogue = await open_catalogue((), house.knowledge)
    desk = Desk(Town(replace(house, store=store, catalogue=catalogue)), tmp_path / "exports")
    town = desk.town
    await town.put(patient("anna"), patient("birthe"), patient("carl", "south"))
    await values(town, 5)
    before = town.now
    town.later(seconds=1)
    await town.put({**hba1c(77, of="carl"), "id": "w"}, {**hba1c(77), "id": "v3"})
    member = [{"entity": {"reference": f"Patient/{id}"}} for id in ("birthe", "anna")]
    await town.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": member})
    whole = await desk.begin(type="Patient,Observation")
    since = await desk.begin(type="Observation", since=before.isoformat())
    clinic = await desk.begin("doctor", type="Patient,Observation")
    group = await desk.begin("doctor", "group", "g", type="Patient")
    for _ in range(2):
        await desk.work()
    await catalogue.close()
    anna = [f"Observation/v{number}@{2 if number == 3 else 1}" for number in range(5)]
    assert desk.versions(whole) == [*anna, "Observation/w@1", "Patient/anna@1", "Patient/birthe@1", "Patient/carl@1"]
    assert desk.versions(since) == ["Observation/v3@2", "Observation/w@1"]
    assert desk.versions(clinic) == [*anna, "Patient/anna@1", "Patient/birthe@1"]
    assert desk.versions(group) == ["Patient/anna@1", "Patient/birthe@1"]
