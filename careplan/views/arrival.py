"""«/log-ind»: out to the issuer, back with its answer, and signing out there too.

The answer's address holds a code that counts once, and nothing of the person; the page goes on from it at once.
Not here: what an answer is worth (`careplan.identity`). https://openid.net/specs/openid-connect-rpinitiated-1_0.html
"""

import logging
import re

from starlette.requests import Request
from starlette.responses import Response

from careplan.domain.errors import CareplanError
from careplan.fhir.reference import CPR
from careplan.interactions.audit.attendance import SIGN_IN
from careplan.interactions.signin import SignedIn, SignInExpired, SignInUnfit
from careplan.store.protocol import StoreUnavailable
from careplan.views.cookie import UNDER_WAY
from careplan.views.frame import html
from careplan.views.language import catalogue_of, size_of
from careplan.views.page import HOME, go, status_of
from careplan.views.session import end_session, find_caller, keep, new_session, read_cookie, write_cookie
from careplan.views.view import view_of

ANSWER = "/log-ind/svar"
LASTS = 600
"""Seconds that the cookie of a sign-in under way is kept by the browser."""

_OURS = re.compile(r"(?:/[A-Za-z0-9._~-]{1,80}){1,8}")
_LOG = logging.getLogger("careplan.views")


def own_path(text: str) -> str:
    """A path of this service to go on to; empty for an address of another site, and for one with a person number."""
    return text if _OURS.fullmatch(text) and not text.startswith("/log-") and not CPR.search(text) else ""


async def begin(request: Request) -> Response:
    """Off to the issuer; whoever is signed in goes on instead."""
    view, back = view_of(request), own_path(request.query_params.get("til", ""))
    caller = find_caller(request)
    if caller is not None or view.issuer is None:
        return go(back or HOME.get(caller.role, "/")) if caller is not None else go("/")
    try:
        begun = await view.issuer.begin(f"{view.root_of(request)}{ANSWER}", back)
    except CareplanError as error:
        return _refused(request, error)
    response = go(begun.address)
    write_cookie(request, response, UNDER_WAY, begun.kept, LASTS)
    return response


async def arrive(request: Request) -> Response:
    """Back with an answer: a new session, and on to where they were going. Whatever came before it ends."""
    view = view_of(request)
    if view.issuer is None or view.presence is None:
        return go("/")
    try:
        found = await view.issuer.complete(request.query_params.multi_items(), read_cookie(request, UNDER_WAY))
        response = _entered(request, found)
    except SignInExpired as error:
        response = (
            go(HOME.get(caller.role, "/"))
            if (caller := find_caller(request)) is not None
            else _turned_away(request, error)
        )
    except CareplanError as error:
        _LOG.info("sign-in refused: %s: %s", error.code, error.message)
        response = _turned_away(request, error)
    except OSError as error:
        _LOG.error("the folder of sessions cannot be written: %s", type(error).__name__)
        response = _refused(request, StoreUnavailable("nobody can be signed in now; try again in a moment"))
    write_cookie(request, response, UNDER_WAY, "", 0)
    return response


def _entered(request: Request, found: SignedIn) -> Response:
    """Raises SignInUnfit for a role that has no pages, StoreUnavailable where it cannot be logged, OSError."""
    view = view_of(request)
    if found.caller.role not in HOME or view.presence is None:
        raise SignInUnfit(f"role {found.caller.role} has no pages")
    response, session = go(found.back or HOME[found.caller.role]), new_session(view)
    view.attendance.entered(view.house.journal, found.caller, view.clock())
    end_session(request)
    view.presence.enter(session.id, found.caller, view.clock())
    keep(request, response, session)
    return response


async def signed_out(request: Request) -> Response:
    """The page that leads on to the issuer, to sign out there too; or the front page where it has no such address."""
    view = view_of(request)
    address = await view.issuer.leaving(f"{view.root_of(request)}/") if view.issuer is not None else None
    if address is None:
        response = go("/", besked="logget-ud")
    else:
        response = _page(request, "signed_out.html", 200, "signin.out.title", address=address)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _turned_away(request: Request, error: CareplanError) -> Response:
    """A sign-in that was refused, in the audit log too; that the house could not let anybody in is no refusal."""
    view = view_of(request)
    if status_of(error) < 500:
        try:
            view.attendance.turned_away(view.house.journal, SIGN_IN, error, view.source(request.scope), view.clock())
        except StoreUnavailable as unlogged:
            return _refused(request, unlogged)
    return _refused(request, error)


def _refused(request: Request, error: CareplanError) -> Response:
    """Why nobody was signed in, in plain words, and the way to try again."""
    t, status = catalogue_of(request), status_of(error)
    key = error.code if t.has(f"signin.error.{error.code}") else "other"
    says = t(f"signin.error.{key}")
    response = _page(request, "signin_refused.html", status, "signin.error.title", says=says, code=error.code)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _page(request: Request, template: str, status: int, title: str, **values: object) -> Response:
    frame = {"role": "", "name": "", "home": "/", "token": "", "demo": False, "notice": ""}
    t = catalogue_of(request)
    return html(template, status, t=t, size=size_of(request), screen=t(title), **frame, **values)
