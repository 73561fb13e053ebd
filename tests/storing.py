"""Short ways to write down what the store tests write and ask."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from careplan.fhir.query import Alternative, Criterion, Order, Query
from careplan.fhir.value import (
    CompositeValue,
    DateValue,
    NumberValue,
    ReferenceValue,
    SearchValues,
    StringValue,
    TokenValue,
    UriValue,
)
from careplan.store.protocol import Page, Store, Version, Write

Home = Callable[[], Coroutine[object, object, Store]]
"""Opens a store on the test's data; called again, a second one on the same data."""

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
OPEN_LOW = datetime(1, 1, 1, tzinfo=UTC)
OPEN_HIGH = datetime(9999, 12, 31, tzinfo=UTC)


def body_of(type: str, id: str, number: int = 1, value: str = "6.50") -> bytes:
    """Bytes with a decimal that a careless store would change."""
    return f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"{number}"}},"value":{value}}}'.encode()


def write(
    id: str,
    values: SearchValues | None = None,
    *,
    type: str = "Observation",
    expects: int = 0,
    at: datetime = NOON,
    patient: str | None = "p1",
    body: bytes | None = None,
) -> Write:
    """A new version that can be found by these values."""
    return Write(type, id, expects, at, patient, body or body_of(type, id, expects + 1), values or SearchValues())


def removal(id: str, expects: int, *, type: str = "Observation", at: datetime = NOON) -> Write:
    """A deletion."""
    return Write(type, id, expects, at, "p1", None)


def coded(code: str, system: str = "s", parameter: str = "code") -> SearchValues:
    return SearchValues(tokens=((parameter, TokenValue(system, code)),))


def dated(low: datetime, high: datetime | None = None, parameter: str = "date") -> SearchValues:
    return SearchValues(dates=((parameter, DateValue(low, high or low + SECOND)),))


def measured(value: str, unit: str = "mg", system: str = "u", parameter: str = "value") -> SearchValues:
    number = Decimal(value)
    return SearchValues(numbers=((parameter, NumberValue(number, number, system, unit, unit)),))


def worded(text: str, parameter: str = "name", *, word: bool = False) -> SearchValues:
    return SearchValues(strings=((parameter, StringValue(text, word)),))


def pointing(type: str, id: str, parameter: str = "subject", identifier: TokenValue | None = None) -> SearchValues:
    return SearchValues(references=((parameter, ReferenceValue(type, id, identifier)),))


def linked(uri: str, parameter: str = "url") -> SearchValues:
    return SearchValues(uris=((parameter, UriValue(uri)),))


def paired(
    code: str,
    value: TokenValue | DateValue | NumberValue | StringValue | ReferenceValue,
    parameter: str = "code-value",
    system: str = "s",
) -> SearchValues:
    return SearchValues(composites=((parameter, CompositeValue(TokenValue(system, code), value)),))


def both(*several: SearchValues) -> SearchValues:
    """One resource with all of these values."""
    return SearchValues(
        tuple(pair for values in several for pair in values.tokens),
        tuple(pair for values in several for pair in values.dates),
        tuple(pair for values in several for pair in values.numbers),
        tuple(pair for values in several for pair in values.strings),
        tuple(pair for values in several for pair in values.references),
        tuple(pair for values in several for pair in values.uris),
        tuple(pair for values in several for pair in values.composites),
    )


def where(parameter: str, kind: str, *alternatives: Alternative, negated: bool = False) -> Criterion:
    return Criterion(parameter, kind, alternatives, negated)


def missing(parameter: str, kind: str, is_missing: bool = True) -> Criterion:
    return Criterion(parameter, kind, missing=is_missing)


def asking(*criteria: Criterion, type: str = "Observation", orders: tuple[Order, ...] = (), count: int = 50) -> Query:
    return Query(type, criteria, orders, count)


def ids(page: Page) -> list[str]:
    return [match.id for match in page.matches]


async def found(store: Store, query: Query) -> str:
    """The ids of all matches on the first page, sorted, as one text."""
    return " ".join(sorted(ids(await store.search(query))))


async def walked(store: Store, query: Query) -> list[str]:
    """The ids of all matches over all pages, in order."""
    seen: list[str] = []
    while True:
        page = await store.search(query)
        seen += ids(page)
        if page.next is None:
            return seen
        query = replace(query, after=page.next)


async def fed(store: Store, after: int = 0, limit: int = 1000) -> list[Version]:
    """The whole feed from a position."""
    seen: list[Version] = []
    while some := await store.changes(after, limit):
        seen += some
        after = some[-1].position
    return seen


async def kept(store: Store, writes: Iterable[Write]) -> None:
    """Store each in one commit."""
    await store.commit(list(writes))
