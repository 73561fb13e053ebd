"""One address of the FHIR door: what every route does around what it is for.

Not here: which addresses there are (`routes`, `export`). https://hl7.org/fhir/R4/http.html
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careplan.api.act import ACT, act_of, logged, note_refused
from careplan.api.door import FHIR, door_of
from careplan.api.errors import error_response
from careplan.api.headers import check_accept
from careplan.fhir import registry
from careplan.fhir.reference import Target
from careplan.interactions.access import Forbidden
from careplan.interactions.precondition import NotAllowed, check_writable


class Refusing(Route):
    """A route behind another that refuses all it is asked; no description names it, and it offers nothing."""


Endpoint = Callable[[Request], Awaitable[Response]]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def address_routes(
    path: str,
    endpoints: Mapping[str, Endpoint],
    check: Callable[[Request], None] = check_accept,
    refuse: Endpoint | None = None,
) -> Iterator[Route]:
    """The route of a path as in `fhir_route`, and one behind it that refuses every other method.

    Without that a more general path would take them: `PUT /metadata` for an update of the type `metadata`.

    refuse  refuses where it is not the path that says what is offered
    """
    route = fhir_route(path, endpoints, check)
    yield route
    offered = route.methods or set()
    others = sorted(METHODS - offered)
    if others:
        endpoint = refuse or _refusal(offered)
        yield fhir_route(path, dict.fromkeys(others, endpoint), unchecked, Refusing)


def fhir_route(
    path: str,
    endpoints: Mapping[str, Endpoint],
    check: Callable[[Request], None] = check_accept,
    kind: type[Route] = Route,
) -> Route:
    """The route of a path below the FHIR base, by method; HEAD is GET. Whatever goes wrong becomes an outcome.

    check  raises NotAcceptable unless the caller takes what is written there
    """

    acts = {method: act_of(path, method) for method in METHODS}

    async def endpoint(request: Request) -> Response:
        request.scope[ACT] = acts.get(request.method, "")
        try:
            check(request)
            with door_of(request).gate.work(request.scope):
                response = await (endpoints.get(request.method) or endpoints["GET"])(request)
                logged(request, response.status_code)
        except Exception as error:
            response = await _refused(request, error, FHIR + path, route.methods or ())
        return response

    route = kind(FHIR + path, endpoint, methods=list(endpoints), include_in_schema=kind is Route)
    return route


async def _refused(request: Request, error: Exception, pattern: str, offered: Collection[str]) -> Response:
    """The outcome of an error, logged as an access that was refused, to whomever it named; or why it could not be."""
    response = await error_response(request, error, pattern, offered)
    try:
        if isinstance(error, Forbidden):
            await note_refused(request, _named(request))
        logged(request, response.status_code)
    except Exception as unlogged:
        return await error_response(request, unlogged, pattern, offered)
    return response


def _named(request: Request) -> list[Target]:
    """What the address names."""
    given = request.path_params
    return [Target(given["type"], given["id"])] if "type" in given and "id" in given else []


def _refusal(offered: Collection[str]) -> Endpoint:
    """Refuses a method; before that a type that is not there, and writing one that is only read."""

    async def refuse(request: Request) -> Response:
        type_name = request.path_params.get("type")
        if type_name is not None and registry.row(type_name).read_only and "GET" in offered:
            check_writable(type_name)
        raise NotAllowed(f"{request.method} is not offered here", offered)

    return refuse


def unchecked(request: Request) -> None:
    """Instead of `check_accept`: where a body says what is taken, and where nothing is given."""
