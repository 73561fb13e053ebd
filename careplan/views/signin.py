"""«/»: where signing in begins, and signing out.

In the demo one chooses an invented person to be; no password, because nobody here exists. Elsewhere the issuer says who
somebody is (`arrival`); without an issuer the page says that there is no sign-in.
"""

import contextlib

from starlette.requests import Request
from starlette.responses import Response

from careplan.domain.errors import CareplanError
from careplan.store.protocol import StoreUnavailable
from careplan.views.arrival import own_path, signed_out
from careplan.views.frame import html
from careplan.views.language import catalogue_of, languages_of, size_of
from careplan.views.page import HOME, checked_form, go, refusal
from careplan.views.persona import PERSONAS
from careplan.views.session import end_session, find_caller, find_persona, find_session, forget, keep, new_session
from careplan.views.view import view_of

NOTICES = frozenset({"log-ind", "logget-ud"})


async def front(request: Request) -> Response:
    """The way in. Whoever is signed in is sent on to where their role begins."""
    view, caller = view_of(request), find_caller(request)
    if caller is not None:
        return go(HOME.get(caller.role, "/"))
    t, told = catalogue_of(request), request.query_params.get("besked")
    session = (find_session(request) or new_session(view)) if view.demo else None
    response = html(
        "signin.html",
        t=t,
        size=size_of(request),
        languages=languages_of(""),
        screen=t("signin.title" if view.demo else "signin.enter"),
        role="",
        name="",
        home="/",
        token=view.sessions.form_token(session) if session is not None else "",
        demo=view.demo,
        issuer=view.issuer is not None,
        back=own_path(request.query_params.get("til", "")),
        notice=t(f"signin.{'demo.' if view.demo else ''}{told}") if told in NOTICES else "",
        patients=view.personas,
        staff=PERSONAS,
    )
    if session is not None:
        keep(request, response, session)
    return response


async def sign_in(request: Request) -> Response:
    """In the demo: a new session for the person chosen."""
    view, session = view_of(request), find_session(request)
    if session is None or not view.demo:
        return go("/", besked="log-ind")
    try:
        form = await checked_form(request, session)
    except CareplanError as error:
        return refusal(request, error)
    persona = find_persona(view, form.text("person"))
    if persona is None:
        return go("/", besked="log-ind")
    try:
        view.attendance.entered(view.house.journal, persona.caller, view.clock())
    except CareplanError as error:
        return refusal(request, error)
    response = go(HOME.get(persona.caller.role, "/"))
    keep(request, response, new_session(view, persona.key))
    return response


async def sign_out(request: Request) -> Response:
    """The session ends, for every copy of its cookie too; then out at the issuer, or back to the beginning."""
    session, caller, view = find_session(request), find_caller(request), view_of(request)
    if session is not None:
        try:
            await checked_form(request, session)
        except CareplanError as error:
            return refusal(request, error)
    if caller is not None:
        with contextlib.suppress(StoreUnavailable):  # nobody is kept signed in because it cannot be logged
            view.attendance.left(view.house.journal, caller, view.clock())
    response = await signed_out(request) if view.issuer is not None else go("/")
    end_session(request)
    forget(request, response)
    return response
