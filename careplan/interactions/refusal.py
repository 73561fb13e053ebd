"""Faults of what somebody sent, told where they stand in the whole that came in. Not for what a profile finds: that is
the commit's.
"""

from collections.abc import Iterable
from dataclasses import replace

from careplan.domain.errors import Fault
from careplan.fhir.outcome import ResourceInvalid
from careplan.interactions.change import Change


def refuse(change: Change, faults: Iterable[Fault]) -> None:
    """Raises ResourceInvalid with the faults, if there are any."""
    place = change.place or change.type
    placed = tuple(replace(one, expression=place + one.expression.removeprefix(change.type)) for one in faults)
    if placed:
        raise ResourceInvalid(f"{len(placed)} fault(s), first at {placed[0].expression}: {placed[0].message}", placed)
