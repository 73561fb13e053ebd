"""Requests a second of every server, measured in turn, round after round, so that a busy machine is busy for all."""

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from motor.motor_asyncio import AsyncIOMotorClient

from bench import data
from bench.client import Rate, deliver, drive, fetch
from bench.server import Server
from bench.setting import Size

Measure = Callable[[], tuple[float, float]]
"""One round: requests a second, and processor time for each."""


@dataclass(slots=True)
class Traffic:
    """Median requests a second: kind of request → server → rate.

    work    microseconds of processor time for an answer, which a busy machine changes less
    client  the busiest the client ever was
    """

    rates: dict[str, dict[str, float]] = field(default_factory=dict)
    work: dict[str, dict[str, float]] = field(default_factory=dict)
    filling: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    client: float = 0.0


def measure(size: Size, servers: Sequence[Server], floor: Server, driver: str | None, folder: Path) -> Traffic:
    """Fill every server with the same records, then ask all the same.

    driver  a MongoDB database for the bare driver calls; None leaves them out
    """
    traffic = Traffic()
    asked = {
        "read": data.reads(size.patients, size.values),
        "search": data.searches(size.patients),
        "create": data.creates(size.patients),
        "transaction": data.transactions(size.patients),
    }
    filling = data.filling(size.patients, size.values)
    resources = len(list(data.record(0, size.values))) * size.patients
    for server in servers:
        say(f"filling {server.name}")
        traffic.filling[server.name] = resources / deliver(server.port, filling, 4).seconds
    _lay_floor(folder / "floor", servers[0], asked)
    for kind, requests in asked.items():
        found = traffic.rates.setdefault(kind, {})
        contestants = {one.name: _over_http(one, requests, size, traffic) for one in (*servers, floor)}
        if driver is not None and kind in ("read", "create"):
            contestants["driver"] = _over_driver(kind, driver, size)
        for name, rounds in _rounds(kind, contestants, size.rounds).items():
            found[name] = statistics.median(rate for rate, _ in rounds)
            traffic.work.setdefault(kind, {})[name] = statistics.median(work for _, work in rounds) * 1e6
    traffic.memory = {server.name: server.memory() for server in servers}
    return traffic


def _rounds(kind: str, contestants: Mapping[str, Measure], rounds: int) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for nth in range(rounds):
        say(f"{kind}: round {nth + 1} of {rounds}")
        for name, once in contestants.items():
            found[name].append(once())
    return found


def _over_http(server: Server, requests: Sequence[bytes], size: Size, traffic: Traffic) -> Measure:
    asked = requests
    if server.name == "floor":
        asked = [_on_floor(one) for one in requests[:1]]

    def once() -> tuple[float, float]:
        before = server.worked()
        rate: Rate = drive(server.port, asked, size.connections, size.seconds)
        traffic.client = max(traffic.client, rate.client)
        return rate.each_second, (server.worked() - before) / rate.answers

    return once


def _on_floor(request: bytes) -> bytes:
    """The same request, to the path where the floor keeps the answer to it."""
    line, _, rest = request.partition(b"\r\n")
    method, path, version = line.split(b" ")
    kind = b"search" if b"?" in path else b"read" if method == b"GET" else b"create" if b"Obs" in path else b"bundle"
    return b" ".join((method, b"/" + kind, version)) + b"\r\n" + rest


def _lay_floor(folder: Path, server: Server, asked: Mapping[str, Sequence[bytes]]) -> None:
    """What our own server answers, for the floor to give back."""
    for requests in asked.values():
        path = _on_floor(requests[0]).split(b" ")[1].decode()
        (folder / path[1:]).write_bytes(fetch(server.port, requests[0]))


# ── the bare driver ──────────────────────────────────────────────────────────────────────────────


def _over_driver(kind: str, url: str, size: Size) -> Measure:
    """`find_one` by id, or `insert_one` with majority, as many under way as there are connections."""
    documents = [{"_id": one["id"], "body": data.raw(one)} for one in data.record(1, size.values)]

    async def asked() -> float:
        client: Any = AsyncIOMotorClient(url, w="majority", maxPoolSize=size.connections)
        kept, fresh = client.get_default_database()["kept"], client.get_default_database()["fresh"]
        await kept.delete_many({})
        await kept.insert_many(documents)
        turn = itertools.cycle(documents)
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "read": lambda: kept.find_one({"_id": next(turn)["_id"]}),
            "create": lambda: fresh.insert_one({"body": next(turn)["body"]}),
        }
        rate = await _called(calls[kind], size)
        client.close()
        return rate

    def once() -> tuple[float, float]:
        before = time.process_time()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rate = runner.run(asked())
        return rate, (time.process_time() - before) / (rate * size.seconds)

    return once


async def _called(call: Callable[[], Awaitable[Any]], size: Size) -> float:
    done, start = 0, time.perf_counter()
    until = start + size.seconds

    async def on() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await call()
            done += 1

    await asyncio.gather(*(on() for _ in range(size.connections)))
    return done / (time.perf_counter() - start)


def say(text: str) -> None:
    """Progress, beside the table."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
