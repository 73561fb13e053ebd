"""Many patients' records, read in groups, and no more of each than the rules ask about.

Exact: every fact comes out as `person.read_person` finds it, since only Observations that name no code of a fact are
left unread. Read-only, and no more is in memory than one group. Not here: what is made of it (`reevaluation`,
`renewal_list`).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from careplan.domain.guideline import FromRecord, Knowledge
from careplan.fhir.query import Query
from careplan.fhir.stored import value_from_stored
from careplan.fhir.text import Json
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.person import FACT_TYPES
from careplan.store.protocol import Version

GROUP = 40
"""Patients that are read together."""

_ESCAPE = b"\\"


@dataclass(frozen=True, slots=True)
class Member:
    """One patient, and what was read of their record by type, the Patient itself among it."""

    id: str
    patient: Json
    resources: Mapping[str, Sequence[Json]]

    @property
    def facts(self) -> Iterator[Json]:
        """All that rules read."""
        yield self.patient
        for name in FACT_TYPES:
            yield from self.resources.get(name, ())


async def patients_of(context: Context, clinic: str | None) -> list[Version]:
    """The patients of a clinic, by id; None: all that the caller may see. Raises Forbidden."""
    return await of_clinic(context, Query("Patient"), clinic)


async def of_clinic(context: Context, query: Query, clinic: str | None) -> list[Version]:
    """Every match among the patients of a clinic; None: of all that the caller may see. Raises Forbidden."""
    access.check_whole_record(context)
    allowed = await access.restrict(context, query)
    if clinic is not None:
        if allowed.listed_with not in (None, clinic):
            raise access.Forbidden(f"no access to the patients of Organization/{clinic}")
        allowed = replace(allowed, listed_with=clinic, besides=frozenset())
    return await every(context, allowed)


async def members(
    context: Context, patients: Sequence[Version], knowledges: Iterable[Knowledge], more: Sequence[str] = ()
) -> AsyncIterator[Member]:
    """Each of these patients with what the rules of any of these knowledges read.

    patients  as the caller may see them: of `patients_of`
    more      types that are read as well, whole
    """
    named = naming(knowledges)
    groups = [patients[first : first + GROUP] for first in range(0, len(patients), GROUP)]
    waiting = asyncio.ensure_future(_read(context, groups[0], more)) if groups else None
    try:
        for group, following in zip_longest(groups, groups[1:]):
            assert waiting is not None
            found = await waiting
            waiting = None if following is None else asyncio.ensure_future(_read(context, following, more))
            for version in group:
                yield _member(version, found.get(version.id, ()), named)
                await asyncio.sleep(0)
    finally:
        if waiting is not None:
            waiting.cancel()


async def _read(context: Context, group: Sequence[Version], more: Sequence[str]) -> dict[str, list[Version]]:
    """What stands in the compartments of a group, by patient."""
    ids = frozenset(version.id for version in group)
    found: dict[str, list[Version]] = {}
    for name in (*FACT_TYPES, *more):
        for version in await every(context, await access.unblocked(context, Query(name, patients=ids))):
            if version.patient is not None:
                found.setdefault(version.patient, []).append(version)
    return found


def _member(version: Version, found: Iterable[Version], named: re.Pattern[bytes]) -> Member:
    resources: dict[str, list[Json]] = {}
    for one in found:
        body = one.body or b""
        if one.type != "Observation" or named.search(body) or _ESCAPE in body:
            resources.setdefault(one.type, []).append(value_from_stored(body))
    return Member(version.id, value_from_stored(version.body or b"{}"), resources)


def naming(knowledges: Iterable[Knowledge]) -> re.Pattern[bytes]:
    """What the text of an Observation holds when a fact may be read from it: one of the codes, as a code.

    A text with an escape in it may spell the code in another way.
    """
    codes = {code for knowledge in knowledges for code in _codes(knowledge)}
    spelled = b"|".join(sorted(re.escape(code.encode()) for code in codes))
    return re.compile(rb'"code"\s*:\s*"(?:' + spelled + rb')"' if spelled else rb"(?!)")


def _codes(knowledge: Knowledge) -> Iterator[str]:
    """The codes of the answers and values that facts are read from, or computed from."""
    waiting: list[str] = []
    for fact in knowledge.facts.values():
        origin = fact.definition
        if isinstance(origin, FromRecord) and origin.how == "answer":
            yield str(origin.terms["answer"])
        elif isinstance(origin, FromRecord) and origin.how == "measure":
            waiting.append(str(origin.terms["measure"]))
    seen: set[str] = set()
    while waiting:
        measure = knowledge.measures[waiting.pop()]
        yield from (code.code for code in measure.codes)
        inputs = () if measure.derived is None or measure.id in seen else measure.derived.inputs
        seen.add(measure.id)
        waiting += inputs
