"""Two populations that differ only in what a caller may not see answer every request alike, to the byte.

Each caller asks two houses the same: one where nobody else is, and one where others have records of the same kinds,
codes and ids in between, and where the caller is denied some. Status, headers and body are compared, page after page.
The token of a page of a history is sealed (`fhir.page_link`), so of it the length is compared.
What is asked is others at each run; a failure prints the seed, and `CAREPLAN_LEAK_SEED=… pytest
tests/property/test_nothing_leaks.py` asks the same again. `CAREPLAN_LEAK_EXAMPLES=10000` asks more (`make fuzz`).
"""

import asyncio
import os
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from careplan.api.door import Door
from careplan.app import create_app, open_house
from careplan.fhir import registry, systems
from careplan.fhir.text import dump, read_text
from careplan.interactions.caller import SYSTEM, Caller
from careplan.interactions.context import Context, House
from careplan.interactions.kept_form import Filled, keep
from careplan.interactions.review import FORM
from careplan.interactions.slice import WORK
from careplan.interactions.write import delete, update
from careplan.settings import Settings
from careplan.store.sqlite import SQLiteStore
from careplan.views.cookie import NAME, Session, Sessions
from careplan.views.persona import Persona
from careplan.views.view import View

Json = Any
EXAMPLES = int(os.environ.get("CAREPLAN_LEAK_EXAMPLES", "3000"))
SEED = int(os.environ.get("CAREPLAN_LEAK_SEED") or secrets.randbelow(2**32))
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BASE = "http://test/fhir"

CALLERS = {
    "doctor": Caller("clinic", "Mette", "north", reference="PractitionerRole/doctor"),
    "system": Caller("lps", "LPS", "north"),
    "visitator": Caller("municipality", "Sanne", "town", reference="PractitionerRole/v"),
    "patient": Caller("patient", "Anna", patient="a1", reference="Patient/a1"),
    "relative": Caller("patient", "Anders", reference="RelatedPerson/r-a1"),
}


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def record(id: str, practice: str, *, referred: str | None = None) -> Iterator[Json]:
    """One patient's record: a value of two kinds, a diagnosis, a plan, a goal, a task, a relative."""
    about = {"reference": f"Patient/{id}"}
    yield {
        "resourceType": "Patient",
        "id": id,
        "gender": "female",
        "birthDate": "1966-05-20",
        "name": [{"family": "Test", "given": [id]}],
        "generalPractitioner": [{"reference": f"Organization/{practice}"}],
    }
    for code, unit, value in (("NPU27300", "mmol/mol", 51), ("NPU03804", "kg", 80)):
        quantity = {"value": value, "unit": unit, "system": systems.UCUM, "code": unit}
        yield {
            "resourceType": "Observation",
            "id": f"o-{code}-{id}",
            "status": "final",
            "code": _concept(systems.NPU, code),
            "subject": about,
            "effectiveDateTime": "2026-11-15",
            "valueQuantity": quantity,
        }
    yield {"resourceType": "Condition", "id": f"c-{id}", "code": _concept(systems.ICPC2, "T90"), "subject": about}
    yield {"resourceType": "CarePlan", "id": f"p-{id}", "status": "active", "intent": "plan", "subject": about}
    goal = {"resourceType": "Goal", "id": f"g-{id}", "lifecycleStatus": "active", "subject": about}
    yield {**goal, "description": {"text": "x"}, "addresses": [{"reference": f"Condition/c-{id}"}]}
    yield {"resourceType": "Task", "id": f"t-{id}", "status": "requested", "intent": "order", "for": about}
    yield {"resourceType": "RelatedPerson", "id": f"r-{id}", "patient": about}
    if referred is not None:
        request = {"resourceType": "ServiceRequest", "id": f"s-{id}", "status": "active", "intent": "order"}
        yield {**request, "subject": about, "performer": [{"reference": f"Organization/{referred}"}]}
        focus, owner = {"reference": f"ServiceRequest/s-{id}"}, {"reference": f"Organization/{referred}"}
        case = {"resourceType": "Task", "id": f"zcase-{id}", "status": "requested", "intent": "order", "for": about}
        yield {**case, "focus": focus, "owner": owner}


def consent(id: str, of: str, kind: str, actor: str, **more: Json) -> Json:
    named = [{"role": {"text": "x"}, "reference": {"reference": actor}}]
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": _concept(systems.CONSENT_SCOPE, "patient-privacy"),
        "category": [{"text": "x"}],
        "patient": {"reference": f"Patient/{of}"},
        "policyRule": {"text": "x"},
        "provision": {"type": kind, "actor": named, **more},
    }


def seen_by_all() -> list[Json]:
    """What both houses hold: two patients of the clinic, the first referred, trusting a relative."""
    places = [{"resourceType": "Organization", "id": id, "name": id} for id in ("north", "south", "town", "city")]
    trust = consent("k-a1", "a1", "permit", "RelatedPerson/r-a1", period={"end": "2026-12-31"})
    return [*places, *record("a1", "north", referred="town"), *record("a2", "north"), trust]


def hidden_from(who: str) -> list[Json]:
    """What only the second house holds, and the caller may not see: others' records, and denied ones of their own."""
    others = [*record("a0", "south"), *record("a15", "south", referred="city"), *record("b1", "south")]
    if who in ("doctor", "system"):
        others += [*record("a11", "north"), consent("k-a11", "a11", "deny", "Organization/north")]
    if who == "visitator":
        others += others_work("a1")
        blocked = consent("k-a11", "a11", "deny", "Organization/town")
        others += [*record("a11", "north", referred="town"), blocked]
        others += [one for one in record("zz", "north") if one["resourceType"] in ("Patient", "Condition")]
    return others


def others_work(of: str) -> Iterator[Json]:
    """Of a patient whose slice a municipality sees: the clinic's own Tasks, and a referral to another with its own."""
    about, elsewhere = {"reference": f"Patient/{of}"}, {"reference": "Organization/city"}
    clinic, staff = {"reference": "Organization/north"}, {"reference": "PractitionerRole/surgeon"}
    task = {"resourceType": "Task", "status": "requested", "intent": "proposal", "for": about}
    for number, code in enumerate(WORK):
        coded = {"code": _concept(systems.ACTIVITY, code), "owner": clinic, "statusReason": {"text": "Vil ikke"}}
        yield {**task, **coded, "id": f"a{number}-{of}"}
        yield {**task, **coded, "id": f"z{number}-{of}", "focus": {"reference": f"QuestionnaireResponse/{of}"}}
    request = {"resourceType": "ServiceRequest", "id": f"a-{of}", "status": "active", "intent": "order"}
    yield {**request, "subject": about, "performer": [elsewhere], "reasonCode": [{"text": "Psykiatri"}]}
    sent = {"reference": f"ServiceRequest/a-{of}"}
    yield {**task, "id": f"acase-{of}", "focus": sent, "basedOn": [sent], "owner": staff}
    yield {**task, "id": f"aseen-{of}", "focus": {"reference": f"Task/acase-{of}"}, "basedOn": [sent], "owner": clinic}


KEEPERS = {
    "a1": Caller("clinic", "Lars", "north", reference="PractitionerRole/nurse"),
    "b1": Caller("clinic", "Jens", "south", reference="PractitionerRole/other"),
}
"""Who has kept a form of whom, unsent, in the second house alone."""


async def kept(house: House, who: str) -> None:
    """A form kept by a practice; of the doctor's own patient it would show on the doctor's page."""
    for of, keeper in KEEPERS.items():
        if (of, who) != ("a1", "doctor"):
            context = Context(house, keeper, NOW, lambda: "k", BASE)
            await keep(context, FORM, of, Filled("form", fields={"gjort": ("t-a1",)}), frozenset())


async def stored(house: House, resources: list[Json]) -> House:
    """A house of its own with these; what follows from them (Provenance) gets ids by the resource it is of."""
    mine = replace(house, store=SQLiteStore.open(":memory:"), journal=None)
    ordered = sorted(resources, key=lambda one: (one["resourceType"] != "Organization", one["id"]))
    for one in ordered:
        await update(_system(mine, one, NOW), one["resourceType"], one["id"], read_text(dump(one)))
    for one in ordered:
        if one["id"] in ("t-a1", "t-a0"):
            await delete(_system(mine, one, NOW + timedelta(seconds=1)), one["resourceType"], one["id"])
    return mine


def _system(house: House, resource: Json, at: datetime) -> Context:
    ids = (f"n-{resource['id']}-{at:%S}-{number}".lower() for number in range(100))
    return Context(house, SYSTEM, at, lambda: next(ids), BASE)


# ── what is asked ────────────────────────────────────────────────────────────────────────────────

IDS = ["a1", "a2", "a0", "a11", "a15", "b1", "zz", "never"]
TASKS = ["zcase-a1", "acase-a1", "aseen-a1", "a0-a1", "z0-a1", "zcase-a15"]
TYPES = ["Patient", "Observation", "Condition", "CarePlan", "Goal", "Task", "ServiceRequest", "Consent", "Provenance"]
TYPES += ["RelatedPerson", "Organization"]
PREFIX = {"Patient": "", "Observation": "o-NPU27300-", "Condition": "c-", "CarePlan": "p-", "Goal": "g-", "Task": "t-"}
PREFIX |= {"ServiceRequest": "s-", "Consent": "k-", "RelatedPerson": "r-"}

types, ids = st.sampled_from(TYPES), st.sampled_from(IDS)
references = st.one_of(
    st.builds(lambda one, id: f"{one}/{PREFIX.get(one, '')}{id}", types, ids),
    st.sampled_from([*(f"Task/{one}" for one in TASKS), "ServiceRequest/a-a1"]),
)


@st.composite
def searches(draw: st.DrawFn) -> str:
    """A search of a type: by patient, code, id, chain, `_has`; with includes, order, total, pages."""
    name = draw(types)
    row = registry.row(name)
    pairs: list[str] = []
    patient = next((one for one in ("patient", "subject") if one in row.parameters), None)
    options = [st.just("_total=accurate"), st.just("_count=2"), st.just("_count=1"), st.just("_summary=count")]
    options += [st.sampled_from(["_sort=_lastUpdated", "_sort=-_id", "_sort=_id"])]
    options += [ids.map(lambda id: f"_id={PREFIX.get(name, '')}{id}")]
    if patient is not None:
        options += [ids.map(lambda id: f"{patient}={id}"), ids.map(lambda id: f"{patient}:not=Patient/{id}")]
        options += [ids.map(lambda id: f"{patient}:Patient.given={id}"), st.just(f"{patient}:Patient.gender=female")]
        options += [st.just(f"_include={name}:{patient}"), st.just(f"{patient}:missing=true")]
    if name == "Patient":
        has = [
            "Observation:patient:code=NPU27300",
            "Condition:patient:code=T90",
            "ServiceRequest:patient:status=active",
            "ServiceRequest:patient:performer=Organization/city",
            "Task:patient:code=tilbud-plan",
            "Task:patient:focus:ServiceRequest.performer=Organization/city",
        ]
        options += [st.sampled_from(has).map(lambda one: f"_has:{one}"), st.just("_revinclude=Observation:patient")]
        options += [st.just("_sort=given"), ids.map(lambda id: f"given={id}"), st.just("_revinclude=Provenance:target")]
        options += [st.just("general-practitioner=Organization/north"), st.just("_revinclude:iterate=Task:patient")]
    if name == "Organization":
        options += [st.just("_revinclude=Patient:general-practitioner")]
        options += [st.just("_has:Patient:general-practitioner:gender=female")]
        options += [st.just("_has:ServiceRequest:performer:_has:Provenance:target:_id=x")]
    if name == "Task":
        options += [st.sampled_from(["focus:missing=false", "focus:missing=true", "_include=Task:focus"])]
        options += [st.sampled_from(["owner=Organization/north", "code=besked", "_include=Task:based-on"])]
        options += [st.sampled_from(TASKS).map(lambda id: f"_id={id}"), st.just("_sort=-authored-on")]
        options += [st.just("focus:ServiceRequest.performer=Organization/city")]
    if name == "ServiceRequest":
        options += [st.sampled_from(["performer=Organization/city", "_revinclude=Task:focus", "_id=a-a1"])]
        options += [st.just("_has:Task:focus:status=requested"), st.just("_include=ServiceRequest:performer")]
    if "code" in row.parameters:
        options += [st.sampled_from(["code=NPU27300", "code=T90", "code:not=NPU27300", "code:missing=false"])]
    pairs = draw(st.lists(st.one_of(options), max_size=4))
    return f"{name}?" + "&".join(pairs)


operations = st.one_of(
    st.builds(
        "Patient/{0}/{1}".format,
        ids,
        st.sampled_from(["$overview", "$everything", "$recommended-targets", "*", "Task"]),
    ),
    ids.map(lambda id: f"Observation/$lastn?patient={id}"),
    st.sampled_from(
        ["Patient/$eligible", "Patient/$eligible?clinic=Organization/north", "_history?_count=3", "_history?_count=500"]
    ),
    types.map(lambda one: f"{one}/_history?_count=2"),
    st.lists(types, min_size=1, max_size=3, unique=True).map(lambda some: f"?_type={','.join(some)}&_count=3"),
    references.map(lambda one: f"{one}/$validate"),
)
reads = st.builds("{0}{1}".format, references, st.sampled_from(["", "/_history", "/_history/1", "/_history/2"]))
requests = st.one_of(searches(), operations, reads)


@dataclass(frozen=True, slots=True)
class Houses:
    """For each caller, both houses as clients; one event loop works for them all."""

    loop: asyncio.AbstractEventLoop
    clients: dict[str, tuple[httpx.AsyncClient, httpx.AsyncClient]]


@pytest.fixture(scope="module")
def houses() -> Iterator[Houses]:
    loop = asyncio.new_event_loop()
    opening = open_house(Settings(store=":memory:", secret="only for tests"))
    house = loop.run_until_complete(opening.__aenter__())
    clients, opened = {}, []
    for who, caller in CALLERS.items():
        pair = []
        for resources in (seen_by_all(), seen_by_all() + hidden_from(who)):
            mine = loop.run_until_complete(stored(house, resources))
            if pair:
                loop.run_until_complete(kept(mine, who))
            app = create_app(Settings(store=":memory:"))
            app.state.door = Door(mine, lambda _, caller=caller: caller, "", 1 << 20, lambda: NOW)  # type: ignore[misc]
            personas = (Persona(who, caller, who),)
            app.state.view = View(mine, Sessions(mine.secret), lambda: NOW, lambda: "fresh", "", True, personas)
            pair.append(httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE))
            opened.append(mine.store)
        clients[who] = (pair[0], pair[1])
    yield Houses(loop, clients)
    for store in opened:
        loop.run_until_complete(store.close())
    loop.run_until_complete(opening.__aexit__(None, None, None))
    loop.close()


_FRESH = re.compile(r"urn:uuid:[0-9a-f\-]{36}")
"""What is proposed and not stored is named anew each time."""
_TOKEN = re.compile(r"_(?:page|sealed)=([A-Za-z0-9_\-]+)")


def told(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """Everything that is answered, of sealed tokens the length."""
    text = _FRESH.sub("urn:uuid:", _TOKEN.sub(lambda one: f"{one[0].partition('=')[0]}={len(one[1])}", answer.text))
    return answer.status_code, dict(answer.headers), text


def following(answer: httpx.Response) -> str | None:
    """The address of the next page."""
    if answer.status_code != 200 or answer.json().get("resourceType") != "Bundle":
        return None
    links = answer.json().get("link", ())
    return next(
        (one["url"].removeprefix(f"{BASE}/").removeprefix(BASE) for one in links if one["relation"] == "next"), None
    )


@pytest.fixture(autouse=True)
def told_seed() -> None:
    """So that a failure says by which seed it comes again."""
    sys.stdout.write(f"CAREPLAN_LEAK_SEED={SEED}\n")


async def ask(client: httpx.AsyncClient, way: str, path: str) -> httpx.Response:
    """A request in one of the ways it can be made: as it is, by form where it is a search, or in a batch."""
    name, _, query = path.partition("?")
    if way == "form" and name in TYPES:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await client.post(f"/{name}/_search", content=query, headers=kind)
    if way == "batch":
        entry = {"request": {"method": "GET", "url": path}}
        return await client.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    return await client.get(f"/{path}")


@seed(SEED)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(who=st.sampled_from(sorted(CALLERS)), path=requests, way=st.sampled_from(["", "", "form", "batch"]))
def test_what_a_caller_may_not_see_changes_no_answer(houses: Houses, who: str, path: str, way: str) -> None:
    paths: tuple[str | None, str | None] = (path, path)
    for page in range(6):
        first, second = houses.clients[who][0], houses.clients[who][1]
        one = houses.loop.run_until_complete(ask(first, "" if page else way, paths[0] or ""))
        other = houses.loop.run_until_complete(ask(second, "" if page else way, paths[1] or ""))
        assert told(one) == told(other), (way, path)
        assert one.status_code < 500, (path, one.text)
        paths = following(one), following(other)
        assert (paths[0] is None) == (paths[1] is None)
        if paths[0] is None:
            return


pages = st.one_of(
    st.sampled_from(["plan", "plan/person", "plan/adgang", "plan/adgang/fuldmagt", "plan/adgang/spaerring"]),
    st.sampled_from(["henvisninger", "teamtavle", "arbejdsliste", "vaerdispring", "vaerdispring/gennemgang"]),
    st.builds(
        "{0}{1}{2}".format,
        st.sampled_from(["plan/adgang/fuldmagt/k-", "plan/adgang/spaerring/k-", "vaerdispring/gennemgang/k-"]),
        ids,
        st.sampled_from(["", "/stop", "/ophaev"]),
    ),
    ids.map(lambda id: f"plan/adgang/henvisning/s-{id}"),
    st.builds(
        "{0}/{1}{2}".format,
        st.sampled_from(["patient", "borger"]),
        ids,
        st.sampled_from(["", "/cpr", "/aarskontrol", "/historik"]),
    ),
    st.builds(
        "borger/a1/sag/{0}{1}".format,
        st.sampled_from(TASKS),
        st.sampled_from(["", "/samtale", "/forloeb", "/afslut"]),
    ),
)
_FORM = re.compile(r'name="formular" value="[^"]+"')


@seed(SEED)
@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(who=st.sampled_from(sorted(set(CALLERS) - {"system"})), path=pages, method=st.sampled_from(["GET", "POST"]))
def test_what_somebody_may_not_see_changes_no_page(houses: Houses, who: str, path: str, method: str) -> None:
    answers = [houses.loop.run_until_complete(ask_page(client, who, method, path)) for client in houses.clients[who]]
    one, other = [(answer.status_code, _FORM.sub("", answer.text), shown(answer)) for answer in answers]
    assert one == other, path
    assert one[0] < 500, (path, one)


async def ask_page(client: httpx.AsyncClient, who: str, method: str, path: str) -> httpx.Response:
    """A page as the browser of somebody signed in asks for it; a form is sent with its token and «yes»."""
    transport: Any = client._transport
    sessions: Sessions = transport.app.state.view.sessions
    session = Session("s", who, int(NOW.timestamp()), int(NOW.timestamp()), "*")
    headers = {"cookie": f"{NAME}={sessions.text(session)}", "sec-fetch-site": "same-origin"}
    headers["accept-encoding"] = "identity"  # packed, the token of the form would tell in the length
    sent = {"formular": sessions.form_token(session), "hvem": "", "note": ""} if method == "POST" else None
    return await client.request(method, f"http://test/{path}", headers=headers, data=sent)


def shown(answer: httpx.Response) -> dict[str, str]:
    """The headers, but for the cookie, which is signed anew."""
    return {name: value for name, value in answer.headers.items() if name != "set-cookie"}


def test_the_populations_differ_for_whoever_sees_everything(houses: Houses) -> None:
    """What would leak is there: the installation itself gets different answers of the two houses."""
    for who in CALLERS:
        counts = []
        for client in houses.clients[who]:
            transport: Any = client._transport
            transport.app.state.door = replace(transport.app.state.door, identify=lambda _: SYSTEM)
            counts.append(houses.loop.run_until_complete(client.get("/Patient?_summary=count")).json()["total"])
        assert counts[0] < counts[1]
