"""What others have sent the clinic, as groups of the worklist: answers before a control, messages, referrals.

Each row leads to where it is dealt with. Not here: who is overdue or without a plan (`interactions.worklist`).
"""

from collections.abc import Mapping
from dataclasses import replace

from careplan.domain.referral import CLINIC, LATE
from careplan.fhir.agreed import due_of
from careplan.fhir.instant import find_date
from careplan.fhir.message import Message
from careplan.interactions.casework import open_referrals
from careplan.interactions.message import open_messages
from careplan.interactions.preparation import prepared
from careplan.interactions.reply import Returned, returned
from careplan.interactions.ringing import open_calls
from careplan.interactions.trail import Trail
from careplan.interactions.worklist import Candidate, Worklist
from careplan.views import wording
from careplan.views.case import Panel, asked_text, panel_of
from careplan.views.catalogue import Catalogue
from careplan.views.listed import ASKED, RETURNED, SENT, UNANSWERED, Group
from careplan.views.message import moment_text
from careplan.views.page import Opened

READY, ANSWER, MUNICIPAL, RING = "ready", "answer", SENT, "ring"


async def waiting(opened: Opened, found: Worklist) -> Mapping[str, list[Group]]:
    """By state: who is prepared, whose message waits, and whose referral is under way.

    What is counted here is no look at anybody's record; the rows that are shown are logged by the page.
    """
    opened = replace(opened, context=replace(opened.context, trail=Trail()))
    return {
        READY: await _ready(opened, found),
        ANSWER: await _calls(opened, found) + await _messages(opened, found),
        MUNICIPAL: await _referrals(opened, found),
    }


async def _ready(opened: Opened, found: Worklist) -> list[Group]:
    planned = _planned(found)
    days = await prepared(opened.context, planned.keys())
    ordered = sorted(days, key=lambda patient: (days[patient], patient))
    return [
        Group(
            some[0].patient, READY, some, says=(opened.t("worklist.prepared", day=wording.danish_date(days[patient])),)
        )
        for patient in ordered
        if (some := planned.get(patient, ()))
    ]


async def _calls(opened: Opened, found: Worklist) -> list[Group]:
    """Who is to be rung to today, before every message."""
    planned = _planned(found)
    groups = []
    for one in await open_calls(opened.context):
        day = wording.danish_date(find_date(one.task.get("authoredOn")) or opened.context.on)
        says = (opened.t("worklist.ring", day=day),)
        plans = planned.get(str(one.patient["id"]), ())
        groups.append(Group(one.patient, RING, plans, link=f"/ring/{one.id}", says=says, due=due_of(one.task)))
    return groups


async def _messages(opened: Opened, found: Worklist) -> list[Group]:
    planned = _planned(found)
    return [
        Group(
            one.patient,
            ANSWER,
            planned.get(one.message.patient, ()),
            link=f"/beskeder/{one.message.task}",
            says=(_asked(one.message, opened.t),),
        )
        for one in await open_messages(opened.context)
    ]


def _asked(message: Message, t: Catalogue) -> str:
    """What it is about, who wrote it and when."""
    return f"{t(f'message.topic.{message.topic}')}. {message.asked.name}, {moment_text(message.asked, t)}"


async def _referrals(opened: Opened, found: Worklist) -> list[Group]:
    """What came back and nobody has seen or done, then what nobody has answered in time, then what is under way."""
    planned, on = _planned(found), opened.context.on
    groups = [_returned(opened, one, planned) for one in await returned(opened.context)]
    for one in await open_referrals(opened.context):
        panel = panel_of(one.opened, {}, on, opened.t, CLINIC)
        late = panel.deadline == LATE
        groups.append(
            Group(
                one.patient,
                UNANSWERED if late else MUNICIPAL,
                planned.get(panel.patient, ()),
                link=_page(panel),
                says=(f"{panel.icon} {panel.offer}: {panel.phase}. {panel.word}",),
                due=panel.due if panel.days is not None else None,
                word="" if late else panel.phase,
            )
        )
    return groups


def _returned(opened: Opened, one: Returned, planned: Mapping[str, tuple[Candidate, ...]]) -> Group:
    t = opened.t
    panel = panel_of(one.opened, {}, opened.context.on, t, CLINIC)
    ended = ". ".join(words.removesuffix(".") for words in (panel.phase, panel.reason, panel.text) if words)
    return Group(
        one.patient,
        ASKED if one.notice is None else RETURNED,
        planned.get(panel.patient, ()),
        link=_page(panel),
        says=(f"{panel.offer}: {ended}.", *(asked_text(task, t) for task in one.follow_ups)),
        due=one.due,
        word="" if one.notice is None else panel.phase,
    )


def _page(panel: Panel) -> str:
    return f"/patient/{panel.patient}/henvisning/{panel.task}"


def _planned(found: Worklist) -> dict[str, tuple[Candidate, ...]]:
    """The plans of everybody who has one."""
    planned: dict[str, list[Candidate]] = {}
    for one in found.candidates:
        if one.saved is not None:
            planned.setdefault(one.version.id, []).append(one)
    return {patient: tuple(some) for patient, some in planned.items()}
