"""What the audit log costs reads: the same service with and without it, round after round."""

import contextlib
import statistics
from collections.abc import Mapping
from pathlib import Path

from bench import data
from bench.client import deliver, drive
from bench.server import Server, start_ours, start_unlogged
from bench.setting import Size
from bench.table import Row
from bench.traffic import say

GOAL = 0.75
"""Of the reads a second without it: the log may cost a quarter."""


def auditing(size: Size, name: str, url: str, folder: Path) -> Row:
    """Reads a second of one store with the log, beside those without it.

    url  a store with {} where a name goes
    """
    with contextlib.ExitStack() as stack:
        logged = start_ours(f"{name}-logged", url.format("logged"), folder)
        stack.callback(logged.end)
        silent = start_unlogged(f"{name}-unlogged", url.format("unlogged"), folder)
        stack.callback(silent.end)
        rates = _rates({"logged": logged, "silent": silent}, size, name)
    return Row(f"reads a second, {name} with the audit log / without", rates["logged"], rates["silent"], GOAL)


def _rates(servers: Mapping[str, Server], size: Size, name: str) -> dict[str, float]:
    asked, found = data.reads(size.patients, size.values), {kind: list[float]() for kind in servers}
    for server in servers.values():
        deliver(server.port, data.filling(size.patients, size.values), 4)
    for nth in range(size.rounds):
        say(f"reads of {name} with and without the audit log: round {nth + 1} of {size.rounds}")
        for kind, server in servers.items():
            found[kind].append(drive(server.port, asked, size.connections, size.seconds).each_second)
    return {kind: statistics.median(rates) for kind, rates in found.items()}
