"""The årskontrol's form as it was kept (*kladde*): which fields, whether it still fits, and where two are not the same.

What was typed stays as it was typed, a number that is none too; it is looked at when it is saved. A tick that an
unlikely number is right is not kept: it is asked for again. Not here: how it is kept (`interactions.kept_form`), and
what any page says of it (`kept_form`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from careplan.fhir.instant import day_of
from careplan.interactions.context import Context
from careplan.interactions.kept_form import Filled, KeptForm, find_kept
from careplan.interactions.overview import Overview
from careplan.interactions.review import FORM, reviewed_from
from careplan.views.agreement import agreements
from careplan.views.catalogue import Catalogue
from careplan.views.checklist import ANSWERS, DONE, answer_text, checks_of
from careplan.views.control_stale import SEEN
from careplan.views.form import Form
from careplan.views.kept_form import Difference, Draft, filled_from_form, going_on, is_old, is_own, offered, overtaken
from careplan.views.measured import FIELD, Typed, is_typed
from careplan.views.page import Opened


def filled(form: Form) -> Filled:
    """Ticks, what is done, and what is typed."""
    return filled_from_form(form, lambda name: name == DONE or name.startswith((*ANSWERS, FIELD)), form.all(SEEN))


def left_of(kept: KeptForm | None, form: Form) -> Filled | None:
    """What stands kept of a form once its values are saved; None where what is kept is not of this form.

    Where nothing was kept there is nothing in it: nobody asked for a draft of the rest.
    """
    some = filled(form)
    if kept is None:
        return replace(some, fields={})
    fields = {name: texts for name, texts in some.fields.items() if not name.startswith(FIELD)}
    return replace(some, fields=fields) if is_own(kept, form) else None


def typed_of(form: Form, overview: Overview) -> dict[str, Typed]:
    """What stands in the fields of the grid, not looked at."""
    measures = (line.measure for line in overview.lines if is_typed(line.measure))
    return {one.id: Typed(one, text) for one in measures if (text := form.text(FIELD + one.id))}


def opened_with(opened: Opened, overview: Overview, kept: KeptForm | None) -> tuple[Opened, Draft]:
    """The page as it is opened: filled in with what was kept, or with an offer of it where it may not fit."""
    t = opened.t
    if kept is None:
        return opened, Draft()
    why = why_not(kept, opened.context, overview, t)
    if why:
        return opened, offered(kept, why, t)
    return replace(opened, form=Form(kept.filled.fields)), going_on(kept, t, *_notes(kept, opened.context, overview, t))


def sent_with(opened: Opened, overview: Overview, kept: KeptForm | None) -> Draft:
    """What is said of it on a page that comes back with the form as it was sent."""
    t = opened.t
    if kept is None:
        return Draft()
    if is_own(kept, opened.form):
        return going_on(kept, t)
    why = why_not(kept, opened.context, overview, t)
    return offered(kept, why, t) if why else Draft()


def told_of_newer(opened: Opened, overview: Overview, kept: KeptForm) -> Draft:
    """That somebody else kept another meanwhile, and both where they are not the same."""
    return overtaken(kept, tuple(_differences(opened, overview, Form(kept.filled.fields))), opened.t)


def fetched(form: Form, kept: KeptForm) -> Form:
    """A form with what was kept put in; what else is typed stays."""
    return Form({**form.values, **kept.filled.fields})


async def find_kept_control(context: Context, patient: str) -> KeptForm | None:
    return await find_kept(context, FORM, patient)


def why_not(kept: KeptForm, context: Context, overview: Overview, t: Catalogue) -> str:
    """Why what was kept is not filled in by itself; empty where it is."""
    if _controls(kept.filled.rests) != _controls(_rests(context, overview)):
        return t("control.kept-held")
    return t("kept.old") if is_old(kept, context.now) else ""


def _notes(kept: KeptForm, context: Context, overview: Overview, t: Catalogue) -> Iterator[str]:
    if kept.filled.rests != _rests(context, overview):
        yield t("control.kept-changed")
    if day_of(kept.at) != overview.on and any(name.startswith(FIELD) for name in kept.filled.fields):
        yield t("control.kept-dated")


def _rests(context: Context, overview: Overview) -> frozenset[str]:
    return reviewed_from(context.knowledge, overview.plans, overview.tasks)


def _controls(rests: Iterable[str]) -> frozenset[str]:
    """The controls among what an approval rests on; that a plan is another now is told, and no more."""
    return frozenset(one.partition("@")[0] for one in rests if not one.startswith("CarePlan/"))


def _differences(opened: Opened, overview: Overview, theirs: Form) -> Iterator[Difference]:
    own, t = opened.form, opened.t
    for line in overview.lines:
        texts = [one.text(FIELD + line.measure.id) for one in (own, theirs)]
        if texts[0] != texts[1]:
            yield Difference(line.measure.name, *(text or "–" for text in texts))
    for check in checks_of(opened.context.knowledge, overview):
        results = [answer_text(one, check.id, t) for one in (own, theirs)]
        if results[0] != results[1]:
            yield Difference(check.says, *results)
    for agreed in agreements(overview.tasks, overview.directory, overview.on):
        ticks = [agreed.id in one.all(DONE) for one in (own, theirs)]
        if ticks[0] != ticks[1]:
            yield Difference(agreed.title, *(t("control.result.done") if one else "–" for one in ticks))
