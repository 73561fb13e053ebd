"""A request's session: who is signed in, and whether a form comes from one of our own pages.

https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import secrets
from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from careplan.interactions.access import LoginRequired
from careplan.interactions.address import is_this_machine
from careplan.interactions.caller import Caller
from careplan.interactions.context import Context
from careplan.views.cookie import ABSOLUTE, IDLE, NAME, Session
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
    return view.sessions.find(read_cookie(request, NAME), view.clock())


def find_caller(request: Request) -> Caller | None:
    """Who is signed in on this browser: in the demo whom they chose to be, else whom the issuer said that they are."""
    view, session = view_of(request), find_session(request)
    if session is None:
        return None
    if view.demo:
        persona = find_persona(view, session.persona)
        return persona.caller if persona is not None else None
    return view.presence.find(session.id) if view.presence is not None else None


def caller_of_cookie(request: Request) -> Caller | None:
    """Who is signed in on this browser; None for nobody, and for writes that come from other sites."""
    if request.method not in SAFE and not from_own_page(request):
        return None
    return find_caller(request)


def context_of(request: Request) -> Context:
    """The one Context of a page request. Raises LoginRequired."""
    view, caller = view_of(request), find_caller(request)
    if caller is None:
        raise LoginRequired("nobody is signed in")
    return Context(view.house, caller, view.clock(), view.new_id, view.base_of(request))


def new_session(view: View, persona: str = "") -> Session:
    """A session nobody has seen before: at every sign-in, so that a planted cookie is worth nothing."""
    now = int(view.clock().timestamp())
    return Session(secrets.token_urlsafe(18), persona, now, now)


def keep(request: Request, response: Response, session: Session) -> None:
    """Write the cookie where it is new or a minute old."""
    view = view_of(request)
    seen = session.at(view.clock())
    known = find_session(request)
    other = known is None or known.id != session.id or known.acting != session.acting
    if known is None or other or seen.seen - known.seen >= _RENEW_AFTER:
        write_cookie(request, response, NAME, view.sessions.text(seen), int(ABSOLUTE.total_seconds()))


def seconds_left(session: Session, now: datetime) -> int:
    """Seconds until the session is over for somebody who does nothing from now on."""
    unseen = session.at(now).seen - session.seen
    idle = IDLE.total_seconds() - (unseen if unseen < _RENEW_AFTER else 0)
    return int(min(idle, session.started + ABSOLUTE.total_seconds() - now.timestamp()))


def end_session(request: Request) -> None:
    """What the request's cookie opens, it opens no more, nor does any copy of it."""
    view, session = view_of(request), find_session(request)
    if session is not None and view.presence is not None:
        view.presence.leave(session.id)


def forget(request: Request, response: Response) -> None:
    """Take the cookie away."""
    write_cookie(request, response, NAME, "", 0)


# ── cookies ──────────────────────────────────────────────────────────────────────────────────────


def write_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """A cookie for this site and no script; 0 seconds takes it away."""
    secure = _is_secure(request)
    response.set_cookie(
        _named(name, secure), value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure
    )


def read_cookie(request: Request, name: str) -> str:
    """The value of a cookie; empty where it was not sent."""
    return request.cookies.get(_named(name, _is_secure(request)), "")


def _named(name: str, secure: bool) -> str:
    """With a prefix that makes browsers refuse the cookie from other hosts, and over http.

    https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis §4.1.3
    """
    return f"__Host-{name}" if secure else name


def _is_secure(request: Request) -> bool:
    """Whether cookies go over https alone: always, but for the demo, and on this machine."""
    return request.scope["scheme"] == "https" or not (view_of(request).demo or is_this_machine(_host(request)))


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


# ── forms ────────────────────────────────────────────────────────────────────────────────────────


def from_own_page(request: Request) -> bool:
    """Whether the browser says that the request comes from a page of ours; silence is no."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return site == "same-origin"
    own = {request.headers.get("host", ""), urlsplit(view_of(request).base).netloc}
    try:
        return urlsplit(origin).netloc in own - {""}
    except ValueError:
        return False
