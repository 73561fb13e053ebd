"""Inger Test and everybody who may or may not have to do with her: who asks in the table of access (docs/access.md)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from careplan.api.door import Door, new_id
from careplan.app import create_app, open_journal
from careplan.fhir import systems
from careplan.fhir.instant import instant_text
from careplan.fhir.message import Message, Said, communication_from_question, task_from_message
from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.access import LoginRequired
from careplan.interactions.audit.entry import entry_from_trail
from careplan.interactions.audit.inquiry import entries_about
from careplan.interactions.audit.record import Lane, make_record
from careplan.interactions.caller import SYSTEM, Caller
from careplan.interactions.context import Context, House
from careplan.interactions.emergency import open_in_emergency
from careplan.interactions.exclusion import Declined
from careplan.interactions.operations.exclude import turn_down
from careplan.interactions.trail import Trail
from careplan.interactions.write import update
from careplan.settings import Settings
from careplan.store.sqlite import SQLiteStore
from careplan.views.cookie import NAME, Session, Sessions
from careplan.views.persona import Persona
from careplan.views.view import View

Json = Any
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
BASE, HOST = "http://test/fhir", "http://test"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PATIENT, OTHER = "inger-test", "bent-test"
CLINIC, ELSEWHERE = "laegehuset-test", "andet-laegehus"
EXCLUDED = "hjerte"
"""The plan type that Inger has turned down."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Who asks: a column of the table. caller None: nobody is signed in."""

    key: str
    says: str
    caller: Caller | None


def _staff(role: str, organization: str, person: str = "") -> Caller:
    return Caller(
        role, person or organization, organization, reference=f"PractitionerRole/{person}" if person else None
    )


RELATIONS: tuple[Relation, ...] = (
    Relation("own", "staff of the patient's own clinic", _staff("clinic", CLINIC, "karen-test-laege")),
    Relation("own blocked", "the same, blocked by the patient (spærring)", _staff("clinic", CLINIC, "spaerret")),
    Relation("clinic", "staff of another clinic", _staff("clinic", ELSEWHERE, "anden")),
    Relation("clinic BTG", "the same after emergency access (værdispring)", _staff("clinic", ELSEWHERE, "vagtlaege")),
    Relation("GP system", "the GP system of the own clinic", _staff("lps", CLINIC)),
    Relation("other GP", "the GP system of another clinic", _staff("lps", ELSEWHERE)),
    Relation("referred", "a municipality with an active referral", _staff("municipality", "aktiv", "aktiv")),
    Relation("ended", "a municipality whose referral has ended", _staff("municipality", "slut", "slut")),
    Relation("other mun.", "a municipality without referral", _staff("municipality", "anden-kommune", "x")),
    Relation("ref. blocked", "with an active referral, blocked", _staff("municipality", "spaerret", "y")),
    Relation("hospital", "a hospital without referral", _staff("hospital", "sygehus", "z")),
    Relation("hosp. BTG", "the same after emergency access", _staff("hospital", "sygehus", "kirurg")),
    Relation("self", "the patient", Caller("patient", "Inger", patient=PATIENT, reference=f"Patient/{PATIENT}")),
    Relation("other pat.", "another patient", Caller("patient", "Bent", patient=OTHER, reference=f"Patient/{OTHER}")),
    Relation(
        "fuldmagt",
        "a relative with a power of attorney to read and write",
        Caller("patient", "Mads", reference="RelatedPerson/mads-test"),
    ),
    Relation("relative", "a relative without", Caller("patient", "Ole", reference="RelatedPerson/ole-test")),
    Relation("statistics", "statistics", Caller("statistics", "Statistik")),
    Relation("nobody", "nobody signed in", None),
)

QUESTION = "besked-test"
"""A message of Inger's to her clinic, by the id of its Task."""

LANE = "bcdfghjklmnpqr-0"
EVENT = f"{LANE}.000000001..1.0"
"""The AuditEvent of somebody at Inger's clinic who has read of her, under an id that is the same each time."""

_ORGANIZATIONS = (ELSEWHERE, "aktiv", "slut", "anden-kommune", "spaerret", "sygehus")


def _referral(to: str, status: str = "active") -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": f"henvist-{to}",
        "status": status,
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "performer": [{"reference": f"Organization/{to}"}],
    }


def _case(to: str) -> Json:
    """The case of a referral, under way."""
    focus = {"reference": f"ServiceRequest/henvist-{to}"}
    return {
        "resourceType": "Task",
        "id": f"sag-{to}",
        "basedOn": [focus],
        "status": "in-progress",
        "intent": "order",
        "code": {"coding": [{"system": systems.ACTIVITY, "code": "henvisning"}]},
        "focus": focus,
        "for": {"reference": f"Patient/{PATIENT}"},
        "owner": {"reference": f"Organization/{to}"},
    }


def _consent(id: str, provision: Json) -> Json:
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": {"coding": [{"system": systems.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": systems.LOINC, "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{PATIENT}"},
        "performer": [{"reference": f"Patient/{PATIENT}"}],
        "policyRule": {"text": "Sundhedsloven § 42 a"},
        "provision": provision,
    }


def _named(reference: str) -> list[Json]:
    return [{"role": {"text": "x"}, "reference": {"reference": reference}}]


def examples() -> list[Json]:
    """One resource of each type that is written, about Inger where it is about somebody."""
    found = [parse(path.read_bytes()) for path in sorted(FIXTURES.glob("*.json")) if path.stem != "PlanDefinition"]
    return [_told_of(one) if one["resourceType"] == "Provenance" else one for one in found]


def _told_of(provenance: Json) -> Json:
    """A Provenance that names the patient, too, as those of the service do."""
    return {**provenance, "target": [*provenance["target"], {"reference": f"Patient/{PATIENT}"}]}


def _asked() -> list[Json]:
    """Inger's question to her clinic."""
    said = Said("Må jeg dyrke motion?", f"Patient/{PATIENT}", "Inger", NOW)
    message = Message("spoergsmaal-test", PATIENT, "question", said)
    question = communication_from_question(message, [f"Organization/{CLINIC}"])
    return [{**question, "id": message.id}, {**task_from_message(message, CLINIC, NOW), "id": QUESTION}]


WORK = ("kontakt", "indkaldelse", "tilbud-plan")
"""Tasks of the own clinic about Inger, by activity; each has the id `klinikkens-` and that."""


def _work() -> list[Json]:
    about, owner = {"reference": f"Patient/{PATIENT}"}, {"reference": f"Organization/{CLINIC}"}
    task = {"resourceType": "Task", "status": "cancelled", "intent": "proposal", "for": about, "owner": owner}
    return [
        {**task, "id": f"klinikkens-{one}", "code": {"coding": [{"system": systems.ACTIVITY, "code": one}]}}
        for one in WORK
    ]


def population() -> list[Json]:
    """The examples; those who ask about Inger, and what lets them or does not; Bent, of the other clinic."""
    actions = [{"coding": [{"system": systems.CONSENT_ACTION, "code": one}]} for one in ("access", "collect")]
    permit = {"type": "permit", "period": {"end": "2026-12-31"}, "action": actions}
    return [
        *({"resourceType": "Organization", "id": one, "name": one} for one in _ORGANIZATIONS),
        *examples(),
        {
            "resourceType": "Patient",
            "id": OTHER,
            "gender": "male",
            "birthDate": "1950-05-05",
            "generalPractitioner": [{"reference": f"Organization/{ELSEWHERE}"}],
        },
        *_asked(),
        *_work(),
        _referral("aktiv"),
        _case("aktiv"),
        _referral("slut", "completed"),
        _referral("spaerret"),
        {"resourceType": "RelatedPerson", "id": "ole-test", "patient": {"reference": f"Patient/{PATIENT}"}},
        _consent("spaerring-person", {"type": "deny", "actor": _named("PractitionerRole/spaerret")}),
        _consent("spaerring-kommune", {"type": "deny", "actor": _named("Organization/spaerret")}),
        _consent("fuldmagt", {**permit, "actor": _named("RelatedPerson/mads-test")}),
    ]


async def fill(house: House, path: Path) -> None:
    """A store with all of it, to be copied, and the emergency accesses of two clinicians."""
    store = SQLiteStore.open(str(path))
    mine = replace(house, store=store, journal=None)
    system = Context(mine, SYSTEM, NOW, new_id, BASE)
    for one in population():
        await update(system, one["resourceType"], one["id"], read_text(dump(one)))
    await turn_down(system, PATIENT, [Declined(EXCLUDED, "patient-wish", "")])
    for relation in RELATIONS:
        if relation.key.endswith("BTG") and relation.caller is not None:
            await open_in_emergency(replace(system, caller=relation.caller), PATIENT, "Bevidstløs, kendes ikke her")
    looked = entry_from_trail(SYSTEM, NOW - timedelta(days=1), Trail("read", touched={PATIENT: []}), "0")
    await store.commit([make_record(Lane(LANE), [looked], {}, looked.at, ends=True).write])
    await store.close()


@dataclass(slots=True)
class Clock:
    """Gives each request an instant of its own, by which its entry in the audit log is known."""

    at: datetime = NOW

    def next(self) -> str:
        """The instant of the next request, as the log writes it."""
        self.at += timedelta(milliseconds=1)
        return instant_text(self.at)


@dataclass(frozen=True, slots=True)
class Town:
    """The application over a copy, and how somebody asks it."""

    app: FastAPI
    client: httpx.AsyncClient
    house: House
    clock: Clock = field(default_factory=Clock)

    async def ask(
        self, relation: Relation, method: str, path: str, body: Json = None, kind: str = ""
    ) -> httpx.Response:
        headers = {"x-who": relation.key, "cookie": f"{NAME}={self._cookie(relation)}", "sec-fetch-site": "same-origin"}
        content: bytes | None = None
        if isinstance(body, str):
            content = body.encode()
        elif body is not None:
            content = dump(body)
        if content is not None:
            headers["content-type"] = kind or "application/fhir+json"
        if "$export" in path and path.endswith("$export"):
            headers["prefer"] = "respond-async"
        return await self.client.request(method, path, headers=headers, content=content)

    async def logged(self) -> frozenset[str]:
        """When somebody had to do with Inger, by the audit log."""
        assert self.house.journal is not None
        await self.house.journal.flush()
        return frozenset([entry["at"] async for _, entry in entries_about(self.house.store, PATIENT, None)])

    def form_token(self, relation: Relation) -> str:
        return Sessions(self.house.secret).form_token(_session(relation))

    def _cookie(self, relation: Relation) -> str:
        return "" if relation.caller is None else Sessions(self.house.secret).text(_session(relation))


def _session(relation: Relation) -> Session:
    return Session("s" + relation.key, relation.key, int(NOW.timestamp()), int(NOW.timestamp()))


@asynccontextmanager
async def town(house: House, path: Path) -> AsyncIterator[Town]:
    """The application over this file, which it writes its audit log to."""
    store = SQLiteStore.open(str(path))
    exports = replace(house.exports, folder=path.parent / f"exports-{new_id()}")
    journal, clock = open_journal(store, path.parent / f"journal-{new_id()}"), Clock()
    mine = replace(house, store=store, journal=journal, exports=exports)
    app = create_app(Settings(store=":memory:"))
    app.state.door = Door(mine, _identify(), "", 1 << 20, lambda: clock.at)
    personas = tuple(Persona(one.key, one.caller, one.key) for one in RELATIONS if one.caller is not None)
    app.state.view = View(mine, Sessions(mine.secret), lambda: clock.at, new_id, "", True, personas)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
        yield Town(app, client, mine, clock)
    await journal.close()
    await store.close()


def _identify() -> Callable[[Any], Caller]:
    callers = {one.key: one.caller for one in RELATIONS}

    def identify(request: Any) -> Caller:
        caller = callers.get(request.headers.get("x-who", ""))
        if caller is None:
            raise LoginRequired("nobody is signed in here")
        return caller

    return identify
