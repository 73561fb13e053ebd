"""Calling a patient in to the årskontrol; who has been called in already is not called in twice.

The shape of the Task is `careplan.fhir.invitation`'s.
"""

from datetime import timedelta

from careplan.domain.errors import StatusInvalid
from careplan.fhir import systems
from careplan.fhir.invitation import INVITATION, Invitation, invited_on, task_from_invitation
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.text import parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.person import read_person
from careplan.store.protocol import Guard, GuardFailed, VersionConflict, guard_of

WITHIN = timedelta(days=28)
"""How long a patient has to book a time."""


async def invite(context: Context, patient: str) -> bool:
    """Call a patient in; False where that is done already.

    Raises StatusInvalid without an active plan, NotFound, Forbidden
    """
    access.check_whole_record(context)

    async def work() -> bool:
        person = await read_person(context, patient, ("CarePlan",))
        if not person.active_plans:
            raise StatusInvalid(f"Patient/{patient} has no active plan to be called in for")
        called, guard = await _called(context, patient)
        if called:
            return False
        plans = [f"CarePlan/{plan['id']}" for plan in person.active_plans.values()]
        invitation = Invitation(patient, plans, context.caller.reference, context.on + WITHIN)
        change = change_from_value(task_from_invitation(invitation, context.now), context.new_id())
        await access.check_write(context, change.type, change.value, patient, act="c")
        await commit(context, [change], [guard], Activity("call-in"))
        return True

    return await again(work, GuardFailed, VersionConflict)


async def _called(context: Context, patient: str) -> tuple[bool, Guard]:
    """Whether an invitation is open, and a guard that no other has come since."""
    query = Query("Task", (Criterion("code", "token", (TokenIs(systems.ACTIVITY, INVITATION),)),), patient=patient)
    versions = await every(context, query)
    open_since = invited_on([parse(version.body or b"") for version in versions])
    return open_since is not None, guard_of(f"Patient/{patient}/Task", query, versions)
