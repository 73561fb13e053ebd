"""The same done for several patients, one commit each: what cannot be done for one holds up no other.

Not here: what is done (`invitation`, `ownership`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from careplan.domain.errors import CareplanError


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of each patient: done, nothing left to do, or refused with the error's code."""

    done: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


async def each(patients: Sequence[str], work: Callable[[str], Awaitable[bool]]) -> Swept:
    """Work for each patient once, in order; it says False where there was nothing left to do."""
    done: list[str] = []
    already: list[str] = []
    refused: list[tuple[str, str]] = []
    for patient in dict.fromkeys(patients):
        try:
            (done if await work(patient) else already).append(patient)
        except CareplanError as error:
            refused.append((patient, error.code))
    return Swept(tuple(done), tuple(already), tuple(refused))
