"""The one handler: error → OperationOutcome response. Nothing below catches what it cannot mend.

Logs name the code and the route, never content, ids of people, or a query.
"""

import logging
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from careplan.api.render import outcome_response
from careplan.domain.errors import Fault
from careplan.fhir.outcome import outcome, outcome_from_error
from careplan.fhir.text import Json, TextUnparsable
from careplan.interactions.access import ScopeMissing
from careplan.interactions.caller import TokenRefused
from careplan.interactions.precondition import NotAllowed

log = logging.getLogger("careplan.api")

_CODES = {404: "not-found", 405: "not-allowed", 413: "too-large"}
_REALM = 'Bearer realm="careplan"'
_HEADERS = {401: {"www-authenticate": _REALM}, 429: {"retry-after": "10"}, 503: {"retry-after": "2"}}
"""What goes along with a status: how to sign in, and in how many seconds to try again."""


async def error_response(
    request: Request, error: Exception, route: str = "no route", offered: Iterable[str] = ()
) -> Response:
    """What any error under the FHIR base becomes; arguments as of `answer_to_error`."""
    return outcome_response(*answer_to_error(request, error, route, offered))


def answer_to_error(
    request: Request, error: Exception, route: str = "no route", offered: Iterable[str] = ()
) -> tuple[Json, int, dict[str, str] | None]:
    """The outcome of any error, its status and the headers that go along.

    route    the pattern of the address, for the log; it names no one
    offered  methods of that address; a refusal names them when it is an entry of a Bundle that is not allowed
    """
    if isinstance(error, HTTPException):
        code = _CODES.get(error.status_code, "careplan-error")
        fault = Fault(
            "", code, f"{request.method} is not offered here" if error.status_code == 405 else "no such address"
        )
        return outcome([fault]), error.status_code, dict(error.headers or {})
    if isinstance(error, ClientDisconnect):
        error = TextUnparsable("the body ended before it was whole")
    status, resource = outcome_from_error(error)
    if status >= 500:
        log.error("%s %s ended with %s", request.method, route, type(error).__name__)
    headers = _HEADERS.get(status)
    if isinstance(error, TokenRefused):
        headers = {"www-authenticate": f'{_REALM}, error="invalid_token", error_description="{error.message}"'}
    if isinstance(error, ScopeMissing):
        headers = {"www-authenticate": f'{_REALM}, error="insufficient_scope", error_description="{error.message}"'}
    if isinstance(error, NotAllowed):
        headers = {"allow": ", ".join(sorted(offered if error.faults else error.methods))}
    return resource, status, headers
