"""Who works at an organisation: the roles of its people.

Not here: who is responsible for a plan (`ownership`), and who is kept out of it (`block`).
https://hl7.org/fhir/R4/practitionerrole.html
"""

from careplan.fhir.query import Criterion, Query, ReferenceIs
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.every import every


async def staff_of(context: Context, organization: str) -> tuple[Json, ...]:
    """The active roles at an organisation (logical id), by id. Raises Forbidden."""
    where = Criterion("organization", "reference", (ReferenceIs("Organization", organization),))
    query = await access.restrict(context, Query("PractitionerRole", (where,)))
    found = [parse(version.body or b"") for version in await every(context, query)]
    return tuple(sorted((one for one in found if one.get("active", True)), key=lambda one: str(one["id"])))
