"""What was measured, beside what is asked for (design §9), as a table to read."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. goal: what the ratio should at least be, or (`at_most`) at most; None where nothing is asked."""

    what: str
    ours: float
    other: float
    goal: float | None
    at_most: bool = False

    @property
    def ratio(self) -> float:
        return self.ours / self.other

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


GOALS: tuple[tuple[str, str, str, float | None], ...] = (
    ("sqlite", "read", "peer", 5.0),
    ("sqlite", "search", "peer", 3.0),
    ("sqlite", "create", "peer", 3.0),
    ("sqlite", "transaction", "peer", 3.0),
    ("sqlite", "read", "floor", 0.30),
    ("sqlite", "search", "floor", None),
    ("sqlite", "create", "floor", 0.05),
    ("sqlite", "transaction", "floor", None),
    ("mongo", "read", "driver", 0.70),
    ("mongo", "create", "driver", 0.50),
    ("mongo", "read", "floor", None),
    ("mongo", "search", "floor", None),
    ("mongo", "create", "floor", None),
    ("mongo", "transaction", "floor", None),
)
"""Whose rate, of what, against whose, and how many times it should be."""

MEMORY = 160.0
"""MB of a worker after load."""


def rows_of_traffic(traffic: Traffic) -> Iterator[Row]:
    for store, kind, other, goal in GOALS:
        rates = traffic.rates[kind]
        if store in rates and other in rates:
            yield Row(f"{kind} a second, {store} / {other}", rates[store], rates[other], goal)
    for name, memory in traffic.memory.items():
        if name != "peer":
            yield Row(f"MB of a worker after load, {name} / what is allowed", memory, MEMORY, 1.0, at_most=True)


def printed(rows: list[Row]) -> str:
    """The rows as lines of text."""
    lines = [f"{'':52}{'ours':>10}{'other':>10}{'ratio':>8}   goal"]
    for row in rows:
        goal = (
            "" if row.goal is None else f"{'≤' if row.at_most else '≥'} {row.goal:.2f}{'' if row.met else '   missed'}"
        )
        lines.append(f"{row.what:52}{row.ours:>10,.0f}{row.other:>10,.0f}{row.ratio:>8.2f}   {goal}")
    return "\n".join(lines) + "\n"
