"""An invented clinic behind the pages, in memory, with a fixed clock and ids: what tests of the pages stand on."""

import itertools
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx
from starlette.applications import Starlette

from careplan.app import open_house, recommender
from careplan.fhir.query import Query
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.caller import SYSTEM, Caller
from careplan.interactions.context import Context, House
from careplan.interactions.transaction import perform
from careplan.settings import Settings
from careplan.synthetic.people import clinic
from careplan.views.cookie import Sessions
from careplan.views.pages import page_routes
from careplan.views.persona import PERSONAS, patient_persona
from careplan.views.view import View

Fields = dict[str, str] | Sequence[tuple[str, str]]

ON = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, 3, tzinfo=UTC)
"""10.03 in Copenhagen."""

CAST = {
    "anna": "Anna Test Jensen",
    "birthe": "Birthe Test Nielsen",
    "carl": "Carl Test Mortensen",
    "dorte": "Dorte Test Østergaard",
    "erik": "Erik Test Holm",
    "fatima": "Fatima Test Yilmaz",
    "gunnar": "Gunnar Test Bruun",
    "hanne": "Hanne Test Friis",
}
STATES = {
    "ingrid": "Ingrid Test Dam",
    "jens": "Jens Test Skov",
    "kirsten": "Kirsten Test Bæk",
    "leif": "Leif Test Ravn",
    "mads": "Mads Test Østergaard",
    "nils": "Nils Test Kjær",
    "olga": "Olga Test Lind",
    "peter": "Peter Test Vestergaard",
    "rita": "Rita Test Munk",
    "svend": "Svend Test Dahl",
    "tove": "Tove Test Lassen",
    "ulla": "Ulla Test Krag",
    "viggo": "Viggo Test Thorsen",
}
"""Who stands for a state of the pages, in a world that was filled with them."""

_PATIENTS = CAST | STATES


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class World:
    """The house with its people, the pages over it, and a clock to move."""

    def __init__(self, house: House, clock: Clock, *, demo: bool = True, first: int = 10**6) -> None:
        self.house, self.clock = house, clock
        numbers = itertools.count(first)
        self.new_id: Callable[[], str] = lambda: str(uuid.UUID(int=next(numbers), version=4))
        personas = tuple(patient_persona(id, name) for id, name in _PATIENTS.items())
        sessions = Sessions(b"a secret of the tests")
        self.view = View(house, sessions, clock, self.new_id, "", demo, personas)
        self.app = Starlette(routes=page_routes())
        self.app.state.view = self.view

    def context(self, persona: str = "") -> Context:
        """A Context as the pages make it, or the system's own."""
        caller = caller_of(persona) if persona else SYSTEM
        return Context(self.house, caller, self.clock(), self.new_id, "http://test/fhir")


def caller_of(key: str) -> Caller:
    """Who a key of the sign-in page stands for."""
    patients = {f"patient-{id}": patient_persona(id, name) for id, name in _PATIENTS.items()}
    staff = {one.key: one for one in PERSONAS}
    return {**patients, **staff}[key].caller


async def fill(path: Path, people: int = 12, *, states: bool = False) -> None:
    """A store with the cast and a few others, to be copied for each test; with those who show a state of the pages.

    Written a month ago; those of the states this morning, since some of them answered and asked yesterday.
    """
    async with open_house(Settings(store=str(path))) as house:
        world = World(house, Clock(NOW - timedelta(days=30)), first=1)
        for bundle in clinic(7, people, on=ON, recommend=recommender(house.knowledge, NOW), states=states):
            if bundle["entry"][0]["resource"]["id"] in STATES:
                world.clock.now = NOW - timedelta(hours=3)
            await perform(world.context(), read_text(dump(bundle)))


@asynccontextmanager
async def open_world(filled: Path, folder: Path, *, demo: bool = True) -> AsyncIterator[World]:
    """A world on a copy of what `fill` made."""
    copy = folder / "pages.db"
    shutil.copy(filled, copy)
    async with open_house(Settings(store=str(copy), secret="a secret of the tests")) as house:
        yield World(house, Clock(NOW), demo=demo)


class Browser:
    """Somebody at the pages, in process: keeps the cookie, sends forms as a browser does."""

    def __init__(self, world: World, address: str = "http://test") -> None:
        transport = httpx.ASGITransport(app=world.app)
        self.client = httpx.AsyncClient(
            transport=transport, base_url=address, headers={"Sec-Fetch-Site": "same-origin"}
        )
        self.html = ""
        self.last: httpx.Response | None = None

    async def get(self, path: str) -> httpx.Response:
        return self._seen(await self.client.get(path))

    async def post(self, path: str, fields: Fields, *, token: str | None = None) -> httpx.Response:
        """Send a form with the token of the page last seen; `token` sends another."""
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        sent = [("formular", self.token if token is None else token), *pairs]
        body = urlencode(sent)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": str(self.client.base_url)}
        return self._seen(await self.client.post(path, content=body, headers=headers))

    async def sign_in(self, persona: str) -> httpx.Response:
        await self.get("/")
        answer = await self.post("/log-ind", {"person": persona})
        assert answer.status_code == 303
        return await self.follow(answer)

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """On to where a redirect leads."""
        return await self.get(answer.headers["location"])

    @property
    def token(self) -> str:
        found = re.search(r'name="formular" value="([^"]+)"', self.html)
        assert found is not None
        return found[1]

    def field(self, name: str) -> str:
        """The value a field of the page last seen has."""
        found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', self.html)
        assert found is not None, name
        return found[1]

    @property
    def text(self) -> str:
        """What a reader reads of the page last seen: no markup, spaces made one."""
        return text_of(self.html)

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        self.last = answer
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.html = answer.text
        return answer


def text_of(html: str) -> str:
    """A page's words, in order."""
    bare = re.sub(r"<(script|style|head)\b.*?</\1>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare))).strip()


def row(browser: Browser, name: str) -> str:
    """The grid's rows of one measure."""
    found = [part for part in browser.html.split("<tbody>")[1:] if f'<th scope="row">{name}<' in part]
    return found[0].split("</tbody>")[0]


async def stored(world: World, kind: str, patient: str) -> list[Json]:
    page = await world.house.store.search(Query(kind, patient=patient, count=1000))
    return [parse(version.body or b"") for version in page.matches]
