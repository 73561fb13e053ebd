"""What the pages need of the house, handed to them by `app` as `app.state.view`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import Scope

from careplan.interactions.audit.attendance import Attendance
from careplan.interactions.context import House
from careplan.interactions.signin import SignIn
from careplan.interactions.survey import Surveys
from careplan.views.cookie import Sessions
from careplan.views.persona import Persona
from careplan.views.presence import Presence

FHIR = "/fhir"


@dataclass(frozen=True, slots=True)
class View:
    """The house, and how a request's session, moment and ids are found.

    base      the FHIR base as others see it; empty: by the request's Host
    demo      whether invented people can be chosen at «/»
    personas  the patients that can be chosen
    issuer    where everybody else signs in; None: there is no way in
    presence  who has signed in there
    surveys   of the clinics whose plans are gone through
    attendance  who signs in and out, for the audit log; source: the address that a request comes from
    work      a request's stay in the house: how many are at work at once, and for how long
    contact   reference of the Organization that the accessibility statement sends people to
    """

    house: House
    sessions: Sessions
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    base: str
    demo: bool
    personas: tuple[Persona, ...] = ()
    issuer: SignIn | None = None
    presence: Presence | None = None
    surveys: Surveys = field(default_factory=Surveys)
    attendance: Attendance = field(default_factory=Attendance)
    source: Callable[[Scope], str] = lambda scope: ""
    work: Callable[[Scope], AbstractContextManager[object]] = lambda scope: nullcontext()
    contact: str = "Organization/clinic-own"

    def base_of(self, request: Request) -> str:
        """The FHIR base of a request, without a slash at the end."""
        if self.base:
            return self.base.rstrip("/")
        return f"{self.root_of(request)}{FHIR}"

    def root_of(self, request: Request) -> str:
        """Scheme and host of our pages, without a slash at the end."""
        if self.base:
            found = urlsplit(self.base)
            return f"{found.scheme}://{found.netloc}"
        return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def view_of(request: Request) -> View:
    """The view of the application that serves this request."""
    view: View = request.app.state.view
    return view
