"""The diagnoses without which nobody is eligible for any plan: what lets a clinic's list be found by an index.

Worked out from the rows themselves: a row that asks for no diagnosis at all lets in people without one, and then there
is nothing to narrow by. Not here: who is eligible (`evaluation`), and how a diagnosis is found (`careplan.fhir`).
"""

from collections.abc import Iterable

from careplan.domain.condition import Condition, Term
from careplan.domain.guideline import AllOf, AnyOf, EligibleFor, FromRecord, Knowledge, PlanType

Needed = frozenset[str] | None
"""Facts of which one must hold; None: nothing that is known here must."""


def needed_diagnoses(knowledge: Knowledge) -> Needed:
    """Diagnosis facts of which everybody who is eligible for any plan has one; None where a row asks for none."""
    return _any(_plan(knowledge, plan) for plan in knowledge.plans.values())


def _plan(knowledge: Knowledge, plan: PlanType) -> Needed:
    return _any(_all(knowledge, row.when) for row in plan.eligible)


def _any(found: Iterable[Needed]) -> Needed:
    """Of alternatives each must need something; what they need together is enough."""
    needed: frozenset[str] = frozenset()
    for one in found:
        if one is None:
            return None
        needed |= one
    return needed


def _all(knowledge: Knowledge, terms: Iterable[Term]) -> Needed:
    """Of questions that all must hold, the need of one is enough: that of the fewest facts."""
    found = [needed for term in terms if (needed := _term(knowledge, term)) is not None]
    return min(found, key=lambda facts: (len(facts), sorted(facts)), default=None)


def _term(knowledge: Knowledge, term: Term) -> Needed:
    if not isinstance(term, Condition):
        needs = (_term(knowledge, one) for one in term.terms)
        return _all(knowledge, term.terms) if term.needs == "all" else _any(needs)
    if term.word != "is" or term.limit is not True or term.or_unknown:
        return None
    match knowledge.facts[term.fact].definition:
        case FromRecord(how="diagnosis"):
            return frozenset({term.fact})
        case AnyOf(terms):
            return _any(_term(knowledge, one) for one in terms)
        case AllOf(terms):
            return _all(knowledge, terms)
        case EligibleFor(plans):
            return _any(_plan(knowledge, knowledge.plans[name]) for name in plans)
        case _:
            return None
