"""Whose plan a patient's page is about: their own, or that of somebody who has given them a power of attorney (B1).

The choice is in the session's cookie, as the id of a RelatedPerson; at every request it is asked anew whether it still
holds. A relative who only reads opens no form. Not here: the page where one chooses (`person_choice`), and what a
relative may do (`interactions.access`).
"""

from dataclasses import dataclass, replace

from starlette.requests import Request

from careplan.domain.errors import CareplanError
from careplan.interactions.consent import is_relative
from careplan.interactions.context import Context
from careplan.interactions.representation import (
    OnlyReads,
    RepresentationLost,
    Represented,
    find_represented,
    represented,
)
from careplan.views.catalogue import Catalogue
from careplan.views.contact import person_name
from careplan.views.cookie import OWN, Session

FRONT, CHOICE = "/plan", "/plan/person"
FOR = "careplan.acting"
"""Where the ASGI scope of a request holds for whom it acts, once that is known."""

UNVOICED = ("s", "x", "z")
"""Danish names that end so take an apostrophe: «Jens’ plan»."""


class ChoiceNeeded(CareplanError):
    """Somebody may see more plans than one, and has not said whose."""

    code = "choice-needed"


@dataclass(frozen=True, slots=True)
class Acting:
    """For whom a relative acts on this page: the patient's name, and whether the relative writes."""

    name: str
    writes: bool

    def owner(self, t: Catalogue) -> str:
        """«Karens», as the strip says it."""
        given = self.name.partition(" ")[0]
        return t("person.owner-s" if given.lower().endswith(UNVOICED) else "person.owner", name=given)


async def acting_context(request: Request, context: Context, session: Session) -> tuple[Context, Acting | None]:
    """The Context of whoever is acted as, and for whom.

    Raises  RepresentationLost where what was chosen holds no longer; ChoiceNeeded on the way to a plan
    """
    if context.caller.role != "patient":
        return context, None
    chosen = await _chosen(request, context, session)
    if chosen is None:
        return context, None
    acting = Acting(person_name(chosen.patient), chosen.writes)
    request.scope[FOR] = acting
    return replace(context, caller=chosen.caller), acting


async def _chosen(request: Request, context: Context, session: Session) -> Represented | None:
    if session.acting not in ("", OWN):
        found = await find_represented(context, session.acting)
        if found is None:
            raise RepresentationLost("the power of attorney holds no longer")
        return found
    if not session.acting and request.url.path == FRONT and await plans_of(context) > 1:
        raise ChoiceNeeded("choose whose plan to see")
    own = (context.caller.reference or "").partition("/")[2] if is_relative(context) else ""
    return await find_represented(context, own) if own else None


async def plans_of(context: Context) -> int:
    """How many plans the person signed in may choose among: their own, and others'."""
    return len(await represented(context)) + (0 if is_relative(context) else 1)


def find_acting(request: Request) -> Acting | None:
    """For whom a request acts, for pages that are made where no page was opened."""
    found: Acting | None = request.scope.get(FOR)
    return found


def check_writing(acting: Acting | None) -> None:
    """Raises OnlyReads for a relative who may read and not write."""
    if acting is not None and not acting.writes:
        raise OnlyReads("this power of attorney lets read, not write")
