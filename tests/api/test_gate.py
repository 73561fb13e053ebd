"""The time that a request may be at work: one timer for all who are inside, and each has their own time."""

import asyncio
import time

import pytest
from starlette.types import Scope

from careplan.api.gate import WORK, Busy, Gate, TookTooLong


async def stay(gate: Gate, seconds: float, scope: Scope | None = None) -> float:
    """Seconds that the stay lasted."""
    begun = time.monotonic()
    try:
        with gate.work({} if scope is None else scope):
            await asyncio.sleep(seconds)
    except TookTooLong:
        return -(time.monotonic() - begun)
    return time.monotonic() - begun


async def test_each_of_those_inside_is_ended_at_their_own_time_and_who_is_done_before_is_not() -> None:
    gate = Gate(9, 0.6)
    first = asyncio.create_task(stay(gate, 9))
    await asyncio.sleep(0.3)
    second, quick = asyncio.create_task(stay(gate, 9)), asyncio.create_task(stay(gate, 0.05))
    found = await asyncio.gather(first, second, quick)
    assert -0.9 < found[0] <= -0.59 and -0.9 < found[1] <= -0.59 and found[2] > 0
    assert gate.inside == 0
    assert await stay(gate, 9) < 0  # the timer begins anew for whoever comes later


async def test_a_clock_that_stands_is_not_ended_and_begins_anew() -> None:
    gate, scope = Gate(9, 0.8), dict[str, object]()
    task = asyncio.create_task(stay(gate, 9, scope))
    await asyncio.sleep(0.05)
    work = scope[WORK]
    work.stand()  # type: ignore[attr-defined]
    await asyncio.sleep(1)
    assert not task.done()
    work.go_on()  # type: ignore[attr-defined]
    assert await task < -1.7


async def test_who_is_cancelled_by_another_is_not_said_to_have_taken_too_long() -> None:
    gate = Gate(9, 5)
    task = asyncio.create_task(stay(gate, 9))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.inside == 0


async def test_who_is_not_let_in_takes_nobody_s_place() -> None:
    gate = Gate(1, 5)
    with gate.work({}):
        with pytest.raises(Busy), gate.work({}):
            pass
        assert gate.inside == 1
    assert gate.inside == 0
