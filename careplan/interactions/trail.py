"""Whose records one request touches, noted while it is worked, for the audit log.

Interactions note what they show or change; they decide nothing by it. Not here: what becomes of the notes
(`settlement`). https://hl7.org/fhir/R4/auditevent.html · R4-121
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from careplan.store.protocol import Version

MOST_REFERENCES = 100
"""Resources of one person that an entry names; of more, these first ones."""


@dataclass(slots=True)
class Trail:
    """One interaction.

    act      what is done: `read`, `search-type`, `$overview`, `page C2`
    made     of create, update, delete (`c`, `u`, `d`), what was done to resources
    asked    of a search its type and the names of its parameters, never their values: `Observation?code&date`
    touched  by patient the resources that were shown or meant; none where it is the person as a whole
    kept     patients whose entry was written with a commit
    outcome  of AuditEvent.outcome: 0, 4 (refused), 8 (failed)
    missed   somebody was asked for by number who is not here: logged, though it is nobody's record
    parts    interactions that this one holds, as the entries of a batch
    """

    act: str = ""
    asked: str = ""
    made: str = ""
    touched: dict[str, list[str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    outcome: str = "0"
    missed: bool = False
    parts: tuple["Trail", ...] = ()

    def saw(self, version: Version) -> None:
        """A resource was shown, or was about to be."""
        if version.patient is not None:
            references = self.touched.setdefault(version.patient, [])
            if len(references) < MOST_REFERENCES:
                references.append(version.reference)

    def met(self, patients: Iterable[str | None]) -> None:
        """These persons were among what was shown, or were asked about."""
        for patient in patients:
            if patient is not None:
                self.touched.setdefault(patient, [])

    def turned_away(self, patient: str) -> None:
        """This person's record stayed closed, while what was asked went on without it."""
        if self.touched.pop(patient, None) is not None:
            refused = self.part(self.act)
            refused.outcome = "4"
            refused.met([patient])

    def part(self, act: str) -> "Trail":
        """The trail of an interaction within this one."""
        inner = Trail(act)
        self.parts += (inner,)
        return inner
