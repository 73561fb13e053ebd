"""What the order of things forbids: a row that can never win, by itself or behind another, and rings of facts."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from careplan.domain.condition import Condition, Group, Term
from careplan.domain.guideline import AllOf, AnyOf, DecidedBy, Definition, EligibleFor, FromRecord, KnownAny, Row
from careplan.knowledge.draft import Draft, conditions_in, terms_of
from careplan.knowledge.entry import Entry

_DOWN, _UP = ("below", "at-most"), ("above", "at-least")


Definitions = Mapping[str, Definition]


def refuse_disorder(draft: Draft) -> None:
    """Note every row that can never win and every ring of facts."""
    found = tuple(rings(_graph(draft)))
    for ring in found:
        place, key = _place(draft, ring)
        place.refuse(f"this leans on itself: {' → '.join(ring)}; break the ring", key)
    facts: Definitions = {} if found else {name: fact.definition for name, (_, fact) in draft.facts.items()}
    for table in draft.tables.values():
        _beaten(table.rows, table.guideline.rows, facts)
    for template in draft.plans.values():
        _beaten(template.eligible, template.plan.eligible, facts)


def _beaten(places: tuple[Entry, ...], rows: tuple[Row, ...], facts: Definitions) -> None:
    for number, (place, row) in enumerate(zip(places, rows, strict=True)):
        against = next((pair for pair in combinations(row.when, 2) if contradict(*pair)), None)
        if against is not None:
            asked = " and ".join(_asks(one) for one in against)
            place.refuse(f"{row.id} can never win: it asks for {asked} together; correct one of the two", "when")
            continue
        winner = next((one for one in rows[:number] if _always_before(one, row, facts)), None)
        if winner is not None:
            place.refuse(
                f"{row.id} can never win: {winner.id} above it holds whenever it holds; move it up or take it away",
                "when",
            )


def _always_before(earlier: Row, later: Row, facts: Definitions) -> bool:
    return bool(earlier.when) and all(any(implies(have, need, facts) for have in later.when) for need in earlier.when)


def implies(have: Term, need: Term, facts: Definitions | None = None) -> bool:
    """Whether a question that holds makes another hold: the same one, a tighter bound on the same number, or a fact
    of which the other follows.

    facts  definitions that derived facts are opened by; without rings
    """
    if have == need or _bounds(have, need):
        return True
    known = facts or {}
    parts, every = _opened(need, known)
    if parts and (all if every else any)(implies(have, part, known) for part in parts):
        return True
    parts, every = _opened(have, known)
    return bool(parts) and (any if every else all)(implies(part, need, known) for part in parts)


def _opened(term: Term, facts: Definitions) -> tuple[tuple[Term, ...], bool]:
    """What a list or a derived fact is made of, and whether all of it must hold."""
    if isinstance(term, Group):
        return term.terms, term.needs == "all"
    definition = facts.get(term.fact) if term.word == "is" and term.limit is True and not term.or_unknown else None
    if isinstance(definition, AllOf | AnyOf):
        return definition.terms, isinstance(definition, AllOf)
    return (), True


def _bounds(have: Term, need: Term) -> bool:
    if not (isinstance(have, Condition) and isinstance(need, Condition)) or have.fact != need.fact:
        return False
    if have.or_unknown and not need.or_unknown:
        return False
    if isinstance(have.limit, bool | str) or isinstance(need.limit, bool | str):
        if (have.word, need.word) == ("is", "is-not"):
            return have.limit != need.limit
        return (have.word, have.limit) == (need.word, need.limit)
    for words, strict, beyond in ((_UP, "above", have.limit - need.limit), (_DOWN, "below", need.limit - have.limit)):
        if have.word in words and need.word in words:
            return beyond > 0 or (beyond == 0 and (need.word != strict or have.word == strict))
    return False


def contradict(one: Term, other: Term) -> bool:
    """Whether two questions to one fact can never both be answered yes."""
    if not (isinstance(one, Condition) and isinstance(other, Condition)) or one.fact != other.fact:
        return False
    if one.or_unknown and other.or_unknown:
        return False
    if one.word == "is" and other.word in ("is", "is-not"):
        return (one.limit == other.limit) == (other.word == "is-not")
    if other.word == "is" and one.word == "is-not":
        return one.limit == other.limit
    low, high = (one, other) if one.word in _UP else (other, one)
    if low.word not in _UP or high.word not in _DOWN:
        return False
    if isinstance(low.limit, bool | str) or isinstance(high.limit, bool | str):
        return False
    return low.limit > high.limit or (low.limit == high.limit and (low.word, high.word) != ("at-least", "at-most"))


def _asks(term: Term) -> str:
    assert isinstance(term, Condition)
    return f"`{term.fact} {term.word} {str(term.limit).lower() if isinstance(term.limit, bool) else term.limit}`"


# ── rings ────────────────────────────────────────────────────────────────────────────────────────


def rings(graph: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Each way back to where one started, once: (a, b, a)."""
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        yield from _rings(graph, start, trail, done)


def _rings(
    graph: Mapping[str, tuple[str, ...]], name: str, trail: list[str], done: set[str]
) -> Iterator[tuple[str, ...]]:
    if name in trail:
        yield (*trail[trail.index(name) :], name)
    elif name not in done:
        trail.append(name)
        for following in graph.get(name, ()):
            yield from _rings(graph, following, trail, done)
        trail.pop()
        done.add(name)


def _graph(draft: Draft) -> dict[str, tuple[str, ...]]:
    """What each fact, `table x` and `plan y` reads."""
    graph: dict[str, tuple[str, ...]] = {}
    for name, (_, fact) in draft.facts.items():
        match fact.definition:
            case FromRecord(terms=terms):
                graph[name] = tuple(str(terms[key]) for key in ("years_since", "nearest") if key in terms)
            case KnownAny(facts):
                graph[name] = facts
            case EligibleFor(plans):
                graph[name] = tuple(f"plan {plan}" for plan in plans)
            case DecidedBy(measure):
                graph[name] = (f"table {measure}",)
            case _:
                graph[name] = _named(terms_of(fact.definition))
    for name, table in draft.tables.items():
        graph[f"table {name}"] = tuple(one for row in table.guideline.rows for one in _named(row.when))
    for name, template in draft.plans.items():
        graph[f"plan {name}"] = tuple(one for row in template.plan.eligible for one in _named(row.when))
    return graph


def _named(terms: tuple[Term, ...]) -> tuple[str, ...]:
    return tuple(condition.fact for condition in conditions_in(terms))


def _place(draft: Draft, ring: tuple[str, ...]) -> tuple[Entry, str]:
    """A fact of the ring; every ring has one, since tables and plans name nothing else."""
    name = next(one for one in ring if one in draft.facts)
    return draft.facts[name][0], "id"
