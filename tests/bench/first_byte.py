"""How soon the two pages that people begin with answer, B2 and C1, beside the same bytes given back at once.

The demo is served as `make demo` serves it; one request at a time, since a person waits for one page. Design §9 has no
number for a page; it is held to the milliseconds that §9 gives a printed sheet.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from replicas import free_ports

from bench.client import drive, fetch
from bench.server import OURS, ROOT, NotStarted, start_floor
from bench.table import Row
from bench.traffic import say

PAGES = (("B2", "patient-birthe", "/plan"), ("C1", "nurse", "/arbejdsliste"))
ALLOWED = 150.0
"""Milliseconds."""
_START_SECONDS = 300
"""A demo is loaded first, of a clinic that does everything: two seconds a patient on a busy machine."""


def first_bytes(patients: int, seconds: float, folder: Path) -> Iterator[Row]:
    """Two rows a page: answers a second on one connection beside the floor, and milliseconds to the first byte."""
    say(f"B2 and C1 of a demo of {patients} patients")
    (port,) = free_ports(1)
    command = [str(OURS), "-m", "careplan", "demo", "--patients", str(patients), "--port", str(port)]
    with (folder / "demo.log").open("ab") as log:
        process = subprocess.Popen([*command, "--store", str(folder / "demo.db")], cwd=ROOT, stdout=log, stderr=log)
    try:
        _wait(port, process, folder / "demo.log")
        for screen, persona, path in PAGES:
            asked = _request(port, persona, path)
            floor = _floor(fetch(port, asked), seconds, folder)
            ours = drive(port, [asked], 1, seconds).each_second
            yield Row(f"{screen} a second, one at a time, demo / floor", ours, floor, None)
            yield Row(f"ms to the first byte of {screen} / what is allowed", 1000 / ours, ALLOWED, 1.0, at_most=True)
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise NotStarted(log.read_text()[-2000:])


def _request(port: int, persona: str, path: str) -> bytes:
    """The request of somebody signed in, as a browser sends it."""
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, headers={"origin": address}) as client:
        token = re.search(r'name="formular" value="([^"]+)"', client.get("/").text)
        assert token is not None
        client.post("/log-ind", data={"formular": token[1], "person": persona})
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept-encoding: gzip\r\ncookie: {cookies}\r\n"
    return f"{head}\r\n".encode()


def _floor(body: bytes, seconds: float, folder: Path) -> float:
    """Answers a second of a bare route with the same bytes."""
    (folder / "floor").mkdir(exist_ok=True)
    (folder / "floor" / "ready").write_bytes(b"{}")
    (folder / "floor" / "page").write_bytes(body)
    floor = start_floor(folder)
    try:
        return drive(floor.port, [b"GET /page HTTP/1.1\r\nhost: localhost\r\n\r\n"], 1, seconds).each_second
    finally:
        floor.end()
