"""What an interaction is given: who calls, when it is, what is known, where it is remembered.

Made once per request by a door; interactions never reach sideways for a clock, an id or a setting.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from careplan.domain.errors import Fault
from careplan.domain.guideline import Knowledge
from careplan.fhir.consent import Rule
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.mapping import ChartReader
from careplan.fhir.questionnaire import Form
from careplan.fhir.text import DEPTH, Json
from careplan.interactions.audit.journal import Journal
from careplan.interactions.caller import Caller
from careplan.interactions.memory import Memory
from careplan.interactions.trail import Trail
from careplan.store.protocol import Store


class Validator(Protocol):
    """Every fault of a resource; `profiles`: canonical URLs it is held against, beside those it claims."""

    def __call__(self, resource: Json, profiles: Sequence[str] = ()) -> Iterable[Fault]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for; each is a setting.

    page               matches on a page when `_count` is not given; `page_maximum`: most on a page
    bundle_entries     of a batch or transaction
    bundle_answer      bytes of resources that the reading entries of one answer with, all together
    includes           resources that `_include` and `_revinclude` add to a page
    include_depth      rounds of `:iterate`
    search_parameters  of one search, those that steer it counted
    json_depth         how deep objects and arrays of a body may nest
    """

    page: int = 50
    page_maximum: int = 1000
    bundle_entries: int = 5000
    bundle_answer: int = 64 * 1024 * 1024
    includes: int = 1000
    include_depth: int = 4
    search_parameters: int = 200
    json_depth: int = DEPTH


@dataclass(frozen=True, slots=True)
class Exports:
    """Bulk exports: where their files lie, and how large and long-lived they may be; each is a setting.

    folder     holds one folder for each export
    resources  most in one file
    jobs       most of one caller that are under way at the same time
    keep       how long files stay after the last of them was written
    settle     the longest that a write may take: nothing is read sooner after a kick-off
    """

    folder: Path = Path("careplan-exports")
    resources: int = 100_000
    jobs: int = 3
    keep: timedelta = timedelta(hours=24)
    settle: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class House:
    """What stays the same between requests.

    catalogue  a read-only store of conformance resources, made from `profiles/` and the knowledge
    validate   every fault of a resource: structure, bindings, narrative, profiles
    secret     signs page links
    emergency  how long an emergency access lasts
    consents   what Consents say of callers, remembered for a moment
    journal    the audit log; only tests of what lies below it have none
    questionnaires  what is asked here, by url of the Questionnaire
    """

    store: Store
    catalogue: Store
    knowledge: Knowledge
    reader: ChartReader
    validate: Validator
    secret: bytes
    limits: Limits = Limits()
    exports: Exports = Exports()
    emergency: timedelta = timedelta(hours=4)
    consents: Memory[tuple[Rule, ...]] = field(default_factory=Memory)
    journal: Journal | None = None
    questionnaires: Mapping[str, Form] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """One request. `base` is the absolute FHIR base as the caller sees it, without a slash at the end; `trail` notes
    whose records it touches.
    """

    house: House
    caller: Caller
    now: datetime
    new_id: Callable[[], str]
    base: str
    trail: Trail = field(default_factory=Trail, compare=False)

    @property
    def on(self) -> date:
        return self.now.astimezone(COPENHAGEN).date()

    @property
    def store(self) -> Store:
        return self.house.store

    @property
    def knowledge(self) -> Knowledge:
        return self.house.knowledge
