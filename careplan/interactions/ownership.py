"""Who is responsible for a patient's plan: one tovholder, given and passed on; the last one cannot leave unreplaced.

One commit a patient, as with calling in. What stands in the CareTeam is `careplan.fhir.coordinator`'s.
"""

from collections.abc import Sequence

from careplan.domain.errors import CareplanError
from careplan.fhir.coordinator import find_coordinator, team_of, with_coordinator
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.staff import staff_of
from careplan.interactions.sweep import Swept, each
from careplan.store.protocol import GuardFailed, Version, VersionConflict, guard_of


class ColleagueUnknown(CareplanError):
    """Somebody is to be responsible who does not work at the caller's clinic."""

    code = "colleague-unknown"


async def colleagues(context: Context) -> tuple[Json, ...]:
    """The active roles of people at the caller's organisation, by id."""
    organization = context.caller.organization
    return () if organization is None else await staff_of(context, organization)


async def assign_all(context: Context, patients: Sequence[str], reference: str) -> Swept:
    """Make somebody tovholder of each of these. Raises ColleagueUnknown before anything is written."""
    if reference not in {f"PractitionerRole/{one['id']}" for one in await colleagues(context)}:
        raise ColleagueUnknown("the tovholder is one of the clinic's own people")
    return await each(patients, lambda patient: _assign(context, patient, reference))


async def _assign(context: Context, patient: str, reference: str) -> bool:
    """False where that one is tovholder already."""

    async def work() -> bool:
        await access.check_patient(context, patient)
        context.trail.met([patient])
        query = Query("CareTeam", patient=patient)
        versions = await every(context, await access.unblocked(context, query))
        teams = [parse(version.body or b"") for version in versions]
        if find_coordinator(teams) == reference:
            return False
        change = _change(context, patient, reference, [*zip(versions, teams, strict=True)])
        await access.check_write(context, change.type, change.value, patient, act=change.act)
        await commit(context, [change], [guard_of(f"Patient/{patient}/CareTeam", query, versions)], Activity("assign"))
        return True

    return await again(work, GuardFailed, VersionConflict)


def _change(context: Context, patient: str, reference: str, held: Sequence[tuple[Version, Json]]) -> Change:
    """The team that is active with another tovholder, or a first team."""
    found = next(((version, team) for version, team in held if team.get("status", "active") == "active"), None)
    if found is None:
        return change_from_value(team_of(patient, context.caller.organization, reference), context.new_id())
    version, team = found
    return change_from_value(with_coordinator(team, reference), version.id, version)
