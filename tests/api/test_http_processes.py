"""The service as it is run: `careplan serve`, two workers on one file, real sockets and real ends (design §10)."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from careplan.fhir.text import dump

ROOT = Path(__file__).resolve().parents[2]
SEND = {"content-type": "application/fhir+json"}
CPR = "1203589990"


class Served:
    """A running `careplan serve`, in a process group of its own."""

    def __init__(self, store: Path, log: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.base = f"http://127.0.0.1:{found.getsockname()[1]}"
        port = self.base.rpartition(":")[2]
        command = [sys.executable, "-m", "careplan", "serve", "--store", str(store), "--port", port, "--workers", "2"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAREPLAN_")}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True, env=environment
            )
        self.wait()

    def wait(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            assert self.process.poll() is None, "the service ended while starting"
            try:
                if httpx.get(f"{self.base}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the service did not become ready")

    def end(self, how: signal.Signals) -> None:
        """Signal every process of the group and wait until they are gone."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        self.process.wait(20)

    def client(self) -> httpx.AsyncClient:
        """Asks the service; a new connection each time, so that either worker may answer."""
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=f"{self.base}/fhir", headers=SEND, timeout=20, limits=limits)


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


async def test_two_workers_on_one_file_agree(serve, example, tmp_path):
    """R4-11, R4-28, R4-35, R4-75: parallel writers, pages that another worker signed, and a log that names nobody."""
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
            except httpx.TransportError:
                return

    async with served.client() as client:
        writers = [asyncio.create_task(write(client)) for _ in range(8)]
        await asyncio.sleep(0.8)
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
