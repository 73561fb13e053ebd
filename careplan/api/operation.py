"""Operations over HTTP: `$name` on a type or on one resource, with parameters in the URL or in Parameters.

`If-Match` holds for those that change the resource they are called on.
https://hl7.org/fhir/R4/operations.html · checklist M. Not here: what an operation does.
"""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from careplan.api.door import door_of
from careplan.api.headers import asked_pairs, find_body, header, names_of, prefer_of
from careplan.api.render import json_response
from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.conditional import tags_from_header
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.search import ParameterUnsupported
from careplan.fhir.text import Json
from careplan.interactions.access import Forbidden
from careplan.interactions.context import Context
from careplan.interactions.named import note_named, targets_of_values
from careplan.interactions.operations import OPERATIONS, Operation
from careplan.interactions.operations.asked import Asked, ParameterFaulty, asked_from_parameters
from careplan.interactions.precondition import NotAllowed, expected_version


class OperationUnknown(CareplanError):
    """No operation of this name is offered on this type."""

    code = "operation-unknown"


async def on_type(request: Request) -> Response:
    return await _operate(request, "type")


async def on_instance(request: Request) -> Response:
    return await _operate(request, "instance")


async def _operate(request: Request, level: str) -> Response:
    context = door_of(request).context(request)
    type_name, name = request.path_params["type"], request.path_params["operation"]
    row = registry.row(type_name)
    operation = OPERATIONS.get((type_name, level, name)) if name in row.operations.get(level, ()) else None
    if operation is None:
        raise OperationUnknown(f"${name[:64]} is not an operation on {type_name} ({level} level)")
    method = "GET" if request.method == "HEAD" else request.method
    if method not in operation.methods:
        raise _not_allowed(name, operation)
    context.trail.act = f"${name}"
    body = None
    if method == "POST":
        body = await find_parameters(context, request, bare=operation.bare, sound=operation.sound)
    id = names_of(request)[1] if level == "instance" else None
    arguments, strict = asked_pairs(request), prefer_of(request).strict
    asked = asked_from_parameters(id, body, arguments, base=context.base, strict=strict)
    _check_known(name, operation, asked)
    if_match = header(request, "if-match")
    expects = expected_version(tags_from_header(if_match)) if if_match else None
    try:
        return json_response(await operation.run(context, replace(asked, expects=expects)))
    except Forbidden:
        await note_named(context, targets_of_values(asked.values, context.base))
        raise


def _not_allowed(name: str, operation: Operation) -> NotAllowed:
    if "GET" in operation.methods:
        return NotAllowed(f"${name} is called by GET or POST", (*operation.methods, "HEAD"))
    return NotAllowed(f"${name} changes the record and is called by POST", operation.methods)


def _check_known(name: str, operation: Operation, asked: Asked) -> None:
    """Parameters that nobody knows are passed over; raises ParameterUnsupported for them when strict."""
    unknown = sorted(set(asked.values) - operation.takes) if operation.takes is not None else []
    if unknown and asked.strict:
        raise ParameterUnsupported(f"${name} has no parameter {', '.join(unknown)[:200]}")


async def find_parameters(context: Context, request: Request, *, bare: str = "", sound: bool = True) -> Json | None:
    """The Parameters sent, None when there are none. Raises ParameterFaulty, ResourceInvalid with every fault.

    bare   the parameter that a body which is no Parameters stands for; empty: there is none
    sound  whether a resource among the parameters must be valid
    """
    body = await find_body(request)
    if body is None:
        return None
    value = body.value
    if value.get("resourceType") != "Parameters":
        if not bare:
            raise ParameterFaulty("the body of an operation is a Parameters resource")
        value = {"resourceType": "Parameters", "parameter": [{"name": bare, "resource": value}]}
    checked = value if sound else _without_resources(value)
    faults = tuple(fault for fault in context.house.validate(checked) if fault.severity == "error")
    if faults:
        raise ResourceInvalid(f"{len(faults)} fault(s) in the Parameters", faults)
    return value


def _without_resources(parameters: Json) -> Json:
    """Parameters without the resources in them, which need not be valid."""
    listed = parameters.get("parameter")
    if not isinstance(listed, list):
        return parameters
    kept = [one for one in listed if not (isinstance(one, dict) and "resource" in one)]
    rest = {name: part for name, part in parameters.items() if name != "parameter"}
    return rest | ({"parameter": kept} if kept else {})
