"""The whole system over HTTP: what it can do, and many interactions in one Bundle.

https://hl7.org/fhir/R4/http.html#capabilities · https://hl7.org/fhir/R4/http.html#transaction · checklist A, H.
"""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from careplan import __version__
from careplan.api.door import door_of
from careplan.api.headers import read_body
from careplan.api.render import json_response
from careplan.api.searching import searchset_of
from careplan.fhir import systems
from careplan.fhir.bundle import Answer, response_bundle
from careplan.fhir.capability import Offer, capability_statement
from careplan.fhir.conditional import tags_from_header
from careplan.fhir.text import dump
from careplan.interactions.context import Context
from careplan.interactions.transaction import Performed, Result, perform

RELEASED = "2026-11-22"
OFFER = Offer(
    conditional_create=True,
    system=("transaction", "batch"),
    security="Answers on loopback addresses only. Without a session of the demo, the caller is the system itself.",
)
PROFILES = {
    "CarePlan": (systems.PROFILE_CAREPLAN,),
    "Goal": (systems.PROFILE_GOAL,),
    "Observation": (systems.PROFILE_OBSERVATION,),
}


async def metadata(request: Request) -> Response:
    base = door_of(request).base_of(request)
    statement = capability_statement(base, version=__version__, date=RELEASED, offer=OFFER, profiles=PROFILES)
    body = dump(statement)
    tag = hashlib.sha256(body).hexdigest()[:16]
    etag = {"etag": f'W/"{tag}"'}
    held = request.headers.get("if-none-match")
    if held and tag in tags_from_header(held).versions:
        return Response(b"", 304, etag)
    return json_response(body, 200, etag)


async def bundle(request: Request) -> Response:
    context = door_of(request).context(request)
    performed = await perform(context, await read_body(request))
    show = "return=representation" in request.headers.get("prefer", "")
    return json_response(performed_bundle(context, performed, show=show))


def performed_bundle(context: Context, performed: Performed, *, show: bool) -> bytes:
    """A batch- or transaction-response."""
    answers = [_answer(context, result, show=show) for result in performed.results]
    return response_bundle(f"{performed.kind}-response", answers, base=context.base)


def _answer(context: Context, result: Result, *, show: bool) -> Answer:
    version = result.version
    if result.found is not None:
        return Answer(result.status, body=searchset_of(context, *result.found))
    if version is None:
        return Answer(result.status, outcome=result.outcome)
    return Answer(
        result.status,
        location=None
        if result.shown is not None or version.deleted
        else f"{version.reference}/_history/{version.number}",
        number=version.number,
        at=version.at,
        body=version.body if (show if result.shown is None else result.shown) else None,
        full_url=f"{context.base}/{version.reference}",
    )
