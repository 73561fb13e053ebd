"""The most values that a search takes, in every kind of criterion: each store bears them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from storing import (
    NOON,
    SECOND,
    asking,
    both,
    coded,
    dated,
    found,
    ids,
    kept,
    linked,
    measured,
    pointing,
    where,
    worded,
    write,
)

from careplan.fhir.criterion import MOST_ALTERNATIVES
from careplan.fhir.query import Criterion, DateIs, IdIs, NumberIs, ReferenceIs, StringIs, TokenIs, UriIs
from careplan.fhir.search import MOST_VALUES
from careplan.fhir.value import ReferenceValue, SearchValues, TokenValue
from careplan.store.protocol import Guard, Store

MANY = range(MOST_ALTERNATIVES)
TEN = Decimal(10)
AS_MANY: dict[str, Criterion] = {
    "token": where("code", "token", *(TokenIs("s", f"c{n}") for n in MANY)),
    "code of any system": where("code", "token", *(TokenIs(None, f"c{n}") for n in MANY)),
    "any code of a system": where("code", "token", *(TokenIs("s" * (n + 1), None) for n in MANY)),
    "date": where("date", "date", *(DateIs("eq", NOON - n * SECOND, NOON - (n - 1) * SECOND) for n in MANY)),
    "not that date": where("date", "date", *(DateIs("ne", NOON - n * SECOND, NOON) for n in MANY)),
    "instant": where("_lastUpdated", "date", *(DateIs("eq", NOON - n * SECOND, NOON + SECOND) for n in MANY)),
    "quantity": where("value", "quantity", *(NumberIs("eq", TEN + n, TEN + n, TEN + n + 1, "u", "mg") for n in MANY)),
    "by code or unit": where(
        "value", "quantity", *(NumberIs("eq", TEN + n, TEN + n, TEN + n + 1, None, "mg") for n in MANY)
    ),
    "starts": where("name", "string", *(StringIs("starts", "ann" + "a" * n) for n in MANY)),
    "contains": where("name", "string", *(StringIs("contains", "nn" + "a" * n) for n in MANY)),
    "reference": where("subject", "reference", *(ReferenceIs("Patient", f"p{n}") for n in MANY)),
    "identifier": where("subject", "reference", *(TokenIs("cpr", f"{n}") for n in MANY)),
    "uri": where("url", "uri", *(UriIs("below", f"https://a.example/{n}") for n in MANY)),
    "id": where("_id", "id", *(IdIs(f"o{n}") for n in MANY)),
}


@pytest.mark.parametrize("criterion", AS_MANY.values(), ids=list(AS_MANY))
async def test_a_criterion_may_have_the_most_alternatives_a_search_takes(store: Store, criterion: Criterion) -> None:
    about = ReferenceValue("Patient", "p1", TokenValue("cpr", "1"))
    values = both(
        *(coded("c1"), dated(NOON), measured("10.5"), worded("Anna Holm"), linked("https://a.example/1/x")),
        SearchValues(references=(("subject", about),)),
    )
    await kept(store, [write("o1", values), write("x1", type="Condition")])
    query = replace(asking(criterion, criterion), total=True)
    for asked in (query, replace(query, patient="p1"), replace(query, patients=frozenset({"p1"}))):
        page = await store.search(asked)
        assert (ids(page), page.total) == (["o1"], 1)
    (version,) = (await store.search(query)).matches
    await store.commit([write("other", at=NOON + 60 * SECOND)], [Guard("k", query, (f"o1@{version.number}",))])
    assert await found(store, asking(replace(criterion, negated=True))) == "other"


async def test_as_many_references_may_be_asked_for_as_a_page_has_matches(store: Store) -> None:
    await kept(store, [write("o1", pointing("Patient", "p999")), write("o2", pointing("Patient", "q"))])
    targets = where("subject", "reference", *(ReferenceIs("Patient", f"p{n}") for n in range(1000)))
    assert await found(store, asking(targets)) == "o1"


@pytest.mark.parametrize("name", ["token", "by code or unit", "contains"])
async def test_a_search_may_have_the_most_values_it_takes(store: Store, name: str) -> None:
    values = both(coded("c1"), measured("10.5"), worded("Anna Holm"))
    await kept(store, [write("o1", values), write("o2", coded("d"))])
    query = asking(*[AS_MANY[name]] * (MOST_VALUES // MOST_ALTERNATIVES))
    page = await store.search(replace(query, total=True))
    assert (ids(page), page.total) == (["o1"], 1)
