"""What the questions of rules come down to: the facts of the record behind them, however many facts lie between.

Used to read no more of a record than rules ask about, and to say what a recommendation was worked out from.
Not here: the answers (`evaluation`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import MappingProxyType

from careplan.domain.condition import Condition, Group, Term
from careplan.domain.guideline import (
    AllOf,
    AnyOf,
    CountOf,
    DecidedBy,
    EligibleFor,
    FromRecord,
    Knowledge,
    KnownAny,
    Row,
)


def prepared(knowledge: Knowledge) -> Knowledge:
    """The knowledge with what each of its tables asks about worked out once, and equal questions made one object."""
    seen: dict[object, Term] = {}
    guidelines = {name: replace(one, rows=_shared(one.rows, seen)) for name, one in knowledge.guidelines.items()}
    plans = {name: replace(one, eligible=_shared(one.eligible, seen)) for name, one in knowledge.plans.items()}
    knowledge = replace(knowledge, guidelines=MappingProxyType(guidelines), plans=MappingProxyType(plans))
    tables = {name: one.rows for name, one in knowledge.guidelines.items()}
    tables |= {f"plan:{name}": one.eligible for name, one in knowledge.plans.items()}
    questions: dict[str, list[Condition]] = {}
    for one in _conditions(_terms(knowledge)):
        questions.setdefault(one.fact, []).append(one)
    return replace(
        knowledge,
        asks={name: _asks(knowledge, rows) for name, rows in tables.items()},
        questions={name: tuple(dict.fromkeys(asked)) for name, asked in questions.items()},
    )


def questions_to(knowledge: Knowledge, fact: str) -> tuple[Condition, ...]:
    """Every question that some rule or some other fact puts to a fact."""
    if knowledge.asks:
        return knowledge.questions.get(fact, ())
    return tuple(one for one in _conditions(_terms(knowledge)) if one.fact == fact)


def _terms(knowledge: Knowledge) -> Iterator[Term]:
    rows = [row for one in knowledge.guidelines.values() for row in one.rows]
    rows += [row for one in knowledge.plans.values() for row in one.eligible]
    yield from (term for row in rows for term in row.when)
    for fact in knowledge.facts.values():
        if isinstance(fact.definition, AnyOf | AllOf | CountOf):
            yield from fact.definition.terms


def _conditions(terms: Iterable[Term]) -> Iterator[Condition]:
    """The single questions of questions."""
    for term in terms:
        if isinstance(term, Group):
            yield from _conditions(term.terms)
        else:
            yield term


def _shared(rows: tuple[Row, ...], seen: dict[object, Term]) -> tuple[Row, ...]:
    return tuple(replace(row, when=tuple(seen.setdefault(_key(term), term) for term in row.when)) for row in rows)


def _key(term: Term) -> object:
    """What makes two questions one; True and 1 are equal to Python and not to a rule."""
    if isinstance(term, Group):
        return term.needs, tuple(_key(one) for one in term.terms)
    return term.fact, term.word, type(term.limit), str(term.limit), term.or_unknown


def _asks(knowledge: Knowledge, rows: tuple[Row, ...]) -> tuple[tuple[str, ...], ...]:
    """For each row the facts of the record that it, or a row before it, comes down to."""
    found: list[tuple[str, ...]] = []
    known: dict[str, None] = {}
    for row in rows:
        known |= dict.fromkeys(name for name, _ in raw_facts(knowledge, row.when))
        found.append(tuple(known))
    return tuple(found)


def unverified_facts(knowledge: Knowledge, terms: Iterable[Term]) -> tuple[str, ...]:
    """The facts that these questions ask about, themselves or through others, and that no source defines as we do."""
    return tuple(sorted(name for name in facts_behind(knowledge, terms) if knowledge.facts[name].unverified))


def raw_facts(knowledge: Knowledge, terms: Iterable[Term]) -> tuple[tuple[str, FromRecord], ...]:
    """The facts of the record that these questions come down to, with where each is read from."""
    found = ((name, knowledge.facts[name].definition) for name in facts_behind(knowledge, terms))
    return tuple(sorted(((n, one) for n, one in found if isinstance(one, FromRecord)), key=lambda pair: pair[0]))


def facts_behind(knowledge: Knowledge, terms: Iterable[Term]) -> frozenset[str]:
    """Every fact that these questions come to, however many lie between."""
    waiting: list[Term | str] = list(terms)
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, Group):
            waiting += one.terms
            continue
        name = one if isinstance(one, str) else one.fact
        if name in seen:
            continue
        seen.add(name)
        match knowledge.facts[name].definition:
            case AnyOf(nested) | AllOf(nested) | CountOf(nested):
                waiting += nested
            case KnownAny(names):
                waiting += names
            case EligibleFor(plans):
                waiting += [term for plan in plans for row in knowledge.plans[plan].eligible for term in row.when]
            case DecidedBy(table):
                waiting += [term for row in knowledge.guidelines[table].rows for term in row.when]
    return frozenset(seen)
