"""The one handler: error → OperationOutcome response. Nothing below catches what it cannot mend.

Logs name the code and the route, never content, ids of people, or a query.
"""

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from careplan.api.render import outcome_response
from careplan.domain.errors import Fault
from careplan.fhir.outcome import outcome, outcome_from_error

log = logging.getLogger("careplan.api")

_CODES = {404: "not-found", 405: "not-allowed", 413: "too-large"}


async def error_response(request: Request, error: Exception, route: str = "no route") -> Response:
    """What any error under the FHIR base becomes.

    route  the pattern of the address, for the log; it names no one
    """
    if isinstance(error, HTTPException):
        code = _CODES.get(error.status_code, "careplan-error")
        fault = Fault(
            "", code, f"{request.method} is not offered here" if error.status_code == 405 else "no such address"
        )
        return outcome_response(outcome([fault]), error.status_code, dict(error.headers or {}))
    status, resource = outcome_from_error(error)
    if status >= 500:
        log.error("%s %s ended with %s", request.method, route, type(error).__name__)
    headers = {"www-authenticate": 'Bearer realm="careplan"'} if status == 401 else {}
    return outcome_response(resource, status, headers)
