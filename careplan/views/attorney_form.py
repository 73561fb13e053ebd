"""B7 «Pårørende»: give a relative a power of attorney to read, or to read and write, until a day; and take it back.

Nothing is kept before the page that says what follows from it is answered. What is kept is `interactions.attorney`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from careplan.domain.calendar import add_months
from careplan.fhir.text import Json
from careplan.interactions.agreed_consent import Said
from careplan.interactions.attorney import LONGEST, find_attorney, give, relatives_of, term_fault, withdraw
from careplan.views import wording
from careplan.views.confirming import BACK, Question, Standing, ask, check_own, is_sure, take_back
from careplan.views.form import Form, find_day
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient
from careplan.views.sharing import PAGE, relative_name, until_text

FORM = f"{PAGE}/fuldmagt"
RIGHTS = {"laes": False, "skriv": True}
"""«læse», «læse og skrive»: whether they write."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in."""

    relative: str
    right: str
    until: str


async def show(opened: Opened) -> Response:
    """The form; a year is suggested."""
    check_own(opened)
    year = wording.danish_date(add_months(opened.context.on, 12))
    patient = await own_patient(opened.context)
    return _form(opened, await relatives_of(opened.context, patient), Filled("", "", year))


async def step(opened: Opened) -> Response:
    """What follows from it, then the power of attorney."""
    check_own(opened)
    patient, filled = await own_patient(opened.context), _filled(opened.form)
    relatives = await relatives_of(opened.context, patient)
    errors, until = _errors(opened, filled, relatives), find_day(filled.until)
    if opened.form.has(BACK) or errors or until is None:
        return _form(opened, relatives, filled, errors, 422 if errors else 200)
    if is_sure(opened):
        await give(opened.context, patient, filled.relative, until, writes=RIGHTS[filled.right])
        return go(PAGE, besked="fuldmagt-givet")
    name = next(relative_name(one) for one in relatives if one["id"] == filled.relative)
    return _sure(opened, filled, name, wording.danish_date(until))


def _sure(opened: Opened, filled: Filled, name: str, day: str) -> Response:
    t = opened.t
    writes = ["attorney.then-writes", "attorney.then-not-writes"] if RIGHTS[filled.right] else ["attorney.then-not"]
    keys = ["attorney.then-reads", *writes, "attorney.then-log", "attorney.then-stop"]
    lines = [t("attorney.then", name=t.danish(name), day=day), *(t(one) for one in keys)]
    fields = {"paaroerende": filled.relative, "ret": filled.right, "til": filled.until}
    return ask(opened, Question(t("attorney.sure"), lines, FORM, t("attorney.give-now"), fields, back=True))


def _filled(form: Form) -> Filled:
    return Filled(form.text("paaroerende"), form.text("ret"), form.text("til"))


def _errors(opened: Opened, filled: Filled, relatives: tuple[Json, ...]) -> dict[str, str]:
    t, errors = opened.t, dict[str, str]()
    if filled.relative not in {one["id"] for one in relatives}:
        errors["paaroerende"] = t("attorney.no-relative")
    if filled.right not in RIGHTS:
        errors["ret"] = t("attorney.no-right")
    fault = term_fault(find_day(filled.until), opened.context.on)
    if fault:
        errors["til"] = t(f"attorney.term-{fault}", years=LONGEST // 12)
    return errors


def _form(
    opened: Opened,
    relatives: tuple[Json, ...],
    filled: Filled,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    listed = [(one["id"], relative_name(one)) for one in relatives]
    title = opened.t("attorney.title")
    values = {"relatives": listed, "filled": filled, "errors": errors or {}, "action": FORM, "offered": bool(listed)}
    return opened.page("attorney.html", title, status, **values)


# ── taken back ───────────────────────────────────────────────────────────────────────────────────


async def stop(opened: Opened) -> Response:
    """What follows from it, then the end. One that has ended already is told so."""
    told = ("fuldmagt-stoppet", "allerede-stoppet")
    return await take_back(opened, Standing(find_attorney, withdraw, _stopping, PAGE, *told))


async def _stopping(opened: Opened, patient: str, said: Said) -> Question:
    t = opened.t
    relatives = await relatives_of(opened.context, patient)
    names = [relative_name(one) for one in relatives if f"RelatedPerson/{one['id']}" in said.rule.actors]
    name = t.danish(", ".join(names)) or t("sharing.somebody")
    lines = [t("attorney.stop-then", name=name), t("attorney.stop-kept"), t("attorney.stop-again")]
    lines.append(t("attorney.stop-else", until=until_text(said.until, t)))
    return Question(t("attorney.stop-sure"), lines, f"{FORM}/{said.id}/stop", t("attorney.stop-now"))
