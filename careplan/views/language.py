"""Which language a request's page is in, and how large its text: what somebody chose on this browser, kept in cookies.

Nothing is guessed from what the browser sends: who never chose reads Danish. A page that lacks the language asked for
is Danish whole. Not here: where one chooses (`preference`), the texts (`catalogue`).
"""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from careplan.views.catalogue import LANGUAGES, SOURCE, Catalogue, Language
from careplan.views.frame import catalogue
from careplan.views.session import read_cookie, write_cookie

LANGUAGE, SIZE = "forloebsplan-sprog", "forloebsplan-tekst"
"""The cookies: a language, a text size."""
SIZES = (100, 125, 150, 175, 200)
"""Text sizes, in per cent."""
KEPT = timedelta(days=365)

STAFF = frozenset({"clinic", "municipality", "hospital"})


def languages_of(role: str) -> tuple[Language, ...]:
    """The languages of a role's pages; of nobody signed in, those of patients."""
    return tuple(one for one in LANGUAGES.values() if one.staff or role not in STAFF)


def catalogue_of(request: Request, role: str = "") -> Catalogue:
    """The texts of a request's page: of the language chosen where the role's pages come in it, else the Danish."""
    chosen = read_cookie(request, LANGUAGE)
    known = chosen in {one.code for one in languages_of(role)}
    return catalogue(chosen if known else SOURCE)


def size_of(request: Request) -> int:
    """The text size chosen, in per cent."""
    chosen = read_cookie(request, SIZE)
    return next((one for one in SIZES if str(one) == chosen), 100)


def keep_language(request: Request, response: Response, chosen: str) -> None:
    """Remember a language on this browser; what is none of ours is not kept."""
    if chosen in LANGUAGES:
        write_cookie(request, response, LANGUAGE, chosen, int(KEPT.total_seconds()))


def keep_size(request: Request, response: Response, chosen: str) -> None:
    """Remember a text size on this browser; what is none of ours is not kept."""
    if chosen in {str(one) for one in SIZES}:
        write_cookie(request, response, SIZE, chosen, int(KEPT.total_seconds()))
