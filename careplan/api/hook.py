"""CDS Hooks 2.0: an EHR asks, while a clinician opens a patient, what is worth telling; it gets cards.

https://cds-hooks.hl7.org/2.0/. Not here: what is worth telling (`interactions.advice`), how it is said (`card`), and
the signed token by which a client says who it is: `identify` of the door finds the caller of every request.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careplan.api.act import ACT, ASKED, logged
from careplan.api.card import cards_from_advice
from careplan.api.door import door_of
from careplan.api.errors import answer_to_error
from careplan.api.headers import check_accept, read_body
from careplan.api.hook_request import HOOK, FeedbackRequest, HookRequest, sent_from_body
from careplan.api.prefetch import Sender, brought_from_prefetch, templates
from careplan.domain.errors import CareplanError
from careplan.fhir.reference import Target
from careplan.fhir.text import Json, dump
from careplan.interactions import access
from careplan.interactions.advice import advice
from careplan.interactions.belief import disbelieved
from careplan.interactions.brought import read_brought
from careplan.interactions.change import change_from_value
from careplan.interactions.context import Context
from careplan.interactions.named import note_named
from careplan.store.protocol import NotFound

SERVICES = "/cds-services"
SERVICE = "forloebsplan-patient-view"

log = logging.getLogger("careplan.api")

_DESCRIBED = {
    "hook": HOOK,
    "id": SERVICE,
    "title": "Forløbsplan",
    "description": "Fortæller ved åbning af en patient, om der bør tilbydes en forløbsplan for KOL, type 2-diabetes "
    "eller hjertesygdom, om en plan er overskredet, hvilke værdier der er uden for det aftalte mål, og om reglerne "
    "anbefaler et andet mål end før.",
    "usageRequirements": "Kaldes af det system, som patientens egen klinik bruger, i rollen clinic eller lps. Uden "
    "prefetch svares der ud fra det, som forløbsplanen selv har; om en patient, den ikke kender, kræves patient, "
    "conditions, observations og medications.",
}
_ANYWHERE = {"access-control-allow-origin": "*"}
"""The description of the services is public; the services themselves answer no page of another site."""


def hook_routes() -> list[Route]:
    """Discovery, the service and its feedback."""
    table: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
        ("", "GET", discover),
        ("/{service}", "POST", call),
        ("/{service}/feedback", "POST", take_feedback),
    )
    return [_route(path, method, endpoint) for path, method, endpoint in table]


def _route(path: str, method: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """Whatever goes wrong becomes JSON that names the fields."""

    async def answer(request: Request) -> Response:
        request.scope[ACT] = f"hook/{SERVICE}"
        try:
            check_accept(request)
            with door_of(request).gate.work(request.scope):
                response = await endpoint(request)
                logged(request, response.status_code)
        except Exception as error:
            response = await _refused(request, error, SERVICES + path)
        return response

    return Route(SERVICES + path, answer, methods=[method])


async def _refused(request: Request, error: Exception, pattern: str) -> Response:
    """The refusal, logged as an access that was refused; or why it could not be."""
    response = refusal(request, error, pattern)
    try:
        logged(request, response.status_code)
    except Exception as unlogged:
        return refusal(request, unlogged, pattern)
    return response


def refusal(request: Request, error: Exception, route: str = SERVICES) -> Response:
    """Any error as CDS clients get it: our code, our message, and a fault for each field that is at fault."""
    outcome, status, headers = answer_to_error(request, error, route)
    faults = [_fault(issue) for issue in outcome["issue"]]
    code = error.code if isinstance(error, CareplanError) else faults[0]["code"]
    message = " ".join(one for one in (faults[0].get("field"), faults[0]["message"]) if one)
    return _answered({"error": code, "message": message, "faults": faults}, status, headers)


def _fault(issue: Json) -> Json:
    place = issue.get("expression", [])
    fault = {"code": issue["details"]["text"], "message": issue["diagnostics"]}
    return ({"field": place[0]} if place else {}) | fault


async def discover(request: Request) -> Response:
    """The services there are; asked without credentials, from anywhere."""
    prefetch = templates(door_of(request).house.knowledge)
    return _answered({"services": [{**_DESCRIBED, "prefetch": prefetch}]}, headers=_ANYWHERE)


async def call(request: Request) -> Response:
    """The cards of one patient. What came along is evaluated and forgotten."""
    try:
        context = _entered(request)
    except access.Forbidden:
        await _note_named(request)
        raise
    sent = sent_from_body(HookRequest, (await read_body(request)).value)
    codes, asked = context.house.reader.codes, replace(context.caller, role="clinic")  # whoever calls: nothing is kept
    sender = Sender(
        server=str(sent.fhirServer or ""),
        ours=_is_ours(context, sent.fhirServer),
        validate=context.house.validate,
        doubt=lambda value: tuple(disbelieved(change_from_value(value, value.get("id", "")), codes, asked)),
        most=context.house.limits.bundle_entries,
    )
    brought = brought_from_prefetch(sent.context.patientId, sent.prefetch or {}, sender)
    person = await read_brought(context, brought)
    return _answered({"cards": cards_from_advice(context, person, advice(context, person))})


async def take_feedback(request: Request) -> Response:
    """What became of cards: checked and counted in the log, by card and outcome; nothing else of it is kept."""
    _entered(request)
    for one in sent_from_body(FeedbackRequest, (await read_body(request)).value).feedback:
        log.info("card %s was %s", one.card, one.outcome)
    return _answered({})


def _entered(request: Request) -> Context:
    """The context of a call of our service. Raises NotFound, LoginRequired, Forbidden."""
    context = door_of(request).context(request)
    access.check_clinical(context)
    if request.path_params["service"] != SERVICE:
        raise NotFound(f"there is no such service; {SERVICES} lists those there are")
    return context


async def _note_named(request: Request) -> None:
    """Note the patient of a refused call, by the id of this server; what is faulty in it is not told then."""
    context: Context = request.scope[ASKED]
    with contextlib.suppress(CareplanError):
        sent = sent_from_body(HookRequest, (await read_body(request)).value)
        if _is_ours(context, sent.fhirServer) is not False:
            await note_named(context, [Target("Patient", sent.context.patientId)])


def _is_ours(context: Context, server: str | None) -> bool | None:
    """Whether a client's FHIR server is this one; None when it names none."""
    return None if server is None else server.rstrip("/").lower() == context.base.lower()


def _answered(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dump(body), status, {"cache-control": "no-store", **(headers or {})}, "application/json")
