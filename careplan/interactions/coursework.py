"""What the receiver of a referral writes of its course: the first talk, who came, what was measured, and how it ended.

Each is one commit with the case it belongs to. Notes are Communications based on the referral, agreements are Tasks
based on the patient's plans, tests are Observations of the receiver; attendance is `Task.output` of the case. Nothing
here touches a clinical target. Not here: the steps of the case (`casework`).
https://hl7.org/fhir/R4/communication.html · MedCom XDIS15
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careplan.domain.errors import CareplanError
from careplan.domain.referral import ENDED, RECEIVER, StepNotAllowed
from careplan.domain.words import words_fault
from careplan.fhir import systems
from careplan.fhir.case import receivers_of
from careplan.fhir.instant import find_date, find_instant, instant_text
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.casework import CaseFile, check_receiving, keep_case, move, read_case, side_of
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.follow_up import follow_up, task_of_course
from careplan.interactions.precondition import PreconditionFailed
from careplan.store.protocol import Version

TALK, COURSE, CLOSING, FAREWELL = "Afklarende samtale", "Notat fra forløbet", "Afslutningsnotat", "Til dig"
DIED = "died"
"""The topics of notes: the last is the sentence to the patient."""

ATTENDED, ABSENT = "Mødt", "Udeblevet"
RESULTS = ("achieved", "partly", "not-achieved")
"""How a goal of the course came out, in the order they are offered."""


@dataclass(frozen=True, slots=True)
class Test:
    """A test that a municipality takes: what it is called, its coding (None: none is known), its unit, what is
    possible, and whether it counts in whole numbers."""

    id: str
    name: str
    coding: tuple[str, str] | None
    unit: str
    code: str
    low: Decimal
    high: Decimal
    whole: bool = False

    def holds(self, value: Decimal) -> bool:
        """Whether a value is possible."""
        return self.low <= value <= self.high and not (self.whole and value % 1)


TESTS: tuple[Test, ...] = (
    Test("rejse-saette", "Rejse-sætte-sig-test, 30 sekunder", None, "gange", "1", Decimal(0), Decimal(60), whole=True),
    Test("gang", "6 minutters gangtest", (systems.LOINC, "64098-7"), "m", "m", Decimal(0), Decimal(1200)),
    Test("vaegt", "Vægt", (systems.NPU, "NPU03804"), "kg", "kg", Decimal(20), Decimal(400)),
)


class NoteFaulty(CareplanError):
    """A note that says nothing, or too much."""

    code = "referral-faulty"


@dataclass(frozen=True, slots=True)
class Note:
    """A note of the course, or the sentence to the patient: who wrote what, when."""

    topic: str
    lines: tuple[str, ...]
    by: str
    on: date | None

    @property
    def is_to_patient(self) -> bool:
        return self.topic == FAREWELL


@dataclass(frozen=True, slots=True)
class Ending:
    """How a course ended.

    outcome    a code of `domain.referral.OUTCOMES`
    lines      the note to the clinic, a line each
    follow_up  what the clinic is asked to do, and by when; empty: nothing
    farewell   the sentence to the patient; nobody reads it of whom has died
    """

    outcome: str
    text: str
    lines: tuple[str, ...]
    follow_up: str
    due: date | None
    farewell: str


async def hold_talk(
    context: Context, task: str, expects: int | None, lines: Sequence[str], goals: Sequence[str], next_on: date | None
) -> None:
    """The first talk: its note, what was agreed, the next meeting; an accepted case is under way with it.

    goals  what is agreed in common: each becomes an agreement of the patient's plans
    Raises NoteFaulty, StepNotAllowed, PreconditionFailed, Forbidden, NotFound
    """
    opened = await open_course(context, task, expects)
    words = _checked([*lines, *goals])
    beside = [_note(context, opened, TALK, words[: len(lines)])] if any(lines) else []
    beside += [await _agreement(context, opened, one) for one in filter(None, words[len(lines) :])]
    if not beside:
        raise NoteFaulty("a talk leaves a note, or something that was agreed")
    step = {"accepted": "start", "in-progress": "meet" if next_on else ""}.get(opened.case.status, "")
    if step:
        await move(context, task, step, expects, on=next_on, beside=beside)
    else:
        await _kept(context, opened, beside, Activity("referral-note"))


async def keep_course(
    context: Context,
    task: str,
    expects: int | None,
    *,
    on: date,
    came: bool | None,
    words: str = "",
    tests: Sequence[tuple[Test, Decimal]] = (),
) -> None:
    """One meeting of the course: whether the person came, what was measured, a note; in one commit.

    Raises NoteFaulty, StepNotAllowed, PreconditionFailed, Forbidden, NotFound
    """
    opened = await open_course(context, task, expects)
    changes = [_measured(context, opened, test, value, on) for test, value in tests]
    changes += [_note(context, opened, COURSE, _checked([words]))] if words.strip() else []
    if not changes and came is None:
        raise NoteFaulty("a meeting leaves a note, a value or whether the person came")
    output = [] if came is None else [{"type": {"text": ATTENDED if came else ABSENT}, "valueDate": on.isoformat()}]
    await _kept(context, opened, changes, Activity("referral-course"), output)


def needs_farewell(outcome: str) -> bool:
    """Whether there is somebody to read a sentence at the end."""
    return outcome != DIED


async def close_course(context: Context, task: str, expects: int | None, ending: Ending) -> Version:
    """The closing note to the clinic, the sentence to the patient, what the clinic is asked to do; and the end.

    Nobody of the receiver sees the patient by this referral any more. Raises as `move`, and NoteFaulty
    """
    opened = await open_course(context, task, expects)
    words = _checked([*ending.lines, ending.follow_up, ending.farewell])
    if not any(ending.lines) or (needs_farewell(ending.outcome) and not words[-1]):
        raise NoteFaulty("a course ends with a note to the clinic and a sentence to the patient")
    beside = [_note(context, opened, CLOSING, words[: len(ending.lines)])]
    if words[-1]:
        beside.append(_note(context, opened, FAREWELL, [words[-1]], to=f"Patient/{opened.patient}"))
    if ending.follow_up.strip():
        case = opened.version.reference
        beside.append(await follow_up(context, opened.patient, opened.request, case, words[-2], ending.due))
    step = "complete" if ending.outcome in ("carried-out", "partly") else "fail"
    return await move(context, task, step, expects, reason=ending.outcome, text=ending.text, beside=beside)


async def open_course(context: Context, task: str, expects: int | None) -> CaseFile:
    """The case, its receiver's, answered with yes and not ended; as it was seen, and to be written of.

    Raises StepNotAllowed, PreconditionFailed, Forbidden, NotFound
    """
    opened = await read_case(context, task)
    access.check_writes(context, "Task", "u")
    if side_of(context) != RECEIVER or opened.case.status not in ("accepted", "in-progress", "on-hold"):
        raise StepNotAllowed("a course is written of by the receiver of a referral that was accepted and goes on")
    await check_receiving(context, opened)
    if expects is not None and expects != opened.version.number:
        raise PreconditionFailed(f"Task/{task} is at version {opened.version.number}; see what stands there now")
    return opened


async def _kept(
    context: Context, opened: CaseFile, beside: Sequence[Change], activity: Activity, output: Sequence[Json] = ()
) -> None:
    """What is written, and the case with it: so that the version that was seen is seen but once.

    output  what is added to that of the case
    """
    held = {**opened.task, "lastModified": instant_text(context.now)}
    held |= {"output": [*opened.task.get("output", ()), *output]} if output else {}
    await keep_case(context, change_from_value(held, opened.version.id, opened.version), beside, activity)


def _checked(texts: Sequence[str]) -> list[str]:
    for text in texts:
        fault = words_fault(text)
        if fault:
            raise NoteFaulty(f"a note: {fault}")
    return [one.strip() for one in texts]


def _note(context: Context, opened: CaseFile, topic: str, lines: Sequence[str], to: str = "") -> Change:
    reader = to or str((opened.request.get("requester") or {}).get("reference", "")) or f"Patient/{opened.patient}"
    value = {
        "resourceType": "Communication",
        "basedOn": [{"reference": f"ServiceRequest/{opened.request['id']}"}],
        "status": "completed",
        "subject": {"reference": f"Patient/{opened.patient}"},
        "topic": {"text": topic},
        "about": [{"reference": opened.version.reference}],
        "sent": instant_text(context.now),
        "recipient": [{"reference": reader}],
        "sender": {"reference": f"Organization/{context.caller.organization}", "display": context.caller.name},
        "payload": [{"contentString": one} for one in lines if one],
    }
    return change_from_value(value, context.new_id())


async def _agreement(context: Context, opened: CaseFile, words: str) -> Change:
    """What was agreed with the person: theirs to do."""
    task = await task_of_course(context, opened.patient, opened.request, words, "in-progress")
    return change_from_value({**task, "owner": {"reference": f"Patient/{opened.patient}"}}, context.new_id())


def _measured(context: Context, opened: CaseFile, test: Test, value: Decimal, on: date) -> Change:
    coding = {"coding": [{"system": test.coding[0], "code": test.coding[1]}]} if test.coding else {}
    observation = {
        "resourceType": "Observation",
        "basedOn": [{"reference": f"ServiceRequest/{opened.request['id']}"}],
        "status": "final",
        "code": {**coding, "text": test.name},
        "subject": {"reference": f"Patient/{opened.patient}"},
        "effectiveDateTime": on.isoformat(),
        "performer": [{"reference": f"Organization/{context.caller.organization}"}],
        "valueQuantity": {"value": value, "unit": test.unit, "system": systems.UCUM, "code": test.code},
    }
    return change_from_value(observation, context.new_id())


# ── reading it again ─────────────────────────────────────────────────────────────────────────────


def attendance(opened: CaseFile) -> tuple[tuple[date, bool], ...]:
    """(day, whether the person came) of each meeting, oldest first."""
    found = [
        (day, (one.get("type") or {}).get("text") == ATTENDED)
        for one in opened.task.get("output", ())
        if (one.get("type") or {}).get("text") in (ATTENDED, ABSENT) and (day := find_date(one.get("valueDate")))
    ]
    return tuple(sorted(found))


async def notes_of(context: Context, opened: CaseFile) -> tuple[Note, ...]:
    """The notes of a course by who was asked for it, newest first: the clinic's and its receiver's to read.

    The sentence to the patient is one of them.
    """
    side_of(context)
    await access.check_patient(context, opened.patient)
    return await _notes(context, opened)


async def closing_sentence(context: Context, opened: CaseFile) -> str:
    """What the receiver wrote to the patient when the course ended; empty where nothing is."""
    await access.check_patient(context, opened.patient)
    if opened.case.status not in ENDED:
        return ""
    return next((" ".join(one.lines) for one in await _notes(context, opened) if one.topic == FAREWELL), "")


async def _notes(context: Context, opened: CaseFile) -> tuple[Note, ...]:
    query = await access.unblocked(context, Query("Communication", patient=opened.patient))
    said = [parse(version.body or b"") for version in await every(context, query)]
    based = {"reference": f"ServiceRequest/{opened.request['id']}"}
    theirs = [one for one in said if (one.get("sender") or {}).get("reference") in receivers_of(opened.request)]
    own = [one for one in theirs if based in one.get("basedOn", ()) and one.get("status") == "completed"]
    own.sort(key=lambda one: str(one.get("sent", "")), reverse=True)
    return tuple(_read_note(one) for one in own)


def _read_note(communication: Json) -> Note:
    sent = find_instant(str(communication.get("sent", "")))
    return Note(
        topic=str((communication.get("topic") or {}).get("text", "")),
        lines=tuple(str(one.get("contentString", "")) for one in communication.get("payload", ())),
        by=str((communication.get("sender") or {}).get("display", "")),
        on=None if sent is None else sent.date(),
    )
