"""Who calls: role, organisation and person, as a door has established them (design §7)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """One person or system, in one role.

    role          `system`, `patient`, `clinic`, `municipality`, `hospital`, `lps`, `statistics`
    organization  logical id of the Organization acted for; None for patients and `system`
    patient       logical id of the caller's own Patient, for role `patient`
    reference     the person as FHIR names them: `PractitionerRole/x`, `Patient/x`; None for systems
    name          shown on pages and in Provenance.agent.who.display
    """

    role: str
    name: str
    organization: str | None = None
    patient: str | None = None
    reference: str | None = None


SYSTEM = Caller("system", "careplan")
