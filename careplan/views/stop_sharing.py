"""B6 and B7 «Stop deling»: exactly what a referral lets its receiver see, and the end of it.

What ends with it is decided by `interactions.block`. Not here: how the referral goes (B6).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import Response

from careplan.fhir.case import receivers_of
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.block import read_referral, stop_sharing
from careplan.interactions.overview import Overview, read_overview
from careplan.store.protocol import NotFound
from careplan.views.agreement import agreements
from careplan.views.catalogue import Catalogue
from careplan.views.confirming import Question, ask, check_own, is_sure
from careplan.views.contact import contact_of, coordinator
from careplan.views.directory import directory_of
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient, wishes
from careplan.views.sharing import PAGE, offer_of, receiver_name, until_text
from careplan.views.wording import measure_name


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what is shared: what it is, and each thing in it."""

    name: str
    items: tuple[str, ...]


async def show(opened: Opened) -> Response:
    """The exact list, and the way to end it."""
    patient = await own_patient(opened.context)
    referral = await _read(opened, patient)
    if referral is None:
        return go(PAGE, besked="allerede-stoppet")
    overview = await read_overview(opened.context, patient, "referral")
    t, end = opened.t, find_date((referral.get("occurrencePeriod") or {}).get("end"))
    return opened.page(
        "stop_sharing.html",
        t("stop.title"),
        id=referral["id"],
        who=await _who(opened, referral),
        until=t("sharing.until.referral") if end is None else until_text(end, t),
        parts=_parts(opened, overview, referral),
    )


async def stop(opened: Opened) -> Response:
    """What follows from it, then the end."""
    check_own(opened)
    t, id, patient = opened.t, opened.path("id"), await own_patient(opened.context)
    referral = await _read(opened, patient)
    if referral is None:
        return go(PAGE, besked="allerede-stoppet")
    if is_sure(opened):
        await stop_sharing(opened.context, patient, id)
        return go(PAGE, besked="deling-stoppet")
    keys = ("stop.then-course", "stop.then-kept", "stop.then-again")
    lines = [t("stop.then", name=await _who(opened, referral)), *(t(one) for one in keys)]
    return ask(opened, Question(t("stop.sure"), lines, f"{PAGE}/henvisning/{id}", t("stop.now")))


async def _read(opened: Opened, patient: str) -> Json | None:
    """The referral; None where it shares nothing any more."""
    try:
        return await read_referral(opened.context, patient, opened.path("id"))
    except NotFound:
        return None


async def _who(opened: Opened, referral: Json) -> str:
    directory = await directory_of(opened.context, receivers_of(referral))
    return receiver_name(referral, directory, opened.t)


def _parts(opened: Opened, overview: Overview, referral: Json) -> list[Part]:
    """Everything a referral opens, in the patient's words."""
    t = opened.t
    helper = contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))
    agreed = agreements(overview.tasks, overview.directory, overview.on)
    texts = [one.get("code", {}).get("text", "") for one in overview.conditions]
    reasons = [one.get("text", "") for one in referral.get("reasonCode", ())]
    found = [
        Part(t("stop.part.person"), (t("stop.part.person-what"),)),
        Part(t("stop.part.why"), _danish([offer_of(referral), *reasons], t)),
        Part(t("stop.part.diseases"), _danish(texts, t)),
        Part(t("stop.part.wish"), _danish((one.text for one in wishes(overview)), t)),
        Part(t("stop.part.values"), _each(measure_name(line.measure, t) for line in overview.lines)),
        Part(t("stop.part.agreed"), _danish((one.title for one in agreed if not one.done), t)),
        Part(t("stop.part.helper"), _each([helper.name, helper.organization])),
    ]
    return [one for one in found if one.items]


def _danish(texts: Iterable[str], t: Catalogue) -> tuple[str, ...]:
    """Words of the record, marked as Danish on a page in another language."""
    return tuple(t.danish(one) for one in _each(texts))


def _each(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in texts if one))
