"""The real `careplan demo` behind a journey: a process of its own, on each store, on an empty store."""

import contextlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from replicas import free_ports

START_SECONDS = 90


@pytest.fixture(params=["sqlite", "mongo"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A running demo on an empty store; its address."""
    name = f"journey{uuid.uuid4().hex[:8]}"
    store = str(tmp_path / "journey.db")
    if request.param == "mongo":
        store = request.getfixturevalue("mongod").format(name)
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "careplan", "demo", "--store", store, "--port", str(port), "--patients", "8"]
    log = (tmp_path / "demo.log").open("wb")
    with log, subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(address, process, tmp_path / "demo.log")
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"the demo did not start:\n{log.read_text(errors='replace')}")
