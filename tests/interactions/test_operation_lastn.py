"""Observation/$lastn: the newest values of each code."""

from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.search import ParameterUnsupported
from careplan.interactions.access import Forbidden
from careplan.interactions.operations import OPERATIONS
from careplan.interactions.operations import lastn as operation
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.store.protocol import TooCostly

from .conftest import BASE, Town, concept, hba1c, measured

LABORATORY = {"category": [concept(systems.OBSERVATION_CATEGORY, "laboratory")]}
OTHER_NPU = "urn:oid:1.2.208.176.2.1"


@pytest.fixture
async def record(town: Town) -> Town:
    """Anna's HbA1c under three codings, her LDL and weight; Birthe's HbA1c, newer than all of them."""
    loinc, other = concept(systems.LOINC, "59261-8"), concept(OTHER_NPU, "NPU27300")
    await town.put(
        hba1c(50, "2026-01-10", id="a1", **LABORATORY),
        hba1c(51, "2026-02-10", id="a2", **LABORATORY) | {"code": other},
        hba1c(52, "2026-03-10", id="a3", **LABORATORY) | {"code": loinc},
        measured("NPU01568", 2, "mmol/L", "2026-02-01", id="l1", **LABORATORY),
        measured("NPU01568", 3, "mmol/L", "2025-02-01", id="l2", **LABORATORY),
        measured("NPU03804", 80, "kg", "2024-02-01", id="w1"),
        hba1c(60, "2026-04-10", id="b1", of="birthe", **LABORATORY),
    )
    return town


async def newest(town: Town, who: str = "doctor", **asked: Any) -> list[str]:
    bundle = await town.call("Observation/$lastn", None, who, **asked)
    assert bundle["type"] == "searchset" and bundle["total"] == len(bundle.get("entry", ()))
    return [one["resource"]["id"] for one in bundle.get("entry", ())]


async def test_the_newest_two_of_each_code(record: Town) -> None:
    """R4-111: codings of one measure, under any name of their system, are one code."""
    assert await newest(record, max="2", patient="anna", category="laboratory") == ["a3", "a2", "l1", "l2"]


async def test_one_is_shown_unless_more_are_asked_for(record: Town) -> None:
    """R4-111."""
    assert await newest(record, patient="anna") == ["a3", "l1", "w1"]
    assert await newest(record, subject="Patient/anna", max=3, code="NPU27300,NPU03804") == ["a2", "a1", "w1"]
    reference = {"reference": "Patient/anna"}
    assert await newest(record, patient=reference, code={"system": systems.NPU, "code": "NPU03804"}) == ["w1"]


async def test_self_link_says_what_was_asked(record: Town) -> None:
    bundle = await record.call("Observation/$lastn", None, "doctor", patient="anna", max=2, category="laboratory")
    address = f"{BASE}/Observation/$lastn?max=2&patient=anna&category=laboratory"
    assert [(one["relation"], one["url"]) for one in bundle["link"]] == [("self", address)]
    assert bundle["entry"][0]["search"] == {"mode": "match"}


async def test_one_patient_must_be_named(record: Town) -> None:
    """R4-111."""
    several = {"patient": "anna,birthe"}
    for asked in ({}, {"category": "laboratory"}, several, {"patient:missing": "false"}, {"patient.gender": "female"}):
        with pytest.raises((ParameterFaulty, ParameterUnsupported)):
            await newest(record, **asked)


@pytest.mark.parametrize("most", ["0", "-1", "101", "two", True])
async def test_max_is_a_number_within_bounds(record: Town, most: Any) -> None:
    with pytest.raises(ParameterFaulty):
        await newest(record, patient="anna", max=most)


async def test_of_one_instant_the_last_id_comes_first(record: Town) -> None:
    same = [hba1c(50, "2026-05-01T08:00:00Z", id=id) for id in ("c", "e", "d")]
    await record.put(*same)
    assert await newest(record, patient="anna", code="NPU27300", max=2) == ["e", "d"]


async def test_withdrawn_values_hide_nobodys_newest(record: Town) -> None:
    await record.put(hba1c(99, "2026-06-01", id="wrong") | {"status": "entered-in-error"})
    assert (await newest(record, patient="anna"))[0] == "a3"
    assert (await newest(record, patient="anna", status="final,entered-in-error"))[0] == "wrong"


async def test_a_value_with_two_codes_counts_for_both(record: Town) -> None:
    """The local code and the NPU code of one value do not bring the older value back."""
    both = {"coding": [*concept("http://local", "x")["coding"], *concept(systems.NPU, "NPU27300")["coding"]]}
    await record.put(
        hba1c(55, "2026-06-01", id="both") | {"code": both},
        hba1c(54, "2026-05-30", id="local") | {"code": concept("http://local", "x")},
    )
    assert await newest(record, patient="anna") == ["both", "l1", "w1"]


async def test_panels_under_any_code_and_values_in_words_are_grouped(record: Town) -> None:
    panel = {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/anna"}}
    await record.put(
        {**panel, "id": "p1", "code": concept(systems.LOINC, "85354-9"), "effectiveDateTime": "2026-01-01"},
        {**panel, "id": "p2", "code": concept(systems.MCS, "MCS88200"), "effectiveDateTime": "2026-01-02"},
        {**panel, "id": "t1", "code": {"text": "Gangtest"}, "effectiveDateTime": "2026-01-03"},
        {**panel, "id": "t2", "code": {"text": "gangtest "}, "effectiveDateTime": "2026-01-04"},
    )
    assert [one for one in await newest(record, patient="anna") if one[0] in "pt"] == ["t2", "p2"]


@pytest.mark.parametrize("page", [1, 200])
async def test_a_value_stays_while_one_of_its_codes_has_room(
    record: Town, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """R4-111: a code whose newest value came with a fuller code is not shown by an older one, or by none."""
    monkeypatch.setattr(operation, "_PAGE", page)
    for id, day, codes in [("a", 4, "x"), ("ab", 3, "xy"), ("b", 2, "y"), ("ac", 1, "xz")]:
        code = {"coding": [{"system": "http://local", "code": one} for one in codes]}
        await record.put(hba1c(50, f"2026-06-0{day}", id=id) | {"code": code})
    assert await newest(record, patient="anna", date="ge2026-06-01") == ["a", "ab", "ac"]
    both = "http://local|x,http://local|y"
    assert await newest(record, patient="anna", code=both) == ["a", "ab"]
    assert await newest(record, patient="anna", code="x,y") == ["a", "ab"]
    assert await newest(record, patient="anna", code="http://local|x") == ["a"]
    assert await newest(record, patient="anna", code="x", max=2) == ["a", "ab"]
    assert await newest(record, patient="anna", **{"code:not": "http://local|y"}) == ["a", "ac", "a3", "l1", "w1"]


async def test_codes_asked_for_that_are_full_are_not_read_to_the_end(
    record: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R4-111: of a long history only the first pages are read, and the rare and old code is still found."""
    monkeypatch.setattr(operation, "_PAGE", 4)
    for number in range(40):
        await record.put(hba1c(50, f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}", id=f"old{number}"))
    parsed = []
    add = operation._Counted.add

    def counted(self: Any, version: Any) -> None:
        parsed.append(version.id)
        add(self, version)

    monkeypatch.setattr(operation._Counted, "add", counted)
    codes = [f"{systems.NPU}|NPU27300", f"{OTHER_NPU}|NPU03804"]
    assert await newest(record, patient="anna", max=2, code=",".join(codes)) == ["a2", "a1", "w1"]
    assert len(parsed) == 5
    assert await newest(record, patient="anna", max=2, code=codes[0]) == ["a2", "a1"]
    assert len(parsed) == 9


async def test_far_too_many_values_are_refused(record: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_PAGE", 2)
    monkeypatch.setattr(operation, "MOST_READ", 2)
    with pytest.raises(TooCostly):
        await newest(record, patient="anna", max=5)


async def test_search_parameters_hold_as_in_a_search(record: Town) -> None:
    """R4-111: dates, includes; what is wrong or unknown is refused as there."""
    assert await newest(record, patient="anna", date="lt2026-02-05", code="NPU27300") == ["a1"]
    bundle = await record.call(
        "Observation/$lastn", None, "doctor", patient="anna", **{"_include": "Observation:subject"}
    )
    modes = [(one["resource"]["id"], one["search"]["mode"]) for one in bundle["entry"]]
    assert modes == [("a3", "match"), ("l1", "match"), ("w1", "match"), ("anna", "include")]
    with pytest.raises(ParameterInvalid):
        await newest(record, patient="anna", date="abc")
    strict = Asked(None, {"patient": ["anna"], "no-such": ["1"]}, BASE, strict=True)
    with pytest.raises(ParameterUnsupported):
        await OPERATIONS["Observation", "type", "lastn"].run(record.as_("doctor"), strict)


async def test_values_of_others_stay_hidden(record: Town) -> None:
    assert await newest(record, "stranger", patient="anna") == []
    assert await newest(record, "anna", patient="birthe") == []
    with pytest.raises(Forbidden):
        await newest(record, "statistics", patient="anna")


async def test_nothing_measured_is_nothing_found(town: Town) -> None:
    assert await newest(town, patient="anna") == []
    assert await newest(town, patient="nobody", who="system") == []
