"""Everything that ever stood in one person's record, version by version, and the record as it stood on a day.

What a day looked like is what the store held then: a value that was taken before and written down later is not in it.
Not here: what the versions tell (`timeline`). https://hl7.org/fhir/R4/http.html#history
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from careplan.fhir.instant import COPENHAGEN, day_of
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.every import every, every_version
from careplan.interactions.person import PLAN_TYPES, Held, Person, person_from_held
from careplan.store.protocol import Deleted, NotFound, Past, Version

KEPT = frozenset({"Patient", "Provenance", "Communication", *PLAN_TYPES})
"""The types a history tells of."""


@dataclass(frozen=True, slots=True)
class Chronicle:
    """All versions in one person's compartment, oldest first."""

    id: str
    versions: tuple[Version, ...]

    @property
    def begins(self) -> date:
        """The first day the store knows of this person."""
        return day_of(self.versions[0].at)

    def by_resource(self) -> Mapping[str, Sequence[Version]]:
        """The versions of each resource, oldest first, by reference."""
        found: dict[str, list[Version]] = {}
        for version in self.versions:
            found.setdefault(version.reference, []).append(version)
        return found

    def standing(self, on: date) -> Mapping[str, Version]:
        """What stood at the end of a day, by reference."""
        end = end_of(on)
        last = {one.reference: one for one in self.versions if one.at < end}
        return {reference: version for reference, version in last.items() if not version.deleted}


def end_of(on: date) -> datetime:
    """The first moment after a day in Copenhagen."""
    return datetime.combine(on + timedelta(days=1), time(), COPENHAGEN).astimezone(UTC)


async def read_chronicle(context: Context, patient: str) -> Chronicle:
    """Raises NotFound, Deleted, Forbidden; a role that sees a slice sees no history."""
    current = await context.store.read("Patient", patient)
    context.trail.met([patient] if current is not None else [])
    access.check_whole_record(context)
    access.check_scopes(context, sorted(KEPT))
    if current is None:
        access.check_absent(context, f"Patient/{patient}")
        raise NotFound(f"Patient/{patient} does not exist")
    await access.check_patient(context, patient)
    if current.deleted:
        raise Deleted(f"Patient/{patient} was deleted")
    count = context.house.limits.page_maximum
    past = Past(count=count, types=KEPT, patients=frozenset({patient}))
    kept = await every_version(context, await access.unblocked_past(context, past))
    versions = [*reversed(kept), *await _moved_away(context, patient, kept)]
    return Chronicle(patient, tuple(sorted(versions, key=lambda one: (one.at, one.position))))


async def _moved_away(context: Context, patient: str, kept: Sequence[Version]) -> list[Version]:
    """For what was corrected to be another person's: from when on it is no longer here, told as a deletion."""
    last = {one.reference: one for one in reversed(kept)}
    here = {one.reference for name in KEPT for one in await every(context, Query(name, patient=patient))}
    gone = [one for one in last.values() if not one.deleted and one.reference not in here]
    later = [await context.store.vread(one.type, one.id, one.number + 1) for one in gone]
    return [replace(one, body=None, method="DELETE") for one in later if one is not None]


def person_on(context: Context, chronicle: Chronicle, on: date) -> Person | None:
    """The person as the record stood at the end of a day; None before there was one."""
    standing = chronicle.standing(on)
    patient = standing.get(f"Patient/{chronicle.id}")
    if patient is None:
        return None
    resources: dict[str, list[Json]] = {name: [] for name in PLAN_TYPES}
    for version in standing.values():
        if version.type in resources:
            resources[version.type].append(parse(version.body or b""))
    return person_from_held(context, Held(chronicle.id, parse(patient.body or b""), resources, standing), on)
