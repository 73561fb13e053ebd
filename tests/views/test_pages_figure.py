"""C6: the clinic's numbers are those of the list and of the Goals, and behind each are the patients it counts."""

import re

from page_house import Browser, World

from careplan.fhir.goal import achievement_of, is_active, measure_of_goal
from careplan.fhir.query import Query
from careplan.fhir.text import parse


def numbers(browser: Browser, heading: str) -> dict[str, int]:
    """What is said and how many, of one plan type or measure."""
    part = browser.html.split(f">{heading}<span")[1].split("</tbody>")[0]
    return {
        what: int(count)
        for what, count in re.findall(r'<td><a[^>]+>([^<]+)</a></td><td class="number">(\d+)</td>', part)
    }


def names(browser: Browser) -> list[str]:
    return re.findall(r'<tr><th scope="row">(?:<label.*?</label>)?([^<]+)', browser.html)


async def test_numbers_of_plans_are_those_of_the_worklist(nurse: Browser) -> None:
    await nurse.get("/tal")
    found = numbers(nurse, "KOL")
    assert set(found) == {"Plan holdt ajour", "Over frist", "Egnet, men uden plan", "Fravalgt"}
    assert found["Over frist"] > 0
    await nurse.get("/arbejdsliste?fane=indkaldes&plan=kol")
    assert len(names(nurse)) == found["Over frist"] and "Carl Test Mortensen" in names(nurse)


async def test_numbers_of_targets_are_those_of_the_goals(nurse: Browser, world: World) -> None:
    expected: dict[str, set[str]] = {"achieved": set(), "not-achieved": set(), "unsaid": set()}
    house = world.house
    for version in (await house.store.search(Query("Goal", count=1000))).matches:
        goal = parse(version.body or b"")
        measure = measure_of_goal(goal, house.reader.codes, house.knowledge.measures)
        if is_active(goal) and measure is not None and measure.id == "hba1c":
            expected[achievement_of(goal) or "unsaid"].add(str(version.patient))
    await nurse.get("/tal")
    found = numbers(nurse, house.knowledge.measures["hba1c"].name)
    assert found["Mål nået"] == len(expected["achieved"])
    assert found["Mål ikke nået"] == len(expected["not-achieved"]) > 0
    await nurse.get("/tal/hba1c?status=not-achieved")
    assert len(names(nurse)) == len(expected["not-achieved"])


async def test_a_target_without_a_stored_status_is_counted_by_its_newest_value(nurse: Browser, world: World) -> None:
    """Smoking is a choice and the Goals as sent say nothing of it; the årskontrol says «I mål» or «Uden for mål»."""
    await nurse.get("/tal")
    found = numbers(nurse, world.house.knowledge.measures["smoking"].name)
    assert found["Mål nået"] > 0 and found["Mål ikke nået"] > 0 and found["Kan ikke siges"] == 0


async def test_each_number_says_what_it_counts_and_a_nought_leads_nowhere(nurse: Browser) -> None:
    await nurse.get("/tal")
    assert "«Tæt på mål» tæller med her." in nurse.text
    for key in re.findall(r'href="#om-([\w-]+)"', nurse.html):
        assert f'<dt id="om-{key}">' in nurse.html
    assert nurse.html.count('optimum="0"') > 0
    links = re.findall(r'<td class="number">(\d+)</td>.*?</td>\s*<td>(<a|–)', nurse.html, flags=re.S)
    assert links and all((count == "0") == (link == "–") for count, link in links)


async def test_a_number_that_is_none_is_not_found(nurse: Browser) -> None:
    for address in ("/tal/nonsense?status=achieved", "/tal/hba1c?status=nonsense", "/tal/hba1c"):
        assert (await nurse.get(address)).status_code == 404
