"""What became of a worked Bundle, entry by entry. https://hl7.org/fhir/R4/http.html#transaction-response"""

from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.fhir.outcome import outcome_from_error
from careplan.fhir.query import Query
from careplan.fhir.text import Json
from careplan.interactions.search import Found
from careplan.store.protocol import Version


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one entry: the version that stands, the search it asked for, or why it was refused.

    found    of a search, also the token of the page that was asked for, and where it stands: `Patient/1/Observation`
    shown    of a read, whether the body is part of the answer; None of a write, where the caller's preference decides
    changed  whether this entry made a version
    """

    status: int
    version: Version | None = None
    found: tuple[Query, Found, str | None, str | None] | None = None
    outcome: Json | None = None
    shown: bool | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Performed:
    """A worked Bundle: `batch` or `transaction`, with a result for each entry in the Bundle's order."""

    kind: str
    results: tuple[Result, ...]


def refused(error: CareplanError) -> Result:
    """The entry's own status and OperationOutcome."""
    status, resource = outcome_from_error(error)
    return Result(status, outcome=resource)
