"""Read, vread, and the history of one resource, of a type and of everything.

https://hl7.org/fhir/R4/http.html#read · checklist B, G.
"""

import re
from dataclasses import replace
from datetime import datetime

from careplan.fhir import registry
from careplan.interactions import access
from careplan.interactions.audit.shelf import Shelf
from careplan.interactions.context import Context
from careplan.interactions.every import every_version
from careplan.store.protocol import Deleted, HistoryPage, NotFound, Past, Store, Version

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def store_of(context: Context, type_name: str) -> Store:
    """Where a type is remembered: the catalogue for what we publish, the audit log for AuditEvents, else the store.

    Only the installation itself is told which employee an AuditEvent is of.
    """
    if not registry.row(type_name).read_only:
        return context.store
    journal = context.house.journal
    if type_name != registry.LOG or journal is None:
        return context.house.catalogue
    return Shelf(context.store, journal, named=context.caller.role == "system")


async def find_version(context: Context, type_name: str, id: str) -> Version | None:
    """The current version, unchecked; None when there is none or it is a deletion."""
    version = await store_of(context, type_name).read(type_name, id)
    return None if version is None or version.deleted else version


async def read(context: Context, type_name: str, id: str) -> Version:
    """The current version. Raises NotFound, Deleted, Forbidden."""
    return await _open(context, await store_of(context, type_name).read(type_name, id), f"{type_name}/{id}")


async def vread(context: Context, type_name: str, id: str, number: str) -> Version:
    """One version. Raises NotFound, Deleted (that version is a deletion), Forbidden."""
    what = f"{type_name}/{id}/_history/{number}"
    access.check_versions(context, type_name)
    if not _NUMBER.fullmatch(number):
        raise NotFound(f"{what} does not exist")
    store = store_of(context, type_name)
    version = await store.vread(type_name, id, int(number))
    if version is None and (current := await store.read(type_name, id)) is not None:
        await access.check_read(context, current)
        raise NotFound(f"{what} does not exist")
    return await _open(context, version, what)


async def history(
    context: Context,
    type_name: str | None,
    id: str | None,
    *,
    since: datetime | None = None,
    count: int,
    after: str | None = None,
) -> HistoryPage:
    """Versions newest first, but for those that stood in a record the caller may not see.

    type_name, id  one resource; a type when id is None; when both are, everything in the store. What is published
                   with the service (the catalogue) has its history by type
    Raises NotFound when the id was never used, Forbidden when the caller may not see it as it is now, or the type, and
    of one resource when something of it was ever such as the patient has denied the caller
    """
    store = context.store if type_name is None else store_of(context, type_name)
    if type_name is not None and id is not None:
        access.check_type(context, type_name)
        current = await store.read(type_name, id)
        if current is None:
            access.check_absent(context, f"{type_name}/{id}")
            raise NotFound(f"{type_name}/{id} does not exist")
        context.trail.saw(current)
        access.check_versions(context, type_name)
        await access.check_read(context, current)
        await _check_versions(context, type_name, id, current.patient)
    page = await store.history(await _visible(context, Past(type_name, id, since, count, after)))
    for version in page.versions:
        context.trail.saw(version)
    return page


async def _check_versions(context: Context, type_name: str, id: str, patient: str | None) -> None:
    """Raises Forbidden for a resource of which any version in this record is denied."""
    if await access.hides_some(context, type_name, patient):
        theirs = Past(type_name, id, count=context.house.limits.page_maximum, patients=frozenset({patient or ""}))
        for version in await every_version(context, theirs):
            await access.check_read(context, version)


async def _visible(context: Context, past: Past) -> Past:
    """What the caller may see of it: open types, and the versions that stood in records the caller has a part in.

    Raises Forbidden when there is no type at all that the role reads.
    """
    reads = access.types_whole(context)
    if past.type is not None and past.id is None:
        access.check_whole_type(context, past.type)
    elif reads == frozenset():
        access.check_type(context, past.type or "a history of everything")
    scope = await access.scope_of(context)
    if past.type is not None:
        reads = None
    if scope.everyone:
        return replace(past, types=frozenset(registry.TYPES) if past.type is None and reads is None else reads)
    listed_with, within = scope.listed_with, context.caller.within
    past = await access.unblocked_past(context, replace(past, types=reads, open=access.OPEN), scope.patients)
    if within is not None:
        await access.check_patient(context, within)
        return replace(past, patients=frozenset({within}))
    if listed_with is None:
        return replace(past, patients=scope.patients)
    return replace(past, listed_with=listed_with, besides=scope.patients)


async def _open(context: Context, version: Version | None, what: str) -> Version:
    if version is None:
        access.check_type(context, what.partition("/")[0])
        access.check_absent(context, "/".join(what.split("/")[:2]))
        raise NotFound(f"{what} does not exist")
    context.trail.saw(version)
    await access.check_read(context, version)
    if version.deleted:
        raise Deleted(f"{what} was deleted")
    return version
