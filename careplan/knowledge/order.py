"""What the order of things forbids: a row that an earlier row always beats, and facts that lean on themselves."""

from collections.abc import Iterator, Mapping

from careplan.domain.condition import Condition, Term
from careplan.domain.guideline import DecidedBy, EligibleFor, FromRecord, KnownAny, Row
from careplan.knowledge.draft import Draft, conditions_in, terms_of
from careplan.knowledge.entry import Entry

_DOWN, _UP = ("below", "at-most"), ("above", "at-least")


def refuse_disorder(draft: Draft) -> None:
    """Note every row that can never win and every ring of facts."""
    for table in draft.tables.values():
        _beaten(table.rows, table.guideline.rows)
    for template in draft.plans.values():
        _beaten(template.eligible, template.plan.eligible)
    for ring in rings(_graph(draft)):
        place, key = _place(draft, ring)
        place.refuse(f"this leans on itself: {' → '.join(ring)}; break the ring", key)


def _beaten(places: tuple[Entry, ...], rows: tuple[Row, ...]) -> None:
    for number, (place, row) in enumerate(zip(places, rows, strict=True)):
        winner = next((one for one in rows[:number] if _always_before(one, row)), None)
        if winner is not None:
            place.refuse(
                f"{row.id} can never win: {winner.id} above it holds whenever it holds; move it up or take it away",
                "when",
            )


def _always_before(earlier: Row, later: Row) -> bool:
    return bool(earlier.when) and all(any(implies(have, need) for have in later.when) for need in earlier.when)


def implies(have: Term, need: Term) -> bool:
    """Whether a question that holds makes another hold: the same one, or a tighter bound on the same number."""
    if have == need:
        return True
    if not (isinstance(have, Condition) and isinstance(need, Condition)) or have.fact != need.fact:
        return False
    if have.or_unknown and not need.or_unknown:
        return False
    if isinstance(have.limit, bool | str) or isinstance(need.limit, bool | str):
        return (have.word, have.limit) == (need.word, need.limit)
    for words, strict, beyond in ((_UP, "above", have.limit - need.limit), (_DOWN, "below", need.limit - have.limit)):
        if have.word in words and need.word in words:
            return beyond > 0 or (beyond == 0 and (need.word != strict or have.word == strict))
    return False


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
