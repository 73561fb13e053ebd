"""What a missing fact may turn out to be: values that stand for all there are, told apart only where rules tell them.

Every number that some question asks about is tried, and the spans on either side of it; every answer of a choice; yes
and no. Of a fact whose value is known to be one of a few (a date that is only a year), those few.
Not here: what would follow (`reach`, `supposition`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from careplan.domain.chart import Fact
from careplan.domain.condition import NUMBER_WORDS, Condition, FactValue, Group, Term
from careplan.domain.guideline import AllOf, AnswerForm, AnyOf, CountOf, DecidedBy, EligibleFor, FromRecord, Knowledge


@dataclass(frozen=True, slots=True)
class Extent:
    """The values of a fact between two limits; None is open, `with_low` and `with_high` say whether a limit counts."""

    low: Decimal | None = None
    high: Decimal | None = None
    with_low: bool = False
    with_high: bool = False


Possibility = tuple[FactValue | Extent, FactValue]
"""What the fact may be, or lie among, and one value of that kind."""


def possibilities(
    knowledge: Knowledge, name: str, terms: Iterable[Term], known: Fact | None = None
) -> tuple[Possibility, ...]:
    """What a fact may be as far as these questions, and those behind them, tell values apart; in order.

    known  the fact as it is on record, where its value is only narrowed down
    """
    asked = tuple(dict.fromkeys(_questions(knowledge, name, terms)))
    found = tuple(_points(knowledge, name, asked))
    if known is None:
        return found
    few = {_answers_to(asked, one): one for one in (known.judged, *known.others)}
    alike = ((so, few.get(_answers_to(asked, value))) for so, value in found)
    return tuple((so, value) for so, value in alike if value is not None)


def _answers_to(asked: Iterable[Condition], value: FactValue) -> tuple[bool, ...]:
    return tuple(one.holds(value) for one in asked)


def values_told_apart(
    knowledge: Knowledge, name: str, terms: Sequence[Term], known: Fact | None = None
) -> tuple[FactValue, ...]:
    """One value of a fact for each way in which these questions can be answered by it."""
    asked = tuple(dict.fromkeys(_questions(knowledge, name, terms)))
    found: dict[tuple[bool, ...], FactValue] = {}
    for _, value in possibilities(knowledge, name, terms, known):
        found.setdefault(_answers_to(asked, value), value)
    return tuple(found.values())


def _questions(knowledge: Knowledge, name: str, terms: Iterable[Term]) -> Iterator[Condition]:
    """Every question put to the fact, however many facts lie between."""
    waiting: list[Term] = list(terms)
    seen: set[str] = set()
    while waiting:
        term = waiting.pop()
        if isinstance(term, Group):
            waiting += term.terms
        elif term.fact == name:
            yield term
        elif term.fact not in seen:
            seen.add(term.fact)
            waiting += _behind(knowledge, term.fact)


def _behind(knowledge: Knowledge, fact: str) -> list[Term]:
    """The questions a derived fact puts; whether something is known at all is asked of no value."""
    match knowledge.facts[fact].definition:
        case AnyOf(terms) | AllOf(terms) | CountOf(terms):
            return list(terms)
        case EligibleFor(plans):
            return [term for plan in plans for row in knowledge.plans[plan].eligible for term in row.when]
        case DecidedBy(table):
            return [term for row in knowledge.guidelines[table].rows for term in row.when]
    return []


def _points(knowledge: Knowledge, name: str, asked: tuple[Condition, ...]) -> Iterator[Possibility]:
    numbers = sorted({_number(one) for one in asked if _is_number(one)})
    if not asked:  # it is only asked whether anything is known
        yield Extent(), Decimal(1)
        return
    if numbers:
        yield from _spans(numbers)
        return
    answers = dict.fromkeys(one.limit for one in asked)
    if all(isinstance(one, bool) for one in answers):
        answers = dict.fromkeys([True, False])
    answers |= dict.fromkeys(_answers(knowledge, name))
    yield from ((answer, answer) for answer in answers)


def _answers(knowledge: Knowledge, name: str) -> Iterator[FactValue]:
    """The other answers of a choice: they all say no to what is asked, and that may decide."""
    origin = knowledge.facts[name].definition
    if not isinstance(origin, FromRecord):
        return
    measure, form = knowledge.measures.get(str(origin.terms.get("measure", ""))), origin.terms.get("form")
    if measure is not None:
        yield from (answer.value for answer in measure.answers)
    if isinstance(form, AnswerForm):
        yield from form.words


def _spans(numbers: list[Decimal]) -> Iterator[tuple[Extent, Decimal]]:
    if numbers[0] > 0:
        yield Extent(high=numbers[0]), numbers[0] / 2
    for place, number in enumerate(numbers):
        yield Extent(number, number, True, True), number
        if place + 1 < len(numbers):
            following = numbers[place + 1]
            yield Extent(number, following), (number + following) / 2
    yield Extent(low=numbers[-1]), numbers[-1] + 1


def _is_number(one: Condition) -> bool:
    return one.word in NUMBER_WORDS or isinstance(one.limit, Decimal)


def _number(one: Condition) -> Decimal:
    return Decimal(str(one.limit))
