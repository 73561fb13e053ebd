"""A plan is closed: what only it needed ends in the same commit, what another plan needs stays as it is.

Its Goals are completed, its open Tasks and orders cancelled, unless a plan that goes on refers to them. Never ended
here: what matters to the patient (a Goal without measure is nobody else's to end), referrals and their cases, and
whatever the same commit writes itself. Design §2; https://hl7.org/fhir/R4/careplan.html.
"""

from collections.abc import Iterable, Mapping, Sequence

from careplan.fhir.agreed import cancelled, is_of_plan, is_open, is_order
from careplan.fhir.goal import is_active, is_personal
from careplan.fhir.query import Query
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.context import Context
from careplan.interactions.drawn import Drawn
from careplan.interactions.every import every
from careplan.store.protocol import Guard, Version, guard_of

GOES_ON = frozenset({"active", "on-hold"})
"""A plan in one of these states needs what it refers to; one on hold comes back."""

WHY = "Planen er afsluttet, og ingen anden plan bruger den."
_TYPES = ("Goal", "Task", "ServiceRequest")


async def close(context: Context, changes: Sequence[Change]) -> Drawn:
    """What ends with the plans that `changes` close, and guards that nothing was overlooked."""
    by_patient: dict[str, list[Change]] = {}
    for change in changes:
        patient = change.previous.patient if change.previous is not None else None
        if patient is not None and _closes(change):
            by_patient.setdefault(patient, []).append(change)
    drawn = Drawn()
    for patient, closing in by_patient.items():
        drawn += await _close(context, patient, closing, changes)
    return drawn


def _closes(change: Change) -> bool:
    """Whether a plan that went on does so no longer: in whatever state it is now, or deleted."""
    if change.type != "CarePlan" or change.previous is None or change.previous.body is None:
        return False
    before = parse(change.previous.body).get("status")
    return before in GOES_ON and (change.value is None or change.value.get("status") not in GOES_ON)


async def _close(context: Context, patient: str, closing: Sequence[Change], changes: Sequence[Change]) -> Drawn:
    plans = await every(context, Query("CarePlan", patient=patient))
    standing = _standing(plans, patient, changes)
    theirs = [change.reference for change in closing]
    before = [parse(change.previous.body) for change in closing if change.previous and change.previous.body]
    candidates = {one for plan in before for one in _needed(context, plan)}
    kept = {one for plan in standing.values() for one in _needed(context, plan)}
    written = {change.reference for change in changes}
    guards, ended = [_guard("CarePlan", patient, plans)], list[Change]()
    for type_name in _TYPES:
        versions = await every(context, Query(type_name, patient=patient))
        guards.append(_guard(type_name, patient, versions))
        for version in versions:
            value = parse(version.body or b"")
            based = _based_on(context, value)
            theirs_only = (version.reference in candidates or based & set(theirs)) and not based & set(standing)
            if version.reference not in kept | written and theirs_only and _ends(value):
                ended.append(change_from_value(_ended(context, value), version.id, version))
    return Drawn(tuple(ended), tuple(guards))


def _standing(plans: Iterable[Version], patient: str, changes: Sequence[Change]) -> Mapping[str, Json]:
    """The patient's plans that go on once the changes are made, by reference."""
    found = {version.reference: parse(version.body or b"") for version in plans}
    for change in changes:
        if change.type == "CarePlan":
            found.pop(change.reference, None)
            if change.value is not None and change.patient == patient:
                found[change.reference] = change.value
    return {reference: plan for reference, plan in found.items() if plan.get("status") in GOES_ON}


def _needed(context: Context, plan: Json) -> set[str]:
    """Goals, Tasks and orders a plan refers to, as `Goal/17`."""
    references = [*plan.get("goal", ()), *(one.get("reference", {}) for one in plan.get("activity", ()))]
    return _named(context, references)


def _based_on(context: Context, agreed: Json) -> set[str]:
    return _named(context, agreed.get("basedOn", ()))


def _named(context: Context, references: Iterable[Json]) -> set[str]:
    targets = (find_target(str(one.get("reference", "")), context.base) for one in references)
    return {f"{target.type}/{target.id}" for target in targets if target is not None}


def _ends(value: Json) -> bool:
    """Whether it is something that can end with a plan, and has not ended yet."""
    match value["resourceType"]:
        case "Goal":
            return is_active(value) and not is_personal(value)
        case "ServiceRequest":
            return is_order(value) and is_open(value)
        case _:
            return is_of_plan(value) and is_open(value)


def _ended(context: Context, value: Json) -> Json:
    if value["resourceType"] == "Goal":
        return {**value, "lifecycleStatus": "completed", "statusDate": context.on.isoformat()}
    return cancelled(value, context.now, WHY)


def _guard(type_name: str, patient: str, seen: Iterable[Version]) -> Guard:
    """None may have come or changed since: another plan that needs it, another closing."""
    return guard_of(f"Patient/{patient}/{type_name}", Query(type_name, patient=patient), seen)
