"""`[type]/$validate` and `[type]/[id]/$validate`: every fault of a resource, and whether a write of it would pass.

The answer is an OperationOutcome, whatever it says; a body that is no JSON, or a resource of another type, is refused
as a write refuses it. Nothing is stored. Not here: the checks themselves (`fhir.models`, `fhir.profile`, `access`,
`singular`).
https://hl7.org/fhir/R4/resource-operation-validate.html · checklist R4-109
"""

from collections.abc import Awaitable, Callable, Sequence

from careplan.domain.errors import CareplanError, Fault
from careplan.fhir.outcome import outcome
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.change import Change
from careplan.interactions.commit import check
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.precondition import ResourceTypeMismatch, check_change, check_current, check_writable
from careplan.interactions.read import read
from careplan.interactions.singular import keep_singular

TAKES = frozenset({"resource", "mode", "profile"})
MODES = ("create", "update", "delete", "profile")


def validate(type_name: str) -> Callable[[Context, Asked], Awaitable[bytes]]:
    """The operation on a type: with an id it looks at what is stored under it, unless a resource is given."""

    async def run(context: Context, asked: Asked) -> bytes:
        return dump(outcome(await _faults(context, type_name, asked)))

    return run


async def _faults(context: Context, type_name: str, asked: Asked) -> Sequence[Fault]:
    """Raises ParameterFaulty, ResourceTypeMismatch; NotFound, Deleted, Forbidden for what is stored."""
    mode, profiles = asked.text("mode"), _profiles(asked)
    if mode and mode not in MODES:
        raise ParameterFaulty(f"parameter mode is one of {', '.join(MODES)}")
    if mode == "profile" and not profiles:
        raise ParameterFaulty("parameter profile is missing: mode=profile asks for one")
    if mode == "delete":
        return await _faults_of_delete(context, type_name, asked)
    value = await _resource(context, type_name, asked)
    found = list(context.house.validate(value, profiles))
    if mode in ("create", "update") and not any(fault.severity == "error" for fault in found):
        found += await _faults_of_write(context, type_name, value, _id(asked, value) if mode == "update" else None)
    return found


def _id(asked: Asked, value: Json) -> str:
    """Of an update: that of the address, else that of the body."""
    if asked.id is None and not isinstance(value.get("id"), str):
        raise ParameterFaulty("mode=update is asked of a resource with an id: call $validate by it, or send it")
    return asked.id or str(value["id"])


def _profiles(asked: Asked) -> tuple[str, ...]:
    found = asked.all("profile")
    if not all(isinstance(one, str) for one in found):
        raise ParameterFaulty("parameter profile is the canonical URL of a profile")
    return tuple(dict.fromkeys(one for one in found if one))


async def _resource(context: Context, type_name: str, asked: Asked) -> Json:
    """What is given, else what is stored."""
    value = asked.find("resource")
    if value is None and asked.id is None:
        raise ParameterFaulty("parameter resource is missing: send the resource to be looked at, or call by its id")
    if value is None:
        return parse((await read(context, type_name, asked.id or "")).body or b"")
    if not isinstance(value, dict) or value.get("resourceType") != type_name:
        raise ResourceTypeMismatch(f"the resource is not a {type_name}; its resourceType must be {type_name}")
    return value


# ── whether it may be done ───────────────────────────────────────────────────────────────────────


async def _faults_of_write(context: Context, type_name: str, value: Json, id: str | None) -> list[Fault]:
    """Why a create (no id), or an update under the id, of a valid resource would be refused now."""

    async def attempt() -> None:
        check_writable(type_name)
        previous = None if id is None else await context.store.read(type_name, id)
        await check_current(context, previous)
        change = Change(type_name, id or context.new_id(), read_text(dump(value)), previous, base=context.base)
        check(context, [change])
        await check_change(context, change)
        await keep_singular(context, [change])

    found = await _refusal(attempt())
    if id is not None and value.get("id") != id:
        found.append(Fault(f"{type_name}.id", "id-mismatch", f"the body's id must be {id}, as in the address"))
    return found


async def _faults_of_delete(context: Context, type_name: str, asked: Asked) -> list[Fault]:
    """Why a delete of the stored resource would be refused; what still refers to it does not stand in the way."""
    if asked.id is None:
        raise ParameterFaulty("mode=delete is asked of one resource: call $validate by its id")
    version = await read(context, type_name, asked.id)

    async def attempt() -> None:
        check_writable(type_name)
        await check_current(context, version)
        await check_change(context, Change(type_name, version.id, None, version, method="DELETE"))

    return await _refusal(attempt())


async def _refusal(attempt: Awaitable[None]) -> list[Fault]:
    try:
        await attempt
    except CareplanError as error:
        return list(error.faults) or [Fault("", error.code, error.message)]
    return []
