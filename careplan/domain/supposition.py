"""What a missing fact would change: the measure's table decided again, as if the fact were known.

Every value that some row asks about is tried, and the span around it, so that nothing is claimed that the rules
would not do. Not here: the words for it (`account`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import NUMBER_WORDS, Condition, FactValue, Group, Term
from careplan.domain.evaluation import holds
from careplan.domain.explanation import Explanation, Gap
from careplan.domain.guideline import AllOf, AnyOf, CountOf, DecidedBy, EligibleFor, Knowledge, Row


@dataclass(frozen=True, slots=True)
class Extent:
    """The values of a fact between two limits; None is open, `with_low` and `with_high` say whether a limit counts."""

    low: Decimal | None = None
    high: Decimal | None = None
    with_low: bool = False
    with_high: bool = False


@dataclass(frozen=True, slots=True)
class Supposition:
    """Were the missing fact so, this row would decide.

    so    its value, or the numbers it lies among
    open  whether other facts would still be missing then
    """

    fact: str
    so: FactValue | Extent
    row: Row
    open: bool


def suppositions(knowledge: Knowledge, explained: Explanation, gap: Gap, on: date) -> tuple[Supposition, ...]:
    """Every way in which one missing fact alone would let another row decide, in the order of its values."""
    table = knowledge.guidelines[explained.measure].rows
    rows = table if explained.row is None else table[: table.index(explained.row) + 1]
    known = {fact.name: fact for fact in explained.read}
    found: list[Supposition] = []
    for so, value in _points(list(_questions(knowledge, gap))):
        chart = Chart(on, known | {gap.fact: Fact(gap.fact, value)})
        row, open_ = _decided(knowledge, chart, rows)
        if row is None or row is explained.row:
            continue
        before = found[-1] if found else None
        if before is not None and before.row is row and _adjoin(before.so, so):
            found[-1] = Supposition(gap.fact, _joined(before.so, so), row, before.open or open_)
        else:
            found.append(Supposition(gap.fact, so, row, open_))
    return tuple(found)


def _decided(knowledge: Knowledge, chart: Chart, rows: Iterable[Row]) -> tuple[Row | None, bool]:
    """The row that decides, and whether a row before it is still open."""
    open_ = False
    for row in rows:
        truth = holds(knowledge, chart, row.when)
        if truth:
            return row, open_
        open_ = open_ or truth is None
    return None, open_


def _questions(knowledge: Knowledge, gap: Gap) -> Iterator[Condition]:
    """Every question that the open rows put to the fact, however many facts lie between."""
    waiting: list[Term] = [term for row in gap.rows for term in row.when]
    seen: set[str] = set()
    while waiting:
        term = waiting.pop(0)
        if isinstance(term, Group):
            waiting += term.terms
        elif term.fact == gap.fact:
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


def _points(questions: list[Condition]) -> Iterator[tuple[FactValue | Extent, FactValue]]:
    """Values that stand for all there are: each number asked about and one on either side, or each answer."""
    numbers = sorted({_number(one) for one in questions if _is_number(one)})
    if numbers:
        yield from _spans(numbers)
        return
    answers = dict.fromkeys(one.limit for one in questions)
    if all(isinstance(one, bool) for one in answers):
        answers = dict.fromkeys([True, False])
    for answer in answers:
        yield answer, answer


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


def _adjoin(one: FactValue | Extent, other: FactValue | Extent) -> bool:
    if not isinstance(one, Extent) or not isinstance(other, Extent):
        return False
    return one.high == other.low and one.with_high != other.with_low


def _joined(one: FactValue | Extent, other: FactValue | Extent) -> Extent:
    assert isinstance(one, Extent) and isinstance(other, Extent)
    return Extent(one.low, other.high, one.with_low, other.with_high)
