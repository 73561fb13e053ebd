"""What a request over HTTP is called in the audit log, and how it gets there before the answer leaves.

The words are those of https://hl7.org/fhir/R4/valueset-type-restful-interaction.html; an operation is called by its
own name. R4-121
"""

from collections.abc import Iterable, Mapping

from starlette.requests import Request

from careplan.fhir.reference import Target
from careplan.interactions.context import Context
from careplan.interactions.named import note_named
from careplan.interactions.settlement import outcome_of_status, settle

ACT, ASKED = "careplan.act", "careplan.context"
"""Where the ASGI scope of a request holds what it is called, and its Context once there is one."""

_ACTS: Mapping[tuple[str, str], str] = {
    ("/{type}/{id}", "GET"): "read",
    ("/{type}/{id}", "PUT"): "update",
    ("/{type}/{id}", "PATCH"): "patch",
    ("/{type}/{id}", "DELETE"): "delete",
    ("/{type}/{id}/_history/{number}", "GET"): "vread",
    ("/{type}/{id}/_history", "GET"): "history-instance",
    ("/{type}/_history", "GET"): "history-type",
    ("/_history", "GET"): "history-system",
    ("/{type}", "POST"): "create",
    ("/{type}", "PUT"): "update",
    ("/{type}", "PATCH"): "patch",
    ("/{type}", "DELETE"): "delete",
    ("", "POST"): "transaction",
    ("/", "POST"): "transaction",
    ("", "GET"): "search-system",
    ("/", "GET"): "search-system",
    ("/_search", "POST"): "search-system",
}


def act_of(path: str, method: str) -> str:
    """The interaction at a path below the FHIR base; HEAD is GET."""
    found = _ACTS.get((path, "GET" if method == "HEAD" else method))
    return found or ("export" if "$export" in path else "operation" if "$" in path else "search-type")


async def note_refused(request: Request, named: Iterable[Target]) -> None:
    """Note whom a refused request named, which may have been refused before their record was met."""
    context: Context | None = request.scope.get(ASKED)
    if context is not None:
        await note_named(context, named)


def logged(request: Request, status: int) -> None:
    """Log what the request has touched, as it ended. Raises StoreUnavailable."""
    context: Context | None = request.scope.get(ASKED)
    if context is not None:
        settle(context, outcome_of_status(status))
