"""A patient is referred: the request, its case and the patient's agreement, in one commit.

Nothing is kept before it is confirmed, and a form that is sent twice makes one referral. The agreement names exactly
what the preview is made of (`overview.read_slice`), until the referral's last day. Not here: what becomes of it
(`casework`). https://hl7.org/fhir/R4/servicerequest.html · MedCom XREF15
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.errors import CareplanError
from careplan.domain.referral import ANSWER_WITHIN
from careplan.domain.words import words_fault
from careplan.domain.workday import add_workdays
from careplan.fhir import systems
from careplan.fhir.case import (
    NEEDS,
    Draft,
    consent_from_request,
    request_from_draft,
    request_of_task,
    task_from_request,
)
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.mark import identifier_of, sent_with
from careplan.interactions.overview import Overview, read_slice
from careplan.store.protocol import Guard, GuardFailed

OFFER = "Afklarende samtale"
"""What is asked for unless the clinic says otherwise: nobody has to know the receiver's catalogue."""

OPEN_FOR = 6
"""Months that the receiver sees the plan, unless the clinic says otherwise."""
LONGEST = 12
"""Months a referral opens the plan at most."""

CLASSES = access.SLICE - access.OPEN
"""The types that the patient agrees are seen."""


class ReferralNeedsConsent(CareplanError):
    """A referral shows a plan to somebody else: the patient agrees to it first."""

    code = "referral-needs-consent"


class ReferralFaulty(CareplanError):
    """A referral to nobody, for too long, or with words too long."""

    code = "referral-faulty"


@dataclass(frozen=True, slots=True)
class Receiver:
    """An organisation that can be asked, and what it offers, as on record."""

    id: str
    name: str
    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A referral that was sent: logical ids of the ServiceRequest and of its case."""

    request: str
    task: str


async def receivers(context: Context) -> tuple[Receiver, ...]:
    """Whom a clinic can refer to: organisations on record that are no practice, by name."""
    access.check_clinical(context)
    services = [parse(one.body or b"") for one in await every(context, Query("HealthcareService"))]
    found = []
    for version in await every(context, Query("Organization")):
        value = parse(version.body or b"")
        if value.get("active", True) and not _is_practice(value) and version.id != context.caller.organization:
            offers = [
                _offer(one) for one in services if _provider(one) == version.reference and one.get("active", True)
            ]
            found.append(Receiver(version.id, str(value.get("name", "")), tuple(dict.fromkeys(filter(None, offers)))))
    return tuple(sorted(found, key=lambda one: (one.name, one.id)))


def _is_practice(organization: Json) -> bool:
    numbers = (str(one.get("system", "")) for one in organization.get("identifier", ()))
    return any(systems.normal_system(one) == systems.YDERNUMMER for one in numbers)


def _provider(service: Json) -> str:
    return str((service.get("providedBy") or {}).get("reference", ""))


def _offer(service: Json) -> str:
    kinds = (str(one.get("text", "")) for one in service.get("type", ()))
    return str(service.get("name") or next(kinds, ""))


def last_day(on: date) -> date:
    """The last day that the receiver sees the plan, unless the clinic says otherwise."""
    return add_months(on, OPEN_FOR)


def answer_by(on: date) -> date:
    """The day by which a referral that is sent today is answered."""
    return add_workdays(on, ANSWER_WITHIN)


async def preview(context: Context, patient: str, draft: Draft) -> Overview:
    """What the receiver will see, were the draft sent now. Raises Forbidden, ReferralFaulty, NotFound."""
    access.check_whole_record(context)
    await _check(context, draft)
    return await read_slice(context, patient, {**_request(context, patient, draft), "id": "draft"})


def _request(context: Context, patient: str, draft: Draft) -> Json:
    marked = replace(draft, mark=identifier_of(draft.mark)["value"] if draft.mark else "")
    return request_from_draft(marked, patient, context.caller.reference, context.now, context.on)


async def refer(context: Context, patient: str, draft: Draft, *, agreed: bool) -> Sent:
    """Send it: the receiver sees the patient's plan from now on, until the last day or the end of the case.

    agreed  that the patient has agreed, told to whoever is signed in now
    Raises  ReferralNeedsConsent, ReferralFaulty, Forbidden, NotFound
    """
    if not agreed:
        raise ReferralNeedsConsent("a referral shows the plan to somebody else; the patient agrees to it first")
    await preview(context, patient, draft)

    async def work() -> Sent:
        sent, guards = await _sent(context, patient, draft)
        return sent or await _send(context, patient, draft, guards)

    return await again(work, GuardFailed)


async def _check(context: Context, draft: Draft) -> None:
    """Raises ReferralFaulty."""
    if draft.receiver not in {one.id for one in await receivers(context)}:
        raise ReferralFaulty("the receiver is an organisation on record that is no practice")
    if not draft.offer.strip() or any(words_fault(one) for one in (draft.offer, draft.words, draft.note)):
        raise ReferralFaulty("a referral says in words what is asked for, and is not too long")
    if draft.until is None or not context.on < draft.until <= add_months(context.on, LONGEST):
        raise ReferralFaulty(f"a referral opens the plan until a day after today, within {LONGEST} months")
    if not set(draft.needs) <= NEEDS.keys():
        raise ReferralFaulty(f"a special need is one of {', '.join(NEEDS)}")


async def _sent(context: Context, patient: str, draft: Draft) -> tuple[Sent | None, tuple[Guard, ...]]:
    """What this form has sent already, and a guard that it is not sent meanwhile."""
    found, guards = await sent_with(context, "ServiceRequest", patient, draft.mark)
    if not found:
        return None, guards
    tasks = [parse(one.body or b"") for one in await every(context, Query("Task", patient=patient))]
    cases = (one["id"] for one in tasks if request_of_task(one, context.base) == found[0].reference)
    return Sent(found[0].id, next(cases, "")), guards


async def _send(context: Context, patient: str, draft: Draft, guards: Sequence[Guard]) -> Sent:
    request, id, task = _request(context, patient, draft), context.new_id(), context.new_id()
    clinic = context.caller.organization
    changes = [
        change_from_value(request, id),
        change_from_value(task_from_request(request, id, answer_by(context.on), context.now), task),
        change_from_value(consent_from_request(request, id, clinic, CLASSES), context.new_id()),
    ]
    for change in changes:
        await access.check_write(context, change.type, change.value, patient, act="c")
    await commit(context, changes, guards, Activity("refer", draft.words))
    return Sent(id, task)
