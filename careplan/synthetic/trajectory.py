"""How a measured value moves: slowly around a level, down when a treatment begins, with noise on top.

Plain numbers only; times are years before the day of the run, so -2.5 is two and a half years ago.
"""

from collections.abc import Iterable, Sequence
from math import exp, sqrt
from random import Random


def wander(rng: Random, times: Sequence[float], spread: float, memory: float) -> list[float]:
    """Deviations from a level that remember the one before (an Ornstein-Uhlenbeck walk seen at these times).

    times   ascending
    spread  standard deviation in the long run
    memory  years until about a third of a deviation is left
    """
    walk: list[float] = []
    for place, time in enumerate(times):
        if place == 0:
            walk.append(rng.gauss(0, spread))
            continue
        kept = exp((times[place - 1] - time) / memory)
        walk.append(walk[-1] * kept + rng.gauss(0, spread * sqrt(1 - kept * kept)))
    return walk


def begun(time: float, start: float, settling: float = 0.15) -> float:
    """How much of a treatment's effect is there: 0 before it starts, then towards 1."""
    return 0.0 if time <= start else 1 - exp((start - time) / settling)


def combined(time: float, effects: Iterable[tuple[float, float]]) -> float:
    """What is left of a level after treatments that each take a share: 1 untreated.

    effects  (start, share taken away once settled)
    """
    left = 1.0
    for start, share in effects:
        left *= 1 - share * begun(time, start)
    return left


def climbing(time: float, level: float, climb: float, steps: Sequence[float], first: float) -> float:
    """A level that climbs each year and is brought down again by each new treatment.

    level  where a treatment brings it
    climb  rise a year without a new treatment, at most 18 in all
    steps  starts of treatment, ascending
    first  the level at the time before any treatment
    """
    value, last = first, None
    for start in steps:
        if start >= time:
            break
        before = value if last is None else level + min(18.0, climb * (start - last))
        value, last = level + (before - level) * exp((start - time) / 0.2), start
    return value if last is None else value + min(18.0, climb * (time - last))
