"""How large a run is: `BENCH_…` variables, with defaults that fit into eight minutes on two cores."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """patients, values: records on every server, HbA1c values in each. seconds: of one round of one request kind.

    grown   patients in the store where a search is asked again; 0 leaves that out
    lines   resources loaded from a file; 0 leaves that out
    clinic  patients who are evaluated anew; 0 leaves that out
    """

    patients: int
    values: int
    rounds: int
    seconds: float
    connections: int
    grown: int
    lines: int
    clinic: int
    peer: bool
    mongo: bool


def size_of_environment() -> Size:
    def number(name: str, default: str) -> str:
        return os.environ.get(f"BENCH_{name}", default)

    return Size(
        patients=int(number("PATIENTS", "100")),
        values=int(number("VALUES", "60")),
        rounds=int(number("ROUNDS", "5")),
        seconds=float(number("SECONDS", "1")),
        connections=int(number("CONNECTIONS", "32")),
        grown=int(number("GROWN", "64000")),
        lines=int(number("LINES", "5000")),
        clinic=int(number("CLINIC", "2500")),
        peer=number("PEER", "1") == "1",
        mongo=number("MONGO", "1") == "1",
    )
