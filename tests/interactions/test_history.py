"""A history shows the versions that stood in a record the caller may see, and does not tell of the others."""

from typing import Any

import pytest

from careplan.fhir.instant import instant_text
from careplan.fhir.text import parse
from careplan.interactions.access import Forbidden
from careplan.interactions.read import history

from .conftest import Town, hba1c, referral


async def versions(town: Town, who: str, id: str, **asked: Any) -> tuple[list[int], int]:
    page = await history(town.as_(who), "Observation", id, **{"count": 10, **asked})
    return [version.number for version in page.versions], page.total


async def test_a_history_leaves_out_the_versions_of_other_patients(town: Town) -> None:
    """A value that was first written on Carl, whom another practice treats, then on Birthe, then on Anna."""
    await town.put(referral("r-anna"))
    await town.put({**hba1c(51, of="carl"), "id": "moved"})
    await town.put({**hba1c(51, of="birthe"), "id": "moved"})
    await town.put({**hba1c(51), "id": "moved"})
    await town.put({**hba1c(52), "id": "moved"})
    assert await versions(town, "system", "moved") == ([4, 3, 2, 1], 4)
    for who in ("doctor", "lps"):
        assert await versions(town, who, "moved") == ([4, 3, 2], 3)
    for who in ("anna", "visitator"):
        assert await versions(town, who, "moved") == ([4, 3], 2)
    for who in ("birthe", "stranger"):
        with pytest.raises(Forbidden):
            await versions(town, who, "moved")


@pytest.mark.parametrize(("who", "seen"), [("doctor", [5, 3, 1]), ("anna", [5, 3, 1]), ("system", [5, 4, 3, 2, 1])])
async def test_the_pages_of_a_history_do_not_tell_of_what_they_leave_out(town: Town, who: str, seen: list[int]) -> None:
    for of in ("anna", "carl", "anna", "carl", "anna"):
        await town.put({**hba1c(51, of=of), "id": "moved"})
    found: list[int] = []
    after = None
    while True:
        page = await history(town.as_(who), "Observation", "moved", count=1, after=after)
        assert (len(page.versions), page.total) == (1, len(seen))
        found += [version.number for version in page.versions]
        after = page.next
        if after is None:
            break
    assert found == seen


async def test_a_history_shows_deletions_and_what_is_open_to_all(town: Town) -> None:
    await town.put({**hba1c(51), "id": "anna-1"})
    await town.delete("Observation/anna-1")
    assert await versions(town, "doctor", "anna-1") == ([2, 1], 2)
    assert await versions(town, "anna", "anna-1") == ([2, 1], 2)
    for who in ("doctor", "anna", "stranger"):
        assert (await history(town.as_(who), "Organization", "north", count=10)).total == 1
        assert (await history(town.as_(who), "PlanDefinition", "kol", count=10)).total == 1


async def everything(town: Town, who: str, type_name: str | None = None) -> tuple[set[str], int]:
    """`Type/id@number` of all that a history of a type or of everything shows, over pages of two."""
    found: list[str] = []
    after = None
    while True:
        page = await history(town.as_(who), type_name, None, count=2, after=after)
        found += [f"{version.reference}@{version.number}" for version in page.versions]
        after = page.next
        if after is None:
            assert len(found) == len(set(found)) == page.total
            return set(found), page.total


async def test_the_history_of_a_type_is_of_the_records_the_caller_may_see(town: Town) -> None:
    """R4-107: totals and pages, too; what is in no record is open to all or to nobody but the system."""
    await town.put(referral("r-anna"))
    for of in ("carl", "birthe", "anna"):
        await town.put({**hba1c(51, of=of), "id": "moved"})
    await town.put({**hba1c(52, of="carl"), "id": "carl-1"})
    await town.delete("Observation/moved")
    of_north = {"Observation/moved@2", "Observation/moved@3", "Observation/moved@4"}
    assert (await everything(town, "system", "Observation"))[1] == 5
    for who in ("doctor", "lps"):
        assert (await everything(town, who, "Observation"))[0] == of_north
    for who in ("anna", "visitator"):
        assert (await everything(town, who, "Observation"))[0] == of_north - {"Observation/moved@2"}
    assert (await everything(town, "stranger", "Observation"))[0] == {"Observation/moved@1", "Observation/carl-1@1"}
    assert (await everything(town, "birthe", "Observation"))[0] == {"Observation/moved@2"}
    for who in ("anna", "stranger", "visitator"):
        assert (await everything(town, who, "Organization"))[1] == 4
        assert "PlanDefinition/kol@1" in (await everything(town, who, "PlanDefinition"))[0]


async def test_the_history_of_everything_leaves_out_what_a_role_does_not_read(town: Town) -> None:
    """R4-107"""
    await town.put(referral("r-anna"), {**hba1c(51), "id": "a1"}, {**hba1c(51, of="carl"), "id": "c1"})
    of_system = (await everything(town, "system"))[0]
    assert {"Observation/a1@1", "Observation/c1@1", "Patient/carl@1", "Organization/north@1"} <= of_system
    of_doctor = (await everything(town, "doctor"))[0]
    assert {"Observation/a1@1", "Patient/birthe@1", "Organization/south@1", "Condition/anna-t2d@1"} <= of_doctor
    assert not {"Observation/c1@1", "Patient/carl@1", "Condition/carl-t2d@1"} & of_doctor
    of_visitator = (await everything(town, "visitator"))[0]
    assert {"Observation/a1@1", "Patient/anna@1", "Organization/city@1"} <= of_visitator
    assert {reference.partition("/")[0] for reference in of_visitator} == {"Observation", "Organization", "Patient"}
    assert not {reference for reference in of_visitator if "birthe" in reference}


@pytest.mark.parametrize(
    ("who", "type_name"), [("visitator", "Condition"), ("statistics", None), ("statistics", "Goal")]
)
async def test_a_history_of_what_a_role_does_not_read_is_refused(town: Town, who: str, type_name: str | None) -> None:
    with pytest.raises(Forbidden):
        await history(town.as_(who), type_name, None, count=10)


async def test_a_write_that_told_the_time_before_the_last_one_shows_the_instant_of_the_last(town: Town) -> None:
    """R4-48: histories are newest first by instant too, so whoever is slow to store is moved, in the text as well."""
    town.later(seconds=5)
    (first,) = await town.put({**hba1c(51), "id": "quick"})
    town.later(seconds=-5)
    (late,) = await town.put({**hba1c(52), "id": "slow"})
    assert late.at == first.at > town.now
    assert (await town.get("Observation/slow"))["meta"]["lastUpdated"] == instant_text(first.at)
    assert parse(late.body or b"")["meta"]["lastUpdated"] == instant_text(first.at)
