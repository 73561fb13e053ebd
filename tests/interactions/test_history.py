"""A history shows the versions that stood in a record the caller may see, and does not tell of the others."""

from typing import Any

import pytest

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
