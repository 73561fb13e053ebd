"""B9 «Indstillinger»: the language of the pages and the size of their text, kept on this browser.

Nothing here is stored about anybody: a choice is a cookie, so it holds before one signs in too. Ways of being told
(app, sms) wait until something sends messages. The front page offers the languages by the same door.
"""

from starlette.requests import Request
from starlette.responses import Response

from careplan.domain.errors import CareplanError
from careplan.views.arrival import own_path
from careplan.views.form import read_form
from careplan.views.language import SIZES, keep_language, keep_size, languages_of, size_of
from careplan.views.page import FormExpired, Opened, go, refusal
from careplan.views.session import from_own_page


async def show(opened: Opened) -> Response:
    """The choices as they are."""
    t, role = opened.t, opened.context.caller.role
    return opened.page(
        "settings.html",
        t("settings.title"),
        languages=languages_of(role),
        sizes=SIZES,
        chosen=size_of(opened.request),
        path=opened.request.url.path,
    )


async def keep(opened: Opened) -> Response:
    """Keep what was chosen, and show the page as it looks now."""
    response = go(opened.request.url.path, besked="gemt")
    keep_language(opened.request, response, opened.form.text("sprog"))
    keep_size(opened.request, response, opened.form.text("tekst"))
    return response


async def choose(request: Request) -> Response:
    """A language chosen on the front page, before anybody is known; only from a page of our own."""
    try:
        if not from_own_page(request):
            raise FormExpired("the form does not come from a page of this service")
        form = await read_form(request)
    except CareplanError as error:
        return refusal(request, error)
    back = own_path(form.text("til"))
    response = go("/", til=back) if back else go("/")
    keep_language(request, response, form.text("sprog"))
    return response
