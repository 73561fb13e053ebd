"""One request to a page: who may open it, whether its form is ours, and what becomes of errors.

The door's one handler: pages raise, and here a refusal becomes a page in Danish with a code. What a page shows
is decided in its own module.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from careplan.domain.errors import CareplanError
from careplan.fhir.outcome import ANSWERS
from careplan.fhir.reference import CPR
from careplan.interactions.access import Forbidden, LoginRequired
from careplan.interactions.caller import Caller
from careplan.interactions.consent import EMERGENCY_ROLES
from careplan.interactions.context import Context
from careplan.interactions.emergency import EmergencyReads, check_writes
from careplan.interactions.named import note_named
from careplan.interactions.representation import OnlyReads, RepresentationLost
from careplan.interactions.settlement import DONE, outcome_of_status, settle
from careplan.views.acting import CHOICE, Acting, ChoiceNeeded, acting_context, check_writing, find_acting
from careplan.views.catalogue import Catalogue
from careplan.views.cookie import Session
from careplan.views.form import Form, FormFaulty, form_from_pairs, read_form
from careplan.views.frame import HEADERS, html, packed
from careplan.views.language import catalogue_of, size_of
from careplan.views.named import targets_of_address
from careplan.views.printed import find_print
from careplan.views.session import context_of, find_session, from_own_page, keep, seconds_left
from careplan.views.view import View, view_of

TOKEN = "formular"
SHOWN = "careplan.shown"
"""Where it holds that a page was made, whatever its status."""
ASKED = "careplan.context"
"""Where the ASGI scope of a request holds its Context once there is one."""
SESSION = "careplan.session"
"""Where it holds the Session that a page has made of the one it was opened with."""
HOME: Mapping[str, str] = {
    "patient": "/plan",
    "clinic": "/arbejdsliste",
    "municipality": "/henvisninger",
    "hospital": "/henvisninger",
}
"""Where each role begins."""

OF_SOMEBODY = ("/patient/", "/borger/")
"""How the addresses of staff's pages about somebody begin; the id follows."""
RECORDS: Mapping[str, str] = {"clinic": "/patient/{id}/aarskontrol", "hospital": "/borger/{id}"}
"""Where a clinician reads the record of somebody."""

_LOG = logging.getLogger("careplan.views")


class FormExpired(CareplanError):
    """A form that does not carry this session's token, or comes from another site."""

    code = "form-expired"


@dataclass(frozen=True, slots=True)
class Opened:
    """A page opened by somebody signed in.

    asked   the fields of the address; form: those that were sent
    acting  for whom a relative acts; None: for nobody else
    """

    request: Request
    view: View
    session: Session
    context: Context
    asked: Form
    form: Form
    acting: Acting | None = None

    @property
    def t(self) -> Catalogue:
        """The texts of the language that the page is in."""
        return catalogue_of(self.request, self.context.caller.role)

    @property
    def posted(self) -> bool:
        return self.request.method == "POST"

    def path(self, name: str) -> str:
        """A part of the address: a logical id."""
        return str(self.request.path_params[name])

    def page(self, template: str, screen: str, status: int = 200, **values: object) -> Response:
        """A page with its frame: who is signed in, where they are, the token of its forms."""
        frame = {
            "screen": screen,
            "role": self.context.caller.role,
            "name": self.context.caller.name,
            "home": HOME.get(self.context.caller.role, "/"),
            "token": self.view.sessions.form_token(self.session),
            "left": seconds_left(self.session, self.view.clock()),
            "demo": self.view.demo,
            "notice": self.notice(),
            "acting": self.acting,
            "writes": self.acting is None or self.acting.writes,
        }
        return html(template, status, t=self.t, size=size_of(self.request), **{**frame, **values})

    def becomes(self, session: Session) -> None:
        """From this answer on it is this session."""
        self.request.scope[SESSION] = session

    def notice(self) -> str:
        """What was just done, told once after a redirect."""
        key = f"notice.{self.asked.text('besked')}"
        return self.t(key) if self.t.has(key) else ""


Handler = Callable[[Opened], Awaitable[Response]]


def go(path: str, **fields: str) -> Response:
    """After a change: on to a page that shows it, so that reloading repeats nothing."""
    return RedirectResponse(f"{path}?{urlencode(fields)}" if fields else path, 303, headers=dict(HEADERS))


def endpoint(
    handler: Handler, roles: frozenset[str], act: str = "page", *, writes: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """A handler as a route's endpoint: signed in, in a role, with a form of ours.

    act     what opening it is called in the audit log
    writes  whether it is for who may write: a relative who only reads is told so, and who reads in an emergency
    """

    async def answer(request: Request) -> Response:
        try:
            response = await answered(request)
            if response.status_code in (403, 404):
                await _note_refused(request)
            logged(request, response.status_code)
        except CareplanError as error:
            return refusal(request, error)
        return response

    async def answered(request: Request) -> Response:
        try:
            with view_of(request).work(request.scope):
                opened = await _open(request, roles, act, writes=writes)
                response = await handler(opened)
                request.scope[SHOWN] = True
        except LoginRequired:
            return go("/", **_asked_for(request))
        except ChoiceNeeded:
            return go(CHOICE)
        except RepresentationLost:
            return choice_lost(request)
        except CareplanError as error:
            return refusal(request, error)
        except Exception as error:
            _LOG.error("%s in a page\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            return refusal(request, CareplanError("unforeseen"))
        keep(request, response, request.scope.get(SESSION, opened.session))
        return packed(request, response)

    return answer


async def _note_refused(request: Request) -> None:
    """Note whom the address of a refused page names, which may have been refused before their record was met."""
    context: Context | None = request.scope.get(ASKED)
    if context is not None:
        await note_named(context, targets_of_address(request))


def choice_lost(request: Request) -> Response:
    """Whoever acted for somebody is themselves again, and chooses anew."""
    session = find_session(request)
    assert session is not None
    response = go(CHOICE, besked="fuldmagt-slut")
    keep(request, response, replace(session, acting=""))
    return response


def logged(request: Request, status: int) -> None:
    """Log whose record the page has shown, before it leaves. Raises StoreUnavailable.

    A form that comes back with its errors (422, 409) has shown the record like any other page.
    """
    context: Context | None = request.scope.get(ASKED)
    if context is not None:
        settle(context, DONE if request.scope.get(SHOWN) else outcome_of_status(status))


def _asked_for(request: Request) -> dict[str, str]:
    """What «/» is told of somebody it has to sign in: that, and where they were going."""
    goes_on = view_of(request).issuer is not None and request.method == "GET"
    to = "" if CPR.search(request.url.path) else request.url.path
    return {"besked": "log-ind"} | ({"til": to} if goes_on and to else {})


async def _open(request: Request, roles: frozenset[str], act: str, *, writes: bool) -> Opened:
    context, session, view = context_of(request), find_session(request), view_of(request)
    context.trail.act = act
    request.scope[ASKED] = context
    assert session is not None
    if context.caller.role not in roles:
        raise Forbidden(f"role {context.caller.role} does not open this page")
    context, acting = await acting_context(request, context, session)
    request.scope[ASKED] = context
    if writes:
        check_writing(acting)
        if person := _person(request):
            await check_writes(context, person)
    form = await checked_form(request, session) if request.method == "POST" else Form()
    asked = form_from_pairs(request.query_params.multi_items())
    return Opened(request, view, session, context, asked, form, acting)


async def checked_form(request: Request, session: Session) -> Form:
    """The form of a POST from one of our own pages. Raises FormExpired, FormFaulty."""
    if not from_own_page(request):
        raise FormExpired("the form does not come from a page of this service")
    form = await read_form(request)
    if not view_of(request).sessions.is_form_token(session, form.text(TOKEN)):
        raise FormExpired("the form belongs to another session")
    return form


def status_of(error: CareplanError) -> int:
    """The HTTP status of an error."""
    known = ANSWERS.get(error.code)
    return known.status if known else 500


def _person(request: Request) -> str:
    """Whose record a page of staff is of, by its address; empty for pages of nobody's, and for a person number there:

    nobody has that as id, and no address of ours repeats it.
    """
    id = str(request.path_params.get("id", "")) if request.url.path.startswith(OF_SOMEBODY) else ""
    return "" if CPR.search(id) else id


def _urgent(request: Request, error: CareplanError, role: str) -> str:
    """Where a clinician opens a record in an emergency whose page was refused; empty for all else."""
    id = _person(request)
    closed = error.code == Forbidden.code
    return f"/vaerdispring?{urlencode({'person': id})}" if id and closed and role in EMERGENCY_ROLES else ""


def _record(request: Request, error: CareplanError, role: str) -> str:
    """Where a record can be read that was to be written in; empty for all else."""
    return RECORDS[role].format(id=_person(request)) if isinstance(error, EmergencyReads) and role in RECORDS else ""


def refusal(request: Request, error: CareplanError) -> Response:
    """The error page: what happened, what to do, a code to tell; never what there is or is not."""
    status = status_of(error)
    own = isinstance(error, OnlyReads | EmergencyReads)
    kind = "form" if isinstance(error, FormExpired | FormFaulty) else error.code if own else str(status)
    try:
        caller = context_of(request).caller
    except LoginRequired:
        caller = Caller("", "")
    role, session = caller.role, find_session(request)
    signed_in = session is not None and role in HOME
    t = catalogue_of(request, role)
    printed = find_print(request, caller.patient) if status >= 500 and role == "patient" else None
    key = kind if t.has(f"error.{kind}.title") else "other" if status < 500 else "500"
    says = "error.500.patient" if key in ("500", "503") and role == "patient" else f"error.{key}.says"
    return html(
        "error.html",
        status,
        t=t,
        size=size_of(request),
        screen=t(f"error.{key}.title"),
        says=t(says),
        code=error.code if error.code != "careplan-error" else "E500",
        role=role if role in HOME else "",
        home=HOME.get(role, "/"),
        name=caller.name if signed_in else "",
        token=view_of(request).sessions.form_token(session) if session is not None and signed_in else "",
        demo=view_of(request).demo,
        notice="",
        acting=find_acting(request),
        urgent=_urgent(request, error, role),
        record=_record(request, error, role),
        printed=printed,
    )
