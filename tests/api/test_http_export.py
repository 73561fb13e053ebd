"""Bulk export over HTTP: kick-off, status, files, end. The work goes on between requests, as a worker would do it."""

import asyncio
import signal
import stat
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from served import Served
from storing import write

from careplan.api.door import new_id
from careplan.fhir.registry import ROWS
from careplan.fhir.text import dump, parse
from careplan.interactions.caller import SYSTEM, Caller
from careplan.interactions.context import House
from careplan.interactions.export.worker import go_on
from careplan.store.sqlite import SQLiteStore

Json = Any
ASYNC = {"prefer": "respond-async"}


class Exporting:
    """The app with an export folder of its own, and whoever asks it."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app, self.client = app, client

    @property
    def house(self) -> House:
        house: House = self.app.state.door.house
        return house

    def set(self, **changed: Any) -> None:
        house = replace(self.house, exports=replace(self.house.exports, **changed))
        self.app.state.door = replace(self.app.state.door, house=house)

    def call_as(self, caller: Caller) -> None:
        self.app.state.door = replace(self.app.state.door, identify=lambda request: caller)

    def later(self, by: timedelta) -> None:
        at = self.app.state.door.clock() + by
        self.app.state.door = replace(self.app.state.door, clock=lambda: at)

    async def work(self) -> None:
        await go_on(self.house, self.app.state.door.clock, new_id)

    async def begin(self, path: str = "/$export", **headers: str) -> str:
        """Kick off; the status URL."""
        response = await self.client.get(path, headers=ASYNC | headers)
        assert response.status_code == 202, response.text
        return str(response.headers["content-location"])

    async def made(self, path: str = "/$export", **headers: str) -> Json:
        """Kick off and wait; the manifest."""
        url = await self.begin(path, **headers)
        await self.work()
        response = await self.client.get(url)
        assert response.status_code == 200, response.text
        return response.json()

    async def resources(self, manifest: Json) -> list[Json]:
        """Every line of every output file, in order."""
        found = []
        for output in manifest["output"]:
            lines = (await self.client.get(output["url"])).content.splitlines()
            assert len(lines) == output["count"]
            found += [parse(line) for line in lines]
            assert {one["resourceType"] for one in found[-len(lines) :]} == {output["type"]}
        return found

    async def names(self, path: str, **headers: str) -> list[str]:
        """The references of what is exported, but for Provenance and what is published with the service."""
        found = await self.resources(await self.made(path, **headers))
        return sorted(f"{one['resourceType']}/{one['id']}" for one in found if one["resourceType"] not in LEFT_OUT)


LEFT_OUT = {row.name for row in ROWS if row.read_only} | {"Provenance"}


@pytest.fixture
def exporting(app: FastAPI, client: httpx.AsyncClient, tmp_path: Path) -> Exporting:
    made = Exporting(app, client)
    made.set(**{"folder": tmp_path / "exports", "settle": timedelta()})
    return made


@pytest.fixture
async def people(put: Callable[[Json], Awaitable[httpx.Response]]) -> None:
    """Two patients of two practices with a value each, and a group of the first, a former member and a stranger."""
    for id, practice in (("a", "north"), ("b", "south")):
        await put({"resourceType": "Organization", "id": practice, "name": practice})
        listed = [{"reference": f"Organization/{practice}"}]
        await put({"resourceType": "Patient", "id": id, "birthDate": "1966-05-20", "generalPractitioner": listed})
        await put(
            {
                "resourceType": "Observation",
                "id": f"value-{id}",
                "status": "final",
                "code": {"text": "x"},
                "subject": {"reference": f"Patient/{id}"},
            }
        )
    member = [{"entity": {"reference": "Patient/a"}}, {"entity": {"reference": "Patient/b"}, "inactive": True}]
    await put({"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": member})


RECORD_A, RECORD_B = ["Observation/value-a", "Patient/a"], ["Observation/value-b", "Patient/b"]
EVERYTHING = sorted([*RECORD_A, *RECORD_B, "Group/g", "Organization/north", "Organization/south"])


@pytest.mark.parametrize("path", ["/$export", "/Patient/$export", "/Group/g/$export"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_kick_off_answers_later_and_only_when_that_is_welcome(exporting, people, refused, path, method):
    """R4-114: without respond-async 400; with it 202, an absolute Content-Location, and an empty body."""
    refused(await exporting.client.request(method, path), 400, "async-required")
    refused(await exporting.client.request(method, path, headers={"prefer": "handling=lenient"}), 400, "async-required")
    begun = await exporting.client.request(method, path, headers={"prefer": "handling=strict, respond-async"})
    assert begun.status_code == 202
    assert begun.content == b""
    assert begun.headers["content-location"].startswith("http://test/fhir/$export/")
    assert (await exporting.client.get(begun.headers["content-location"])).status_code == 202


async def test_a_kick_off_is_never_made_by_looking(exporting, refused):
    """HEAD changes nothing, so it begins no export."""
    assert (await exporting.client.head("/$export", headers=ASYNC)).status_code == 405
    assert not exporting.house.exports.folder.exists()


async def test_status_goes_from_progress_to_a_manifest_and_ends_with_delete(exporting, people, refused):
    """R4-115: 202 with X-Progress and Retry-After; 200 with the manifest; DELETE 202, and then 404 for every URL."""
    url = await exporting.begin("/Patient/$export?_type=Patient,Observation")
    going = await exporting.client.get(url)
    assert (going.status_code, going.headers["retry-after"]) == (202, "2")
    assert going.headers["x-progress"].startswith("Patient (1 of 2 types)")
    await exporting.work()

    done = await exporting.client.get(url, headers={"accept": "application/json"})
    assert (done.status_code, done.headers["content-type"]) == (200, "application/json")
    assert done.headers["expires"] == "Mon, 23 Nov 2026 09:00:00 GMT"
    manifest = done.json()
    assert manifest["transactionTime"] == "2026-11-22T09:00:00.000Z"
    assert manifest["request"] == "http://test/fhir/Patient/$export?_type=Patient,Observation"
    assert manifest["requiresAccessToken"] is False
    assert manifest["error"] == []
    assert [(one["type"], one["count"]) for one in manifest["output"]] == [("Patient", 2), ("Observation", 2)]
    with_token = await exporting.client.get(url, headers={"authorization": "Bearer x"})
    assert with_token.json()["requiresAccessToken"] is True

    assert (await exporting.client.delete(url)).status_code == 202
    for gone in (url, manifest["output"][0]["url"]):
        refused(await exporting.client.get(gone), 404, "not-found")
    refused(await exporting.client.delete(url), 404, "not-found")
    await exporting.work()
    assert [one.name for one in exporting.house.exports.folder.iterdir()] == [".lock"]


async def test_a_file_is_the_stored_bytes_a_line_each(exporting, client):
    """R4-115, R4-24: NDJSON; line ends between tokens go, digits and strings stay as they were sent."""
    sent = b"""{"resourceType": "Observation",\r\n  "status":\t"final", "code": {"text": "a\\nb \xe2\x80\xa8 \xc3\xa6"},
      "valueQuantity": {"value": 6.50, "unit": "x"}}"""
    stored = (await client.post("/Observation", content=sent)).content
    assert b"\n" in stored
    (output,) = (await exporting.made("/$export?_type=Observation"))["output"]
    file = await client.get(output["url"], headers={"accept": "application/fhir+ndjson"})
    assert file.headers["content-type"] == "application/fhir+ndjson"
    assert file.content == stored.replace(b"\r\n", b"").replace(b"\n", b"") + b"\n"
    assert b'"value": 6.50' in file.content


async def test_a_download_goes_on_where_it_was_cut(exporting, people, client, refused):
    """R4-115: a file is fetched in parts, and a part beyond its end is refused with an OperationOutcome."""
    url = (await exporting.made("/$export?_type=Patient"))["output"][0]["url"]
    whole = await client.get(url)
    assert whole.headers["accept-ranges"] == "bytes"
    rest = await client.get(url, headers={"range": "bytes=10-", "if-range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[10:])
    assert rest.headers["content-range"] == f"bytes 10-{len(whole.content) - 1}/{len(whole.content)}"
    last = await client.get(url, headers={"range": "bytes=-5"})
    assert (last.status_code, last.content) == (206, whole.content[-5:])
    beyond = await client.get(url, headers={"range": f"bytes={len(whole.content)}-"})
    refused(beyond, 416, "range-beyond")
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    for strange in ("bytes=5-1", "bytes=-0", "bytes=x", "lines=1-2", "bytes=0-1,3-4", "bytes=-", "bytes=²-"):
        assert (await client.get(url, headers={"range": strange.encode()})).content == whole.content
    head = await client.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    refused(await client.get(url, headers={"accept": "text/plain"}), 406)


async def test_levels_export_what_they_are_about(exporting, people):
    """Everything; patients' records; the records of a group's members who still are."""
    assert await exporting.names("/$export") == EVERYTHING
    assert await exporting.names("/Patient/$export") == sorted([*RECORD_A, *RECORD_B])
    assert await exporting.names("/Group/g/$export") == RECORD_A
    assert await exporting.names("/Group/g/$export?_type=Patient,Patient&_type=Observation") == RECORD_A


async def test_only_what_changed_since_is_exported(exporting, people, put):
    """R4-116: `_since` leaves out what stood already; the next export begins where one ended and misses nothing."""
    first = await exporting.made("/Patient/$export")
    assert (await exporting.made(f"/$export?_since={first['transactionTime']}"))["output"] == []
    exporting.later(timedelta(seconds=1))
    await put({"resourceType": "Patient", "id": "b", "birthDate": "1966-05-21"})
    assert await exporting.names(f"/$export?_since={first['transactionTime']}") == ["Patient/b"]
    assert await exporting.names("/$export?_since=2026-11-22T10:00:00%2B01:00") == ["Patient/b"]
    assert await exporting.names("/$export?_since=2026-11-22T10:00:00+01:00") == ["Patient/b"]


async def test_elements_are_those_asked_for(exporting, people):
    """R4-116: `_elements` shows mandatory elements and those asked for, of all types or of one, and marks the rest."""
    found = await exporting.resources(await exporting.made("/$export?_type=Patient,Group&_elements=birthDate"))
    assert [sorted(one) for one in found] == [["birthDate", "id", "meta", "resourceType"]] * 2 + [
        ["actual", "id", "meta", "resourceType", "type"]
    ]
    assert {one["meta"]["tag"][0]["code"] for one in found} == {"SUBSETTED"}
    of_one = await exporting.resources(await exporting.made("/$export?_type=Patient,Group&_elements=Patient.id"))
    assert ["birthDate" in one or "member" in one for one in of_one] == [False, False, True]


async def test_an_element_is_one_of_the_types_that_are_exported(exporting, refused):
    """R4-116: what none of them has is refused; `value` is any `value[x]`."""
    await exporting.begin("/$export?_elements=value,valueQuantity,birthDate,id,Patient.deceased")
    await exporting.begin("/$export?_elements=value&_type=Observation")
    for path in ("/$export?_elements=value&_type=Patient", "/Patient/$export?_elements=composition"):
        refused(await exporting.client.get(path, headers=ASYNC), 400, "parameter-unsupported")


@pytest.mark.parametrize(
    "asked", ["application/fhir+ndjson", "application/fhir%2Bndjson", "application/ndjson", "ndjson"]
)
async def test_an_offered_output_format_is_taken(exporting, asked):
    """R4-116"""
    await exporting.begin(f"/$export?_outputFormat={asked}")


UNSUPPORTED = {
    "_type=Foo": "_type",
    "_outputFormat=text/csv": "_outputFormat",
    "_elements=Foo.bar": "_elements",
    "_elements=foo": "_elements: foo",
    "_elements=Patient.member": "_elements: Patient.member",
    "_typeFilter=Observation%3Fcode%3Dx": "_typeFilter",
    "includeAssociatedData=LatestProvenanceResources": "includeAssociatedData",
    "patient=Patient/a": "patient",
}


@pytest.mark.parametrize("asked", UNSUPPORTED)
async def test_what_is_not_supported_is_refused_or_noted(exporting, people, refused, asked):
    """R4-116: 400; with handling=lenient it is left out of account, with a note in the error file."""
    refused(await exporting.client.get(f"/$export?{asked}", headers=ASYNC), 400, "parameter-unsupported")
    manifest = await exporting.made(f"/$export?{asked}&_type=Patient", prefer="respond-async, handling=lenient")
    assert [(one["type"], one["count"]) for one in manifest["output"]] == [("Patient", 2)]
    ((error),) = manifest["error"]
    assert (error["type"], error["count"]) == ("OperationOutcome", 1)
    (issue,) = parse((await exporting.client.get(error["url"])).content)["issue"]
    assert issue["severity"] == "warning"
    assert UNSUPPORTED[asked] in issue["diagnostics"]


@pytest.mark.parametrize("asked", ["_since=yesterday", "_since=2026-01-01&_since=2026-01-02"])
async def test_a_since_that_cannot_be_read_is_never_left_out(exporting, refused, asked):
    """R4-116: it would export far more than was asked for."""
    lenient = {"prefer": "respond-async, handling=lenient"}
    refused(await exporting.client.get(f"/$export?{asked}", headers=lenient), 400, "parameter-invalid")


async def test_a_type_outside_the_record_is_asked_for_at_system_level(exporting, refused):
    """R4-116"""
    response = await exporting.client.get("/Patient/$export?_type=Organization", headers=ASYNC)
    assert "[base]/$export" in refused(response, 400, "parameter-unsupported")[0]["diagnostics"]


async def test_types_that_are_not_there_export_nothing(exporting, people):
    """R4-116: under handling=lenient an unknown type is left out; it does not become every type."""
    assert (await exporting.made("/$export?_type=Foo", prefer="respond-async, handling=lenient"))["output"] == []


async def test_parameters_come_in_a_body_too(exporting, people, refused):
    """R4-114, R4-116: POST with Parameters."""
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "Patient"},
            {"name": "_type", "valueString": "Group"},
            {"name": "_since", "valueInstant": "2026-11-22T09:59:00+01:00"},
        ],
    }
    begun = await exporting.client.post("/$export", content=dump(body), headers=ASYNC)
    assert begun.status_code == 202, begun.text
    await exporting.work()
    manifest = (await exporting.client.get(begun.headers["content-location"])).json()
    assert [(one["type"], one["count"]) for one in manifest["output"]] == [("Patient", 2), ("Group", 1)]
    body["parameter"] = [{"name": "patient", "valueReference": {"reference": "Patient/a"}}]
    refused(await exporting.client.post("/$export", content=dump(body), headers=ASYNC), 400, "parameter-unsupported")
    other = dump({"resourceType": "Patient"})
    refused(await exporting.client.post("/$export", content=other, headers=ASYNC), 400, "parameter-invalid")
    faulty = dump({"resourceType": "Parameters", "parameter": 7})
    refused(await exporting.client.post("/$export", content=faulty, headers=ASYNC), 422)
    odd = {"name": "_type", "valueReference": {"reference": "Patient/a"}}
    response = await exporting.client.post("/$export", content=dump(body | {"parameter": [odd]}), headers=ASYNC)
    assert "Patient/a" not in str(refused(response, 400, "parameter-invalid"))


async def test_a_refusal_repeats_nothing_that_may_be_personal(exporting, refused):
    """R4-116: what is no name of a type or element is not said again."""
    response = await exporting.client.get("/$export?_type=1203589990", headers=ASYNC)
    assert "1203589990" not in str(refused(response, 400, "parameter-unsupported"))


async def test_a_folder_that_cannot_be_written_is_a_matter_of_trying_later(exporting, tmp_path, refused):
    """503 with an OperationOutcome."""
    (tmp_path / "file").write_bytes(b"")
    exporting.set(folder=tmp_path / "file" / "exports")
    refused(await exporting.client.get("/$export", headers=ASYNC), 503, "store-unavailable")


async def test_an_unknown_group_is_not_exported(exporting, refused):
    refused(await exporting.client.get("/Group/none/$export", headers=ASYNC), 404, "not-found")
    refused(await exporting.client.get("/Group/n%20o/$export", headers=ASYNC), 404, "not-found")


async def test_an_export_is_its_callers_own(exporting, people, refused):
    """R4-115: to somebody else, in another role, or of another organisation, it is not there."""
    north = Caller("clinic", "Mette", "north", reference="PractitionerRole/m")
    exporting.call_as(north)
    url = await exporting.begin("/Patient/$export?_type=Patient")
    await exporting.work()
    output = (await exporting.client.get(url)).json()["output"]
    assert output[0]["count"] == 1
    for other in (SYSTEM, replace(north, organization="south"), replace(north, reference="PractitionerRole/n")):
        exporting.call_as(other)
        for one in (url, output[0]["url"]):
            refused(await exporting.client.get(one), 404, "not-found")
        refused(await exporting.client.delete(url), 404, "not-found")
    exporting.call_as(north)
    assert (await exporting.client.get(output[0]["url"])).status_code == 200


async def test_roles_without_rights_export_nothing(exporting, people, refused):
    """403 where the role reads nothing, not this type, or not this group."""
    exporting.call_as(Caller("statistics", "Statistik"))
    for path in ("/$export", "/Patient/$export", "/$export?_type=Organization"):
        refused(await exporting.client.get(path, headers=ASYNC), 403, "forbidden")
    exporting.call_as(Caller("municipality", "Sanne", "town"))
    refused(await exporting.client.get("/$export?_type=Condition", headers=ASYNC), 403, "forbidden")
    exporting.call_as(Caller("clinic", "Jens", "south"))
    refused(await exporting.client.get("/Group/g/$export", headers=ASYNC), 403, "forbidden")


async def test_a_caller_has_few_exports_at_a_time(exporting, refused):
    """R4-12: one more is 429 with Retry-After, until one ends; others are not held up."""
    exporting.set(jobs=2)
    first = await exporting.begin()
    await exporting.begin()
    busy = await exporting.client.get("/$export", headers=ASYNC)
    assert refused(busy, 429, "too-many-exports")[0]["code"] == "throttled"
    assert int(busy.headers["retry-after"]) > 0
    await exporting.client.delete(first)
    await exporting.begin()
    exporting.call_as(Caller("clinic", "Jens", "south"))
    await exporting.begin()


async def test_exports_expire_and_their_files_go(exporting, people, refused):
    """R4-115: after the time kept, 404, and the folder is empty again."""
    exporting.set(keep=timedelta(hours=1))
    url = await exporting.begin()
    await exporting.work()
    exporting.later(timedelta(hours=1))
    refused(await exporting.client.get(url), 404, "not-found")


@pytest.mark.parametrize("id", [".lock", "x", "%2e%2e", "a%2fb", ".gone-x", "x" * 300])
async def test_a_status_url_that_was_never_given_is_not_there(exporting, people, refused, id):
    await exporting.begin()
    refused(await exporting.client.get(f"/$export/{id}"), 404)
    refused(await exporting.client.get(f"/$export/{id}/job.json"), 404)


async def test_only_files_of_the_manifest_are_served(exporting, people, refused):
    """R4-115: not those the export keeps for itself, nor any before the end."""
    url = await exporting.begin("/$export?_type=Patient")
    refused(await exporting.client.get(f"{url}/Patient-1.ndjson"), 404, "not-found")
    await exporting.work()
    assert (await exporting.client.get(f"{url}/Patient-1.ndjson")).status_code == 200
    for name in ("job.json", "progress.json", "lock", "..%2f.lock", "Patient-2.ndjson"):
        refused(await exporting.client.get(f"{url}/{name}"), 404)


async def test_files_are_for_the_service_alone(exporting, people):
    """Folders 0700, files 0600, ids that nobody guesses."""
    url = await exporting.begin("/$export?_type=Patient")
    await exporting.work()
    root = exporting.house.exports.folder
    found = {stat.S_IMODE(one.stat().st_mode) for one in [root, *root.rglob("*")] if one.is_dir()}
    assert found == {0o700}
    assert {stat.S_IMODE(one.stat().st_mode) for one in root.rglob("*") if one.is_file()} == {0o600}
    assert len(url.rpartition("/")[2]) == 36


async def test_large_types_are_cut_into_several_files(exporting, people):
    """R4-115"""
    exporting.set(resources=1)
    manifest = await exporting.made("/$export?_type=Observation,Patient")
    assert [(one["type"], one["url"].rpartition("/")[2], one["count"]) for one in manifest["output"]] == [
        ("Patient", "Patient-1.ndjson", 1),
        ("Patient", "Patient-2.ndjson", 1),
        ("Observation", "Observation-1.ndjson", 1),
        ("Observation", "Observation-2.ndjson", 1),
    ]
    assert len(await exporting.resources(manifest)) == 4


async def test_a_status_after_a_failure_says_so(exporting, people, refused):
    """R4-115: a caller who lost the right meanwhile gets an OperationOutcome, and no files."""
    exporting.call_as(Caller("clinic", "Mette", "north"))
    url = await exporting.begin("/Patient/$export")
    job = next(exporting.house.exports.folder.glob("*/job.json"))
    job.write_bytes(job.read_bytes().replace(b'"types":["Patient"', b'"types":["Nothing"'))
    await exporting.work()
    refused(await exporting.client.get(url), 404, "type-unknown")


async def fill(path: Path, count: int) -> None:
    store = SQLiteStore.open(str(path))
    await store.commit([write(f"v{number:04}") for number in range(count)])
    await store.close()


def test_a_killed_service_goes_on_with_its_exports(tmp_path: Path):
    """R4-115: kill -9 of every process in the middle; started again, the export ends complete, with nothing twice."""
    path, count = tmp_path / "careplan.db", 3000
    asyncio.run(fill(path, count))
    first = Served(path, tmp_path / "log")
    again = None
    try:
        url = httpx.get(f"{first.base}/fhir/$export?_type=Observation", headers=ASYNC).headers["content-location"]
        progress = tmp_path / "careplan.db-exports" / url.rpartition("/")[2] / "progress.json"
        while b'"count":' not in progress.read_bytes():
            time.sleep(0.005)
        first.end(signal.SIGKILL)
        stopped = parse(progress.read_bytes())
        assert stopped["finished"] is None
        assert 0 < stopped["parts"][0]["count"] < count

        again = Served(path, tmp_path / "log")
        while (status := httpx.get(url.replace(first.base, again.base))).status_code == 202:
            time.sleep(0.05)
        (output,) = status.json()["output"]
        file = httpx.get(output["url"].replace(first.base, again.base))
        assert output["count"] == count
        assert [parse(line)["id"] for line in file.content.splitlines()] == [f"v{number:04}" for number in range(count)]
    finally:
        for served in filter(None, (first, again)):
            served.end(signal.SIGKILL)
