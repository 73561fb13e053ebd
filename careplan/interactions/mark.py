"""What a form was sent with: an identifier of what it makes, so that what is sent twice is made once.

A form carries a mark; what it makes carries a business identifier that is worked out from it, and is found again by
that. Not here: how a form gets its mark (`careplan.views.mark`). https://hl7.org/fhir/R4/http.html#ccreate
"""

import uuid

from careplan.fhir import systems
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import Guard, Version, guard_of


def identifier_of(mark: str, part: str = "") -> dict[str, str]:
    """The Identifier of what a form makes. `part`: which of the things it makes, where there are several."""
    made = uuid.uuid5(_space(mark), part) if part else uuid.uuid5(uuid.NAMESPACE_URL, mark)
    return {"system": systems.URI, "value": f"urn:uuid:{made}"}


def _space(mark: str) -> uuid.UUID:
    """The mark as a name space; one of another shape is still one mark."""
    try:
        return uuid.UUID(mark)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, mark)


async def sent_with(
    context: Context, type_name: str, patient: str, mark: str
) -> tuple[tuple[Version, ...], tuple[Guard, ...]]:
    """What a form has made of a type for a patient already, and a guard that it makes no more meanwhile."""
    if not mark:
        return (), ()
    identifier = TokenIs(systems.URI, identifier_of(mark)["value"])
    query = Query(type_name, (Criterion("identifier", "token", (identifier,)),), patient=patient)
    found = tuple(await every(context, query))
    return found, (guard_of(f"Patient/{patient}/{type_name}", query, found),)
