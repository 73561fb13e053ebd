"""The whole system over HTTP: what it can do, and many interactions in one Bundle.

https://hl7.org/fhir/R4/http.html#capabilities · https://hl7.org/fhir/R4/http.html#transaction · checklist A, H.
"""

import hashlib
from dataclasses import replace
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from careplan import __dated__, __version__
from careplan.api.door import door_of
from careplan.api.headers import prefer_of, read_body
from careplan.api.render import json_response
from careplan.api.searching import searchset_of
from careplan.fhir import systems
from careplan.fhir.bundle import Answer, response_bundle
from careplan.fhir.capability import Offer, capability_statement
from careplan.fhir.conditional import tags_from_header
from careplan.fhir.outcome import outcome
from careplan.fhir.text import dump
from careplan.interactions.context import Context
from careplan.interactions.performed import Performed, Result
from careplan.interactions.transaction import perform

OFFER = Offer(
    conditional_create=True,
    conditional_update=True,
    conditional_delete="single",
    system=("transaction", "batch", "search-system", "history-system"),
    operations=("export",),
    patch_formats=("application/json-patch+json", "application/fhir+json"),
    compartments=("Patient",),
    security="Answers on loopback addresses only. Without a session of the demo, the caller is the system itself.",
)
SIGNED_IN = "Access tokens of one issuer, by SMART on FHIR; what a token opens is at most what its role may see."
PROFILES = {
    "CarePlan": (systems.PROFILE_CAREPLAN,),
    "Goal": (systems.PROFILE_GOAL,),
    "Observation": (systems.PROFILE_OBSERVATION,),
}


async def metadata(request: Request) -> Response:
    door = door_of(request)
    addresses = None if door.addresses is None else tuple(sorted((await door.addresses()).items()))
    body, tag = _statement(door.base_of(request), addresses)
    etag = {"etag": f'W/"{tag}"'}
    held = request.headers.get("if-none-match")
    if held and tag in tags_from_header(held).versions:
        return Response(b"", 304, etag)
    return json_response(body, 200, etag)


@lru_cache(maxsize=8)
def _statement(base: str, addresses: tuple[tuple[str, str], ...] | None) -> tuple[bytes, str]:
    """The CapabilityStatement and its tag; they change with the release, the base and where apps sign in."""
    offer = OFFER if addresses is None else replace(OFFER, security=SIGNED_IN, smart=addresses)
    body = dump(capability_statement(base, version=__version__, date=__dated__, offer=offer, profiles=PROFILES))
    return body, hashlib.sha256(body).hexdigest()[:16]


async def bundle(request: Request) -> Response:
    context = door_of(request).context(request)
    performed = await perform(context, await read_body(request))
    return json_response(performed_bundle(context, performed, returns=prefer_of(request).returns))


def performed_bundle(context: Context, performed: Performed, *, returns: str) -> bytes:
    """A batch- or transaction-response.

    returns  what each write answers with, beside its status: as in Prefer; unasked, nothing more
    """
    answers = [_answer(context, result, returns) for result in performed.results]
    return response_bundle(f"{performed.kind}-response", answers, base=context.base)


def _answer(context: Context, result: Result, returns: str) -> Answer:
    version = result.version
    if result.found is not None:
        return Answer(result.status, body=searchset_of(context, *result.found))
    if version is None:
        return Answer(result.status, outcome=result.outcome)
    written = result.shown is None
    return Answer(
        result.status,
        location=f"{version.reference}/_history/{version.number}" if written and not version.deleted else None,
        number=version.number,
        at=version.at,
        body=version.body if (returns == "representation" if written else result.shown) else None,
        outcome=outcome(()) if written and returns == "OperationOutcome" else None,
        full_url=f"{context.base}/{version.reference}",
    )
