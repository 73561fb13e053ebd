"""C4 «Henvis til kommune», and the clinic's page of one referral: how far it is, what is asked, taking it back.

Nothing is kept before it is confirmed, and nothing is sent that was not looked at: when the receiver or the reasons are
changed, the slice is shown again first. Sending is `interactions.handover`'s, the case `interactions.casework`'s.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from careplan.domain.calendar import add_months
from careplan.domain.referral import CLINIC, STEPS, StepNeedsReason, StepNotAllowed
from careplan.domain.words import LENGTH, words_fault
from careplan.fhir.agreed import OPEN_ORDER, activity_of
from careplan.fhir.case import NEEDS, Draft, receivers_of
from careplan.fhir.reply import SEE, case_of_reply, is_reply
from careplan.fhir.text import Json
from careplan.interactions.access import Forbidden
from careplan.interactions.casework import CaseFile, move, questions_of, read_case
from careplan.interactions.coursework import notes_of
from careplan.interactions.handover import (
    LONGEST,
    OFFER,
    Receiver,
    answer_by,
    last_day,
    preview,
    receivers,
    refer,
)
from careplan.interactions.message import MessageFaulty, answer_message
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.reply import left_of, settle
from careplan.views import wording
from careplan.views.banner import banner_of
from careplan.views.case import asked_text, exchanges, panel_of, reasons_of, references_in
from careplan.views.contact import contact_of
from careplan.views.directory import directory_of
from careplan.views.form import Form, find_day
from careplan.views.page import Opened, go
from careplan.views.slice import slice_values

LEFT = "opgave"
"""The field that says which Task that came back is settled."""
SEND = "send"
SEEN = "set"
"""The field that says which slice the page showed."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in.

    seen  the receiver and the reasons of the slice that was shown with it
    """

    receiver: str
    offer: str = OFFER
    reasons: tuple[str, ...] = ()
    words: str = ""
    needs: tuple[str, ...] = ()
    note: str = ""
    until: str = ""
    agreed: bool = False
    mark: str = ""
    seen: str = ""

    @property
    def shows(self) -> str:
        """What decides the slice."""
        return "|".join((self.receiver, *sorted(self.reasons)))

    def draft(self) -> Draft:
        until = find_day(self.until)
        return Draft(self.receiver, self.offer, self.reasons, self.words, self.needs, self.note, until, self.mark)


async def show(opened: Opened) -> Response:
    """The form, filled in from the record, with the slice that would be sent."""
    overview = await read_overview(opened.context, opened.path("id"), "clinic")
    known = await receivers(opened.context)
    if not known:
        return _page(opened, overview, known, None, {})
    return await _form(opened, overview, known, _first(opened, overview, known), {})


async def send(opened: Opened) -> Response:
    """«Vis igen» shows the slice for what is chosen now; «Send henvisning» sends what was shown."""
    context, patient = opened.context, opened.path("id")
    overview = await read_overview(context, patient, "clinic")
    known, filled = await receivers(context), _filled(opened.form)
    errors = _errors(opened, overview, known, filled)
    if opened.form.text("handling") != SEND:
        kept = {name: one for name, one in errors.items() if name not in ("ja", SEEN)}
        return await _form(opened, overview, known, filled, kept, 422 if kept else 200)
    if errors:
        return await _form(opened, overview, known, filled, errors, 422)
    sent = await refer(context, patient, filled.draft(), agreed=filled.agreed)
    return go(f"/patient/{patient}/henvisning/{sent.task}", besked="henvist")


def _first(opened: Opened, overview: Overview, known: Sequence[Receiver]) -> Filled:
    reasons = {one.get("reference") for plan in overview.plans for one in plan.get("addresses", ())}
    return Filled(
        receiver=known[0].id,
        reasons=tuple(id for id, _ in _conditions(overview) if id in reasons),
        needs=("interpreter",) if _speaks_other(overview.patient) else (),
        until=wording.danish_date(last_day(opened.context.on)),
        mark=opened.view.new_id(),
    )


def _speaks_other(patient: Json) -> bool:
    codes = [c.get("code", "") for one in patient.get("communication", ()) for c in one["language"].get("coding", ())]
    return any(not str(code).startswith("da") for code in codes)


def _conditions(overview: Overview) -> list[tuple[str, str]]:
    """(reference, name) of the diagnoses that a referral can be for."""
    over = {"inactive", "remission", "resolved"}
    return [
        (f"Condition/{one['id']}", str(one["code"]["text"]))
        for one in overview.conditions
        if one.get("code", {}).get("text")
        and not over & {code.get("code") for code in one.get("clinicalStatus", {}).get("coding", ())}
    ]


def _filled(form: Form) -> Filled:
    return Filled(
        receiver=form.text("modtager"),
        offer=form.text("tilbud"),
        reasons=form.all("diagnose"),
        words=form.text("aarsag"),
        needs=form.all("behov"),
        note=form.text("behov-tekst"),
        until=form.text("slut"),
        agreed=form.text("ja") == "ja",
        mark=form.text("mark"),
        seen=form.text(SEEN),
    )


def _errors(opened: Opened, overview: Overview, known: Sequence[Receiver], filled: Filled) -> dict[str, str]:
    t, on, errors = opened.t, opened.context.on, dict[str, str]()
    if filled.receiver not in {one.id for one in known}:
        errors["modtager"] = t("refer.no-receiver")
    if words_fault(filled.offer, needed=True):
        errors["tilbud"] = t("refer.no-offer")
    if not set(filled.reasons) <= {id for id, _ in _conditions(overview)} or not (filled.reasons or filled.words):
        errors["aarsag"] = t("refer.no-reason")
    for name, text in (("aarsag", filled.words), ("behov-tekst", filled.note)):
        if len(text) > LENGTH:
            errors[name] = t("case.long-text", most=LENGTH)
    if not set(filled.needs) <= NEEDS.keys():
        errors["behov-tekst"] = t("refer.no-need")
    until = find_day(filled.until)
    if until is None or not on < until <= add_months(on, LONGEST):
        errors["slut"] = t("refer.no-day", months=LONGEST)
    if filled.seen != filled.shows:
        errors[SEEN] = t("refer.unseen")
    if not filled.agreed:
        errors["ja"] = t("refer.no-consent")
    return errors


async def _form(
    opened: Opened,
    overview: Overview,
    known: Sequence[Receiver],
    filled: Filled,
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    sees: Mapping[str, Any] | None = None
    if not errors.keys() & {"modtager", "tilbud", "slut", "aarsag", "behov-tekst"}:
        try:
            shown = await preview(opened.context, opened.path("id"), filled.draft())
            sees = slice_values(shown, opened.t)
        except Forbidden:
            errors, status = {**errors, "modtager": opened.t("refer.denied")}, 422
    return _page(opened, overview, known, filled, errors, status, sees)


def _page(
    opened: Opened,
    overview: Overview,
    known: Sequence[Receiver],
    filled: Filled | None,
    errors: Mapping[str, str],
    status: int = 200,
    sees: Mapping[str, Any] | None = None,
) -> Response:
    t, context = opened.t, opened.context
    chosen = next((one for one in known if filled and one.id == filled.receiver), None)
    return opened.page(
        "refer.html",
        t("refer.title"),
        status,
        banner=banner_of(overview, context.knowledge),
        patient=opened.path("id"),
        receivers=known,
        offers=tuple(dict.fromkeys((OFFER, *(name for one in known for name in one.offers)))),
        filled=filled,
        chosen=chosen,
        conditions=_conditions(overview),
        needs=[(code, t(f"need.{code}")) for code in NEEDS],
        open=_open(overview, filled),
        answer_by=answer_by(context.on),
        today=context.on,
        staff=context.caller.name,
        person=banner_of(overview, context.knowledge).name,
        errors=errors,
        length=LENGTH,
        sees=sees is not None,
        **(sees or {}),
    )


def _open(overview: Overview, filled: Filled | None) -> bool:
    """Whether the receiver has an open referral already: another is sent only by who knows."""
    own = f"Organization/{filled.receiver}" if filled else ""
    return any(own in receivers_of(one) and one.get("status") in OPEN_ORDER for one in overview.referrals)


# ── the referral that was sent ───────────────────────────────────────────────────────────────────


async def track(opened: Opened) -> Response:
    """One referral: how far it is, its deadline, the questions of the receiver, and taking it back."""
    return await _tracker(opened, await _case(opened), {})


async def act(opened: Opened) -> Response:
    """«Svar» answers a question, «Set» and «Udført» settle what came back, «Træk tilbage» ends the referral."""
    form, task, patient = opened.form, opened.path("task"), opened.path("id")
    case = await _case(opened)
    here = f"/patient/{patient}/henvisning/{task}"
    if form.has(LEFT):
        return go(here, besked=await _settled(opened, case))
    try:
        if form.has("spoergsmaal"):
            await _answer(opened, case)
            return go(here, besked="besvaret")
        why = form.text("aarsag")
        if why not in STEPS["withdraw"].reasons:
            return await _tracker(opened, case, {"aarsag": opened.t("case.no-reason")}, 422)
        await move(opened.context, task, "withdraw", form.whole("version"), reason=why, text=form.text("tekst"))
    except MessageFaulty:
        return await _tracker(opened, case, {f"svar-{form.text('spoergsmaal')}": opened.t("case.no-text")}, 422)
    except StepNeedsReason:
        return await _tracker(opened, case, {"tekst": opened.t("case.no-text")}, 422)
    except (StepNotAllowed, PreconditionFailed):
        return await _tracker(opened, await _case(opened), {"aarsag": opened.t("case.overtaken")}, 409)
    return go(here, besked="trukket")


async def _settled(opened: Opened, case: CaseFile) -> str:
    """Settle one thing that the case has left; what is told of it. Settled by somebody else meanwhile it is settled."""
    overview = await read_overview(opened.context, case.patient, "clinic")
    task = next((one for one in overview.tasks if one["id"] == opened.form.text(LEFT)), None)
    if task is None or not is_reply(task) or case_of_reply(task) != case.version.id:
        raise Forbidden("it is of another case")
    with suppress(PreconditionFailed):
        await settle(opened.context, task["id"], opened.form.whole("version"))
    return "sag-set" if activity_of(task) == SEE else "sag-udfoert"


async def _answer(opened: Opened, case: CaseFile) -> None:
    """Answer a question of this case, on the version of its Task that was seen."""
    asked = {one.task: one for one in await questions_of(opened.context, case)}
    task = opened.form.text("spoergsmaal")
    if task not in asked:
        raise Forbidden("the question is of another case")
    await answer_message(opened.context, task, opened.form.text("tekst"), opened.form.whole("version"))


async def _case(opened: Opened) -> CaseFile:
    case = await read_case(opened.context, opened.path("task"))
    if case.patient != opened.path("id"):
        raise Forbidden("the case is of somebody else")
    return case


async def _tracker(opened: Opened, case: CaseFile, errors: Mapping[str, str], status: int = 200) -> Response:
    t, context = opened.t, opened.context
    overview = await read_overview(context, case.patient, "clinic")
    directory = await directory_of(context, [*references_in([case]), *receivers_of(case.request)])
    panel = panel_of(case, directory, context.on, t, CLINIC)
    return opened.page(
        "referral.html",
        t("refer.track"),
        status,
        banner=banner_of(overview, context.knowledge),
        patient=case.patient,
        one=panel,
        receivers=[contact_of(directory, one) for one in receivers_of(case.request)],
        came_back=[
            (one["id"], one["meta"]["versionId"], "" if activity_of(one) == SEE else asked_text(one, t))
            for one in left_of(case.version.id, overview.tasks)
        ],
        asked=exchanges(await questions_of(context, case)),
        notes=await notes_of(context, case),
        reasons=reasons_of("withdraw", t) if "withdraw" in panel.filled else (),
        picked=opened.form.text("aarsag"),
        typed=opened.form.text("tekst"),
        answering=opened.form.text("spoergsmaal"),
        errors=errors,
        length=LENGTH,
    )
