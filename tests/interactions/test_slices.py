"""What a receiver of a referral sees of others' work is nothing, whichever way it asks; of what was agreed, all."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir import registry, systems
from careplan.fhir.case import Draft
from careplan.fhir.index import extract
from careplan.fhir.questionnaire_response import RING
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump, parse
from careplan.interactions.access import Forbidden
from careplan.interactions.casework import ask, case_of, move, questions_of, read_case
from careplan.interactions.coursework import Ending, close_course, hold_talk, notes_of
from careplan.interactions.emergency import open_in_emergency
from careplan.interactions.exclusion import Declined
from careplan.interactions.handover import preview, refer
from careplan.interactions.message import answer_message, send_message
from careplan.interactions.operations.exclude import turn_down
from careplan.interactions.overview import read_overview, resources_of
from careplan.interactions.read import history, read, vread
from careplan.interactions.search import search
from careplan.store.protocol import Write

from .conftest import BASE, CALLERS, Json, Town, concept, patient, referral
from .consenting import SURGEON, as_caller
from .test_export import Desk

ANNA = {"reference": "Patient/anna"}
UNTIL = date(2026, 12, 30)
WHY = "Bevidstløs patient, medicinen skal kendes nu"


def activity(id: str, code: str, **more: Any) -> Json:
    base = {"resourceType": "Task", "id": id, "status": "requested", "intent": "order", "for": ANNA}
    return base | {"code": concept(systems.ACTIVITY, code), "authoredOn": "2026-11-20"} | more


CALLERS["surgeon"] = SURGEON
PLAN = {"resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan", "subject": ANNA}
IN_PLAN = {"basedOn": [{"reference": "CarePlan/plan"}]}
CLINIC = {"reference": "Organization/north"}
AGREED = (
    activity("control", "aarskontrol", owner=CLINIC, **IN_PLAN),
    activity("walk", "motion", owner=ANNA, **IN_PLAN),
    {
        "resourceType": "Task",
        "id": "words",
        "status": "requested",
        "intent": "plan",
        "for": ANNA,
        "code": {"text": "Gå"},
    },
    {
        **referral("blood", to="city"),
        "code": concept(systems.ACTIVITY, "blodproever"),
    },
)
OTHERS = (
    activity("called", "indkaldelse", owner=ANNA, **IN_PLAN),
    activity("ring", RING, owner=CLINIC, focus={"reference": "QuestionnaireResponse/q"}),
    {**referral("nobodys"), "performer": [{"display": "Kirurgisk afdeling"}]},
    {**activity("uncoded", "x"), "code": {"text": "Visitation"}, "focus": {"reference": "ServiceRequest/nobodys"}},
)


class Slices:
    """Anna, referred to the municipality and to the hospital; references of what is whose."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.agreed = {f"{one['resourceType']}/{one['id']}" for one in AGREED}
        self.others = {f"{one['resourceType']}/{one['id']}" for one in OTHERS}
        self.towns: set[str] = set()
        self.surgeons: set[str] = set()
        self.tasks: dict[str, str] = {}

    async def fill(self) -> None:
        town = self.town
        await town.put(PLAN, *AGREED, *OTHERS)
        await turn_down(town.as_("doctor"), "anna", [Declined("kol", "patient-wish", "Hun vil ikke tale om det", None)])
        await send_message(town.as_("anna"), "anna", "question", "Må jeg løbe?")
        before = await self.references()
        self.others |= before - self.agreed - self.others
        for who, to, own in (("visitator", "town", self.towns), ("surgeon", "city", self.surgeons)):
            draft = Draft(to, f"Til {to}", until=UNTIL)
            sent = await refer(town.as_("doctor"), "anna", draft, agreed=True)
            self.tasks[who] = sent.task
            context = town.as_(who)
            for step in ("take", "accept"):
                await move(context, sent.task, step, None)
            question = await ask(context, sent.task, "Er der mere, vi skal vide?")
            await answer_message(town.as_("doctor"), question, "Nej")
            own |= await self.references() - before
            before = await self.references()
        await hold_talk(town.as_("visitator"), self.tasks["visitator"], None, [], ["Cykle"], None)
        self.agreed |= await self.references() - before

    async def references(self) -> set[str]:
        found = [(kind, one["id"]) for kind in ("Task", "ServiceRequest") for one in await self.town.find(kind)]
        return {f"{kind}/{id}" for kind, id in found}

    def hidden(self, who: str) -> set[str]:
        return self.others | (self.surgeons if who == "visitator" else self.towns)

    def seen(self, who: str) -> set[str]:
        return self.agreed | (self.towns if who == "visitator" else self.surgeons)


@pytest.fixture
async def slices(town: Town) -> AsyncIterator[Slices]:
    made = Slices(town)
    await made.fill()
    yield made


RECEIVERS = pytest.mark.parametrize("who", ["visitator", "surgeon"])


def of_kinds(resources: list[Json]) -> set[str]:
    named = {f"{one['resourceType']}/{one['id']}" for one in resources}
    return {one for one in named if one.partition("/")[0] in ("Task", "ServiceRequest")}


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


@RECEIVERS
async def test_a_receiver_reads_its_own_and_what_was_agreed_and_nothing_of_others(slices: Slices, who: str) -> None:
    context = slices.town.as_(who)
    assert slices.hidden(who) and slices.seen(who) and not slices.hidden(who) & slices.seen(who)
    for reference in slices.seen(who):
        kind, id = reference.split("/")
        await read(context, kind, id)
        assert (await history(context, kind, id, count=10)).total
    for reference in slices.hidden(who):
        kind, id = reference.split("/")
        for attempt in (read(context, kind, id), vread(context, kind, id, "1"), history(context, kind, id, count=9)):
            with pytest.raises(Forbidden):
                await attempt


@RECEIVERS
async def test_histories_of_these_types_show_a_receiver_nothing(slices: Slices, who: str) -> None:
    for kind in ("Task", "ServiceRequest", None):
        shown = (await history(slices.town.as_(who), kind, None, count=500)).versions
        assert not {one.type for one in shown} & {"Task", "ServiceRequest"}


async def test_what_was_deleted_is_shown_as_it_was(slices: Slices) -> None:
    own = {**activity("own", "x"), "code": {"text": "Ring"}, "owner": {"reference": "Organization/town"}}
    await slices.town.put(own, who="visitator")
    context = slices.town.as_("visitator")
    for one in ("own", "called"):
        await slices.town.delete(f"Task/{one}", "system")
    assert (await history(context, "Task", "own", count=5)).total == 2
    with pytest.raises(Forbidden):
        await read(context, "Task", "called")


# ── searching ────────────────────────────────────────────────────────────────────────────────────


@RECEIVERS
@pytest.mark.parametrize(
    "pairs",
    [
        [("patient", "anna")],
        [("_total", "accurate")],
        [("patient:Patient.gender", "female")],
        [("_sort", "-_lastUpdated"), ("patient:missing", "false")],
    ],
    ids=["patient", "all", "chain", "sorted"],
)
async def test_a_search_finds_its_own_and_what_was_agreed(
    slices: Slices, who: str, pairs: list[tuple[str, str]]
) -> None:
    found = set()
    for kind in ("Task", "ServiceRequest"):
        query = parse_query(kind, pairs, strict=True, base=BASE, count=500)
        page = (await search(slices.town.as_(who), query)).page
        assert page.total in (None, len(page.matches))
        found |= {one.reference for one in page.matches}
    assert found == slices.seen(who)


@RECEIVERS
async def test_nothing_of_others_is_found_by_chain_reverse_chain_or_include(slices: Slices, who: str) -> None:
    context = slices.town.as_(who)

    async def ask_for(kind: str, *pairs: tuple[str, str]) -> Any:
        return await search(context, parse_query(kind, pairs, strict=True, base=BASE, count=500))

    for code in ("tilbud-plan", RING, "indkaldelse"):
        assert not (await ask_for("Patient", ("_has:Task:patient:code", f"{systems.ACTIVITY}|{code}"))).page.matches
    other = "city" if who == "visitator" else "town"
    has = ("_has:Task:patient:owner", f"Organization/{other}")
    assert not (await ask_for("Patient", has)).page.matches
    assert not (await ask_for("Task", ("focus:ServiceRequest.performer", f"Organization/{other}"))).page.matches
    brought = await ask_for("Patient", ("_revinclude", "Task:patient"), ("_revinclude", "ServiceRequest:patient"))
    assert of_kinds([parse(one.body) for one in brought.included]) == slices.seen(who)
    included = await ask_for("Task", ("_include", "Task:based-on"), ("_include", "Task:focus"))
    assert not of_kinds([parse(one.body) for one in included.included]) & slices.hidden(who)


# ── what is put together ─────────────────────────────────────────────────────────────────────────


@RECEIVERS
async def test_the_whole_record_and_the_overview_hold_nothing_of_others(slices: Slices, who: str) -> None:
    town = slices.town
    everything = await town.call("Patient/$everything", "anna", who)
    assert of_kinds([one["resource"] for one in everything["entry"]]) == slices.seen(who)
    overview = await read_overview(town.as_(who), "anna", "referral")
    shown = of_kinds(list(resources_of(overview)))
    assert not shown & slices.hidden(who)
    assert slices.agreed <= shown
    assert f"Task/{slices.tasks[who]}" in shown


async def test_an_export_holds_nothing_of_others(slices: Slices, tmp_path: Path) -> None:
    desk = Desk(slices.town, tmp_path)
    slices.town.later(seconds=1)
    job = await desk.begin("visitator")
    await desk.work()
    assert of_kinds(desk.lines(job)) == slices.seen("visitator")


async def test_the_preview_of_a_referral_is_what_its_receiver_sees(slices: Slices) -> None:
    town = slices.town
    draft = Draft("town", "Endnu en", until=UNTIL)
    ahead = of_kinds(list(resources_of(await preview(town.as_("doctor"), "anna", draft)))) - {"ServiceRequest/draft"}
    assert not ahead & slices.hidden("visitator")
    receives = of_kinds(list(resources_of(await read_overview(town.as_("visitator"), "anna", "referral"))))
    assert {one for one in receives if one.startswith("Task/")} <= ahead | {
        one for one in slices.towns if one.startswith("Task/")
    }


@pytest.mark.parametrize("who", ["doctor", "anna"])
async def test_whoever_else_looks_at_the_slice_sees_none_of_the_clinics_own_work(slices: Slices, who: str) -> None:
    overview = await read_overview(slices.town.as_(who), "anna", "referral")
    shown = of_kinds(list(resources_of(overview)))
    assert not shown & (slices.others - {"ServiceRequest/nobodys", "Task/uncoded"}), "but for referrals that are open"
    assert slices.agreed <= shown


# ── what must go on ──────────────────────────────────────────────────────────────────────────────


async def test_both_receivers_work_on_their_cases_and_see_what_they_asked(slices: Slices) -> None:
    town = slices.town
    for who, task in slices.tasks.items():
        opened = await read_case(town.as_(who), task)
        (question,) = await questions_of(town.as_(who), opened)
        assert question.answer is not None
        assert await case_of(town.as_(who), f"ServiceRequest/{opened.request['id']}", "anna") is not None
    ending = Ending("carried-out", "", ("Mødt 3 af 4 gange.",), "Ny vægt", date(2027, 1, 4), "Godt gået.")
    await close_course(town.as_("visitator"), slices.tasks["visitator"], None, ending)
    assert await notes_of(town.as_("doctor"), await read_case(town.as_("doctor"), slices.tasks["visitator"]))


async def test_a_receiver_sees_an_earlier_case_of_its_own_and_what_it_left(slices: Slices) -> None:
    town = slices.town
    before = await slices.references()
    ending = Ending("carried-out", "", ("Mødt 3 af 4 gange.",), "Ny vægt", date(2027, 1, 4), "Godt gået.")
    await close_course(town.as_("visitator"), slices.tasks["visitator"], None, ending)
    left = await slices.references() - before
    assert left
    with pytest.raises(Forbidden):
        await read_case(town.as_("visitator"), slices.tasks["visitator"])
    await refer(town.as_("doctor"), "anna", Draft("town", "Igen", until=UNTIL), agreed=True)
    await read_case(town.as_("visitator"), slices.tasks["visitator"])
    for one in left:
        await read(town.as_("visitator"), *one.split("/"))
        with pytest.raises(Forbidden):
            await read(town.as_("surgeon"), *one.split("/"))


async def test_a_colleague_sees_what_a_colleague_asked(slices: Slices) -> None:
    role = {"resourceType": "PractitionerRole", "organization": {"reference": "Organization/town"}}
    await slices.town.put({**role, "id": "v"}, {**role, "id": "w"})
    colleague = replace(CALLERS["visitator"], reference="PractitionerRole/w")
    query = parse_query("Task", [("code", f"{systems.ACTIVITY}|besked")], strict=True, base=BASE, count=9)
    (found,) = (await search(as_caller(slices.town, colleague), query)).page.matches
    assert found.reference in slices.towns


async def test_an_emergency_shows_a_hospital_no_more_of_others_work(slices: Slices) -> None:
    ward = replace(SURGEON, organization="ward", reference="PractitionerRole/other-surgeon")
    context = as_caller(slices.town, ward)
    await open_in_emergency(context, "anna", WHY)
    for kind in ("Task", "ServiceRequest"):
        query = parse_query(kind, [("patient", "anna")], strict=True, base=BASE, count=500)
        found = {one.reference for one in (await search(context, query)).page.matches}
        assert found == {one for one in slices.agreed if one.startswith(kind)}


async def test_a_receiver_of_many_referrals_searches_its_tasks_in_time(town: Town) -> None:
    """Each case is looked up among those sent to it: compared with each of them, they take longer than a query may."""
    count = 1600
    people = [patient(f"p{number}") for number in range(count)]
    requests = [referral(f"r{number}", of=f"p{number}") for number in range(count)]
    cases = [
        {
            **activity(f"c{number}", "henvisning"),
            "for": one["subject"],
            "focus": {"reference": f"ServiceRequest/r{number}"},
        }
        for number, one in enumerate(requests)
    ]
    for resources in (people, requests, cases):
        await kept(town, resources)
    query = parse_query("Task", [("_total", "accurate")], strict=True, base=BASE, count=10)
    assert (await search(town.as_("visitator"), query)).page.total == count


async def kept(town: Town, resources: list[Json]) -> None:
    """Stored as a system loads them, many at once."""
    writes = []
    for one in resources:
        whose = one["id"] if one["resourceType"] == "Patient" else registry.patient_of(one, BASE)
        writes.append(Write(one["resourceType"], one["id"], 0, town.now, whose, dump(one), extract(one, BASE)))
    await town.house.store.commit(writes)
