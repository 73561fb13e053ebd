"""A change about to be committed: what a resource becomes, and the version it follows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from careplan.fhir import registry
from careplan.fhir.text import Json, Text, dump, read_text
from careplan.store.protocol import Version


@dataclass(frozen=True, slots=True)
class Change:
    """One resource as it is to be.

    source    the text that came in, or that we wrote; None deletes
    previous  the version this one follows (may be a deletion); None for a new id
    place     where it stood in what came in: `Bundle.entry[3].resource`; empty when it came alone
    base      this server's FHIR base, by which absolute references to itself are known
    method    the interaction it comes by: POST PUT PATCH; a deletion is DELETE
    patient   the compartment: of the new content, or of what is deleted
    """

    type: str
    id: str
    source: Text | None
    previous: Version | None = None
    place: str = ""
    base: str | None = None
    method: str = "PUT"
    patient: str | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patient", self._find_patient())

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def number(self) -> int:
        return 1 if self.previous is None else self.previous.number + 1

    @property
    def act(self) -> str:
        """Create, update or delete, by SMART's letters."""
        if self.source is None:
            return "d"
        return "c" if self.previous is None or self.previous.deleted else "u"

    @property
    def value(self) -> Json | None:
        return None if self.source is None else self.source.value

    def _find_patient(self) -> str | None:
        if self.source is None:
            return None if self.previous is None else self.previous.patient
        return self.id if self.type == "Patient" else registry.patient_of(self.source.value, self.base)

    def at(self, now: datetime) -> datetime:
        """Now, in whole milliseconds, and always later than the version before."""
        whole = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return whole if self.previous is None else max(whole, self.previous.at + timedelta(milliseconds=1))


def change_from_value(value: Json, id: str, previous: Version | None = None) -> Change:
    """A change to a resource that we wrote ourselves."""
    bare = {name: part for name, part in value.items() if name != "id"}
    method = "POST" if previous is None else "PUT"
    return Change(value["resourceType"], id, read_text(dump(bare)), previous, method=method)
