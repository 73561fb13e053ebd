"""Chains and `_has` find what they say, and only through what the caller may see."""

import pytest

from careplan.fhir.search import parse as parse_query
from careplan.interactions.access import Forbidden
from careplan.interactions.search import search

from .conftest import BASE, Town, hba1c, patient, referral


async def found(town: Town, type_name: str, *pairs: tuple[str, str], who: str = "system") -> list[str]:
    query = parse_query(type_name, pairs, strict=True, base=BASE)
    return sorted(version.id for version in (await search(town.as_(who), query)).page.matches)


@pytest.fixture
async def record(town: Town) -> Town:
    """A value of each of three people: two of them of one practice, one with a name."""
    await town.put(patient("birthe", name=[{"family": "Åkjær"}]), {**hba1c(50), "id": "a"})
    await town.put({**hba1c(60, of="birthe"), "id": "b"}, {**hba1c(70, of="carl"), "id": "c"})
    return town


@pytest.mark.parametrize(
    ("type_name", "key", "value", "ids"),
    [
        ("Observation", "subject:Patient.name", "aakj", ["b"]),
        ("Observation", "subject.name:exact", "Åkjær", ["b"]),
        ("Observation", "patient.gender", "male", ["c"]),
        ("Observation", "patient.gender:not", "male", ["a", "b"]),
        ("Observation", "patient.name:missing", "false", ["b"]),
        ("Observation", "patient.general-practitioner:Organization.name", "south", ["c"]),
        ("Observation", "patient.general-practitioner.name", "north,south", ["a", "b", "c"]),
        ("Observation", "patient._has:Condition:patient:code", "K74", ["a"]),
        ("Patient", "_has:Observation:patient:value-quantity", "gt55", ["birthe", "carl"]),
        ("Patient", "_has:Condition:patient:code", "T90", ["anna", "carl"]),
        ("Organization", "_has:Patient:general-practitioner:_has:Observation:patient:value-quantity", "70", ["south"]),
        ("Organization", "_has:Patient:general-practitioner:gender", "female", ["north"]),
    ],
)
async def test_a_link_is_followed(record: Town, type_name: str, key: str, value: str, ids: list[str]) -> None:
    """R4-98, R4-99."""
    assert await found(record, type_name, (key, value)) == ids


async def test_two_has_are_independent(record: Town) -> None:
    """R4-99: one resource need not fulfil both."""
    codes = ("_has:Condition:patient:code", "T90"), ("_has:Condition:patient:code", "K74")
    assert await found(record, "Patient", *codes) == ["anna"]


@pytest.mark.parametrize(
    ("who", "ids"), [("system", ["anna", "birthe", "carl"]), ("doctor", ["anna", "birthe"]), ("anna", ["anna"])]
)
async def test_a_link_leads_only_where_the_caller_may_look(record: Town, who: str, ids: list[str]) -> None:
    """R4-107."""
    assert await found(record, "Patient", ("_has:Observation:patient:_id", "a,b,c"), who=who) == ids


@pytest.mark.parametrize(
    ("who", "ids"),
    [("system", ["north", "south"]), ("doctor", ["north"]), ("stranger", ["south"]), ("visitator", ["north"])],
)
async def test_what_everybody_may_see_tells_nothing_of_patients(record: Town, who: str, ids: list[str]) -> None:
    """R4-107: an organisation is found by those patients only whom the caller may see."""
    await record.put(referral("r"))
    assert await found(record, "Organization", ("_has:Patient:general-practitioner:_id", "anna,carl"), who=who) == ids
    nested = "_has:Patient:general-practitioner:_has:Observation:patient:_id"
    assert await found(record, "Organization", (nested, "a,c"), who=who) == ids


async def test_a_link_to_a_type_that_the_role_does_not_read_is_refused(record: Town) -> None:
    """R4-107: a referral opens no diagnoses, not even whether there are any."""
    await record.put(referral("r"))
    for key in ("_has:Condition:patient:code", "_has:Observation:patient:subject:Patient._has:Condition:patient:code"):
        with pytest.raises(Forbidden):
            await found(record, "Patient", (key, "T90"), who="visitator")


async def test_of_several_types_a_chain_goes_by_those_that_the_role_reads(record: Town) -> None:
    """R4-107: a subject may be a Group, which a municipality does not read."""
    await record.put(referral("r"))
    assert await found(record, "Observation", ("subject._id", "anna"), who="visitator") == ["a"]
