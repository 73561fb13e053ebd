"""Who sends slowly, or asks for what takes too long: a real server on a real socket, and work that is ended."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from served import Served

from careplan.api.gate import Gate
from careplan.interactions.audit.inquiry import entries_about
from careplan.interactions.context import House

LIMITS = {"CAREPLAN_HEADER_SECONDS": "0.5", "CAREPLAN_BODY_SECONDS": "0.5", "CAREPLAN_KEEP_ALIVE_SECONDS": "1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("slow")
    running = Served(folder / "record.db", folder / "served.log", workers=1, given=LIMITS)
    yield running
    running.process.terminate()
    running.process.wait(20)


@contextmanager
def connection(service: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", int(service.base.rpartition(":")[2])), timeout=10) as one:
        yield one


def answered(sent: socket.socket) -> tuple[int, dict[str, Any], float]:
    """Status and outcome of what comes until the server hangs up, and how long that took; 0 where nothing came."""
    begun, said = time.monotonic(), b""
    while part := sent.recv(65536):
        said += part
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, json.loads(body) if body else {}, time.monotonic() - begun


def healthy(sent: socket.socket) -> bool:
    """Asks whether the process answers, and hears the whole answer."""
    sent.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    said = b""
    while not said.endswith(b"}"):
        said += sent.recv(65536)
    return said.startswith(b"HTTP/1.1 200")


def post(length: int) -> bytes:
    return (
        b"POST /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/fhir+json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


@pytest.mark.parametrize("sent", [b"", b"GET /fhir/meta", b"GET /fhir/metadata HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_a_head_that_does_not_come_to_an_end_is_not_awaited(service: Served, sent: bytes) -> None:
    with connection(service) as one:
        one.sendall(sent)
        status, said, seconds = answered(one)
    assert status == 408 and said["issue"][0]["details"]["text"] == "too-slow"
    assert 0.4 < seconds < 4


def test_a_head_that_drips_is_not_awaited_either(service: Served) -> None:
    """A byte now and then does not begin the time anew."""
    with connection(service) as one:
        begun = time.monotonic()
        try:
            for _ in range(40):
                one.sendall(b"G")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - begun < 3


def test_a_second_head_has_its_own_time_and_says_why_it_ended(service: Served) -> None:
    with connection(service) as one:
        assert healthy(one)
        one.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert answered(one)[0] == 408


HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
KB64 = 64 * 1024


@pytest.mark.parametrize("ends", [False, True], ids=["goes on", "ends"])
@pytest.mark.parametrize("before", [False, True], ids=["first request", "second"])
@pytest.mark.parametrize("header", [b"X-Long: " + b"a" * KB64, b"X-Short: a\r\n" * 6000], ids=["one header", "many"])
def test_a_head_of_more_than_64_kb_is_refused(service: Served, header: bytes, before: bool, ends: bool) -> None:
    with connection(service) as one:
        assert not before or healthy(one)
        sent = (HEAD + header)[: KB64 + 1 - 4 * ends] + b"\r\n\r\n" * ends
        one.sendall(sent)
        status, said, seconds = answered(one)
    assert status == 431 and said["issue"][0]["details"]["text"] == "too-large"
    assert seconds < 0.4


def test_a_head_of_64_kb_is_taken_with_its_body_and_the_next_request(service: Served) -> None:
    """What comes after the head is not of it, though it comes with it."""
    body = b" " * KB64 + b'{"resourceType":"Patient","name":[{"family":"Test"}]}'
    with connection(service) as one:
        head = post(len(body)).removesuffix(b"\r\n") + b"X-Long: "
        one.sendall(head + b"a" * (KB64 - len(head) - 4) + b"\r\n\r\n" + body)
        said = b""
        while not said.endswith(b"}"):
            said += one.recv(65536)
        assert said.startswith(b"HTTP/1.1 201") and healthy(one)


def test_an_idle_connection_is_closed_without_a_word(service: Served) -> None:
    with connection(service) as one:
        assert healthy(one)
        assert answered(one)[0] == 0


def test_a_body_that_does_not_come_is_refused_and_the_connection_ends(service: Served) -> None:
    """R4-12: 408 with an OperationOutcome of `timeout`."""
    with connection(service) as one:
        one.sendall(post(100) + b'{"resourceType"')
        status, said, seconds = answered(one)
    assert status == 408 and said["issue"][0]["code"] == "timeout" and "body" in said["issue"][0]["diagnostics"]
    assert 0.4 < seconds < 4


def test_a_body_that_drips_is_refused(service: Served) -> None:
    with connection(service) as one:
        one.sendall(post(1000))
        begun = time.monotonic()
        one.settimeout(0.1)
        said = b""
        while not said and time.monotonic() - begun < 5:
            one.sendall(b" ")
            try:
                said = one.recv(65536)
            except TimeoutError:
                continue
    assert said.startswith(b"HTTP/1.1 408") and time.monotonic() - begun < 4


def test_a_slow_body_that_goes_on_coming_is_taken(service: Served) -> None:
    """Longer than a small body may take, at a pace that a poor link has."""
    body = b'{"resourceType":"Patient","name":[{"family":"Test"}]}' + b" " * 64 * 1024
    with connection(service) as one:
        one.sendall(post(len(body)))
        for at in range(0, len(body), 8 * 1024):
            one.sendall(body[at : at + 8 * 1024])
            time.sleep(0.2)
        assert one.recv(65536).startswith(b"HTTP/1.1 201")


# ── work ─────────────────────────────────────────────────────────────────────────────────────────


class Stalled:
    """A store whose commits are never told to be done, though they may be; everything else is the store's."""

    def __init__(self, store: Any, *, before: bool) -> None:
        self._store, self._before = store, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, writes: Any, guards: Any = ()) -> Any:
        if any(write.type == "Patient" for write in writes):
            if not self._before:
                await self._store.commit(writes, guards)
            await asyncio.Event().wait()
        return await self._store.commit(writes, guards)


@pytest.mark.parametrize("before", [True, False], ids=["before the store has it", "after"])
async def test_work_that_takes_too_long_ends_and_leaves_all_of_a_write_or_nothing(
    app: FastAPI, client: httpx.AsyncClient, house: House, refused: Any, before: bool
) -> None:
    """R4-12: 503 with `timeout`; the place in the house is free again, and so is the store."""
    gate = Gate(1, 0.2)
    stalled: Any = Stalled(house.store, before=before)
    app.state.door = replace(app.state.door, house=replace(house, store=stalled), gate=gate)
    entries = [
        {"resource": {"resourceType": kind, "id": "a", **more}, "request": {"method": "PUT", "url": f"{kind}/a"}}
        for kind, more in (("Patient", {}), ("Organization", {"name": "Test"}))
    ]
    sent = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await client.post("", json=sent)
    (issue,) = refused(answer, 503, "took-too-long")
    assert issue["code"] == "timeout" and "read first" in issue["diagnostics"] and answer.headers["retry-after"]
    there = [await house.store.read(kind, "a") is not None for kind in ("Patient", "Organization")]
    assert there == [not before] * 2
    assert gate.inside == 0 and (await client.get("/metadata")).status_code == 200


async def test_what_was_shown_of_a_record_before_time_was_up_is_in_the_audit_log(
    app: FastAPI, client: httpx.AsyncClient, house: House, put: Any, example: Any
) -> None:
    await put(example("Patient", id="a"))

    class Slow(Stalled):
        async def read(self, type: str, id: str) -> Any:
            found = await self._store.read(type, id)
            if type == "Patient":
                return found
            await asyncio.sleep(5)

    slow: Any = Slow(house.store, before=True)
    app.state.door = replace(app.state.door, house=replace(house, store=slow), gate=Gate(9, 0.2))
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": url}} for url in ("Patient/a", "Observation/b")],
    }
    answer = await client.post("", json=batch)
    assert answer.status_code == 503 and house.journal is not None
    await house.journal.flush()
    told = [(entry["do"], entry["of"]) async for _, entry in entries_about(house.store, "a", None)]
    assert ("read", {"a": ["Patient/a"]}) in told


async def test_a_body_that_is_still_coming_is_not_work(app: FastAPI, client: httpx.AsyncClient, house: House) -> None:
    """The clock stands until the body is there."""
    app.state.door = replace(app.state.door, gate=Gate(9, 0.3))

    async def body() -> Any:
        for part in (b'{"resourceType":', b'"Patient"', b"}"):
            await asyncio.sleep(0.2)
            yield part

    answer = await client.post("/Patient", content=body(), headers={"content-type": "application/fhir+json"})
    assert answer.status_code == 201
