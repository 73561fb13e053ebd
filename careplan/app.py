"""Wiring: settings → store → knowledge → FastAPI. The only module that knows every class."""

import asyncio
import contextlib
import gc
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from careplan import __version__
from careplan.api.asker import Asker
from careplan.api.dispatch import Dispatch
from careplan.api.door import FHIR, Door, new_id
from careplan.api.errors import error_response
from careplan.api.forwarded import Forwarding, forwarded_for, is_within, sent_once, source_of
from careplan.api.gate import Gate
from careplan.api.health import operation_routes
from careplan.api.hook import SERVICES, hook_routes, refusal
from careplan.api.issuer import Issuer
from careplan.api.pace import Pace
from careplan.api.patience import Patience
from careplan.api.routes import fhir_routes
from careplan.api.throttle import Throttle
from careplan.api.wire import HEAD, LIMIT
from careplan.domain.calendar import years_between
from careplan.domain.errors import CareplanError
from careplan.domain.evaluation import evaluate
from careplan.domain.guideline import Knowledge
from careplan.fhir.goal import goal_from_recommendation
from careplan.fhir.instant import day_of
from careplan.fhir.mapping import ChartReader
from careplan.fhir.profile import load_definitions
from careplan.fhir.text import Json
from careplan.interactions.access import LoginRequired
from careplan.interactions.audit.attendance import TOKEN, Attendance
from careplan.interactions.audit.journal import Journal
from careplan.interactions.audit.recovery import recover
from careplan.interactions.caller import SYSTEM, Caller, TokenRefused
from careplan.interactions.context import Context, Exports, House, Limits
from careplan.interactions.export.worker import work
from careplan.interactions.indexing import index_again
from careplan.knowledge.load import load_knowledge
from careplan.published import fill_catalogue, publish_questionnaires, read_published, validator
from careplan.settings import Settings, networks_from_text, settings_from_environment
from careplan.store.protocol import Store, StoreUnavailable
from careplan.store.sqlite import SQLiteStore
from careplan.synthetic.cast import cast
from careplan.synthetic.cpr import Register
from careplan.synthetic.situation import situations
from careplan.views.cookie import NAME, Sessions
from careplan.views.pages import SIGN_IN, not_found, page_routes, refused
from careplan.views.persona import Persona, patient_persona
from careplan.views.presence import Presence
from careplan.views.session import caller_of_cookie, find_session, read_cookie
from careplan.views.view import View

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that a service without sign-in answers under."""

LOOPBACKS = networks_from_text("127.0.0.0/8, ::1")

_TELLING = frozenset({b"cookie", b"origin", b"forwarded", b"x-forwarded-for"})
"""Headers that say of a request more than that it comes from this machine."""

_LOOPBACK_ONLY = "without sign-in this service is reached by a loopback address only"

_QUIET: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""What FastAPI tells others of requests: nothing, since addresses, searches and errors may name people."""

MONGO, SIGNED = "careplan.store.mongo", "careplan.signed"
"""The modules that only some processes need, for what they bring with them: a driver, and what talks to an issuer."""

Connect = Callable[[str, str, float], Awaitable[Store]]


def loaded(name: str) -> ModuleType:
    """One of the modules that are loaded by their name, for a process whose settings ask for it; no others are.

    Each is 8 to 9 MB of a worker's memory.
    """
    return import_module(name)


async def open_store(settings: Settings) -> Store:
    """SQLite for a path, MongoDB for mongodb://. Raises StoreUnavailable."""
    if settings.store.startswith("mongodb"):
        connect: Connect = loaded(MONGO).MongoStore.connect
        return await connect(settings.store, settings.mongo_driver, settings.query_seconds)
    return SQLiteStore.open(settings.store.removeprefix("sqlite://"), settings.query_seconds)


def check_there(settings: Settings) -> None:
    """Raises StoreUnavailable for a SQLite file that is not there, which opening would make."""
    path = settings.store.removeprefix("sqlite://")
    if not settings.store.startswith("mongodb") and not Path(path).exists():
        raise StoreUnavailable(f"there is no store {path}; name the file that the service runs on")


async def open_catalogue(profiles: Iterable[Json], knowledge: Knowledge) -> Store:
    """A read-only store in memory of what we publish."""
    store = SQLiteStore.open(":memory:")
    await fill_catalogue(store, profiles, knowledge)
    return store


def limits_of(settings: Settings) -> Limits:
    """How much one request may ask for."""
    return Limits(
        page=settings.page,
        page_maximum=settings.page_maximum,
        bundle_entries=settings.bundle_entries,
        bundle_answer=settings.bundle_answer,
        includes=settings.includes,
        include_depth=settings.include_depth,
        search_parameters=settings.search_parameters,
        json_depth=settings.json_depth,
    )


def exports_of(settings: Settings) -> Exports:
    """Where bulk exports lie, and how large and long-lived they may be."""
    return Exports(
        folder=settings.exports(),
        resources=settings.export_resources,
        jobs=settings.export_jobs,
        keep=timedelta(hours=settings.export_hours),
        settle=timedelta(seconds=settings.export_settle),
    )


@asynccontextmanager
async def open_house(settings: Settings, *, only_reading: bool = False) -> AsyncIterator[House]:
    """The house with its stores open; closed again at the end. Raises KnowledgeFaulty, StoreUnavailable.

    A store that another release has indexed is indexed again first; until that is done nothing is served.

    only_reading  the store must be there, and is left as it is indexed
    """
    knowledge = load_knowledge(settings.knowledge)
    profiles, forms = read_published(settings, knowledge)
    if only_reading:
        check_there(settings)
    store = await open_store(settings)
    catalogue = await open_catalogue(profiles, knowledge)
    exports = exports_of(settings)
    journal = None if only_reading else open_journal(store, settings.journal())
    try:
        if journal is not None:
            await index_again(store, settings.base or None)
            await recover(store, journal.folder)
        yield House(
            store=store,
            catalogue=catalogue,
            knowledge=knowledge,
            reader=ChartReader(knowledge),
            validate=validator(load_definitions(profiles), forms),
            secret=settings.signing_secret(),
            limits=limits_of(settings),
            exports=exports,
            emergency=timedelta(hours=settings.emergency_hours),
            journal=journal,
            questionnaires=forms,
        )
    finally:
        if journal is not None:
            await journal.close()
        await asyncio.gather(store.close(), catalogue.close())
        if settings.store == ":memory:":
            given = {settings.export_folder, settings.audit_folder}
            for folder in {exports.folder, *([journal.folder] if journal else [])} - given:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def open_journal(store: Store, folder: Path) -> Journal:
    """The audit log of a store."""
    return Journal(store, folder, lambda: SQLiteStore.open(":memory:"))


async def prepare_store(settings: Settings) -> None:
    """Index the store again if another release has; here, before the workers of `serve` start, Ctrl-C still ends it.

    Raises KnowledgeFaulty, QuestionnaireFaulty, ClientKeyFaulty, before a store is opened or made; StoreUnavailable
    """
    published, _ = read_published(settings, load_knowledge(settings.knowledge))
    find_issuer(settings)
    store = await open_store(settings)
    try:
        await index_again(store, settings.base or None)
        await publish_questionnaires(store, published, now())
    finally:
        await store.close()


def recommender(knowledge: Knowledge, at: datetime) -> Callable[[list[Json], date], list[Json]]:
    """What `synthetic` asks for: one person's resources on a day → the Goals the rules propose, agreed as they are."""
    reader = ChartReader(knowledge)

    def recommend(resources: list[Json], on: date) -> list[Json]:
        chart = reader.chart(resources, on)
        patient = next(one["id"] for one in resources if one["resourceType"] == "Patient")
        found = evaluate(knowledge, chart).recommendations.items()
        return [
            goal_from_recommendation(one, knowledge.measures[name], patient, at, agreed=True, status="proposed")
            for name, one in found
            if knowledge.measures[name].goal
        ]

    return recommend


def system_context(house: House, name: str, at: datetime) -> Context:
    """A Context for work the installation does itself: loading, listing."""
    return Context(house, replace(SYSTEM, name=name), at, new_id, FHIR)


def create_app(settings: Settings, *, demo: bool = False, lasting: bool = False) -> FastAPI:
    """The whole application; its stores open when it starts and close when it stops.

    demo     invented people sign in by choosing who they are; never in `serve`
    lasting  the process serves this application until it ends, so what is loaded by then is never garbage
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, float]]:
        async with open_house(settings) as house:
            gate = Gate(settings.requests_at_work, settings.work_seconds)
            who = identify if issuer is None else issuer.identify
            addresses = None if issuer is None else issuer.addresses
            app.state.door = Door(house, who, settings.base, settings.body_limit, gate=gate, addresses=addresses)
            sessions = Sessions(house.secret)
            people = invented_people(day_of(now())) if demo else ()
            way_in = issuer.sign_in(house.secret) if issuer is not None and not demo else None
            app.state.view = View(
                house,
                sessions,
                now,
                new_id,
                settings.base,
                demo,
                people,
                way_in,
                presence,
                attendance=attendance,
                source=lambda scope: source_of(scope, settings.proxies),
                work=gate.work,
                contact=settings.accessibility_contact,
            )
            exporting = asyncio.create_task(work(house, now, new_id))
            if lasting:
                gc.collect()
                gc.freeze()
            yield {HEAD: settings.header_seconds, LIMIT: settings.header_limit}
            exporting.cancel()
            await asyncio.gather(exporting, return_exceptions=True)
            if presence is not None and settings.store == ":memory:" and settings.session_folder is None:
                await asyncio.to_thread(shutil.rmtree, presence.folder, ignore_errors=True)

    app = FastAPI(
        title="Forløbsplan", version=__version__, lifespan=lifespan, openapi_url=None, docs_url=None, telemetry=_QUIET
    )

    issuer = find_issuer(settings)
    presence = Presence(settings.sessions()) if issuer is not None and issuer.pages and not demo else None
    attendance = Attendance()

    def tell_refused(scope: Scope, error: TokenRefused) -> None:
        journal, source = scope["app"].state.door.house.journal, source_of(scope, settings.proxies)
        with contextlib.suppress(StoreUnavailable):  # nothing was shown, and 401 is the answer all the same
            attendance.turned_away(journal, TOKEN, error, source, now())

    routes = [*(issuer.routes(FHIR) if issuer is not None else ()), *fhir_routes()]
    app.router.redirect_slashes = False
    app.router.routes += routes
    app.router.routes += operation_routes()
    app.router.routes += hook_routes()
    app.router.routes += page_routes()
    app.add_exception_handler(HTTPException, _http_error)
    served: ASGIApp = Patience(Dispatch(app.build_middleware_stack(), routes), settings.body_seconds)
    if issuer is not None:
        served = issuer.guarded(throttled(served, settings, issuer), (FHIR, SERVICES), tell_refused)
    app.middleware_stack = Forwarding(served, settings.proxies)
    return app


def find_issuer(settings: Settings) -> Issuer | None:
    """Where people and systems sign in; None without. Raises ClientKeyFaulty, OSError."""
    if settings.auth != "oidc":
        return None
    made: Callable[[Settings], Issuer] = loaded(SIGNED).Signed
    return made(settings)


def throttled(served: ASGIApp, settings: Settings, issuer: Issuer) -> Throttle:
    """The application, for each asker at a pace; where nobody signs in only this machine asks, and needs none."""
    asker = Asker(lambda scope: issuer.find_client(scope) or _find_session(scope), settings.proxies)
    each_second = settings.sign_ins_per_minute / 60
    return Throttle(
        served,
        asker=asker.name,
        sign_in=lambda scope: asker.place(scope) if scope["path"] in SIGN_IN else None,
        pace=Pace(settings.requests_per_second, settings.requests_burst),
        sign_ins=Pace(each_second, int(settings.sign_ins_per_minute)),
        at_once=max(settings.requests_at_work // 4, 1),
        refuse=_http_error,
    )


def _find_session(scope: Scope) -> str | None:
    """The session of a page that a request shows itself to be of."""
    if b"cookie" not in sent_once(scope):
        return None
    session = find_session(Request(scope))
    return f"in {session.id}" if session is not None else None


def invented_people(on: date) -> tuple[Persona, ...]:
    """The demo's patients, to sign in as, with their age on a day."""
    register = Register("demo")
    people = (*cast(register, on), *situations(register, on))
    return tuple(
        patient_persona(one.id, f"{one.given} Test {one.family}, {int(years_between(one.born, on))} år")
        for one in people
    )


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


async def _http_error(request: Request, error: Exception) -> Response:
    """An address that nobody answers, or not now: in FHIR's way, in JSON below the services, else as a page."""
    if request.url.path == FHIR or request.url.path.startswith(f"{FHIR}/"):
        return await error_response(request, error)
    if request.url.path == SERVICES or request.url.path.startswith(f"{SERVICES}/"):
        return refusal(request, error)
    if isinstance(error, CareplanError):
        return await refused(request, error)
    return await not_found(request)


def identify(request: Request) -> Caller:
    """Who calls the FHIR door: who is signed in on this browser, else the installation's own system.

    The service listens on loopback only, so a request without a session comes from this machine. One that a page of
    another site makes a browser send does not count, nor one that a proxy hands on from elsewhere. What a proxy says
    of our own name counts for nothing here: anybody may say it.
    Raises  LoginRequired
    """
    sent = sent_once(request.scope)
    host = sent.get(b"host", b"").decode("latin-1")
    if not _TELLING.isdisjoint(sent) and (caller := _find_person(request, host)) is not None:
        return caller
    if _find_hostname(host) not in LOOPBACK:
        raise LoginRequired(_LOOPBACK_ONLY)
    return SYSTEM


def _find_person(request: Request, host: str) -> Caller | None:
    """Who is signed in; None where the request comes from this machine without anybody. Raises LoginRequired."""
    caller = caller_of_cookie(request)
    if caller is not None:
        return caller
    origin, source = request.headers.get("origin"), forwarded_for(request.headers)
    if read_cookie(request, NAME) or (origin is not None and not _same_site(origin, host)):
        raise LoginRequired("nobody is signed in here, or the request comes from another site")
    if source is not None and not is_within(source, LOOPBACKS):
        raise LoginRequired(_LOOPBACK_ONLY)
    return None


def _same_site(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _find_hostname(host: str) -> str | None:
    """The name in a Host header, without the port; None when it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def app_from_environment() -> FastAPI:
    """What each worker process of `serve` runs."""
    return create_app(settings_from_environment(os.environ), lasting=True)
