"""FHIR over HTTP: the same few routes for every row of the registry.

https://hl7.org/fhir/R4/http.html. They translate; what may be done, and what follows, is decided below.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careplan.api import description, history, operation, resource, searching, system
from careplan.api.door import FHIR, door_of
from careplan.api.errors import error_response
from careplan.api.export import export_routes
from careplan.api.headers import check_accept

Endpoint = Callable[[Request], Awaitable[Response]]


def fhir_routes() -> list[Route]:
    """Every route below the FHIR base, most special first."""
    by_id: dict[str, Endpoint] = {"GET": resource.read, "PUT": resource.update}
    by_id |= {"PATCH": resource.patch, "DELETE": resource.delete}
    by_criteria: dict[str, Endpoint] = {"PUT": resource.update_matching, "PATCH": resource.patch_matching}
    by_criteria |= {"DELETE": resource.delete_matching}
    table: list[tuple[str, dict[str, Endpoint]]] = [
        ("", {"GET": searching.of_system, "POST": system.bundle}),
        ("/", {"GET": searching.of_system, "POST": system.bundle}),
        ("/_search", {"POST": searching.of_system}),
        ("/metadata", {"GET": system.metadata}),
        ("/openapi.json", {"GET": description.describe}),
        ("/_history", {"GET": history.of_system}),
        ("/{type}/_search", {"POST": searching.of_type}),
        ("/{type}/{id}/{member}/_search", {"POST": searching.of_record}),
        ("/{type}/${operation}", {"GET": operation.on_type, "POST": operation.on_type}),
        ("/{type}/{id}/${operation}", {"GET": operation.on_instance, "POST": operation.on_instance}),
        ("/{type}/{id}/_history/{number}", {"GET": resource.vread}),
        ("/{type}/{id}/_history", {"GET": history.of_resource}),
        ("/{type}/_history", {"GET": history.of_type}),
        ("/{type}/{id}/{member}", {"GET": searching.of_record}),
        ("/{type}/{id}", by_id),
        ("/{type}", {"GET": searching.of_type, "POST": resource.create, **by_criteria}),
    ]
    return [*export_routes(), *(_route(path, endpoints) for path, endpoints in table)]


def _route(path: str, endpoints: dict[str, Endpoint]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            check_accept(request)
            with door_of(request).gate.entered():
                return await endpoints["GET" if request.method == "HEAD" else request.method](request)
        except Exception as error:
            return await error_response(request, error, FHIR + path)

    return Route(FHIR + path, endpoint, methods=list(endpoints))
