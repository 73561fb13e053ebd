"""FHIR over HTTP: the same few routes for every row of the registry.

https://hl7.org/fhir/R4/http.html. They translate; what may be done, and what follows, is decided below.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careplan.api import operation, resource, searching, system
from careplan.api.door import FHIR
from careplan.api.errors import error_response
from careplan.api.headers import check_accept

Endpoint = Callable[[Request], Awaitable[Response]]


def fhir_routes() -> list[Route]:
    """Every route below the FHIR base, most special first."""
    table: list[tuple[str, dict[str, Endpoint]]] = [
        ("", {"POST": system.bundle}),
        ("/", {"POST": system.bundle}),
        ("/metadata", {"GET": system.metadata}),
        ("/{type}/_search", {"POST": searching.search_by_form}),
        ("/{type}/${operation}", {"GET": operation.on_type, "POST": operation.on_type}),
        ("/{type}/{id}/${operation}", {"GET": operation.on_instance, "POST": operation.on_instance}),
        ("/{type}/{id}/_history/{number}", {"GET": resource.vread}),
        ("/{type}/{id}/_history", {"GET": resource.history}),
        ("/{type}/{id}", {"GET": resource.read, "PUT": resource.update, "DELETE": resource.delete}),
        ("/{type}", {"GET": searching.search_by_query, "POST": resource.create}),
    ]
    return [_route(path, endpoints) for path, endpoints in table]


def _route(path: str, endpoints: dict[str, Endpoint]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            check_accept(request)
            return await endpoints["GET" if request.method == "HEAD" else request.method](request)
        except Exception as error:
            return await error_response(request, error, FHIR + path)

    return Route(FHIR + path, endpoint, methods=list(endpoints))
