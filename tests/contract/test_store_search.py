"""What each kind of criterion finds, case by case (checklist I–K, R4-70 and R4-81 to R4-100)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import pytest
from storing import (
    MILLISECOND,
    NOON,
    OPEN_HIGH,
    OPEN_LOW,
    SECOND,
    asking,
    both,
    coded,
    dated,
    found,
    kept,
    linked,
    measured,
    missing,
    pointing,
    removal,
    where,
    worded,
    write,
)

from careplan.fhir.folding import folded
from careplan.fhir.query import Criterion, DateIs, IdIs, NumberIs, Query, ReferenceIs, StringIs, TokenIs, UriIs
from careplan.fhir.value import NumberValue, SearchValues, TokenValue
from careplan.store.protocol import Store


async def check(store: Store, cases: Mapping[str, tuple[Criterion | tuple[Criterion, ...], str]]) -> None:
    """Run every case, then say which were wrong; a total is the number found, in every one."""
    got, expected = {}, {}
    for name, (criteria, ids) in cases.items():
        query = replace(asking(*(criteria if isinstance(criteria, tuple) else (criteria,))), total=True)
        page = await store.search(query)
        expected[name] = (ids, len(ids.split()))
        got[name] = (" ".join(sorted(match.id for match in page.matches)), page.total)
    assert got == expected


async def test_tokens(store: Store) -> None:
    """R4-67, R4-71, R4-87, R4-88, R4-89."""
    await kept(
        store,
        [
            write("loinc", coded("a", "loinc")),
            write("npu", coded("a", "npu")),
            write("bare", coded("a", "")),
            write("two", both(coded("a", "npu"), coded("b", "npu"))),
            write("b", coded("b", "loinc")),
            write("none", coded("x", parameter="status")),
            write("text", coded("", "")),
            write("elsewhere", coded("a", "loinc"), type="Condition"),
        ],
    )

    def code(*tokens: TokenIs, negated: bool = False) -> Criterion:
        return where("code", "token", *tokens, negated=negated)

    await check(
        store,
        {
            "code in any system": (code(TokenIs(None, "a")), "bare loinc npu two"),
            "system and code": (code(TokenIs("npu", "a")), "npu two"),
            "only without a system": (code(TokenIs("", "a")), "bare"),
            "any code of a system": (code(TokenIs("loinc", None)), "b loinc"),
            "a code is case-sensitive": (code(TokenIs(None, "A")), ""),
            "a code is whole": (code(TokenIs(None, "")), "text"),
            "or": (code(TokenIs("loinc", "a"), TokenIs(None, "b")), "b loinc two"),
            "and": ((code(TokenIs(None, "a")), code(TokenIs(None, "b"))), "two"),
            "not": (code(TokenIs(None, "a"), negated=True), "b none text"),
            "not either": (code(TokenIs(None, "a"), TokenIs("loinc", "b"), negated=True), "none text"),
            "not of a system": (code(TokenIs("npu", None), negated=True), "b bare loinc none text"),
            "missing": (missing("code", "token"), "none"),
            "present": (missing("code", "token", False), "b bare loinc npu text two"),
            "a parameter nobody has": (where("method", "token", TokenIs(None, "a")), ""),
            "not of a parameter nobody has": (
                where("method", "token", TokenIs(None, "a"), negated=True),
                "b bare loinc none npu text two",
            ),
            "no alternative": (code(), ""),
            "strange signs": (code(TokenIs("\x1f", "a\x1e'\"%_")), ""),
        },
    )


async def test_signs_that_a_store_uses_itself_are_only_signs(store: Store) -> None:
    odd = ["a\x1fb", "a\x1e1b", "a\x00b", "a", "a%", "a'b", "$a", "a.b", "a\n"]
    await kept(store, [write(f"o{n}", both(coded(text, f"s{text}"), worded(text))) for n, text in enumerate(odd)])
    for n, text in enumerate(odd):
        for token in (TokenIs(None, text), TokenIs(f"s{text}", text), TokenIs(f"s{text}", None)):
            assert await found(store, asking(where("code", "token", token))) == f"o{n}", (token, text)
        assert await found(store, asking(where("name", "string", StringIs("exact", text)))) == f"o{n}"
    assert await found(store, asking(where("name", "string", StringIs("contains", "%")))) == "o4"
    assert await found(store, asking(where("name", "string", StringIs("contains", ".b")))) == "o7"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAY = timedelta(days=1)


async def test_dates(store: Store) -> None:
    """R4-67, R4-81, R4-82, R4-83, R4-89."""
    await kept(
        store,
        [
            write("y2024", dated(at("2024-01-01"), at("2025-01-01"))),
            write("may", dated(at("2024-05-01"), at("2024-06-01"))),
            write("may1", dated(at("2024-05-01"), at("2024-05-02"))),
            write("ten", dated(at("2024-05-01T10:00"))),
            write("ms", dated(at("2024-05-01T10:00:00.250"), at("2024-05-01T10:00:00.251"))),
            write("from", dated(at("2024-04-01"), OPEN_HIGH)),
            write("until", dated(OPEN_LOW, at("2024-04-01"))),
            write("always", dated(OPEN_LOW, OPEN_HIGH)),
            write("twice", both(dated(at("2020-01-01"), at("2020-01-02")), dated(at("2030-01-01"), at("2030-01-02")))),
            write("none", coded("x")),
        ],
    )

    def date(prefix: str, low: str, high: datetime, *more: DateIs) -> Criterion:
        return where("date", "date", DateIs(prefix, at(low), high), *more)

    def year(prefix: str) -> Criterion:
        return date(prefix, "2024-01-01", at("2025-01-01"))

    def may1(prefix: str) -> Criterion:
        return date(prefix, "2024-05-01", at("2024-05-02"))

    def ten(prefix: str) -> Criterion:
        return date(prefix, "2024-05-01T10:00", at("2024-05-01T10:00:01"))

    await check(
        store,
        {
            "eq year": (year("eq"), "may may1 ms ten y2024"),
            "eq day": (may1("eq"), "may1 ms ten"),
            "eq second": (ten("eq"), "ms ten"),
            "ne year": (year("ne"), "always from twice until"),
            "ne day": (may1("ne"), "always from may twice until y2024"),
            "gt day": (may1("gt"), "always from may twice y2024"),
            "ge day": (may1("ge"), "always from may may1 ms ten twice y2024"),
            "lt day": (may1("lt"), "always from twice until y2024"),
            "le day": (may1("le"), "always from may may1 ms ten twice until y2024"),
            "sa day": (may1("sa"), "twice"),
            "eb day": (may1("eb"), "twice until"),
            "ap day": (may1("ap"), "always from may may1 ms ten y2024"),
            "gt year": (year("gt"), "always from twice"),
            "lt year": (year("lt"), "always twice until"),
            "ge year": (year("ge"), "always from may may1 ms ten twice until y2024"),
            "le year": (year("le"), "always from may may1 ms ten twice until y2024"),
            "sa year": (year("sa"), "twice"),
            "eb year": (year("eb"), "twice"),
            "gt second": (ten("gt"), "always from may may1 twice y2024"),
            "lt second": (ten("lt"), "always from may may1 twice until y2024"),
            "or": (
                date("eq", "2020-01-01", at("2020-01-02"), DateIs("sa", at("2031-01-01"), at("2031-01-02"))),
                "twice",
            ),
            "and of two values": ((date("eq", "2020-01-01", at("2020-01-02")), year("gt")), "twice"),
            "missing": (missing("date", "date"), "none"),
            "present": (missing("date", "date", False), "always from may may1 ms ten twice until y2024"),
        },
    )


async def test_the_instant_of_writing(store: Store) -> None:
    """R4-85, R4-100."""
    await kept(store, [write(f"o{n}", at=NOON + n * MILLISECOND) for n in range(4)])

    def written(prefix: str, low: datetime = NOON + MILLISECOND, wide: timedelta = MILLISECOND) -> Criterion:
        return where("_lastUpdated", "date", DateIs(prefix, low, low + wide))

    await check(
        store,
        {
            "eq": (written("eq"), "o1"),
            "eq second": (written("eq", NOON, SECOND), "o0 o1 o2 o3"),
            "ne": (written("ne"), "o0 o2 o3"),
            "gt leaves its own instant out": (written("gt"), "o2 o3"),
            "ge keeps its own instant": (written("ge"), "o1 o2 o3"),
            "lt": (written("lt"), "o0"),
            "le": (written("le"), "o0 o1"),
            "sa": (written("sa"), "o2 o3"),
            "eb": (written("eb"), "o0"),
            "ap": (written("ap"), "o1"),
            "missing": (missing("_lastUpdated", "date"), ""),
            "present": (missing("_lastUpdated", "date", False), "o0 o1 o2 o3"),
        },
    )


async def test_numbers_and_quantities(store: Store) -> None:
    """R4-94, R4-95."""
    infinity = Decimal("Infinity")
    await kept(
        store,
        [
            write("5.4", measured("5.4")),
            write("5.40", measured("5.40")),
            write("5.35", measured("5.35")),
            write("5.45", measured("5.45")),
            write("neg", measured("-5.4")),
            write("tiny", measured("1E-22")),
            write("huge", measured("123456789012345678901234567890.5")),
            write("kg", measured("5.4", "kg")),
            write("foreign", measured("5.4", "mg", "other")),
            write("above90", SearchValues(numbers=(("value", NumberValue(Decimal(90), infinity, "u", "mg")),))),
            write("below3", SearchValues(numbers=(("value", NumberValue(-infinity, Decimal(3), "u", "mg")),))),
            write("written", SearchValues(numbers=(("value", NumberValue(Decimal(7), Decimal(7), "", "", "mg")),))),
            write("none", coded("x")),
        ],
    )

    def value(prefix: str, of: str, code: str | None = "mg", system: str | None = "u", half: str = "0.05") -> Criterion:
        exact, wide = Decimal(of), Decimal(of).copy_abs() / 10 if prefix == "ap" else Decimal(half)
        with localcontext(prec=60):
            return where("value", "quantity", NumberIs(prefix, exact, exact - wide, exact + wide, system, code))

    await check(
        store,
        {
            "eq is the range of its digits": (value("eq", "5.4"), "5.35 5.4 5.40"),
            "eq with more digits": (value("eq", "5.40", half="0.005"), "5.4 5.40"),
            "eq of a negative": (value("eq", "-5.4"), "neg"),
            "eq of a small one": (value("eq", "1E-22", half="5E-23"), "tiny"),
            "eq of a large one": (value("eq", "123456789012345678901234567890.5"), "huge"),
            "beside the large one": (value("eq", "123456789012345678901234567890.7"), ""),
            "ne": (value("ne", "5.4"), "5.45 above90 below3 huge neg tiny"),
            "gt is exact": (value("gt", "5.4"), "5.45 above90 huge"),
            "ge": (value("ge", "5.4"), "5.4 5.40 5.45 above90 huge"),
            "lt": (value("lt", "5.35"), "below3 neg tiny"),
            "le": (value("le", "5.35"), "5.35 below3 neg tiny"),
            "sa": (value("sa", "5.4"), "5.45 above90 huge"),
            "eb": (value("eb", "5.4"), "5.35 below3 neg tiny"),
            "ap is a tenth either way": (value("ap", "5"), "5.35 5.4 5.40 5.45"),
            "gt of a bound": (value("gt", "95"), "above90 huge"),
            "lt of zero": (value("lt", "0"), "below3 neg"),
            "another unit": (value("eq", "5.4", "kg"), "kg"),
            "any system": (value("eq", "5.4", system=None), "5.35 5.4 5.40 foreign"),
            "unit as written": (value("eq", "7", system=None), "written"),
            "any unit": (value("eq", "5.4", None, None), "5.35 5.4 5.40 foreign kg"),
            "ne in any unit": (value("ne", "5.4", None, None), "5.45 above90 below3 huge neg tiny written"),
            "missing": (missing("value", "quantity"), "none"),
        },
    )


async def test_strings(store: Store) -> None:
    """R4-86, R4-89."""
    await kept(
        store,
        [
            write("eve", worded("Ève")),
            write("evelyn", worded("Evelyn")),
            write("ake", worded("Åke Sørensen")),
            write("steve", worded("Steve")),
            write("carreno", both(worded("Carreno Quinones"), worded("Quinones", word=True))),
            write("two", both(worded("Adam"), worded("Eva"))),
            write("none", coded("x")),
        ],
    )

    def name(match: str, text: str, negated: bool = False) -> Criterion:
        text = text if match == "exact" else folded(text)
        return where("name", "string", StringIs(match, text), negated=negated)

    await check(
        store,
        {
            "starts, whatever case and accent": (name("starts", "EVE"), "eve evelyn"),
            "starts with an accent": (name("starts", "Èv"), "eve evelyn two"),
            "starts with a Danish letter": (name("starts", "å"), "ake"),
            "starts a later word": (name("starts", "quin"), "carreno"),
            "contains": (name("contains", "eve"), "eve evelyn steve"),
            "contains a Danish letter": (name("contains", "SØR"), "ake"),
            "exact": (name("exact", "Ève"), "eve"),
            "exact minds accents": (name("exact", "Eve"), ""),
            "exact minds case": (name("exact", "steve"), ""),
            "exact is whole": (name("exact", "Evely"), ""),
            "exact is not a later word": (name("exact", "Quinones"), ""),
            "or": (where("name", "string", StringIs("starts", "adam"), StringIs("starts", "st")), "steve two"),
            "not": (name("starts", "ev", negated=True), "ake carreno none steve"),
            "missing": (missing("name", "string"), "none"),
            "no sign is special": (name("contains", ".*"), ""),
        },
    )


async def test_references(store: Store) -> None:
    """R4-71, R4-89, R4-91, R4-92."""
    card = TokenValue("cpr", "1")
    await kept(
        store,
        [
            write("p1", pointing("Patient", "1")),
            write("g1", pointing("Group", "1")),
            write("p10", pointing("Patient", "10")),
            write("both", both(pointing("Patient", "1"), pointing("Patient", "2"))),
            write("far", pointing("", "https://elsewhere.example/fhir/Patient/1")),
            write("logical", pointing("", "", identifier=card)),
            write("known", pointing("Patient", "3", identifier=card)),
            write("author", pointing("Patient", "1", parameter="author")),
        ],
    )

    def subject(*alternatives: ReferenceIs | TokenIs, negated: bool = False) -> Criterion:
        return where("subject", "reference", *alternatives, negated=negated)

    await check(
        store,
        {
            "of a type": (subject(ReferenceIs("Patient", "1")), "both p1"),
            "of any type": (subject(ReferenceIs(None, "1")), "both g1 p1"),
            "another type": (subject(ReferenceIs("Group", "1")), "g1"),
            "elsewhere": (subject(ReferenceIs("", "https://elsewhere.example/fhir/Patient/1")), "far"),
            "or": (subject(ReferenceIs("Patient", "10"), ReferenceIs("Patient", "2")), "both p10"),
            "not": (subject(ReferenceIs(None, "1"), negated=True), "author far known logical p10"),
            "identifier": (subject(TokenIs("cpr", "1")), "known logical"),
            "identifier of another system": (subject(TokenIs("x", "1")), ""),
            "missing": (missing("subject", "reference"), "author"),
            "present": (missing("subject", "reference", False), "both far g1 known logical p1 p10"),
        },
    )


async def test_uris(store: Store) -> None:
    """R4-89, R4-93."""
    await kept(
        store,
        [
            write("plan", linked("https://a.example/plan")),
            write("plan2", linked("https://a.example/plan/2")),
            write("upper", linked("https://a.example/PLAN")),
            write("other", linked("https://b.example/plan")),
            write("none", coded("x")),
        ],
    )

    def url(match: str, uri: str, negated: bool = False) -> Criterion:
        return where("url", "uri", UriIs(match, uri), negated=negated)

    await check(
        store,
        {
            "exact": (url("exact", "https://a.example/plan"), "plan"),
            "below": (url("below", "https://a.example/plan"), "plan plan2"),
            "below all": (url("below", "https://a.example/"), "plan plan2 upper"),
            "not": (url("exact", "https://a.example/plan", negated=True), "none other plan2 upper"),
            "missing": (missing("url", "uri"), "none"),
        },
    )


async def test_ids(store: Store) -> None:
    """R4-100."""
    await kept(store, [write("a"), write("b"), write("B"), write("c")])

    def id_is(*ids: str, negated: bool = False) -> Criterion:
        return where("_id", "id", *map(IdIs, ids), negated=negated)

    await check(
        store,
        {
            "one": (id_is("b"), "b"),
            "several": (id_is("a", "c", "zz"), "a c"),
            "and": ((id_is("a", "b"), id_is("b", "c")), "b"),
            "none": (id_is(""), ""),
            "not": (id_is("b", negated=True), "B a c"),
        },
    )


async def test_criteria_of_every_kind_hold_together(store: Store) -> None:
    """R4-67."""
    whole = both(
        coded("a"), dated(NOON), measured("5"), worded("Eva"), pointing("Patient", "p1"), linked("https://a.example/")
    )
    await kept(
        store,
        [
            write("whole", whole),
            write("whole2", whole, patient="p2"),
            write("part", both(coded("a"), dated(NOON))),
        ],
    )
    criteria = (
        where("code", "token", TokenIs("s", "a")),
        where("date", "date", DateIs("eq", NOON, NOON + SECOND)),
        where("value", "quantity", NumberIs("eq", Decimal(5), Decimal("4.5"), Decimal("5.5"))),
        where("name", "string", StringIs("starts", "ev")),
        where("subject", "reference", ReferenceIs("Patient", "p1")),
        where("url", "uri", UriIs("exact", "https://a.example/")),
    )
    assert await found(store, asking(*criteria)) == "whole whole2"
    assert await found(store, replace(asking(*criteria), patient="p1")) == "whole"
    for criterion in criteria:
        assert await found(store, asking(criterion, where("_id", "id", IdIs("whole")))) == "whole"


async def test_old_versions_and_deleted_resources_do_not_match(store: Store) -> None:
    """R4-70."""
    first = both(coded("old"), worded("old"), linked("old"), pointing("Patient", "old"), measured("1"), dated(NOON))
    await kept(store, [write("o1", first), write("o2", first)])
    await kept(store, [write("o1", coded("new"), expects=1), removal("o2", 1)])
    await check(
        store,
        {
            "token": (where("code", "token", TokenIs(None, "old")), ""),
            "new token": (where("code", "token", TokenIs(None, "new")), "o1"),
            "string": (where("name", "string", StringIs("starts", "old")), ""),
            "uri": (where("url", "uri", UriIs("exact", "old")), ""),
            "reference": (where("subject", "reference", ReferenceIs(None, "old")), ""),
            "number": (missing("value", "quantity"), "o1"),
            "date": (missing("date", "date"), "o1"),
            "id": (where("_id", "id", IdIs("o1"), IdIs("o2")), "o1"),
        },
    )


async def test_a_match_is_the_stored_version(store: Store) -> None:
    (written,) = await store.commit([write("o1", coded("a"))])
    assert (await store.search(asking())).matches == (written,)


@pytest.mark.parametrize("wanted", [True, False])
async def test_count_zero_answers_no_match_and_the_total_when_asked(store: Store, wanted: bool) -> None:
    """R4-77."""
    await kept(store, [write(f"o{n}", coded("a" if n % 2 else "b")) for n in range(7)])
    query = asking(where("code", "token", TokenIs(None, "a")), count=0)
    page = await store.search(replace(query, total=wanted))
    assert (page.matches, page.next, page.total) == ((), None, 3 if wanted else None)


async def test_the_total_does_not_depend_on_the_page(store: Store) -> None:
    """R4-74."""
    await kept(store, [write(f"o{n}", coded("a")) for n in range(7)])
    query = Query("Observation", (where("code", "token", TokenIs(None, "a")),), count=3, total=True)
    first = await store.search(query)
    second = await store.search(replace(query, after=first.next))
    assert (first.total, second.total, len(second.matches)) == (7, 7, 3)
