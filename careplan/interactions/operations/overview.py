"""`Patient/[id]/$overview?audience=patient|clinic|referral`: all a view needs, in one round trip."""

from careplan.fhir.derived import derived_key, observation_from_derived
from careplan.fhir.text import Json, dump
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.operations.recommended_targets import proposals
from careplan.interactions.overview import AUDIENCES, derived_of, read_overview, resources_of

_DEFAULT = {"patient": "patient", "municipality": "referral", "hospital": "referral"}


async def overview(context: Context, asked: Asked) -> bytes:
    """A collection: the Patient first, then everything the audience may see; for the clinic also today's proposals."""
    own = _DEFAULT.get(context.caller.role)
    audience = str(asked.find("audience") or own or "clinic")
    if audience not in AUDIENCES:
        raise ParameterFaulty(f"parameter audience must be one of {', '.join(AUDIENCES)}")
    if own == "referral":
        audience = "referral"
    seen = await read_overview(context, asked.id or "", audience, asked.find_day("on"))
    entries: list[Json] = [
        {"fullUrl": f"{context.base}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources_of(seen)
    ]
    entries += [
        {
            "fullUrl": derived_key(one),
            "resource": observation_from_derived(one, measure, seen.patient["id"], context.base),
        }
        for measure, one in derived_of(seen)
    ]
    if audience == "clinic":
        entries += proposals(context, seen.patient["id"], seen.answer, seen.lapsed)
    return dump({"resourceType": "Bundle", "type": "collection", "entry": entries})
