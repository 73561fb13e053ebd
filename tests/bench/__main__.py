"""Measure, print a table, write bench.json. Ends well when all was measured; a missed goal is for the reader to see."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
from replicas import replica_set

from bench.auditing import auditing
from bench.bulk import loading
from bench.clinic import reevaluating
from bench.first_byte import first_bytes
from bench.growth import FEW, cost
from bench.server import ROOT, Server, start_floor, start_ours, start_peer
from bench.setting import Size, size_of_environment
from bench.table import Row, printed, rows_of_traffic
from bench.targets import explaining
from bench.traffic import Traffic, measure, say


def main() -> None:
    size = size_of_environment()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="careplan-bench-")))
        mongo = stack.enter_context(_mongod(folder)) if size.mongo else None
        traffic = _traffic(size, mongo, folder)
        rows = list(rows_of_traffic(traffic))
        stores = {"sqlite": str(folder / "{}.db")} | ({"mongo": mongo} if mongo else {})
        rows += [auditing(size, name, url, folder) for name, url in stores.items()]
        rows += _load(size, stores, folder)
        rows += _growth(size, stores)
        rows.append(explaining())
        rows += _clinic(size, stores)
        rows += first_bytes(size.patients, size.seconds, folder)
    sys.stdout.write(printed(rows))
    shown = [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in rows]
    found = {"size": asdict(size), "rows": shown, "traffic": asdict(traffic)}
    (ROOT / "bench.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def _mongod(folder: Path) -> Iterator[str | None]:
    """A URL with {} where the database's name goes; None where no server runs."""
    with contextlib.ExitStack() as stack:
        try:
            (port,) = stack.enter_context(replica_set(folder, 1))
        except pytest.skip.Exception as reason:
            say(f"without MongoDB: {reason}")
            yield None
            return
        yield f"mongodb://127.0.0.1:{port}/{{}}?replicaSet=rs0"


def _traffic(size: Size, mongo: str | None, folder: Path) -> Traffic:
    (folder / "floor").mkdir()
    (folder / "floor" / "ready").write_bytes(b"{}")
    with contextlib.ExitStack() as stack:

        def up(server: Server) -> Server:
            stack.callback(server.end)
            return server

        servers = [up(start_ours("sqlite", str(folder / "served.db"), folder))]
        if mongo:
            servers.append(up(start_ours("mongo", mongo.format("served"), folder)))
        if size.peer:
            servers.append(up(start_peer(folder)))
        floor = up(start_floor(folder))
        return measure(size, servers, floor, mongo and mongo.format("driver"), folder)


def _load(size: Size, stores: Mapping[str, str], folder: Path) -> Iterator[Row]:
    goals = {"sqlite": 0.5, "mongo": 0.35}
    for name, url in stores.items() if size.lines else ():
        say(f"loading {size.lines} lines into {name}")
        loaded, validated = loading(url.format("bulk"), size, folder)
        yield Row(f"resources a second, load into {name} / validate", loaded, validated, goals[name])


def _growth(size: Size, stores: Mapping[str, str]) -> Iterator[Row]:
    for name, url in stores.items() if size.grown else ():
        few, many = cost(url.format("grown"), size)
        yield Row(f"µs of a search, {name}, {size.grown:,} / {FEW:,} patients", many, few, 1.3, at_most=True)


def _clinic(size: Size, stores: Mapping[str, str]) -> Iterator[Row]:
    if size.clinic:
        took = reevaluating(stores["sqlite"].format("clinic"), size.clinic)
        yield Row(f"clinic of {size.clinic:,} re-evaluated, seconds / allowed", took, 10.0, 1.0, at_most=True)


if __name__ == "__main__":
    main()
