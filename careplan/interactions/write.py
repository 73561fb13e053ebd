"""Create, update and delete of one resource, plain and conditional.

https://hl7.org/fhir/R4/http.html#create · #update · #delete · checklist C, D, F. The race between looking and writing
is closed by the version expected and by guards, never by luck. What others refer to may be deleted: references to it
stay, and lead to a deletion (R4-47).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.conditional import Tags
from careplan.fhir.query import Query
from careplan.fhir.text import Text
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change
from careplan.interactions.commit import commit
from careplan.interactions.context import Context
from careplan.interactions.match import match
from careplan.interactions.precondition import (
    check_change,
    check_current,
    check_precondition,
    check_standing,
    check_type,
    check_writable,
    same_content,
)
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict


class IdMismatch(CareplanError):
    """The body of an update has no id, or another one than the address or the resource that fits the criteria."""

    code = "id-mismatch"


class IdTaken(CareplanError):
    """A conditional update fits nothing, and its body has the id of a resource that does not fit."""

    code = "id-taken"


@dataclass(frozen=True, slots=True)
class Written:
    """The version that stands after a write, and whether this write made it and made the resource."""

    version: Version
    created: bool = False
    changed: bool = True


async def create(context: Context, type_name: str, source: Text, unless: Query | None = None) -> Written:
    """A new resource under an id of ours; with `unless` (If-None-Exist), the one that matches instead.

    Raises ResourceInvalid, MultipleMatches, Forbidden
    """
    check_type(type_name, source)
    _note_sent(context, source)
    access.check_writes(context, type_name, "c")

    async def make() -> Written:
        matched = await match(context, unless) if unless else None
        if matched is not None and matched.version is not None:
            await access.check_read(context, matched.version)
            return Written(matched.version, changed=False)
        change = Change(type_name, context.new_id(), source, base=context.base, method="POST")
        await check_change(context, change)
        (version,) = await commit(context, [change], () if matched is None else [matched.guard])
        return Written(version, created=True)

    return await again(make, GuardFailed)


def _note_sent(context: Context, source: Text) -> None:
    """Whom a resource that is sent is about: noted before it may be refused."""
    value = source.value
    if value.get("resourceType") in registry.SHARED:
        context.trail.met(registry.patients_of(value, context.base))
    elif value.get("resourceType") != "Patient":
        context.trail.met([registry.patient_of(value, context.base)])


async def update(
    context: Context,
    type_name: str,
    id: str,
    source: Text,
    *,
    expects: int | None = None,
    none_match: Tags | None = None,
) -> Written:
    """The resource as it now is; identical content makes no version.

    expects     the version number of If-Match, or ANY; None: whatever stands
    none_match  If-None-Match: versions that may not stand; `*`: the id must not be in use
    Raises      ResourceInvalid, PreconditionFailed, IdMismatch, Forbidden
    """
    check_type(type_name, source)
    if source.value.get("id") != id:
        raise IdMismatch(f"the body's id must be {id}, as in the address")
    _note_sent(context, source)
    access.check_writes(context, type_name, "cu")

    async def change() -> Written:
        previous = await context.store.read(type_name, id)
        if previous is None:
            access.check_new(context, type_name, id)
        await check_standing(context, f"{type_name}/{id}", previous, expects, none_match)
        return await write(context, Change(type_name, id, source, previous, base=context.base))

    return await again(change, VersionConflict)


async def update_matching(
    context: Context, query: Query, source: Text, *, expects: int | None = None, none_match: Tags | None = None
) -> Written:
    """Update the one resource that fits; with none, make it, under the body's id if it has one.

    Raises  ResourceInvalid, MultipleMatches, IdMismatch, IdTaken, PreconditionFailed, Forbidden
    """
    check_type(query.type, source)

    async def change() -> Written:
        matched = await match(context, query)
        previous = await read_aim(context, query.type, source, matched.version)
        id = previous.id if previous else source.value.get("id") or context.new_id()
        await check_standing(context, f"{query.type}/{id}", previous, expects, none_match)
        return await write(context, Change(query.type, id, source, previous, base=context.base), [matched.guard])

    return await again(change, VersionConflict, GuardFailed)


async def read_aim(context: Context, type_name: str, source: Text, matched: Version | None) -> Version | None:
    """What a conditional update follows: what it fits, or a deletion under the body's id; None for a new resource.

    Raises IdMismatch, IdTaken, Forbidden
    """
    access.check_writes(context, type_name, "cu")
    id = source.value.get("id")
    if id is not None and not isinstance(id, str):
        raise IdMismatch("the body's id is a text, or is left out")
    if matched is not None:
        if id not in (None, matched.id):
            raise IdMismatch("the body has another id than the resource that fits the criteria; leave it out")
        return matched
    standing = await context.store.read(type_name, id) if id else None
    if id and standing is None:
        access.check_new(context, type_name, id)
    await check_current(context, standing)
    if standing is not None and not standing.deleted:
        raise IdTaken("nothing fits the criteria, and the body's id is that of another resource; leave it out")
    return standing


async def delete(context: Context, type_name: str, id: str, *, expects: int | None = None) -> Version | None:
    """The deletion, or None when there was nothing (more) to delete. History stays.

    Raises Forbidden, for an id that was never used too: nobody is told which those are
    """
    check_writable(type_name)

    async def remove() -> Version | None:
        previous = await context.store.read(type_name, id)
        if previous is None:
            access.check_writes(context, type_name, "d")
            access.check_absent(context, f"{type_name}/{id}")
        return await _remove(context, f"{type_name}/{id}", previous, expects)

    return await again(remove, VersionConflict)


async def delete_matching(context: Context, query: Query, *, expects: int | None = None) -> Version | None:
    """Delete the one resource that fits; None when none does. Raises MultipleMatches."""
    check_writable(query.type)

    async def remove() -> Version | None:
        matched = await match(context, query)
        what = matched.version.reference if matched.version else query.type
        return await _remove(context, what, matched.version, expects, [matched.guard])

    return await again(remove, VersionConflict, GuardFailed)


async def _remove(
    context: Context, what: str, previous: Version | None, expects: int | None, guards: Sequence[Guard] = ()
) -> Version | None:
    type_name = what.partition("/")[0]
    access.check_writes(context, type_name, "d")
    if previous is not None and previous.deleted:
        await check_current(context, previous)
        await access.check_write(context, type_name, None, previous.patient, act="d")
    if previous is None or previous.deleted:
        check_precondition(what, previous, expects)
        return None
    await check_standing(context, what, previous, expects)
    return (await write(context, Change(type_name, previous.id, None, previous, method="DELETE"), guards)).version


async def write(context: Context, change: Change, guards: Sequence[Guard] = ()) -> Written:
    """Commit one change, if the caller may make it; what changes nothing makes no version."""
    await check_change(context, change)
    previous = change.previous
    if previous is not None and change.source is not None and same_content(change.source, previous):
        return Written(previous, changed=False)
    (version,) = await commit(context, [change], guards)
    return Written(version, created=previous is None or previous.deleted)
