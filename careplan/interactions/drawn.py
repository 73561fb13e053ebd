"""What follows from a change, drawn from the record as it was seen: the shape that consequences and closings share."""

from dataclasses import dataclass

from careplan.interactions.change import Change
from careplan.store.protocol import Guard


@dataclass(frozen=True, slots=True)
class Drawn:
    """Changes that follow, and the guards that see to it that they were drawn from all there is."""

    changes: tuple[Change, ...] = ()
    guards: tuple[Guard, ...] = ()

    def __add__(self, other: "Drawn") -> "Drawn":
        return Drawn((*self.changes, *other.changes), (*self.guards, *other.guards))
