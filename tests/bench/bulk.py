"""Loading a file: resources a second into a store, beside reading and validating the same lines and no more."""

import asyncio
import json
import time
from pathlib import Path

from bench import data
from bench.setting import Size
from careplan.app import now, open_house, system_context
from careplan.settings import Settings
from careplan.sync.folder import load


def loading(url: str, size: Size, folder: Path) -> tuple[float, float]:
    """Resources a second: loaded; and only read by `json.loads` and validated."""
    path = folder / "bulk.ndjson"
    each = len(list(data.record(0, size.values)))
    records = (one for number in range(-(-size.lines // each)) for one in data.record(number, size.values))
    path.write_bytes(b"\n".join(map(data.raw, records)) + b"\n")
    return asyncio.run(_loading(url, path, path.read_bytes().splitlines()))


async def _loading(url: str, path: Path, lines: list[bytes]) -> tuple[float, float]:
    async with open_house(Settings(store=url)) as house:
        start = time.perf_counter()
        for line in lines:
            assert not list(house.validate(json.loads(line))), "what is loaded is valid"
        between = time.perf_counter()
        loaded = await load(system_context(house, "bench", now()), [path])
        end = time.perf_counter()
    assert loaded.written == len(lines), "every line is loaded"
    return len(lines) / (end - between), len(lines) / (between - start)
