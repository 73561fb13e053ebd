"""The service as it is run, for tests that need the real thing: `careplan serve`, two workers on one store."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from replicas import free_ports

ROOT = Path(__file__).resolve().parents[1]
SEND = {"content-type": "application/fhir+json"}
START_SECONDS = 60


class Served:
    """A running `careplan serve`, in a process group of its own; `given`: settings, as in the environment."""

    def __init__(self, store: Path | str, log: Path, workers: int = 2, given: Mapping[str, str] | None = None) -> None:
        (port,) = free_ports(1)
        self.base = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "careplan", "serve", "--store", str(store)]
        command += ["--port", str(port), "--workers", str(workers)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAREPLAN_")}
        environment |= given or {}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True, env=environment
            )
        self.wait()

    def wait(self) -> None:
        until = time.monotonic() + START_SECONDS
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
