"""Pages for everybody, signed in or not: help, and the accessibility statement."""

from starlette.requests import Request
from starlette.responses import Response

from careplan.interactions.access import LoginRequired
from careplan.views.frame import html
from careplan.views.language import catalogue_of, size_of
from careplan.views.page import HOME
from careplan.views.session import context_of, find_session, keep, seconds_left
from careplan.views.view import view_of


async def help_page(request: Request) -> Response:
    """Where to turn, and what the words mean."""
    return _page(request, "help.html", "help.title")


async def accessibility(request: Request) -> Response:
    """The accessibility statement that the law asks for."""
    return _page(request, "accessibility.html", "accessibility.title")


def _page(request: Request, template: str, title: str) -> Response:
    view, session = view_of(request), find_session(request)
    try:
        caller = context_of(request).caller
        role, signed_in = caller.role, caller.name
    except LoginRequired:
        role, signed_in = "", ""
    token = view.sessions.form_token(session) if session is not None and role else ""
    t = catalogue_of(request, role)
    response = html(
        template,
        t=t,
        size=size_of(request),
        screen=t(title),
        demo=view.demo,
        notice="",
        role=role,
        name=signed_in,
        home=HOME.get(role, "/"),
        token=token,
        left=seconds_left(session, view.clock()) if session is not None else 0,
    )
    if session is not None and role:
        keep(request, response, session)
    return response
