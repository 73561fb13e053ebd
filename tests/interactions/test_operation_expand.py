"""ValueSet/$expand: the codes of a value set that is published here, or of one that is sent."""

from dataclasses import replace
from typing import Any

import pytest

from careplan.app import open_catalogue
from careplan.fhir import systems
from careplan.fhir.expansion import ExpansionImpossible, ExpansionTooLarge
from careplan.interactions.access import Forbidden
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.published import read_profiles
from careplan.store.protocol import NotFound

from .conftest import PROFILES, Json, Town

FACTS = f"{systems.CANONICAL}/ValueSet/fact"


@pytest.fixture
async def library(town: Town) -> Town:
    """The town with our profiles published, and a system of 1,200 codes."""
    many = {
        "resourceType": "CodeSystem",
        "id": "many",
        "url": "http://example.org/many",
        "status": "active",
        "content": "complete",
        "concept": [{"code": f"c{number}", "display": f"Code {number}"} for number in range(1200)],
    }
    catalogue = await open_catalogue((*read_profiles(PROFILES), many), town.house.knowledge)
    yield replace(town, house=replace(town.house, catalogue=catalogue))
    await catalogue.close()


async def expansion(town: Town, id: str | None = None, **asked: Any) -> Json:
    value_set = await town.call("ValueSet/$expand", id, "doctor", **asked)
    assert value_set["resourceType"] == "ValueSet" and "compose" not in value_set
    found: Json = value_set["expansion"]
    return found


def codes(expansion: Json) -> list[str]:
    return [one["code"] for one in expansion.get("contains", ())]


def composed(*include: Json, **more: Any) -> Json:
    return {"resourceType": "ValueSet", "status": "draft", "compose": {"include": list(include)}} | more


async def test_a_published_set_is_expanded_by_url_and_by_id(library: Town) -> None:
    """R4-113."""
    by_url = await expansion(library, url=FACTS)
    assert by_url["total"] == 7 and by_url["offset"] == 0
    assert by_url["identifier"].startswith("urn:uuid:") and by_url["timestamp"] == "2026-11-22T09:00:00.000Z"
    assert by_url["contains"][0] == {
        "system": systems.FACT,
        "version": "2026.1",
        "code": "clinical-frailty-scale",
        "display": "Klinisk skrøbelighed (CFS)",
    }
    assert {"name": "version", "valueUri": f"{systems.FACT}|2026.1"} in by_url["parameter"]
    assert codes(await expansion(library, "fact")) == codes(by_url)
    assert codes(await expansion(library, url=f"{FACTS}|2026.1")) == codes(by_url)


@pytest.mark.parametrize(
    "asked", [{"url": "http://no/such"}, {"url": f"{FACTS}|1"}, {"url": FACTS, "valueSetVersion": "1"}]
)
async def test_unknown_sets_are_not_found(library: Town, asked: Json) -> None:
    """R4-113."""
    with pytest.raises(NotFound):
        await expansion(library, **asked)
    with pytest.raises(NotFound):
        await expansion(library, "no-such")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("SKRØBELIGHED", ["clinical-frailty-scale"]),
        ("skroebelighed", ["clinical-frailty-scale"]),
        ("score2", ["score2-category"]),
        ("familien tidlig", ["family-history-premature-cvd"]),
        ("no such thing", []),
    ],
)
async def test_filter_looks_at_display_and_code(library: Town, words: str, expected: list[str]) -> None:
    """R4-113: without regard to case and accents."""
    found = await expansion(library, url=FACTS, filter=words)
    assert codes(found) == expected and found["total"] == len(expected)
    assert {"name": "filter", "valueString": words} in found["parameter"]
    assert ("contains" in found) == bool(expected)


async def test_count_and_offset_cut_pages(library: Town) -> None:
    """R4-113."""
    whole = codes(await expansion(library, url=FACTS))
    pages = [await expansion(library, url=FACTS, count=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert [code for page in pages for code in codes(page)] == whole
    assert {page["total"] for page in pages} == {7} and [page["offset"] for page in pages] == [0, 3, 6, 9]
    only = await expansion(library, url=FACTS, count=0)
    assert only["total"] == 7 and codes(only) == []
    with pytest.raises(ParameterFaulty):
        await expansion(library, url=FACTS, count=-1)


async def test_too_large_an_expansion_is_refused_unless_in_pages(library: Town) -> None:
    """R4-113: too-costly."""
    whole = composed({"system": "http://example.org/many"})
    with pytest.raises(ExpansionTooLarge):
        await expansion(library, valueSet=whole)
    assert len(codes(await expansion(library, valueSet=whole, count=5000))) == 1000
    assert len(codes(await expansion(library, valueSet=whole, filter="code 117", count=50))) == 12
    heavy = composed(*[{"system": "http://example.org/many"}] * 200)
    with pytest.raises(ExpansionTooLarge):
        await expansion(library, valueSet=heavy, count=1)
    broad = composed(*[{"system": f"http://example.org/{number}", "concept": [{"code": "a"}]} for number in range(300)])
    with pytest.raises(ExpansionTooLarge):
        await expansion(library, valueSet=broad)


async def test_a_set_that_is_sent_may_rest_on_published_ones(library: Town) -> None:
    """R4-113: imports and exclusions; a code in two parts comes once."""
    less = {"system": systems.FACT, "concept": [{"code": "score2-category"}, {"code": "orthostatic-drop"}]}
    sent = composed({"valueSet": [FACTS]}, {"system": systems.FACT}, {"system": systems.PLAN_TYPE})
    sent["compose"]["exclude"] = [less]
    found = codes(await expansion(library, valueSet=sent))
    assert len(found) == len(set(found)) == 5 + 3 and "orthostatic-drop" not in found


async def test_codes_of_systems_elsewhere_are_listed_but_never_made_up(library: Town) -> None:
    """R4-113: a list of LOINC codes expands, LOINC as a whole does not, and the refusal names it."""
    listed = {"system": systems.LOINC, "concept": [{"code": "59261-8"}, {"code": "1-8", "display": "Other"}]}
    found = await expansion(library, valueSet=composed(listed))
    assert [(one["code"], one.get("display")) for one in found["contains"]] == [
        ("59261-8", "HbA1c (IFCC)"),
        ("1-8", "Other"),
    ]
    for part in (
        {"system": systems.LOINC},
        {"system": systems.LOINC, "filter": [{"property": "concept", "op": "is-a", "value": "x"}]},
    ):
        with pytest.raises(ExpansionImpossible, match="loinc"):
            await expansion(library, valueSet=composed(part))
    with pytest.raises(ExpansionImpossible, match="such"):
        await expansion(library, valueSet=composed({"valueSet": ["http://no/such"]}))


async def test_odd_calls_are_refused(library: Town) -> None:
    for asked in ({}, {"valueSet": {"resourceType": "Patient"}}, {"valueSet": "x"}, {"url": {"reference": "x"}}):
        with pytest.raises(ParameterFaulty):
            await expansion(library, **asked)
    with pytest.raises(Forbidden):
        await library.call("ValueSet/$expand", None, "statistics", url=FACTS)


async def test_a_url_beside_an_id_is_that_of_the_set(library: Town) -> None:
    """R4-113: an id and another url ask for two sets."""
    for asked in ({"url": FACTS}, {"url": f"{FACTS}|2026.1"}, {"url": FACTS, "valueSetVersion": "2026.1"}):
        assert (await expansion(library, "fact", **asked))["total"] == 7
    for asked in ({"url": "http://other"}, {"url": f"{FACTS}|1"}):
        with pytest.raises(ParameterFaulty, match="parameter url"):
            await expansion(library, "fact", **asked)
    with pytest.raises(ParameterFaulty, match="parameter valueSetVersion"):
        await expansion(library, "fact", valueSetVersion="1")
