"""The one search that a clinic's list is made from: who may be on it, and beside them what its rules read.

What the rules read stands in the knowledge, so nothing of it stands here. Not here: who is on the list (`worklist`).
"""

from collections.abc import Iterable, Iterator
from datetime import date

from careplan.domain.guideline import FromRecord, Knowledge
from careplan.domain.prerequisite import needed_diagnoses
from careplan.domain.question import raw_facts
from careplan.fhir.agreed import OPEN_TASK
from careplan.fhir.exclusion import EXCLUDED, OFFER
from careplan.fhir.goal import ACTIVE_GOAL
from careplan.fhir.invitation import INVITATION
from careplan.fhir.query import Criterion, DateIs, Link, Query, TokenIs
from careplan.fhir.span import find_span
from careplan.fhir.systems import ACTIVITY, FACT, ICPC2, SKS_D, normal_system

TOGETHER = 5000
"""Most patients of one search: all whom a clinic's list may hold."""


def list_query(knowledge: Knowledge, on: date) -> Query:
    """Patients with a diagnosis that makes eligible, an active plan, or an individual target whose time is up."""
    origins = list_facts(knowledge).values()
    plans, targets = Query("CarePlan", (_states("status", "active"),)), _expired(on)
    facts = [query for query in (_conditions(knowledge, origins), _values(knowledge, origins)) if query is not None]
    if any(one.how == "drug" for one in origins):
        facts.append(Query("MedicationStatement"))
    beside = (*facts, plans, targets, _tasks(), Query("CareTeam"))
    needed = needed_diagnoses(knowledge)
    if needed is None:
        return Query("Patient", beside=beside, count=TOGETHER)
    sick = Query("Condition", (_tokens("code", *_diagnoses(knowledge, needed)),))
    link = Link("patient", (sick, plans, targets), reverse=True)
    return Query("Patient", links=(link,), beside=beside, count=TOGETHER)


def list_facts(knowledge: Knowledge) -> dict[str, FromRecord]:
    """The facts of the record that eligibility and offer rest on, with where each is read from."""
    plans = knowledge.plans.values()
    terms = [term for plan in plans for row in plan.eligible for term in row.when]
    terms += [term for plan in plans for term in plan.offer.must]
    return dict(raw_facts(knowledge, terms))


def _conditions(knowledge: Knowledge, origins: Iterable[FromRecord]) -> Query | None:
    codes = dict.fromkeys(code for one in origins for code in _codes_behind(knowledge, one))
    return Query("Condition", (_tokens("code", *codes),)) if codes else None


def _codes_behind(knowledge: Knowledge, origin: FromRecord) -> Iterator[TokenIs]:
    """The codes of a diagnosis fact, or of the one that a fact counts from."""
    if origin.how == "diagnosis":
        yield from _codes(origin)
    for word in ("years_since", "nearest"):
        if word in origin.terms:
            yield from _diagnoses(knowledge, [str(origin.terms[word])])


def _diagnoses(knowledge: Knowledge, facts: Iterable[str]) -> Iterator[TokenIs]:
    for name in sorted(facts):
        definition = knowledge.facts[name].definition
        assert isinstance(definition, FromRecord)
        yield from _codes(definition)


def _codes(origin: FromRecord) -> Iterator[TokenIs]:
    """ICPC-2 codes as they are; SKS codes with all that are nested below them."""
    wanted = origin.terms["diagnosis"]
    assert isinstance(wanted, dict)
    yield from (TokenIs(ICPC2, code) for code in wanted.get("icpc", ()))
    yield from (TokenIs(SKS_D, code, below=True) for code in wanted.get("sks", ()))


def _values(knowledge: Knowledge, origins: Iterable[FromRecord]) -> Query | None:
    """Observations of the measures and answers, and of what the measures are computed from."""
    waiting = [str(one.terms["measure"]) for one in origins if one.how == "measure"]
    codes = {TokenIs(FACT, str(one.terms["answer"])): None for one in origins if one.how == "answer"}
    seen: set[str] = set()
    while waiting:
        measure = knowledge.measures[waiting.pop()]
        if measure.id not in seen:
            seen.add(measure.id)
            codes |= {TokenIs(normal_system(one.system), one.code): None for one in measure.codes}
            waiting += () if measure.derived is None else measure.derived.inputs
    return Query("Observation", (_tokens("combo-code", *codes),)) if codes else None


def _expired(on: date) -> Query:
    """Active Goals whose individual target held until a day before this one."""
    span = find_span(on.isoformat())
    assert span is not None
    passed = Criterion("deviation-until", "date", (DateIs("lt", *span),))
    return Query("Goal", (passed, _states("lifecycle-status", *sorted(ACTIVE_GOAL))))


def _tasks() -> Query:
    """Offers of a plan that were turned down, and calls to come that are open."""
    codes = _tokens("code", TokenIs(ACTIVITY, OFFER), TokenIs(ACTIVITY, INVITATION))
    return Query("Task", (codes, _states("status", EXCLUDED, *sorted(OPEN_TASK))))


def _states(parameter: str, *codes: str) -> Criterion:
    """A status, which is a code without a system."""
    return _tokens(parameter, *(TokenIs("", code) for code in codes))


def _tokens(parameter: str, *tokens: TokenIs) -> Criterion:
    return Criterion(parameter, "token", tokens)
