"""Patch of one resource, by id or by criteria: the result goes the way of every update.

https://hl7.org/fhir/R4/http.html#patch · checklist E. What stands must be the caller's to replace, the result theirs to
write; so a patch that moves a resource to another patient needs both patients.
"""

import base64
import binascii
from dataclasses import replace

from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.patch.failure import failure
from careplan.fhir.patch.json_patch import json_patch_from_list
from careplan.fhir.patch.path_patch import path_patch_from_parameters
from careplan.fhir.patch.result import Patch, patched
from careplan.fhir.query import Query
from careplan.fhir.text import Json, Text, parse, parse_list
from careplan.interactions.again import again
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.match import match
from careplan.interactions.precondition import check_standing, check_writable
from careplan.interactions.read import read
from careplan.interactions.write import Written, write
from careplan.store.protocol import GuardFailed, NotFound, Version, VersionConflict

JSON_PATCH = "application/json-patch+json"


def patch_from_body(context: Context, raw: bytes) -> Patch:
    """A JSON Patch. Raises TextUnparsable, PatchFailed."""
    return json_patch_from_list(parse_list(raw, depth=context.house.limits.json_depth))


def patch_from_resource(context: Context, value: Json, place: str = "") -> Patch:
    """Of a Parameters resource, or of a Binary that holds a JSON Patch, as an entry of a Bundle brings it.

    place   where it stood: `Bundle.entry[3].resource`; empty when it came alone
    Raises  ResourceInvalid, TextUnparsable, PatchFailed
    """
    type_name = value.get("resourceType")
    at = place or str(type_name)
    if type_name not in ("Parameters", "Binary"):
        raise failure("a patch is a Parameters resource, or in a Bundle a Binary that holds a JSON Patch", place)
    found = [fault for fault in context.house.validate(value) if fault.severity == "error"]
    if found:
        faults = tuple(replace(one, expression=at + one.expression.removeprefix(type_name)) for one in found)
        raise ResourceInvalid(f"{len(faults)} fault(s), first at {faults[0].expression}: {faults[0].message}", faults)
    if type_name == "Parameters":
        return path_patch_from_parameters(value, at)
    if value.get("contentType") != JSON_PATCH:
        raise failure(f"a Binary that holds a patch is of contentType {JSON_PATCH}", place)
    try:
        return patch_from_body(context, base64.b64decode(value.get("data", "")))
    except binascii.Error:
        raise failure("the data of a Binary is base64", place) from None


async def patch(context: Context, type_name: str, id: str, change: Patch, *, expects: int | None = None) -> Written:
    """The resource as the patch leaves it; a patch that changes nothing makes no version.

    expects  as of `update`; without it a patch that is overtaken is applied again to what then stands
    Raises   NotFound, Deleted, PatchFailed, ResourceInvalid, PreconditionFailed, Forbidden
    """
    check_writable(type_name)

    async def work() -> Written:
        previous = await read(context, type_name, id)
        await check_standing(context, previous.reference, previous, expects)
        return await write(context, changed_by(context, previous, change))

    return await again(work, VersionConflict)


async def patch_matching(context: Context, query: Query, change: Patch, *, expects: int | None = None) -> Written:
    """Patch the one resource that fits. Raises NotFound when none does, MultipleMatches, and what `patch` raises."""
    check_writable(query.type)

    async def work() -> Written:
        matched = await match(context, query)
        if matched.version is None:
            raise NotFound(f"no {query.type} fits the criteria")
        await check_standing(context, matched.version.reference, matched.version, expects)
        return await write(context, changed_by(context, matched.version, change), [matched.guard])

    return await again(work, VersionConflict, GuardFailed)


def changed_by(context: Context, previous: Version, change: Patch) -> Change:
    """What a patch makes of a version. Raises PatchFailed."""
    source: Text = patched(parse(previous.body or b""), change, depth=context.house.limits.json_depth)
    return Change(previous.type, previous.id, source, previous, base=context.base, method="PATCH")
