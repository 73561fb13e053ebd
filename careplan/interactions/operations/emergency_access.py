"""`Patient/[id]/$emergency-access` opens a record in an emergency, and `$emergency-accesses` lists what was opened.

By the type it is called with a person number, since a search finds nobody whom the caller may not see.
"""

from careplan.fhir.bundle import searchset
from careplan.fhir.query import Query
from careplan.fhir.systems import normal_system
from careplan.interactions.context import Context
from careplan.interactions.emergency import (
    check_clinician,
    emergency_consents,
    open_in_emergency,
    patients_of_identifier,
)
from careplan.interactions.operations.asked import Asked, ParameterFaulty


async def emergency_access(context: Context, asked: Asked) -> bytes:
    """The Consent that records it; where several have the person number, a searchset of one for each.

    Raises Forbidden, EmergencyNeedsReason, ParameterFaulty
    """
    reason = asked.text("reason")
    check_clinician(context)
    patients = (asked.id,) if asked.id is not None else await _read_patients(context, asked)
    made = [await open_in_emergency(context, one, reason) for one in patients]
    if len(made) == 1:
        return made[0].body or b""
    return searchset(Query("", count=len(made)), made, base=context.base, path="Patient/$emergency-access")


async def _read_patients(context: Context, asked: Asked) -> tuple[str, ...]:
    """Whom a person number is of, of the Parameters: never of the address. Raises Forbidden where it is nobody's."""
    given = asked.read("identifier")
    if not isinstance(given, dict) or not (given.get("system") and given.get("value")):
        raise ParameterFaulty("parameter identifier is an Identifier with system and value, sent in Parameters")
    return await patients_of_identifier(context, [(normal_system(str(given["system"])), str(given["value"]))])


async def emergency_accesses(context: Context, asked: Asked) -> bytes:
    """A searchset of Consents, newest first. Raises Forbidden."""
    organization = asked.id or ""
    found = await emergency_consents(context, organization)
    context.trail.met(one.patient for one in found)
    path = f"Organization/{organization}/$emergency-accesses"
    return searchset(Query("", count=len(found)), found, base=context.base, path=path)
