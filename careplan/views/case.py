"""The case of a referral as pages show it: phase, deadline, owner, the steps that can be taken now, the questions.

Which steps there are is `domain.referral`'s table; here they get names. Both sides use it: the municipality's pages
(`referral`), and the clinic's (`referring`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.referral import LATE, NEARING, REASONS, RECEIVER, STEPS, steps_from
from careplan.fhir.instant import find_date
from careplan.fhir.message import Message
from careplan.fhir.text import Json
from careplan.interactions.casework import CaseFile
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.slice import needs_text, requester_of, until_of

PLAIN = frozenset({"take", "take-over", "accept", "start", "resume"})
"""Steps that need nothing but a press."""

ICONS: Mapping[str, str] = {LATE: "▲", NEARING: "◐"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One case.

    deadline  running, nearing, late or answered; icon and word say so
    days      until the deadline, negative when it is past; None once the referral was answered
    mine      whether whoever looks is its owner; named: whether a person is
    plain, filled  steps to take now: by a press, by a form
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


def panel_of(
    opened: CaseFile, directory: Mapping[str, Json], on: date, t: Catalogue, side: str, by: str | None = None
) -> Panel:
    """A case as one side sees it. by: the reference of whoever looks."""
    case, due, deadline = opened.case, opened.due, opened.deadline(on)
    requester, owner = contact_of(directory, requester_of(opened.request)), contact_of(directory, case.owner)
    mine = case.owner == by
    steps = [one for one in steps_from(case.status, side) if one != "take-over" or not mine]
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
        until=until_of(opened.request),
        next_on=case.next_on,
        reason=t(f"case.reason.{case.reason}") if case.reason in REASONS else "",
        text=case.text if case.text != REASONS.get(case.reason) else "",
        plain=tuple(one for one in steps if one in PLAIN),
        filled=(*(one for one in steps if one not in PLAIN), *(("ask",) if side == RECEIVER and case.open else ())),
    )


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


def reasons_of(step: str, t: Catalogue) -> tuple[tuple[str, str], ...]:
    """(code, words) of the reasons a step is given."""
    return tuple((code, t(f"case.reason.{code}")) for code in STEPS[step].reasons) if step in STEPS else ()
