"""Why a patch cannot be applied; the resource it was meant for is then as it was.

https://hl7.org/fhir/R4/http.html#patch · checklist R4-39, R4-40
"""

from careplan.domain.errors import CareplanError, Fault

OPERATIONS = 1000
"""How many operations one patch may hold."""


class PatchFailed(CareplanError):
    """An operation of a patch that cannot be done; none of them is. The message never says what was there."""

    code = "patch-failed"


def failure(message: str, place: str = "") -> PatchFailed:
    """A failure with its place in what came in: `Parameters.parameter[2]`; none for a JSON Patch."""
    return PatchFailed(message, (Fault(place, PatchFailed.code, message),) if place else ())
