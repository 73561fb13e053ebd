"""One search over several types: pages that miss nothing and repeat nothing, within the caller's bounds."""

from dataclasses import replace

import pytest

from careplan.fhir.across import parse_across, record_types
from careplan.interactions.access import Forbidden, types_read
from careplan.interactions.across import search_across
from careplan.interactions.context import Limits
from careplan.interactions.search import Found
from careplan.store.protocol import CursorInvalid

from .conftest import BASE, Town, hba1c, referral

TYPES = ("Patient", "Organization", "Condition", "Observation", "Goal")


async def page(
    town: Town, *pairs: tuple[str, str], who: str = "system", patient: str | None = None, after: str | None = None
) -> Found:
    asked = parse_across(TYPES, pairs, strict=True, base=BASE, maximum=1000, count=50, patient=patient)
    return await search_across(town.as_(who), asked, after)


def references(found: Found) -> list[str]:
    return [version.reference for version in found.page.matches]


async def every(town: Town, *pairs: tuple[str, str], who: str = "system") -> list[str]:
    """All matches, page after page; no page but the only one is empty."""
    seen: list[str] = []
    after = None
    while True:
        found = await page(town, *pairs, who=who, after=after)
        assert found.page.matches or after is None
        seen += references(found)
        after = found.page.next
        if after is None:
            return seen


@pytest.fixture
async def record(town: Town) -> Town:
    await town.put(*({**hba1c(50 + n), "id": f"v{n}"} for n in range(3)), {**hba1c(60, of="carl"), "id": "w"})
    return town


async def test_types_come_one_after_another_with_a_total_of_all(record: Town) -> None:
    """R4-74, R4-100."""
    found = await page(record, ("_sort", "_id"), ("_total", "accurate"))
    assert references(found)[:4] == ["Patient/anna", "Patient/birthe", "Patient/carl", "Organization/city"]
    assert found.page.total == len(found.page.matches) == 3 + 4 + 3 + 4
    assert found.page.next is None


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 13, 14])
async def test_pages_of_any_size_give_every_match_once(record: Town, count: int) -> None:
    """R4-75: also where a page ends just where a type does, and where the types that follow have nothing."""
    whole = references(await page(record, ("_sort", "_id")))
    assert await every(record, ("_sort", "_id"), ("_count", str(count))) == whole


async def test_a_page_of_none_gives_the_total_alone(record: Town) -> None:
    """R4-77."""
    found = await page(record, ("_count", "0"))
    assert (found.page.matches, found.page.next, found.page.total) == ((), None, 14)


async def test_a_record_is_all_that_stands_in_it(record: Town) -> None:
    """R4-101."""
    found = await page(record, ("_sort", "_id"), patient="carl")
    assert references(found) == ["Patient/carl", "Condition/carl-t2d", "Observation/w"]


@pytest.mark.parametrize(("who", "values"), [("system", 4), ("doctor", 3), ("stranger", 1), ("anna", 3), ("birthe", 0)])
async def test_a_caller_finds_what_each_type_lets_them(record: Town, who: str, values: int) -> None:
    """R4-101, R4-107."""
    found = await page(record, ("_total", "accurate"), who=who)
    assert sum(one.startswith("Observation/") for one in references(found)) == values
    assert found.page.total == len(found.page.matches)


async def test_types_that_a_role_does_not_read_are_refused_when_named(record: Town) -> None:
    """R4-107."""
    await record.put(referral("r"))
    with pytest.raises(Forbidden):
        await page(record, who="visitator")
    context = record.as_("visitator")
    assert "Condition" not in types_read(context, record_types())
    assert "Observation" in types_read(context, record_types())
    assert types_read(record.as_("system"), record_types()) == record_types()


async def test_includes_of_every_type_are_followed(record: Town) -> None:
    asked = parse_across(("Condition", "Goal"), [("_include", "*")], strict=True, base=BASE, maximum=10, count=10)
    found = await search_across(record.as_("system"), asked)
    assert sorted(version.reference for version in found.included) == ["Patient/anna", "Patient/carl"]


async def test_several_types_say_what_is_missing_too(record: Town) -> None:
    """R4-103."""
    small = Town(replace(record.house, limits=Limits(includes=1)))
    pairs = [("_include", "Condition:subject"), ("_include", "Observation:subject")]
    asked = parse_across(("Condition", "Observation"), pairs, strict=True, base=BASE, maximum=10, count=10)
    found = await search_across(small.as_("system"), asked)
    assert len(found.included) == 1
    assert [fault.severity for fault in found.faults] == ["warning"]


async def test_a_position_of_another_search_is_refused(record: Town) -> None:
    """R4-76."""
    asked = parse_across(("Goal",), [], strict=True, base=BASE, maximum=10, count=10)
    for after in ("Task ^", "odd", ""):
        with pytest.raises(CursorInvalid):
            await search_across(record.as_("system"), asked, after)


async def test_a_position_stays_right_while_others_write(record: Town) -> None:
    """R4-75."""
    first = await page(record, ("_count", "8"), ("_sort", "_id"))
    await record.delete("Condition/anna-ihd", who="system")
    await record.put({**hba1c(49), "id": "v9"})
    rest = await page(record, ("_count", "50"), ("_sort", "_id"), after=first.page.next)
    assert references(first)[-1] == "Condition/anna-ihd"
    conditions = ["Condition/anna-t2d", "Condition/carl-t2d"]
    assert references(rest) == conditions + [f"Observation/{id}" for id in ("v0", "v1", "v2", "v9", "w")]
