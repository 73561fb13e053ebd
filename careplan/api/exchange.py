"""What may be said of each route of the FHIR door: the interaction, what is sent, asked and answered.

One table, in the order of https://hl7.org/fhir/R4/http.html. Read by the description; the routes say what is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One method on one route.

    code     of type-restful-interaction: only types that have it are described; None: every type
    sends    `resource`, `bundle`, `parameters`, `patch`, `form`; "" for no body
    query    parameters of the address; `search`: those of the type; `*`: any
    answers  `resource` of the type, a resource type by name, `any`, `file`, `description`, or "" for no body
    """

    summary: str
    code: str | None = None
    sends: str = ""
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    answers: str = "any"
    success: tuple[int, ...] = (200,)
    kinds: tuple[str, ...] = ()


_SEARCH = ("search", "_has", "_include", "_revinclude", "_sort", "_count", "_total", "_summary", "_elements")
_EVERYWHERE = ("_id", "_lastUpdated", "_tag", "_profile")
_SYSTEM_SEARCH = ("_type", *_EVERYWHERE, "_include", "_revinclude", "_sort", "_count", "_total", "_summary")
_HISTORY = ("_since", "_count")
_EXPORTS = ("/$export", "/Patient/$export", "/Group/{id}/$export")


def _kick_off(method: str) -> Exchange:
    return Exchange(
        "Begin a bulk export; Prefer: respond-async",
        sends="parameters" if method == "POST" else "",
        query=("_type", "_since", "_outputFormat", "_elements"),
        headers=("Prefer",),
        answers="",
        success=(202,),
    )


EXCHANGES: Mapping[tuple[str, str], Exchange] = {
    ("/{type}/{id}", "GET"): Exchange(
        "Read one {type}",
        "read",
        query=("_summary", "_elements"),
        headers=("If-None-Match", "If-Modified-Since"),
        answers="resource",
        success=(200, 304),
    ),
    ("/{type}/{id}/_history/{number}", "GET"): Exchange("Read one version of a {type}", "vread", answers="resource"),
    ("/{type}/{id}", "PUT"): Exchange(
        "Update a {type}, or create it under this id",
        "update",
        "resource",
        headers=("If-Match", "If-None-Match", "Prefer"),
        answers="resource",
        success=(200, 201),
    ),
    ("/{type}", "PUT"): Exchange(
        "Update the {type} that a search finds",
        "update",
        "resource",
        query=("*",),
        headers=("If-Match", "Prefer"),
        answers="resource",
        success=(200, 201),
    ),
    ("/{type}/{id}", "PATCH"): Exchange(
        "Patch a {type}",
        "patch",
        "patch",
        headers=("If-Match", "Prefer"),
        answers="resource",
    ),
    ("/{type}", "PATCH"): Exchange(
        "Patch the {type} that a search finds",
        "patch",
        "patch",
        query=("*",),
        headers=("If-Match", "Prefer"),
        answers="resource",
    ),
    ("/{type}/{id}", "DELETE"): Exchange(
        "Delete a {type}", "delete", headers=("If-Match",), answers="OperationOutcome", success=(200, 204)
    ),
    ("/{type}", "DELETE"): Exchange(
        "Delete the {type} that a search finds", "delete", query=("*",), answers="OperationOutcome", success=(200, 204)
    ),
    ("/{type}", "POST"): Exchange(
        "Create a {type}",
        "create",
        "resource",
        headers=("If-None-Exist", "Prefer"),
        answers="resource",
        success=(200, 201),
    ),
    ("/{type}", "GET"): Exchange("Search {type}", "search-type", query=_SEARCH, headers=("Prefer",), answers="Bundle"),
    ("/{type}/_search", "POST"): Exchange(
        "Search {type}, by form", "search-type", "form", query=("*",), headers=("Prefer",), answers="Bundle"
    ),
    ("", "GET"): Exchange("Search {type}", query=_SYSTEM_SEARCH, headers=("Prefer",), answers="Bundle"),
    ("/", "GET"): Exchange("Search {type}", query=_SYSTEM_SEARCH, headers=("Prefer",), answers="Bundle"),
    ("/_search", "POST"): Exchange("Search {type}, by form", None, "form", headers=("Prefer",), answers="Bundle"),
    ("/{type}/{id}/_history", "GET"): Exchange(
        "Versions of one {type}", "history-instance", query=_HISTORY, answers="Bundle"
    ),
    ("/{type}/_history", "GET"): Exchange("Versions of every {type}", "history-type", query=_HISTORY, answers="Bundle"),
    ("/_history", "GET"): Exchange("Versions of {type}", query=_HISTORY, answers="Bundle"),
    ("/metadata", "GET"): Exchange("What this service can do", query=("*",), answers="any", success=(200, 304)),
    ("/openapi.json", "GET"): Exchange("This description", answers="description"),
    ("", "POST"): Exchange("Batch or transaction", None, "bundle", headers=("Prefer",), answers="Bundle"),
    ("/", "POST"): Exchange("Batch or transaction", None, "bundle", headers=("Prefer",), answers="Bundle"),
    ("/{type}/${operation}", "GET"): Exchange("Operation"),
    ("/{type}/${operation}", "POST"): Exchange("Operation", None, "parameters"),
    ("/{type}/{id}/${operation}", "GET"): Exchange("Operation"),
    ("/{type}/{id}/${operation}", "POST"): Exchange("Operation", None, "parameters", headers=("If-Match",)),
    ("/{type}/{id}/{member}", "GET"): Exchange(
        "Search {type} in the record of one patient", query=_SEARCH, headers=("Prefer",), answers="Bundle"
    ),
    ("/{type}/{id}/{member}/_search", "POST"): Exchange(
        "Search {type} in the record of one patient, by form", None, "form", headers=("Prefer",), answers="Bundle"
    ),
    **{(path, method): _kick_off(method) for path in _EXPORTS for method in ("GET", "POST")},
    ("/$export/{export}", "GET"): Exchange(
        "How far an export is; in the end, its files", answers="description", success=(200, 202)
    ),
    ("/$export/{export}", "DELETE"): Exchange(
        "End an export, or let go of its files", answers="OperationOutcome", success=(202,)
    ),
    ("/$export/{export}/{file}", "GET"): Exchange(
        "A file of an export", answers="file", success=(200, 206), kinds=("application/fhir+ndjson",)
    ),
}
