"""Read, vread and history of one resource.

https://hl7.org/fhir/R4/http.html#read · checklist B, G.
"""

from datetime import datetime

from careplan.fhir import registry
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
    """Versions of one resource, newest first, but for those that stood in a record the caller may not see.

    Raises NotFound when the id was never used, Forbidden when the caller may not see it as it is now.
    """
    store = store_of(context, type_name)
    current = await store.read(type_name, id)
    if current is None:
        raise NotFound(f"{type_name}/{id} does not exist")
    await access.check_read(context, current)
    patients = await _visible_patients(context, store, current)
    return await store.history(type_name, id, since=since, count=count, after=after, patients=patients)


async def _visible_patients(context: Context, store: Store, current: Version) -> frozenset[str] | None:
    """Whose versions of a resource the caller may see; None: everyone's."""
    if current.type in access.OPEN:
        return None
    scope = await access.scope_of(context)
    if scope.everyone:
        return None
    if scope.listed_with is None:
        return scope.patients
    there = await _patients_over_time(context, store, current)
    return frozenset([patient for patient in there if await _may_see(context, patient)])


async def _patients_over_time(context: Context, store: Store, current: Version) -> set[str]:
    """Every patient in whose compartment the resource has been: one, but where it was corrected."""
    found: set[str | None] = {current.patient}
    after = None
    while current.number > 1:
        page = await store.history(current.type, current.id, count=context.house.limits.page_maximum, after=after)
        found |= {version.patient for version in page.versions}
        after = page.next
        if after is None:
            break
    return {patient for patient in found if patient is not None}


async def _may_see(context: Context, patient: str) -> bool:
    try:
        await access.check_patient(context, patient)
    except access.Forbidden:
        return False
    return True


async def _open(context: Context, version: Version | None, what: str) -> Version:
    if version is None:
        access.check_type(context, what.partition("/")[0])
        raise NotFound(f"{what} does not exist")
    await access.check_read(context, version)
    if version.deleted:
        raise Deleted(f"{what} was deleted")
    return version
