"""Pages for everybody, signed in or not: help, and the accessibility statement.

They are there when the store is not: what they would read of it is then left out.
"""

from dataclasses import dataclass
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from careplan.fhir.text import Json, parse
from careplan.interactions.access import LoginRequired
from careplan.interactions.representation import RepresentationLost
from careplan.store.protocol import StoreUnavailable
from careplan.views.acting import Acting, acting_context
from careplan.views.contact import contact_of
from careplan.views.cookie import Session
from careplan.views.frame import html
from careplan.views.language import catalogue_of, size_of
from careplan.views.page import HOME
from careplan.views.session import context_of, find_session, keep, seconds_left
from careplan.views.view import View, view_of

REVIEWED = date(2026, 11, 22)
"""The day on which the accessibility statement was last gone through; once a year."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whom one tells that a page cannot be used, as on record; what is not is empty.

    written  a mail address, else one of the post
    """

    name: str = ""
    phone: str = ""
    dial: str = ""
    written: str = ""


async def help_page(request: Request) -> Response:
    """Where to turn, and what the words mean."""
    return await _page(request, "help.html", "help.title")


async def accessibility(request: Request) -> Response:
    """The accessibility statement that the law asks for."""
    place = await _place(view_of(request))
    return await _page(request, "accessibility.html", "accessibility.title", place=place, reviewed=REVIEWED)


async def _page(request: Request, template: str, title: str, **values: object) -> Response:
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
        200,
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
        acting=await _acting(request, session) if session is not None and role else None,
        **values,
    )
    if session is not None and role:
        keep(request, response, session)
    return response


async def _acting(request: Request, session: Session) -> Acting | None:
    """For whom a relative acts; None, too, where that holds no longer: the next page says so."""
    try:
        return (await acting_context(request, context_of(request), session))[1]
    except (RepresentationLost, StoreUnavailable):
        return None


async def _place(view: View) -> Place:
    """The organisation of the setting, as the record has it."""
    type_name, _, id = view.contact.partition("/")
    try:
        version = await view.house.store.read(type_name, id)
    except StoreUnavailable:
        return Place()
    if version is None or version.body is None:
        return Place()
    organization = parse(version.body)
    known = contact_of({view.contact: organization}, view.contact)
    return Place(known.name, known.phone, known.dial, _written(organization))


def _written(organization: Json) -> str:
    mails = (str(one.get("value", "")) for one in organization.get("telecom", ()) if one.get("system") == "email")
    return next((one for one in (*mails, *map(_address, organization.get("address", ()))) if one), "")


def _address(address: Json) -> str:
    """«Nørregade 1, 9999 Nordby»."""
    place = " ".join(str(address[part]) for part in ("postalCode", "city") if address.get(part))
    return str(address.get("text") or ", ".join(str(one) for one in (*address.get("line", ()), place) if one))
