"""CodeSystem/$lookup: what a code means, of the systems published here and of the codes the knowledge follows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from careplan.app import open_catalogue
from careplan.fhir import systems
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.published import read_profiles
from careplan.store.protocol import NotFound

from .conftest import PROFILES, Json, Town

TREE = {
    "resourceType": "CodeSystem",
    "id": "tree",
    "url": systems.ICPC2,
    "version": "1",
    "name": "Tree",
    "status": "active",
    "caseSensitive": False,
    "content": "complete",
    "concept": [
        {
            "code": "T90",
            "concept": [
                {
                    "code": "T9001",
                    "display": "Below",
                    "designation": [{"language": "en", "value": "Under"}],
                    "property": [{"code": "chapter", "valueString": "T"}],
                }
            ],
        }
    ],
}


@pytest.fixture
async def library(town: Town) -> AsyncIterator[Town]:
    catalogue = await open_catalogue((*read_profiles(PROFILES), TREE), town.house.knowledge)
    yield replace(town, house=replace(town.house, catalogue=catalogue))
    await catalogue.close()


async def meaning(town: Town, id: str | None = None, **asked: Any) -> Json:
    """The parameters by name; properties by code."""
    answer = await town.call("CodeSystem/$lookup", id, "doctor", **asked)
    assert answer["resourceType"] == "Parameters"
    found: Json = {}
    for one in answer["parameter"]:
        if one["name"] == "property":
            code, value = one["part"]
            found.setdefault(code["valueCode"], []).append(next(v for name, v in value.items() if name != "name"))
        else:
            found[one["name"]] = one.get("valueString") or one["part"]
    return found


async def test_a_published_code_has_name_version_display_and_definition(library: Town) -> None:
    expected = {
        "name": "Klinisk oplysning",
        "version": "2026.1",
        "display": "Klinisk skrøbelighed (CFS)",
        "definition": ["Clinical Frailty Scale, 1 til 9."],
    }
    asked = {"system": systems.FACT, "code": "clinical-frailty-scale"}
    assert await meaning(library, **asked) == expected
    assert await meaning(library, coding=asked) == expected
    assert await meaning(library, "fact", code="clinical-frailty-scale") == expected
    assert await meaning(library, **asked, version="2026.1") == expected


async def test_measures_are_looked_up_by_our_own_codes(library: Town) -> None:
    assert (await meaning(library, system=systems.MEASURE, code="hba1c"))["display"] == "HbA1c"


@pytest.mark.parametrize("system", [systems.NPU, "urn:oid:1.2.208.176.2.1", "urn:oid:1.2.208.176.9.1"])
async def test_codes_of_measures_are_known_under_every_name_of_their_system(library: Town, system: str) -> None:
    """Without NPU itself, by the knowledge's words."""
    found = await meaning(library, system=system, code="NPU27300")
    assert found == {
        "name": "NPU",
        "display": "Hæmoglobin A1c (IFCC);Hb(B)",
        "measure": ["hba1c"],
        "unit": ["mmol/mol"],
    }


@pytest.mark.parametrize(
    ("system", "code", "display"),
    [
        ("urn:oid:1.2.208.184.100.8", "MCS88025", "HbA1c, aftalt mål"),
        (systems.MCS, "MCS88186", "HbA1c, anbefalet mål"),
        (systems.MCS, "MCS88200", "Blodtryk"),
        ("urn:oid:1.2.208.176.2.4", "zz3170", "Hjemmeblodtryksmåling udført af patienten"),
    ],
)
async def test_panels_and_targets_are_known_too(library: Town, system: str, code: str, display: str) -> None:
    assert (await meaning(library, system=system, code=code))["display"] == display


@pytest.mark.parametrize("system", [systems.ICPC2, "http://hl7.org/fhir/sid/icpc-2", "https://kiap.dk/koder/icpc-2-dk"])
async def test_published_systems_answer_under_every_name(library: Town, system: str) -> None:
    """What stands above and below a code, without regard to case where the system has none."""
    assert await meaning(library, system=system, code="t90.01") == {
        "name": "Tree",
        "version": "1",
        "display": "Below",
        "designation": [{"name": "language", "valueCode": "en"}, {"name": "value", "valueString": "Under"}],
        "parent": ["T90"],
        "chapter": ["T"],
    }
    assert await meaning(library, system=system, code="T90") == {
        "name": "Tree",
        "version": "1",
        "display": "T90",
        "child": ["T9001"],
    }


async def test_only_the_properties_asked_for_are_told(library: Town) -> None:
    asked = {"system": systems.ICPC2, "code": "T9001"}
    assert set(await meaning(library, **asked, property="chapter")) == {
        *("name", "version", "display", "designation", "chapter")
    }
    known = await meaning(library, system=systems.NPU, code="NPU27300", property=["unit", "x"])
    assert set(known) == {"name", "display", "unit"}


@pytest.mark.parametrize(
    "asked",
    [
        {"system": systems.FACT, "code": "no-such"},
        {"system": systems.FACT, "code": "Score2-category"},
        {"system": systems.FACT, "code": "score2-category", "version": "1"},
        {"system": "http://no/such", "code": "a"},
        {"system": systems.NPU, "code": "NPU00000"},
        {"system": systems.NPU, "code": "NPU27300", "version": "1"},
    ],
)
async def test_unknown_codes_are_not_found(library: Town, asked: Json) -> None:
    with pytest.raises(NotFound):
        await meaning(library, **asked)


async def test_a_code_of_another_system_is_not_found_by_id(library: Town) -> None:
    with pytest.raises(NotFound):
        await meaning(library, "fact", system=systems.NPU, code="NPU27300")
    with pytest.raises(NotFound):
        await meaning(library, "no-such", code="a")


async def test_odd_calls_are_refused(library: Town) -> None:
    odd: list[Json] = [{}, {"code": "a"}, {"system": systems.FACT}, {"coding": "x"}, {"coding": {"code": "a"}}]
    for asked in (*odd, {"coding": {"system": systems.FACT, "code": 7}}, {"system": 7, "code": "a"}):
        with pytest.raises(ParameterFaulty):
            await meaning(library, **asked)
