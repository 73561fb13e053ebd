"""What an interaction is given: who calls, when it is, what is known, where it is remembered.

Made once per request by a door; interactions never reach sideways for a clock, an id or a setting.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from careplan.domain.errors import Fault
from careplan.domain.guideline import Knowledge
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.mapping import ChartReader
from careplan.fhir.text import Json
from careplan.interactions.caller import Caller
from careplan.store.protocol import Store

Validator = Callable[[Json], Iterable[Fault]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for."""

    page: int = 50
    page_maximum: int = 1000
    bundle_entries: int = 5000
    includes: int = 1000


@dataclass(frozen=True, slots=True)
class House:
    """What stays the same between requests.

    catalogue  a read-only store of conformance resources, made from `profiles/` and the knowledge
    validate   every fault of a resource: structure, bindings, narrative, profiles
    secret     signs page links
    """

    store: Store
    catalogue: Store
    knowledge: Knowledge
    reader: ChartReader
    validate: Validator
    secret: bytes
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Context:
    """One request. `base` is the absolute FHIR base as the caller sees it, without a slash at the end."""

    house: House
    caller: Caller
    now: datetime
    new_id: Callable[[], str]
    base: str

    @property
    def on(self) -> date:
        return self.now.astimezone(COPENHAGEN).date()

    @property
    def store(self) -> Store:
        return self.house.store

    @property
    def knowledge(self) -> Knowledge:
        return self.house.knowledge
