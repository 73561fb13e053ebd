"""The errors of the whole project hang on one tree, drawn here.

    CareplanError
    ├── TextUnparsable, ResourceInvalid            careplan.fhir
    ├── NotFound, Deleted, VersionConflict, …      careplan.store.protocol
    ├── Forbidden, LoginRequired                   careplan.interactions.access
    ├── KnowledgeFaulty                            careplan.knowledge.load
    └── OutOfRange, UnitMismatch, …                here: the domain's own

A code is stable and kebab-case; `careplan.fhir.outcome` says what each becomes over HTTP.
Messages name the thing (`Observation/17`) and never hold personal data.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what came in: where it is and what to do about it.

    expression  FHIRPath-like place (`Goal.target[0].detailQuantity`), or empty for the whole
    code        our stable code, e.g. `code-invalid`
    severity    `error`, or `warning` where the resource is still accepted
    """

    expression: str
    code: str
    message: str
    severity: str = "error"


class CareplanError(Exception):
    """Anything this project refuses to do, with a code that callers can rely on."""

    code = "careplan-error"

    def __init__(self, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.faults = faults


class UnitMismatch(CareplanError):
    """A value came in a unit that does not convert exactly into the measure's."""

    code = "unit-mismatch"


class OutOfRange(CareplanError):
    """A value that cannot be, e.g. a negative weight."""

    code = "out-of-range"


class StatusInvalid(CareplanError):
    """A plan cannot go from its status to the one asked for."""

    code = "status-invalid"
