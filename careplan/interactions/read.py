"""Read, vread and history of one resource.

https://hl7.org/fhir/R4/http.html#read · checklist B, G.
"""

from datetime import datetime

from careplan.fhir import registry
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.store.protocol import Deleted, HistoryPage, NotFound, Store, Version


def store_of(context: Context, type_name: str) -> Store:
    """Where a type is remembered: the catalogue for what we publish, the store for everything else."""
    return context.house.catalogue if registry.row(type_name).read_only else context.store


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
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise NotFound(f"{what} does not exist")
    return await _open(context, await store_of(context, type_name).vread(type_name, id, int(number)), what)


async def history(
    context: Context, type_name: str, id: str, *, since: datetime | None = None, count: int, after: str | None = None
) -> HistoryPage:
    """Versions of one resource, newest first. Raises NotFound when the id was never used."""
    store = store_of(context, type_name)
    current = await store.read(type_name, id)
    if current is None:
        raise NotFound(f"{type_name}/{id} does not exist")
    await access.check_read(context, current)
    return await store.history(type_name, id, since=since, count=count, after=after)


async def read_value(context: Context, type_name: str, id: str) -> Json:
    """The current version, parsed."""
    version = await read(context, type_name, id)
    assert version.body is not None
    return parse(version.body)


async def _open(context: Context, version: Version | None, what: str) -> Version:
    if version is None:
        access.check_type(context, what.partition("/")[0])
        raise NotFound(f"{what} does not exist")
    await access.check_read(context, version)
    if version.deleted:
        raise Deleted(f"{what} was deleted")
    return version
