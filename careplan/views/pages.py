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
    arrival,
    control,
    establish,
    exclusion,
    history,
    measure,
    paper,
    plan,
    referral,
    renewal,
    signin,
    target,
    worklist,
)
from careplan.views.about import accessibility, help_page
from careplan.views.arrival import ANSWER
from careplan.views.frame import environment, hardened, static
from careplan.views.page import Handler, endpoint, refusal

PATIENT, CLINIC, RECEIVER = frozenset({"patient"}), frozenset({"clinic"}), frozenset({"municipality", "hospital"})


@dataclass(frozen=True, slots=True)
class Page:
    """One row of the table: `screen` is its id in the documentation."""

    screen: str
    method: str
    path: str
    handler: Handler
    roles: frozenset[str]


PAGES: tuple[Page, ...] = (
    Page("B2", "GET", "/plan", plan.show, PATIENT),
    Page("B2", "GET", "/plan/vigtigst", plan.wish_form, PATIENT),
    Page("B2", "POST", "/plan/vigtigst", plan.wish_form, PATIENT),
    Page("B3", "GET", "/plan/maaling/{measure}", measure.show, PATIENT),
    Page("B7", "GET", "/plan/adgang", access_log.show, PATIENT),
    Page("C1", "GET", "/arbejdsliste", worklist.show, CLINIC),
    Page("C1", "POST", "/arbejdsliste", worklist.show, CLINIC),
    Page("C1", "GET", "/patient/{id}/fravalg", exclusion.show, CLINIC),
    Page("C1", "POST", "/patient/{id}/fravalg", exclusion.decline, CLINIC),
    Page("C1", "POST", "/patient/{id}/fravalg/{plan}/fortryd", exclusion.undo, CLINIC),
    Page("C2", "GET", "/patient/{id}/aarskontrol", control.show, CLINIC),
    Page("C2", "POST", "/patient/{id}/aarskontrol", control.save, CLINIC),
    Page("C2", "GET", "/patient/{id}/maal/{goal}", target.show, CLINIC),
    Page("C2", "POST", "/patient/{id}/maal/{goal}", target.change, CLINIC),
    Page("C2", "POST", "/patient/{id}/maal/{goal}/anbefaling", target.follow_recommended, CLINIC),
    Page("C3", "GET", "/patient/{id}/opret-plan", establish.show, CLINIC),
    Page("C3", "POST", "/patient/{id}/opret-plan", establish.step, CLINIC),
    Page("C7", "GET", "/forskelle", renewal.show, CLINIC),
    Page("C7", "POST", "/forskelle", renewal.answer, CLINIC),
    Page("C5", "GET", "/patient/{id}/historik", history.show, CLINIC),
    Page("D1", "GET", "/henvisninger", referral.inbox, RECEIVER),
    Page("D2", "GET", "/borger/{id}", referral.show, RECEIVER),
    Page("F", "GET", "/print/Patient/{id}/plan.pdf", paper.plan_sheet, PATIENT | CLINIC),
)
"""Every page behind the sign-in."""

OPEN: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
    ("GET", "/", signin.front),
    ("GET", "/log-ind", arrival.begin),
    ("GET", ANSWER, arrival.arrive),
    ("POST", "/log-ind", signin.sign_in),
    ("POST", "/log-ud", signin.sign_out),
    ("GET", "/hjaelp", help_page),
    ("GET", "/tilgaengelighed", accessibility),
    ("GET", "/static/{name}", static),
)


def act_of(page: Page) -> str:
    """What opening a page is called in the audit log: `page/C2`; printing is `print`."""
    return "print" if page.screen == "F" else f"page/{page.screen}"


def page_routes() -> list[Route]:
    """Every route of the pages. Reads texts and templates. Raises TextMissing, so that a gap stops the start."""
    environment()
    answers = [(one, hardened(endpoint(one.handler, one.roles, act_of(one)))) for one in PAGES]
    routes = [Route(one.path, answer, methods=[one.method]) for one, answer in answers]
    return routes + [Route(path, hardened(handler), methods=[method]) for method, path, handler in OPEN]


@hardened
async def not_found(request: Request) -> Response:
    """The page for an address that is none, for `app` to use where nothing else answers."""
    error: CareplanError = NotFound("there is no such page")
    return refusal(request, error)
