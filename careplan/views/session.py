"""A request's session: who is signed in, and whether a form comes from one of our own pages.

https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from careplan.interactions.access import LoginRequired
from careplan.interactions.caller import Caller
from careplan.interactions.context import Context
from careplan.views.cookie import ABSOLUTE, NAME, Session
from careplan.views.persona import PERSONAS, Persona
from careplan.views.view import View, view_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_RENEW_AFTER = 60
"""Seconds after which a cookie is written anew, so that being active keeps one signed in."""


def find_persona(view: View, key: str) -> Persona | None:
    """Who a key stands for; nobody outside the demo."""
    if not view.demo:
        return None
    return next((one for one in (*view.personas, *PERSONAS) if one.key == key), None)


def find_session(request: Request) -> Session | None:
    """The session of the request's cookie, while it lasts."""
    view = view_of(request)
    return view.sessions.find(request.cookies.get(NAME), view.clock())


def caller_of_cookie(request: Request) -> Caller | None:
    """Who is signed in on this browser; None for nobody, and for writes that come from other sites."""
    session = find_session(request)
    persona = find_persona(view_of(request), session.persona) if session is not None else None
    if persona is None or (request.method not in SAFE and not from_own_page(request)):
        return None
    return persona.caller


def context_of(request: Request) -> Context:
    """The one Context of a page request. Raises LoginRequired."""
    view, session = view_of(request), find_session(request)
    persona = find_persona(view, session.persona) if session is not None else None
    if persona is None:
        raise LoginRequired("nobody is signed in")
    return Context(view.house, persona.caller, view.clock(), view.new_id, view.base_of(request))


def new_session(view: View, persona: str = "") -> Session:
    """A session nobody has seen before: at every sign-in, so that a planted cookie is worth nothing."""
    now = int(view.clock().timestamp())
    return Session(secrets.token_urlsafe(18), persona, now, now)


def keep(request: Request, response: Response, session: Session) -> None:
    """Write the cookie where it is new or a minute old."""
    view = view_of(request)
    seen = session.at(view.clock())
    known = find_session(request)
    if known is None or known.id != session.id or seen.seen - known.seen >= _RENEW_AFTER:
        response.set_cookie(
            NAME,
            view.sessions.text(seen),
            max_age=int(ABSOLUTE.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )


def forget(response: Response) -> None:
    """Take the cookie away."""
    response.delete_cookie(NAME, path="/", httponly=True, samesite="lax")


def from_own_page(request: Request) -> bool:
    """Whether the browser says that the request comes from a page of ours; silence is no."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return site == "same-origin"
    own = {request.headers.get("host", ""), urlsplit(view_of(request).base).netloc}
    return urlsplit(origin).netloc in own - {""}
