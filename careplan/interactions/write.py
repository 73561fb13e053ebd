"""Create, update and delete of one resource, plain and conditional.

https://hl7.org/fhir/R4/http.html#create · checklist C, D, F. The race between looking and writing is closed by the
version expected and by guards, never by luck.
"""

from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.conditional import Tags, expected_number
from careplan.fhir.search import Pairs, ParameterInvalid, Query
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import Json, Text, dump, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change
from careplan.interactions.commit import commit
from careplan.interactions.context import Context
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict

ANY = 0
"""The version expected by `If-Match: *`: whichever stands, but one must."""


class PreconditionFailed(CareplanError):
    """If-Match, If-None-Match or If-None-Exist does not hold; nothing was written."""

    code = "precondition-failed"


class MultipleMatches(CareplanError):
    """The criteria of a conditional write fit more than one resource."""

    code = "multiple-matches"


class ResourceTypeMismatch(CareplanError):
    """The body is a resource of another type than the address."""

    code = "resource-type-mismatch"


class IdMismatch(CareplanError):
    """The body of an update has no id, or another one than the address."""

    code = "id-mismatch"


class NotAllowed(CareplanError):
    """The type is read-only."""

    code = "not-allowed"


@dataclass(frozen=True, slots=True)
class Written:
    """The version that stands after a write, and whether this write made it and made the resource."""

    version: Version
    created: bool = False
    changed: bool = True


def check_writable(type_name: str) -> None:
    """Raises TypeUnknown, or NotAllowed for what we publish."""
    if registry.row(type_name).read_only:
        raise NotAllowed(f"{type_name} is published by this service and cannot be written or deleted")


def check_type(type_name: str, source: Text) -> None:
    """Raises TypeUnknown, NotAllowed, or ResourceTypeMismatch when the body is something else."""
    check_writable(type_name)
    if source.value.get("resourceType") != type_name:
        raise ResourceTypeMismatch(f"the body is not a {type_name}; its resourceType must be {type_name}")


async def create(context: Context, type_name: str, source: Text, unless: Query | None = None) -> Written:
    """A new resource under an id of ours; with `unless` (If-None-Exist), the one that matches instead.

    Raises ResourceInvalid, MultipleMatches, Forbidden
    """
    check_type(type_name, source)

    async def make() -> Written:
        existing = await match_one(context, unless) if unless else None
        if existing is not None:
            return Written(existing, changed=False)
        change = Change(type_name, context.new_id(), source, base=context.base)
        await access.check_write(context, type_name, source.value, change.patient)
        (version,) = await commit(context, [change], [guard_against(unless)] if unless else ())
        return Written(version, created=True)

    return await again(make, GuardFailed)


async def update(
    context: Context, type_name: str, id: str, source: Text, *, expects: int | None = None, absent: bool = False
) -> Written:
    """The resource as it now is; identical content makes no version.

    expects  the version number of If-Match, or ANY; None: whatever stands
    absent   If-None-Match: *, the id must not be in use
    Raises   ResourceInvalid, PreconditionFailed, IdMismatch, Forbidden
    """
    check_type(type_name, source)
    if source.value.get("id") != id:
        raise IdMismatch(f"the body's id must be {id}, as in the address")

    async def change() -> Written:
        previous = await context.store.read(type_name, id)
        check_precondition(f"{type_name}/{id}", previous, expects, absent=absent)
        await check_current(context, previous)
        wanted = Change(type_name, id, source, previous, base=context.base)
        await access.check_write(context, type_name, source.value, wanted.patient)
        if previous is not None and same_content(source, previous):
            return Written(previous, changed=False)
        (version,) = await commit(context, [wanted])
        return Written(version, created=previous is None or previous.deleted)

    return await again(change, VersionConflict)


async def delete(context: Context, type_name: str, id: str, *, expects: int | None = None) -> Version | None:
    """The deletion, or None when there was nothing (more) to delete. History stays."""
    check_writable(type_name)

    async def remove() -> Version | None:
        previous = await context.store.read(type_name, id)
        if previous is None or previous.deleted:
            await access.check_write(context, type_name, None, previous.patient if previous else None)
            return None
        check_precondition(f"{type_name}/{id}", previous, expects)
        await check_current(context, previous)
        change = Change(type_name, id, None, previous)
        await access.check_write(context, type_name, None, change.patient)
        return (await commit(context, [change]))[0]

    return await again(remove, VersionConflict)


def check_precondition(what: str, previous: Version | None, expects: int | None, *, absent: bool = False) -> None:
    """Raises PreconditionFailed when If-Match or If-None-Match: * does not hold."""
    exists = previous is not None and not previous.deleted
    if absent and exists:
        raise PreconditionFailed(f"{what} exists already")
    if expects is not None and not exists:
        raise PreconditionFailed(f"{what} does not exist, so no version of it matches")
    if expects not in (None, ANY) and previous is not None and previous.number != expects:
        raise PreconditionFailed(
            f"{what} is at version {previous.number}, not at version {expects}; read it again and repeat the change"
        )


def expected_version(tags: Tags) -> int:
    """What If-Match expects, as `update` and `delete` take it. Raises HeaderInvalid for several tags."""
    number = expected_number(tags)
    return ANY if number is None else number


async def check_current(context: Context, previous: Version | None) -> None:
    """What stands must be visible to who replaces it, and theirs to replace."""
    if previous is not None:
        await access.check_read(context, previous)
        access.check_replaced(context, previous)


def same_content(source: Text, previous: Version) -> bool:
    """Whether a body says what is stored already, but for version and instant."""
    if previous.body is None:
        return False
    return _content(source.value) == _content(parse(previous.body))


def _content(value: Json) -> bytes:
    """A resource without id, version and instant, numbers as written: 1.0 and 1.00 differ. It need not be valid."""
    meta = value.get("meta", {})
    if not isinstance(meta, dict):
        return dump(value)
    meta = {name: part for name, part in meta.items() if name not in ("versionId", "lastUpdated")}
    bare = {name: part for name, part in value.items() if name not in ("id", "meta")}
    return dump({**bare, **({"meta": meta} if meta else {})})


def criteria(context: Context, type_name: str, pairs: Pairs) -> Query:
    """Criteria of a conditional write or reference; one that is not known never counts as met.

    Raises ParameterInvalid, ParameterUnsupported
    """
    query = parse_query(type_name, pairs, strict=True, base=context.base)
    if not query.criteria:
        raise ParameterInvalid("the criteria of a conditional write name at least one search parameter")
    return Query(type_name, query.criteria, count=2)


async def match_one(context: Context, query: Query) -> Version | None:
    """The one resource that fits; None for none. Raises MultipleMatches."""
    page = await context.store.search(await access.restrict(context, query))
    if len(page.matches) > 1:
        raise MultipleMatches(f"several {query.type} fit the criteria; make them name one")
    return page.matches[0] if page.matches else None


def guard_against(query: Query) -> Guard:
    """Nothing may fit these criteria at the moment of writing."""
    return Guard(f"{query.type}?{query.criteria}", query)
