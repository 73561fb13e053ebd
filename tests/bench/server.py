"""Servers under measurement: each one process of uvicorn on a port of 127.0.0.1, all with the same settings."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from replicas import free_ports

from bench.client import AnswerWrong, fetch, request

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / ".venv" / "bin" / "python"
PEER = ROOT / ".venv" / "peer" / "bin" / "python"
_START_SECONDS = 60
AS_SHIPPED = {"MALLOC_ARENA_MAX": "2"}
"""What the Dockerfile sets for a worker."""


class NotStarted(Exception):
    """A server ended, or did not answer in time; its log says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port, its process, and how long it took to answer first."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"

    def memory(self) -> float:
        """Resident memory, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def worked(self) -> float:
        """Processor time used so far, in seconds, of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_ours(name: str, store: str, folder: Path) -> Server:
    return _started(name, OURS, ["careplan.app:app_from_environment", "--factory"], folder, {"CAREPLAN_STORE": store})


def start_unlogged(name: str, store: str, folder: Path) -> Server:
    """Ours, keeping no audit log: for comparison only."""
    return _started(
        name, OURS, ["--app-dir", "tests", "bench.unlogged:app", "--factory"], folder, {"CAREPLAN_STORE": store}
    )


def start_floor(folder: Path) -> Server:
    bodies = str(folder / "floor")
    return _started("floor", OURS, ["--app-dir", "tests", "bench.floor:app"], folder, {"BENCH_FLOOR": bodies}, "/ready")


def start_peer(folder: Path) -> Server:
    """The peer without its traffic log and its simulated hospital, as its documentation advises for load."""
    settings = folder / "peer.yaml"
    data = folder / "peer"
    data.mkdir()
    settings.write_text(f"log_inbound: false\nsimulator: {{enabled: false}}\ndata_dir: {data}\n")
    application = ["sekmet.main:app_factory", "--factory"]
    return _started("peer", PEER, application, folder, {"SEKMET_CONFIG": str(settings)})


def _started(
    name: str, python: Path, application: list[str], folder: Path, given: dict[str, str], asked: str = "/fhir/metadata"
) -> Server:
    (port,) = free_ports(1)
    command = [str(python), "-m", "uvicorn", *application, "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAREPLAN_")}
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=kept | AS_SHIPPED | given)
    server = Server(name, port, process)
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            fetch(port, request("GET", asked))
            return server
        except (OSError, AnswerWrong):
            time.sleep(0.1)
    server.end()
    raise NotStarted((folder / f"{name}.log").read_text()[-2000:])
