"""What the pages need of the house, handed to them by `app` as `app.state.view`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request

from careplan.interactions.context import House
from careplan.interactions.survey import Surveys
from careplan.views.cookie import Sessions
from careplan.views.persona import Persona

FHIR = "/fhir"


@dataclass(frozen=True, slots=True)
class View:
    """The house, and how a request's session, moment and ids are found.

    base      the FHIR base as others see it; empty: by the request's Host
    demo      whether invented people can be chosen at «/»; nowhere else is there a way in yet
    personas  the patients that can be chosen
    surveys   of the clinics whose plans are gone through
    """

    house: House
    sessions: Sessions
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    base: str
    demo: bool
    personas: tuple[Persona, ...] = ()
    surveys: Surveys = field(default_factory=Surveys)

    def base_of(self, request: Request) -> str:
        """The FHIR base of a request, without a slash at the end."""
        if self.base:
            return self.base.rstrip("/")
        return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}{FHIR}"


def view_of(request: Request) -> View:
    """The view of the application that serves this request."""
    view: View = request.app.state.view
    return view
