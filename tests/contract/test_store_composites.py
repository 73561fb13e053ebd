"""Pairs of a token and a value that stand in one element (checklist R4-96)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from storing import (
    NOON,
    SECOND,
    asking,
    both,
    coded,
    found,
    kept,
    measured,
    missing,
    paired,
    removal,
    where,
    write,
)

from careplan.fhir.folding import folded
from careplan.fhir.query import CompositeIs, Criterion, DateIs, NumberIs, ReferenceIs, StringIs, TokenIs
from careplan.fhir.value import DateValue, NumberValue, ReferenceValue, SearchValues, StringValue, TokenValue
from careplan.store.pair import kept_pairs
from careplan.store.protocol import Guard, GuardFailed, Store

DAY = timedelta(days=1)
Value = TokenIs | DateIs | NumberIs | StringIs | ReferenceIs


def pressure(systolic: str, diastolic: str) -> SearchValues:
    """Two components; the numbers of both stand under `value` as well."""
    return both(
        *(
            both(paired(code, mg(value)), coded(code), measured(value))
            for code, value in (("8480-6", systolic), ("8462-4", diastolic))
        )
    )


def mg(value: str, unit: str = "mg") -> NumberValue:
    return NumberValue(Decimal(value), Decimal(value), "u", unit, unit)


def pair(code: str, *values: Value, system: str | None = "s", negated: bool = False) -> Criterion:
    return where(
        "code-value", "composite", *(CompositeIs(TokenIs(system, code), value) for value in values), negated=negated
    )


def number(prefix: str, of: str, code: str | None = None, system: str | None = None) -> NumberIs:
    value = Decimal(of)
    return NumberIs(prefix, value, value - Decimal("0.5"), value + Decimal("0.5"), system, code)


async def test_both_parts_are_taken_from_the_same_element(store: Store) -> None:
    """R4-96: `8480-6$gt140` does not mix the code of one component with the value of another."""
    await kept(store, [write("high", pressure("150", "80")), write("low", pressure("120", "145"))])
    assert await found(store, asking(pair("8480-6", number("gt", "140")))) == "high"
    assert await found(store, asking(pair("8462-4", number("gt", "140")))) == "low"
    assert await found(store, asking(pair("8480-6", number("lt", "130")), pair("8462-4", number("gt", "140")))) == "low"
    assert await found(store, asking(pair("8480-6", number("gt", "160"), number("lt", "130")))) == "low"


async def test_numbers_of_pairs_know_prefix_unit_and_system(store: Store) -> None:
    """R4-94, R4-95, R4-96"""
    await kept(
        store,
        [
            write("five", paired("a", mg("5"))),
            write("six", paired("a", mg("6"))),
            write("kilo", paired("a", mg("5", "kg"))),
            write("other", paired("a", mg("5"), system="t")),
            write("both", both(paired("a", mg("5")), paired("a", mg("7")), paired("b", mg("9")))),
        ],
    )
    cases = {
        "eq": (pair("a", number("eq", "5")), "both five kilo"),
        "any system": (pair("a", number("eq", "5"), system=None), "both five kilo other"),
        "no system": (pair("a", number("eq", "5"), system=""), ""),
        "unit": (pair("a", number("eq", "5", "kg", "u")), "kilo"),
        "unit or code": (pair("a", number("eq", "5", "mg")), "both five"),
        "ne of one that has it too": (pair("a", number("ne", "5")), "six"),
        "ge": (pair("a", number("ge", "6")), "both six"),
        "another code's value": (pair("a", number("gt", "8")), ""),
        "not": (pair("a", number("gt", "5"), negated=True), "five kilo other"),
        "missing": (missing("code-value", "composite"), ""),
        "present": (missing("code-value", "composite", False), "both five kilo other six"),
        "missing another": (missing("combo", "composite"), "both five kilo other six"),
    }
    got = {name: await found(store, asking(criterion)) for name, (criterion, _) in cases.items()}
    assert got == {name: ids for name, (_, ids) in cases.items()}


@pytest.mark.parametrize(
    ("kept_value", "asked", "other"),
    [
        (TokenValue("s", "yes"), TokenIs("s", "yes"), TokenIs("s", "no")),
        (TokenValue("s", "yes"), TokenIs(None, "yes"), TokenIs("", "yes")),
        (TokenValue("s", "yes"), TokenIs("s", None), TokenIs("t", None)),
        (DateValue(NOON, NOON + SECOND), DateIs("eq", NOON, NOON + SECOND), DateIs("gt", NOON, NOON + SECOND)),
        (DateValue(NOON, NOON + SECOND), DateIs("lt", NOON + SECOND, NOON + DAY), DateIs("ne", NOON, NOON + SECOND)),
        (StringValue("Søren Å"), StringIs("starts", folded("søren")), StringIs("starts", "x")),
        (StringValue("Søren Å"), StringIs("contains", folded("ren å")), StringIs("contains", ".*")),
        (StringValue("Søren Å"), StringIs("exact", "Søren Å"), StringIs("exact", "søren å")),
        (StringValue("Søren Å", word=True), StringIs("starts", folded("Sø")), StringIs("exact", "Søren Å")),
        (ReferenceValue("Patient", "1"), ReferenceIs("Patient", "1"), ReferenceIs("Group", "1")),
        (ReferenceValue("Patient", "1"), ReferenceIs(None, "1"), ReferenceIs(None, "2")),
    ],
)  # fmt: skip
async def test_values_of_every_kind_stand_in_pairs(
    store: Store, kept_value: TokenValue | DateValue | StringValue | ReferenceValue, asked: Value, other: Value
) -> None:
    """R4-96"""
    await kept(store, [write("o1", paired("a", kept_value)), write("o2", paired("b", kept_value))])
    assert await found(store, asking(pair("a", asked))) == "o1"
    assert await found(store, asking(pair("a", other))) == ""
    assert await found(store, replace(asking(pair("a", asked)), patient="p1", total=True)) == "o1"


async def test_old_pairs_are_gone_with_their_version(store: Store) -> None:
    """R4-70"""
    await kept(store, [write("o1", paired("a", mg("5"))), write("o2", paired("a", mg("5")))])
    await kept(store, [write("o1", paired("a", mg("6")), expects=1), removal("o2", 1)])
    assert await found(store, asking(pair("a", number("eq", "5")))) == ""
    assert await found(store, asking(pair("a", number("eq", "6")))) == "o1"


async def test_a_guard_may_ask_for_a_pair(store: Store) -> None:
    await kept(store, [write("o1", paired("a", mg("5")))])
    with pytest.raises(GuardFailed):
        await store.commit([write("o2")], [Guard("k", asking(pair("a", number("gt", "4"))))])
    await store.commit([write("o2")], [Guard("k", asking(pair("a", number("gt", "6"))))])


# ── pairs that the parts tell by themselves ──────────────────────────────────────────────────────

NAMES = ("code-value-quantity", "combo-code-value-quantity", "component-code-value-quantity")
PARTS = {
    "code-value-quantity": ("code", "value-quantity"),
    "combo-code-value-quantity": ("combo-code", "combo-value-quantity"),
    "component-code-value-quantity": ("component-code", "component-value-quantity"),
}
Element = tuple[tuple[str, ...], str | None]
"""Codes and value of an Observation or of one of its components."""

WHOLE: Element = (("a", "b"), "5")
OBSERVATIONS: dict[str, tuple[Element, ...]] = {
    "plain": (WHOLE,),
    "other": ((("a",), "7"),),
    "no-value": ((("a",), None),),
    "panel": ((("p",), None), (("a",), "5"), (("b",), "7")),
    "crossed": ((("p",), None), (("a",), "7"), (("b",), "5")),
    "same": ((("p",), None), (("a",), "5"), (("b",), "5")),
    "apart": ((("p",), None), (("a",), None), ((), "5")),
    "one": ((("p",), None), (("a",), "5")),
    "both": (WHOLE, (("a",), "7")),
}


def observation(elements: tuple[Element, ...]) -> SearchValues:
    """As extracted: the first element is the Observation, the others its components."""
    found = []
    for place, (codes, value) in enumerate(elements):
        for name in (*(NAMES[:2] if place == 0 else NAMES[1:]),):
            code_part, value_part = PARTS[name]
            found += [coded(code, parameter=code_part) for code in codes]
            found += [] if value is None else [measured(value, parameter=value_part)]
            found += [] if value is None else [paired(code, measured_value(value), name) for code in codes]
    whole = both(*found)
    unique = {name: tuple(dict.fromkeys(getattr(whole, name))) for name in ("tokens", "numbers", "composites")}
    return SearchValues(**unique)


def measured_value(value: str) -> NumberValue:
    return measured(value).numbers[0][1]


def pairs_of(elements: tuple[Element, ...], name: str) -> set[tuple[str, Any]]:
    """Code and value of each pair."""
    pairs = [pair for at, pair in observation(elements).composites if at == name]
    return {(pair.token.code, getattr(pair.value, "low", None)) for pair in pairs}


@pytest.mark.parametrize("name", NAMES)
async def test_a_pair_is_found_whether_kept_or_told_by_its_parts(store: Store, name: str) -> None:
    """R4-96, R4-97: as the pairs themselves say, in every shape of Observation."""
    await kept(store, [write(id, observation(elements)) for id, elements in OBSERVATIONS.items()])
    pairs = {id: pairs_of(elements, name) for id, elements in OBSERVATIONS.items()}
    five, seven = Decimal(5), Decimal(7)
    tests = {
        "eq": lambda of: of == five,
        "gt": lambda of: of > five,
        "le": lambda of: of <= five,
    }
    for code in ("a", "b", "p"):
        for prefix, holds in tests.items():
            criterion = where(name, "composite", CompositeIs(TokenIs("s", code), number(prefix, "5")))
            expected = {id for id, some in pairs.items() if any(at == code and holds(value) for at, value in some)}
            assert await found(store, asking(criterion)) == " ".join(sorted(expected)), (code, prefix)
            others = " ".join(sorted(set(pairs) - expected))
            assert await found(store, asking(replace(criterion, negated=True))) == others, (code, prefix)
            in_record = replace(asking(criterion), patient="p1")
            assert await found(store, in_record) == " ".join(sorted(expected)), (code, prefix)
        unequal = where(name, "composite", CompositeIs(TokenIs("s", code), number("ne", "5")))
        expected = {id for id, some in pairs.items() if {value for at, value in some if at == code} == {seven}}
        assert await found(store, asking(unequal)) == " ".join(sorted(expected)), code
    assert await found(store, asking(missing(name, "composite"))) == " ".join(
        sorted(id for id in pairs if not pairs[id])
    )


def test_an_ordinary_observation_keeps_no_pairs() -> None:
    assert list(kept_pairs("Observation", observation(OBSERVATIONS["plain"]))) == []
    assert len(list(kept_pairs("Observation", observation(OBSERVATIONS["panel"])))) == 4
