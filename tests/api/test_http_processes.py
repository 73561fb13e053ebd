"""The service as it is run: `careplan serve`, two workers on one file, real sockets and real ends (design §10)."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from served import Served

from careplan.fhir.text import dump

CPR = "1203589990"
NO_HTTP = [
    b"\x00\x01\x02\r\n\r\n",
    b"GET /fhir/Patient/\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /fhir/Patient?name=" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]
"""Bytes that no route ever sees."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[], Served]]:
    """Start the service on this test's file; what still runs afterwards is ended."""
    started: list[Served] = []

    def start() -> Served:
        started.append(Served(tmp_path / "careplan.db", tmp_path / "log"))
        return started[-1]

    yield start
    for one in started:
        one.end(signal.SIGKILL)


async def answer_to_bytes(base: str, sent: bytes) -> tuple[bytes, bytes]:
    """Head and body of what the service says to these bytes before it hangs up."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    head, _, body = (await asyncio.wait_for(reader.read(), 20)).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head, body


async def test_two_workers_on_one_file_agree(serve, example, tmp_path):
    """R4-10, R4-11, R4-28, R4-35, R4-75: parallel writers, pages another worker signed, and a log that names nobody."""
    served = serve()
    async with served.client() as client:
        made = await client.put("/Patient/inger-test", content=dump(example("Patient")))
        assert made.status_code == 201, made.text
        versions = [dump(example("Patient", language=f"x{number}")) for number in range(20)]
        first = {"if-match": 'W/"1"'}
        once = {"if-none-exist": f"identifier=urn:oid:1.2.208.176.1.2|{CPR[:6]}4321"}
        twin = example(
            "Patient", id=None, identifier=[{"system": "urn:oid:1.2.208.176.1.2", "value": f"{CPR[:6]}4321"}]
        )
        updates, creates, values = await asyncio.gather(
            asyncio.gather(*(client.put("/Patient/inger-test", content=body, headers=first) for body in versions)),
            asyncio.gather(*(client.post("/Patient", content=dump(twin), headers=once) for _ in range(20))),
            asyncio.gather(*(client.post("/Observation", content=dump(example("Observation"))) for _ in range(40))),
        )
        assert sorted(one.status_code for one in updates) == [200] + [412] * 19
        assert sorted(one.status_code for one in creates) == [200] * 19 + [201]
        assert [one.status_code for one in values] == [201] * 40

        url, seen = "/Observation?_count=3&_sort=-date", []
        while url:
            page = await client.get(url)
            assert page.status_code == 200, page.text
            seen += [one["resource"]["id"] for one in page.json()["entry"]]
            url = next((one["url"] for one in page.json()["link"] if one["relation"] == "next"), "")
        assert sorted(seen) == sorted(one.json()["id"] for one in values)

        for sent in NO_HTTP:
            status, refusal = await answer_to_bytes(served.base, sent)
            assert status.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")) and b"application/fhir+json" in status, (
                status
            )
            assert json.loads(refusal)["resourceType"] == "OperationOutcome"

        head, get = await client.head("/Patient/inger-test"), await client.get("/Patient/inger-test")
        assert head.content == b""
        assert head.headers["content-length"] == str(len(get.content))
        await client.get("/Patient", params={"identifier": CPR})
        await client.get(f"/Patient/{CPR}")
    served.end(signal.SIGTERM)
    log = (tmp_path / "log").read_text()
    assert CPR not in log
    assert "Ærøskov" not in log
    assert "Traceback" not in log, log


async def test_kill_loses_no_acknowledged_write(serve, example, tmp_path):
    """Design §10: whatever was answered 201 is there after kill -9, and every transaction is whole or absent."""
    served = serve()
    acknowledged: list[httpx.Response] = []
    enough = asyncio.Event()
    pair = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "request": {"method": "POST", "url": kind},
                "resource": example(kind, id=None, identifier=[{"value": "pair"}]),
            }
            for kind in ("Practitioner", "Organization")
        ],
    }

    async def write(client: httpx.AsyncClient) -> None:
        while True:
            try:
                acknowledged.append(await client.post("/Observation", content=dump(example("Observation"))))
                acknowledged.append(await client.post("", content=dump(pair)))
                if len(acknowledged) > 40:
                    enough.set()
            except httpx.TransportError:
                return

    async with served.client() as client:
        writers = [asyncio.create_task(write(client)) for _ in range(8)]
        await asyncio.wait_for(enough.wait(), 60)
        served.end(signal.SIGKILL)
        await asyncio.wait_for(asyncio.gather(*writers), 20)

    again = serve()
    async with again.client() as client:
        assert len(acknowledged) > 20
        assert {one.status_code for one in acknowledged} == {200, 201}
        stored = {one.headers["location"]: one.content for one in acknowledged if one.status_code == 201}
        pairs = [entry for one in acknowledged if one.status_code == 200 for entry in one.json()["entry"]]
        locations = [*stored, *(entry["response"]["location"] for entry in pairs)]
        for some in (locations[at : at + 100] for at in range(0, len(locations), 100)):
            read = await asyncio.gather(*(client.get(one.partition("/fhir")[2]) for one in some))
            assert [one.status_code for one in read] == [200] * len(some)
            assert [stored.get(where, one.content) for where, one in zip(some, read, strict=True)] == [
                one.content for one in read
            ]
        totals = [
            (await client.get(f"/{kind}?identifier=pair&_summary=count")).json()["total"]
            for kind in ("Practitioner", "Organization")
        ]
        assert totals[0] == totals[1] >= sum(one.status_code == 200 for one in acknowledged)
        assert (await client.post("/Observation", content=dump(example("Observation")))).status_code == 201
    again.end(signal.SIGKILL)
    with sqlite3.connect(tmp_path / "careplan.db") as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()
