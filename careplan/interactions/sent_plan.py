"""A CarePlan, Goal or Task as somebody sends it: it stays whose it is, and a plan that ended stays ended.

What ends with a plan (`closing`) does not come back with it, so a plan that is opened again would have no goals. One
that is to go on is put on hold; one that ended is followed by a new one. Systems are let through: they load history.
"""

from collections.abc import Iterator, Sequence

from careplan.domain.errors import CareplanError, Fault
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change
from careplan.interactions.closing import GOES_ON
from careplan.interactions.context import Context
from careplan.interactions.every import every_version
from careplan.interactions.refusal import refuse
from careplan.store.protocol import Past, Version

OWNED = {"CarePlan": "subject", "Goal": "subject", "Task": "for"}
"""The types that stay whose they are, and the member that says whose."""

ENDED = frozenset({"completed", "revoked", "entered-in-error"})


class PlanEnded(CareplanError):
    """A plan that ended is not opened again."""

    code = "plan-ended"


async def check_sent_plan(context: Context, change: Change) -> None:
    """Raises ResourceInvalid, PlanEnded. What is not valid passes: the commit refuses it with all its faults."""
    if change.type not in OWNED or change.value is None or context.caller.role == "system":
        return
    if _moves(change) and not _is_faulty(context, change.value):
        member = OWNED[change.type]
        message = f"{change.reference} stays whose it is: end it, and make another for the other patient"
        refuse(change, [Fault(f"{change.type}.{member}", "patient-altered", message)])
    if change.type == "CarePlan":
        await _check_open(context, change)


def _moves(change: Change) -> bool:
    return change.previous is not None and change.previous.patient not in (None, change.patient)


def _is_faulty(context: Context, value: Json) -> bool:
    return any(fault.severity == "error" for fault in context.house.validate(value))


async def _check_open(context: Context, change: Change) -> None:
    previous, value = change.previous, change.value or {}
    if previous is None or value.get("status") not in GOES_ON:
        return
    stood = _status(previous)
    if stood in GOES_ON or (stood not in ENDED and not await _went_on(context, previous)):
        return
    raise PlanEnded(
        f"CarePlan/{change.id} has ended, and its goals with it; make a new plan, by CarePlan/$establish, and put a "
        "plan on hold that is to go on later"
    )


async def _went_on(context: Context, plan: Version) -> bool:
    """Whether it did at some time: a draft that never did may be begun."""
    versions = await every_version(context, Past(plan.type, plan.id))
    return any(_status(version) in GOES_ON for version in versions)


def _status(version: Version) -> object:
    return None if version.body is None else parse(version.body).get("status")


# ── what a plan names ────────────────────────────────────────────────────────────────────────────


async def check_members(context: Context, changes: Sequence[Change]) -> None:
    """Every goal and activity that a CarePlan newly names is the same patient's. Raises ResourceInvalid."""
    if context.caller.role == "system":
        return
    coming = {change.reference: change.patient for change in changes if change.value is not None}
    for change in changes:
        if change.type == "CarePlan" and change.value is not None:
            stood = parse(change.previous.body) if change.previous and change.previous.body else {}
            known = {reference for _, reference in _members(context, stood)}
            fresh = [one for one in _members(context, change.value) if one[1] not in known]
            others = [place for place, one in fresh if await _is_other(context, one, change.patient, coming)]
            refuse(change, [_other(place) for place in others])


def _members(context: Context, plan: Json) -> Iterator[tuple[str, str]]:
    """Where each goal and activity of a plan stands, and its reference, `Goal/17`."""
    named = [(f"goal[{index}]", one) for index, one in enumerate(plan.get("goal", ()))]
    named += [(f"activity[{n}].reference", one.get("reference", {})) for n, one in enumerate(plan.get("activity", ()))]
    for place, one in named:
        target = find_target(str(one.get("reference", "")), context.base)
        if target is not None and target.type:
            yield f"CarePlan.{place}", f"{target.type}/{target.id}"


async def _is_other(context: Context, reference: str, patient: str | None, coming: dict[str, str | None]) -> bool:
    if reference in coming:
        return coming[reference] != patient
    type_name, _, id = reference.partition("/")
    version = await context.store.read(type_name, id)
    return version is not None and not version.deleted and version.patient not in (None, patient)


def _other(place: str) -> Fault:
    return Fault(place, "patient-other", "a plan names goals and activities of its own patient")
