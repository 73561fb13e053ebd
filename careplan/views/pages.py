"""The pages: address, who may open it, what answers. The only thing `app` takes from here beside `View`.

Screens are named as in docs/screens.md. FHIR over HTTP is another door and knows nothing of these.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careplan.domain.errors import CareplanError
from careplan.store.protocol import NotFound
from careplan.views import (
    access_log,
    answering,
    arrival,
    attorney_form,
    block_form,
    board,
    control,
    coursework,
    emergency,
    emergency_list,
    establish,
    exclusion,
    figure,
    history,
    home_entry,
    home_receipt,
    home_value,
    measure,
    message,
    municipal,
    paper,
    person_choice,
    person_number,
    plan,
    preference,
    preparation,
    referral,
    referring,
    renewal,
    ringing,
    signin,
    stop_sharing,
    target,
    wonder,
    worklist,
)
from careplan.views.about import accessibility, help_page
from careplan.views.arrival import ANSWER
from careplan.views.frame import environment, hardened, static
from careplan.views.page import Handler, endpoint, refusal

PATIENT, CLINIC, RECEIVER = frozenset({"patient"}), frozenset({"clinic"}), frozenset({"municipality", "hospital"})
CLINICIAN = frozenset({"clinic", "hospital"})

READING = frozenset({"B1", "B8", "B9", "F"})
"""Screens whose forms write nothing of the record: for relatives, too, who only read."""


@dataclass(frozen=True, slots=True)
class Page:
    """One row of the table: `screen` is its id in the documentation.

    reads  whether it is no form, though one is sent to its address: for those, too, who only read (relatives by their
           power of attorney, clinicians in an emergency)
    """

    screen: str
    method: str
    path: str
    handler: Handler
    roles: frozenset[str]
    reads: bool = False


PAGES: tuple[Page, ...] = (
    Page("B2", "GET", "/plan", plan.show, PATIENT),
    Page("B2", "GET", "/plan/vigtigst", plan.wish_form, PATIENT),
    Page("B2", "POST", "/plan/vigtigst", plan.wish_form, PATIENT),
    Page("B3", "GET", "/plan/maaling/{measure}", measure.show, PATIENT),
    Page("B2", "GET", "/plan/spoergsmaal", message.ask, PATIENT),
    Page("B2", "POST", "/plan/spoergsmaal", message.ask, PATIENT),
    Page("B2", "GET", "/plan/beskeder", message.listed, PATIENT),
    Page("B3", "GET", "/plan/maaling/{measure}/besked", message.ask_about, PATIENT),
    Page("B3", "POST", "/plan/maaling/{measure}/besked", message.ask_about, PATIENT),
    Page("B4", "GET", "/plan/hjemmemaaling", home_entry.choose, PATIENT),
    Page("B4", "GET", "/plan/hjemmemaaling/tal/{id}", home_entry.change, PATIENT),
    Page("B4", "POST", "/plan/hjemmemaaling/tal/{id}", home_entry.change, PATIENT),
    Page("B4", "GET", "/plan/hjemmemaaling/{measure}", home_value.step, PATIENT),
    Page("B4", "POST", "/plan/hjemmemaaling/{measure}", home_value.step, PATIENT),
    Page("B4", "GET", "/plan/hjemmemaaling/{measure}/gemt", home_receipt.saved, PATIENT),
    Page("B1", "GET", "/plan/person", person_choice.show, PATIENT),
    Page("B1", "POST", "/plan/person", person_choice.choose, PATIENT),
    Page("B5", "GET", "/plan/forbered", preparation.show, PATIENT),
    Page("B5", "GET", "/plan/forbered/svar", preparation.review, PATIENT),
    Page("B5", "POST", "/plan/forbered/svar", preparation.review, PATIENT),
    Page("B5", "GET", "/plan/forbered/hjaelp", preparation.help_page, PATIENT),
    Page("B5", "GET", "/plan/forbered/{step}", preparation.question, PATIENT),
    Page("B5", "POST", "/plan/forbered/{step}", preparation.question, PATIENT),
    Page("B6", "GET", "/plan/kommune", municipal.show, PATIENT),
    Page("B7", "GET", "/plan/adgang", access_log.show, PATIENT),
    Page("B7", "GET", "/plan/adgang/fuldmagt", attorney_form.show, PATIENT),
    Page("B7", "POST", "/plan/adgang/fuldmagt", attorney_form.step, PATIENT),
    Page("B7", "GET", "/plan/adgang/fuldmagt/{id}/stop", attorney_form.stop, PATIENT),
    Page("B7", "POST", "/plan/adgang/fuldmagt/{id}/stop", attorney_form.stop, PATIENT),
    Page("B7", "GET", "/plan/adgang/spaerring", block_form.show, PATIENT),
    Page("B7", "POST", "/plan/adgang/spaerring", block_form.step, PATIENT),
    Page("B7", "GET", "/plan/adgang/spaerring/{id}/ophaev", block_form.end, PATIENT),
    Page("B7", "POST", "/plan/adgang/spaerring/{id}/ophaev", block_form.end, PATIENT),
    Page("B7", "GET", "/plan/adgang/henvisning/{id}", stop_sharing.show, PATIENT, reads=True),
    Page("B7", "POST", "/plan/adgang/henvisning/{id}", stop_sharing.stop, PATIENT),
    Page("B7", "GET", "/plan/adgang/undrer/{key}", wonder.show, PATIENT),
    Page("B7", "POST", "/plan/adgang/undrer/{key}", wonder.send, PATIENT),
    Page("BTG", "GET", "/vaerdispring", emergency.show, CLINICIAN),
    Page("BTG", "POST", "/vaerdispring", emergency.open_record, CLINICIAN),
    Page("REV", "GET", "/vaerdispring/gennemgang", emergency_list.show, CLINICIAN),
    Page("REV", "GET", "/vaerdispring/gennemgang/{id}", emergency_list.one, CLINICIAN),
    Page("REV", "POST", "/vaerdispring/gennemgang/{id}", emergency_list.close, CLINICIAN),
    Page("CPR", "POST", "/patient/{id}/cpr", person_number.show, CLINIC, reads=True),
    Page("CPR", "POST", "/borger/{id}/cpr", person_number.show, RECEIVER, reads=True),
    Page("B9", "GET", "/plan/indstillinger", preference.show, PATIENT),
    Page("B9", "POST", "/plan/indstillinger", preference.keep, PATIENT),
    Page("B9", "GET", "/indstillinger", preference.show, CLINIC | RECEIVER),
    Page("B9", "POST", "/indstillinger", preference.keep, CLINIC | RECEIVER),
    Page("C1", "GET", "/arbejdsliste", worklist.show, CLINIC),
    Page("C1", "POST", "/arbejdsliste", worklist.show, CLINIC),
    Page("C1", "POST", "/arbejdsliste/valgte", worklist.together, CLINIC),
    Page("C1", "GET", "/beskeder", answering.listed, CLINIC),
    Page("C1", "GET", "/beskeder/{id}", answering.answer, CLINIC),
    Page("C1", "POST", "/beskeder/{id}", answering.answer, CLINIC),
    Page("C1", "GET", "/ring/{task}", ringing.call, CLINIC),
    Page("C1", "POST", "/ring/{task}", ringing.call, CLINIC),
    Page("C1", "GET", "/patient/{id}/fravalg", exclusion.show, CLINIC),
    Page("C1", "POST", "/patient/{id}/fravalg", exclusion.decline, CLINIC),
    Page("C1", "POST", "/patient/{id}/fravalg/{plan}/fortryd", exclusion.undo, CLINIC),
    Page("C2", "GET", "/patient/{id}/aarskontrol", control.show, CLINIC, reads=True),
    Page("C2", "POST", "/patient/{id}/aarskontrol", control.save, CLINIC),
    Page("C2", "GET", "/patient/{id}/maal/{goal}", target.show, CLINIC),
    Page("C2", "POST", "/patient/{id}/maal/{goal}", target.change, CLINIC),
    Page("C2", "POST", "/patient/{id}/maal/{goal}/anbefaling", target.follow_recommended, CLINIC),
    Page("C3", "GET", "/patient/{id}/opret-plan", establish.show, CLINIC),
    Page("C3", "POST", "/patient/{id}/opret-plan", establish.step, CLINIC),
    Page("C4", "GET", "/patient/{id}/henvis", referring.show, CLINIC),
    Page("C4", "POST", "/patient/{id}/henvis", referring.send, CLINIC),
    Page("C4", "GET", "/patient/{id}/henvisning/{task}", referring.track, CLINIC, reads=True),
    Page("C4", "POST", "/patient/{id}/henvisning/{task}", referring.act, CLINIC),
    Page("C6", "GET", "/tal", figure.show, CLINIC),
    Page("C6", "GET", "/tal/{measure}", figure.behind, CLINIC),
    Page("C7", "GET", "/forskelle", renewal.show, CLINIC),
    Page("C7", "POST", "/forskelle", renewal.answer, CLINIC),
    Page("C5", "GET", "/patient/{id}/historik", history.show, CLINIC),
    Page("D1", "GET", "/henvisninger", referral.inbox, RECEIVER),
    Page("D2", "GET", "/borger/{id}", referral.show, RECEIVER),
    Page("D1", "GET", "/borger/{id}/sag/{task}", referral.step_form, RECEIVER),
    Page("D1", "POST", "/borger/{id}/sag/{task}", referral.take_step, RECEIVER),
    Page("D3", "GET", "/borger/{id}/sag/{task}/samtale", coursework.talk, RECEIVER),
    Page("D3", "POST", "/borger/{id}/sag/{task}/samtale", coursework.keep_talk, RECEIVER),
    Page("D4", "GET", "/borger/{id}/sag/{task}/forloeb", coursework.course, RECEIVER),
    Page("D4", "POST", "/borger/{id}/sag/{task}/forloeb", coursework.keep_meeting, RECEIVER),
    Page("D5", "GET", "/borger/{id}/sag/{task}/afslut", coursework.closing, RECEIVER),
    Page("D5", "POST", "/borger/{id}/sag/{task}/afslut", coursework.close, RECEIVER),
    Page("D6", "GET", "/teamtavle", board.show, RECEIVER),
    Page("B8", "GET", "/plan/udskriv", paper.show, PATIENT),
    Page("B8", "POST", "/plan/udskriv", paper.hand_over, PATIENT),
    Page("B8", "GET", "/patient/{id}/udskriv", paper.show, CLINIC),
    Page("B8", "POST", "/patient/{id}/udskriv", paper.hand_over, CLINIC),
    Page("F", "GET", "/print/Patient/{id}/plan.pdf", paper.plan_sheet, PATIENT | CLINIC),
)
"""Every page behind the sign-in."""

SIGN_IN = frozenset({"/log-ind", ANSWER})
"""Addresses that somebody signs in by."""

OPEN: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
    ("GET", "/", signin.front),
    ("GET", "/log-ind", arrival.begin),
    ("GET", ANSWER, arrival.arrive),
    ("POST", "/log-ind", signin.sign_in),
    ("POST", "/log-ud", signin.sign_out),
    ("POST", "/sprog", preference.choose),
    ("GET", "/hjaelp", help_page),
    ("GET", "/tilgaengelighed", accessibility),
    ("GET", "/static/{name}", static),
)


def act_of(page: Page) -> str:
    """What opening a page is called in the audit log: `page/C2`; printing is `print`."""
    return "print" if page.screen == "F" else f"page/{page.screen}"


def writes(page: Page) -> bool:
    """Whether a page is a form, or takes one, that writes in the record: it is for nobody who only reads."""
    forms = {one.path for one in PAGES if one.method == "POST" and one.screen not in READING}
    return page.path in forms and not page.reads


def page_routes() -> list[Route]:
    """Every route of the pages. Reads texts and templates. Raises TextMissing, so that a gap stops the start."""
    environment()
    answers = [(one, hardened(endpoint(one.handler, one.roles, act_of(one), writes=writes(one)))) for one in PAGES]
    routes = [Route(one.path, answer, methods=[one.method]) for one, answer in answers]
    return routes + [Route(path, hardened(handler), methods=[method]) for method, path, handler in OPEN]


@hardened
async def not_found(request: Request) -> Response:
    """The page for an address that is none, for `app` to use where nothing else answers."""
    error: CareplanError = NotFound("there is no such page")
    return refusal(request, error)


async def refused(request: Request, error: CareplanError) -> Response:
    """The page of a refusal that comes before any page, for `app`."""

    async def answer(request: Request) -> Response:
        return refusal(request, error)

    return await hardened(answer)(request)
