"""«/»: choosing an invented person to be, in the demo; and signing out again.

No password, because nobody here exists. Outside the demo the page says that there is no sign-in yet.
"""

from starlette.requests import Request
from starlette.responses import Response

from careplan.domain.errors import CareplanError
from careplan.views.frame import catalogue, html
from careplan.views.page import HOME, checked_form, go, refusal
from careplan.views.persona import PERSONAS
from careplan.views.session import find_persona, find_session, forget, keep, new_session
from careplan.views.view import view_of


async def front(request: Request) -> Response:
    """Who do you want to be? Whoever is signed in is sent on to where their role begins."""
    view, session = view_of(request), find_session(request)
    persona = find_persona(view, session.persona) if session is not None else None
    if persona is not None:
        return go(HOME.get(persona.caller.role, "/"))
    session = session or new_session(view)
    t = catalogue()
    response = html(
        "signin.html",
        screen=t("signin.title"),
        role="",
        name="",
        home="/",
        token=view.sessions.form_token(session),
        demo=view.demo,
        notice=t("notice.log-ind") if request.query_params.get("besked") == "log-ind" else "",
        patients=view.personas,
        staff=PERSONAS,
    )
    if view.demo:
        keep(request, response, session)
    return response


async def sign_in(request: Request) -> Response:
    """A new session for the person chosen."""
    view, session = view_of(request), find_session(request)
    if session is None:
        return go("/", besked="log-ind")
    try:
        form = await checked_form(request, session)
    except CareplanError as error:
        return refusal(request, error)
    persona = find_persona(view, form.text("person"))
    if persona is None:
        return go("/", besked="log-ind")
    response = go(HOME.get(persona.caller.role, "/"))
    keep(request, response, new_session(view, persona.key))
    return response


async def sign_out(request: Request) -> Response:
    """Back to the beginning, without a session."""
    session = find_session(request)
    if session is not None:
        try:
            await checked_form(request, session)
        except CareplanError as error:
            return refusal(request, error)
    response = go("/")
    forget(response)
    return response
