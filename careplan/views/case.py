"""The case of a referral as pages show it: phase, deadline, owner, the steps that can be taken now, the questions.

Which steps there are is `domain.referral`'s table; here they get names. Both sides use it: the municipality's pages
(`referral`), and the clinic's (`referring`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.attempt import CHANNELS, REACHED, Attempt, is_enough
from careplan.domain.calendar import add_months
from careplan.domain.referral import ENDED, LATE, NEARING, REASONS, RECEIVER, STEPS, Case, steps_of
from careplan.fhir.agreed import due_of
from careplan.fhir.case import phase_of, request_of_task
from careplan.fhir.instant import find_date
from careplan.fhir.message import Message
from careplan.fhir.text import Json
from careplan.interactions.casework import CaseFile
from careplan.interactions.handover import LONGEST
from careplan.interactions.overview import Overview
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.form import find_day
from careplan.views.slice import needs_text, requester_of, until_of
from careplan.views.wording import danish_date

PLAIN = frozenset({"take", "take-over", "accept", "start", "resume"})
"""Steps that need nothing but a press."""

ASK, TRY = "ask", "try"
"""«Bed om oplysninger» and «Forsøg på kontakt»: no steps of the table, since the case stays where it is."""

ICONS: Mapping[str, str] = {LATE: "▲", NEARING: "◐"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One case.

    deadline  running, nearing, late or answered; icon and word say so
    days      until the deadline, negative when it is past; None once the referral was answered
    mine      whether whoever looks is its owner; named: whether a person is
    until     the last day the receiver sees the plan; None where it sees nothing any more, or where no day is set
    ended     whether nothing more comes of it, and the receiver sees nothing
    plain, filled  steps to take now: by a press, by a form
    attempts  (day, how, by whom) of each attempt to reach the person, newest first
    tried     how many were in vain, until a day is agreed; enough: as many as let the case be returned
    """

    task: str
    version: int
    patient: str
    offer: str
    received: date | None
    status: str
    phase: str
    owner: str
    named: bool
    mine: bool
    clinic: str
    due: date | None
    days: int | None
    deadline: str
    icon: str
    word: str
    needs: tuple[str, ...]
    until: date | None
    next_on: date | None
    reason: str
    text: str
    plain: tuple[str, ...]
    filled: tuple[str, ...]
    attempts: tuple[tuple[date, str, str], ...]
    tried: int
    enough: bool
    ended: bool


def panel_of(
    opened: CaseFile, directory: Mapping[str, Json], on: date, t: Catalogue, side: str, by: str | None = None
) -> Panel:
    """A case as one side sees it. by: the reference of whoever looks."""
    case, due, deadline = opened.case, opened.due, opened.deadline(on)
    requester, owner = contact_of(directory, requester_of(opened.request)), contact_of(directory, case.owner)
    mine = case.owner == by
    steps = [one for one in steps_of(case, side) if one != "take-over" or not mine]
    waits = due is not None and deadline != "answered"
    return Panel(
        task=opened.version.id,
        version=opened.version.number,
        patient=opened.patient,
        offer=str(opened.request.get("code", {}).get("text", "")),
        received=find_date(opened.request.get("authoredOn")),
        status=case.status,
        phase=t(f"case.phase.{case.phase}"),
        owner=owner.name,
        named=not case.owner.startswith("Organization/"),
        mine=mine,
        clinic=requester.organization or requester.name,
        due=due,
        days=(due - on).days if due is not None and waits else None,
        deadline=deadline,
        icon=ICONS.get(deadline, "○"),
        word=t(f"case.deadline.{deadline}"),
        needs=needs_text(opened.request, t),
        until=until_of(opened.request) if case.open else None,
        next_on=case.next_on,
        reason=t(f"case.reason.{case.reason}") if case.reason in REASONS else "",
        text=case.text if case.text != REASONS.get(case.reason) else "",
        plain=tuple(one for one in steps if one in PLAIN),
        filled=(*_beside(case, side), *sorted((one for one in steps if one not in PLAIN), key=_is_return)),
        attempts=tuple((one.on, t(f"case.tried.{one.channel}"), one.by) for one in _newest_first(case)),
        tried=len(case.tried),
        enough=is_enough(case.tried),
        ended=case.status in ENDED,
    )


def _beside(case: Case, side: str) -> tuple[str, ...]:
    """What the receiver may do that is no step."""
    if side != RECEIVER or not case.open:
        return ()
    return (ASK, TRY) if case.is_trying else (ASK,)


def _is_return(step: str) -> bool:
    """What sends a case back comes last."""
    return step == "return"


def _newest_first(case: Case) -> list[Attempt]:
    return sorted(case.attempts, key=lambda one: one.on)[::-1]


def asked_text(task: Json, t: Catalogue) -> str:
    """What a referral asks of the clinic after its end, and by when."""
    words, due = str(task["code"].get("text", "")).removesuffix("."), due_of(task)
    return t("case.asked-by", what=words, day=danish_date(due)) if due else t("case.asked-of", what=words)


@dataclass(frozen=True, slots=True)
class Listed:
    """A case in a list of a patient's: the logical id of its Task, what was asked for, when, and how far it is."""

    task: str
    offer: str
    on: date | None
    phase: str


def cases_of(overview: Overview, t: Catalogue) -> tuple[Listed, ...]:
    """Every case of the patient's referrals, ended or not, newest first."""
    requests = {f"ServiceRequest/{one['id']}": one for one in overview.referrals}
    found = [(task, requests.get(request_of_task(task) or "")) for task in overview.tasks]
    listed = [
        Listed(
            task=str(task["id"]),
            offer=str(request.get("code", {}).get("text", "")),
            on=find_date(request.get("authoredOn")),
            phase=t(f"case.phase.{phase_of(task)}"),
        )
        for task, request in found
        if request is not None
    ]
    return tuple(sorted(listed, key=lambda one: (one.on or date.min, one.task), reverse=True))


def references_in(cases: Sequence[CaseFile]) -> list[str]:
    """Who asked and who owns: what a directory is made of."""
    return [one for opened in cases for one in (requester_of(opened.request), opened.case.owner) if one]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question of the receiver, and the clinic's answer once there is one."""

    task: str
    version: int
    asked: str
    by: str
    on: date | None
    answer: str
    answerer: str
    answered: date | None


def exchanges(messages: Sequence[Message]) -> tuple[Exchange, ...]:
    """Questions and answers of a case, newest first."""
    return tuple(
        Exchange(
            task=one.task,
            version=one.version,
            asked=one.asked.text,
            by=one.asked.name,
            on=one.asked.at.date() if one.asked.at else None,
            answer=one.answer.text if one.answer else "",
            answerer=one.answer.name if one.answer else "",
            answered=one.answer.at.date() if one.answer and one.answer.at else None,
        )
        for one in messages
    )


def past_fault(text: str, case: CaseFile, on: date, t: Catalogue) -> str:
    """What is wrong with a day, as it was typed, that is to lie from the referral to today; empty: nothing."""
    day = find_day(text)
    first = find_date(case.request.get("authoredOn")) or add_months(on, -LONGEST)
    if day is None or day > on:
        return t("coursework.no-past-day")
    return t("coursework.early-day", first=danish_date(first)) if day < first else ""


def reasons_of(step: str, t: Catalogue) -> tuple[tuple[str, str], ...]:
    """(code, words) of the reasons a step is given; of an attempt to reach somebody, how it was made."""
    if step == TRY:
        return tuple((code, t(f"case.tried.{code}")) for code in (*CHANNELS, REACHED))
    return tuple((code, t(f"case.reason.{code}")) for code in STEPS[step].reasons) if step in STEPS else ()
