"""B1 «Hvem vil du se planen for?»: one's own plan, or that of somebody who has given a power of attorney.

The choice goes into the session, as the id of a RelatedPerson; every page then says whose plan it is. Not here: what
follows from it (`acting`).
"""

from dataclasses import replace

from starlette.responses import Response

from careplan.interactions.consent import is_relative
from careplan.interactions.context import Context
from careplan.interactions.representation import Represented, represented, until_of
from careplan.views import wording
from careplan.views.acting import CHOICE, FRONT
from careplan.views.catalogue import Catalogue
from careplan.views.contact import person_name
from careplan.views.cookie import OWN
from careplan.views.page import Opened, go
from careplan.views.session import context_of


async def show(opened: Opened) -> Response:
    """The plans to choose among."""
    context = _signed_in(opened)
    chosen = opened.session.acting or ""
    found = await represented(context)
    own = [] if is_relative(context) else [(OWN, opened.t("person.own"), chosen == OWN)]
    others = [(one.relative, await _label(context, one, opened.t), chosen == one.relative) for one in found]
    return opened.page("person_choice.html", opened.t("person.title"), choices=[*own, *others])


async def choose(opened: Opened) -> Response:
    """From now on the pages are about the one chosen; a choice that is none (any more) is asked anew."""
    context, key = _signed_in(opened), opened.form.text("person")
    known = {one.relative for one in await represented(context)} | (set() if is_relative(context) else {OWN})
    if key not in known:
        return go(CHOICE, besked="fuldmagt-slut")
    opened.becomes(replace(opened.session, acting=key))
    return go(FRONT)


def _signed_in(opened: Opened) -> Context:
    """The Context of the person who is signed in, whoever they act for."""
    return replace(context_of(opened.request), trail=opened.context.trail)


async def _label(context: Context, one: Represented, t: Catalogue) -> str:
    """«Karen Jensen (fuldmagt til 01.06.2027)»."""
    name, until = person_name(one.patient), await until_of(context, one)
    kind = "parent" if one.parent else "attorney"
    if until is None:
        return t(f"person.{kind}-always", name=name)
    return t(f"person.{kind}", name=name, day=wording.danish_date(until))
