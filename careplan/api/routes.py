"""FHIR over HTTP: the same few routes for every row of the registry.

https://hl7.org/fhir/R4/http.html. They translate; what may be done, and what follows, is decided below.
"""

from starlette.routing import Route

from careplan.api import description, history, operation, resource, searching, system
from careplan.api.export import export_routes
from careplan.api.route import Endpoint, address_routes, unchecked


def fhir_routes() -> list[Route]:
    """Every route below the FHIR base, most special first."""
    by_id: dict[str, Endpoint] = {"GET": resource.read, "PUT": resource.update}
    by_id |= {"PATCH": resource.patch, "DELETE": resource.delete}
    by_criteria: dict[str, Endpoint] = {"PUT": resource.update_matching, "PATCH": resource.patch_matching}
    by_criteria |= {"DELETE": resource.delete_matching}
    forms: list[tuple[str, dict[str, Endpoint]]] = [
        ("/_search", {"POST": searching.of_system}),
        ("/{type}/_search", {"POST": searching.of_type}),
        ("/{type}/{id}/{member}/_search", {"POST": searching.of_record}),
    ]
    operations = [("/{type}/${operation}", operation.on_type), ("/{type}/{id}/${operation}", operation.on_instance)]
    table: list[tuple[str, dict[str, Endpoint]]] = [
        ("", {"GET": searching.of_system, "POST": system.bundle}),
        ("/", {"GET": searching.of_system, "POST": system.bundle}),
        ("/metadata", {"GET": system.metadata}),
        ("/openapi.json", {"GET": description.describe}),
        ("/_history", {"GET": history.of_system}),
        ("/{type}/{id}/_history/{number}", {"GET": resource.vread}),
        ("/{type}/{id}/_history", {"GET": history.of_resource}),
        ("/{type}/_history", {"GET": history.of_type}),
        ("/{type}/{id}/{member}", {"GET": searching.of_record}),
        ("/{type}/{id}", by_id),
        ("/{type}", {"GET": searching.of_type, "POST": resource.create, **by_criteria}),
    ]
    return [
        *export_routes(),
        *(route for path, endpoints in forms for route in address_routes(path, endpoints, unchecked)),
        *(route for path, on in operations for route in address_routes(path, {"GET": on, "POST": on}, refuse=on)),
        *(route for path, endpoints in table for route in address_routes(path, endpoints)),
    ]
