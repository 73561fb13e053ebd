"""C5 «Historik»: the timeline, the plan as it stood on a day, two days side by side."""

import re
from datetime import date
from decimal import Decimal

import pytest
from page_house import Browser, World

from careplan.fhir.text import dump, read_text
from careplan.interactions.exclusion import Declined
from careplan.interactions.operations.exclude import turn_down
from careplan.interactions.operations.individual_target import Wanted, follow, set_target
from careplan.interactions.person import PLAN_TYPES, read_person
from careplan.interactions.write import create

PAGE = "/patient/birthe/historik"


async def goal_of(world: World, measure: str = "ldl") -> str:
    person = await read_person(world.context("nurse"), "birthe", PLAN_TYPES)
    names = {"ldl": "LDL-kolesterol"}
    goals = [one for one in person.resources["Goal"] if one.get("target")]
    return str(next(one["id"] for one in goals if one["target"][0]["measure"]["text"] == names[measure]))


@pytest.fixture
async def deviated(world: World) -> World:
    """Birthe's LDL target is 2.0 for ten days from 22.11.2026, then the recommended one again; today is 12.12.2026."""
    goal = await goal_of(world)
    wanted = Wanted(None, Decimal("2.0"), False, "side-effect", "ondt i musklerne", date(2027, 5, 1))
    await set_target(world.context("nurse"), goal, wanted)
    world.clock.forward(days=10)
    await follow(world.context("doctor"), goal)
    world.clock.forward(days=10)
    return world


@pytest.fixture
async def nurse_later(deviated: World) -> Browser:
    browser = Browser(deviated)
    await browser.sign_in("nurse")
    return browser


def day(browser: Browser, on: str) -> str:
    """What the timeline says of one day."""
    found = browser.html.split(f"<h3>{on}</h3>")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1].split("<h3>")[0])) if len(found) > 1 else ""


async def test_history_is_found_from_the_yearly_control(nurse: Browser) -> None:
    await nurse.get("/patient/birthe/aarskontrol")
    assert f'href="{PAGE}"' in nurse.html
    answer = await nurse.get(PAGE)
    assert answer.status_code == 200 and "<h1>Historik</h1>" in nurse.html
    assert 'href="/patient/birthe/aarskontrol"' in nurse.html and "Birthe Test Nielsen" in nurse.text


async def test_an_individual_target_stands_with_its_reason_and_who_set_and_ended_it(nurse_later: Browser) -> None:
    await nurse_later.get(PAGE)
    began, ended = day(nurse_later, "22.11.2026"), day(nurse_later, "02.12.2026")
    assert "Individuelt mål for LDL-kolesterol sat: højst 2 mmol/L." in began
    assert "Årsag: Bivirkning · «ondt i musklerne» · Gælder til 01.05.2027" in began
    assert "Det individuelle mål for LDL-kolesterol er ophørt. Målet er nu under 1,4 mmol/L." in ended
    assert re.search(r"\(\w+ \w+.*\)", began) and nurse_later.html.index("02.12.2026") < nurse_later.html.index(
        "<h3>22.11.2026"
    )


async def test_values_of_one_day_are_one_line(nurse: Browser) -> None:
    await nurse.get(f"{PAGE}?slags=value")
    assert re.search(r"Nye tal .*LDL-kolesterol: \d,\d mmol/L \(lab\.kort\).*\(indlæst i tjenesten\)", nurse.text)
    assert "Plan oprettet" not in nurse.text


async def test_kind_and_measure_narrow_what_is_shown(nurse_later: Browser) -> None:
    await nurse_later.get(f"{PAGE}?slags=individual&maaling=ldl")
    assert "2 hændelser" in nurse_later.text
    assert 'value="individual" selected' in nurse_later.html and 'value="ldl" selected' in nurse_later.html
    await nurse_later.get(f"{PAGE}?slags=referral&maaling=ldl")
    assert "Der er intet af den slags." in nurse_later.text


async def test_a_measure_shows_its_targets_as_steps(nurse_later: Browser) -> None:
    await nurse_later.get(f"{PAGE}?maaling=ldl")
    table = nurse_later.html.split("Aftalte mål over tid: LDL-kolesterol")[1].split("</table>")[0]
    rows = re.findall(r"<td[^>]*>(.*?)</td>", table)
    assert rows[:6] == [
        *("02.12.2026", "gælder stadig", "under 1,4\u2009mmol/L"),
        *("22.11.2026", "02.12.2026", "højst 2\u2009mmol/L"),
    ]
    assert "<svg" in nurse_later.html


@pytest.mark.parametrize(("on", "target"), [("25.11.2026", "højst 2"), ("05.12.2026", "under 1,4")])
async def test_the_plan_as_it_stood_on_a_day(nurse_later: Browser, on: str, target: str) -> None:
    await nurse_later.get(f"{PAGE}?dato={on}")
    table = nurse_later.html.split('id="dengang"')[1].split("</table>")[0]
    (row,) = [one for one in table.split("<tr>") if "LDL-kolesterol" in one]
    assert f"<td>{target}\u2009mmol/L" in row and "under 1,4\u2009mmol/L" in row
    assert f"Planen, som den så ud den {on}" in nurse_later.text
    assert "Aktive planer: " in nurse_later.text


async def test_a_day_the_store_knows_nothing_of(nurse: Browser) -> None:
    await nurse.get(f"{PAGE}?dato=01.01.2020")
    assert "Tjenesten vidste intet om patienten den 01.01.2020." in nurse.text


async def test_two_days_side_by_side(nurse_later: Browser) -> None:
    await nurse_later.get(f"{PAGE}?fra=25.11.2026&til=05.12.2026")
    table = nurse_later.html.split('id="forskel"')[1].split("</table>")[0]
    assert "Hvad er ændret fra 25.11.2026 til 05.12.2026?" in nurse_later.text
    (row,) = table.split("<tbody>")[1].split("</tr>")[:-1]
    assert "LDL-kolesterol" in row and "Aftalt mål: højst 2\u2009mmol/L (Bivirkning, til 01.05.2027)" in row
    assert "Aftalt mål: under 1,4\u2009mmol/L" in row
    assert re.search(r"<td>Aftalt mål(, Status)?</td>", row) and "1 måling er ændret, " in nurse_later.text


async def test_two_days_without_a_difference(nurse_later: Browser) -> None:
    await nurse_later.get(f"{PAGE}?fra=25.11.2026&til=26.11.2026")
    assert "Tal, mål og status er de samme." in nurse_later.text


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("dato=31.02.2026", "dato", "Dato: Skriv en dato som dd.mm.åååå"),
        ("dato=i+g%C3%A5r", "dato", "Dato: Skriv en dato som dd.mm.åååå"),
        ("dato=01.01.2999", "dato", "Dato: Datoen er ikke kommet endnu."),
        ("fra=01.11.2026", "til", "Anden dato: Skriv en dato som dd.mm.åååå"),
        ("fra=x&til=20.11.2026", "fra", "Første dato: Skriv en dato som dd.mm.åååå"),
        ("fra=20.11.2026&til=01.11.2026", "fra", "Første dato: Datoen skal ligge før datoen i «Anden dato»."),
    ],
)
async def test_a_bad_date_is_told_at_its_field_and_in_the_summary(
    nurse: Browser, query: str, field: str, says: str
) -> None:
    answer = await nurse.get(f"{PAGE}?{query}")
    assert answer.status_code == 422
    summary = nurse.html.split('class="errors"')[1].split("</div>")[0]
    assert f'href="#{field}"' in summary and says in summary
    assert f'id="{field}"' in nurse.html and f'aria-describedby="e-{field}"' in nurse.html
    assert "Det er sket" in nurse.text


async def test_a_long_history_is_turned_page_by_page(nurse: Browser) -> None:
    await nurse.get(f"{PAGE}?slags=value")
    older = re.search(r'<a rel="next" href="([^"]+)"', nurse.html)
    assert older is not None
    first = nurse.text
    await nurse.get(older[1].replace("&amp;", "&"))
    assert "Side 2 af" in nurse.text and nurse.text != first and 'rel="prev"' in nurse.html


async def test_the_page_stays_small(nurse: Browser) -> None:
    answer = await nurse.get(PAGE)
    assert len(answer.content) < 100_000


async def test_everything_asked_is_labelled_and_there_is_one_heading(nurse: Browser) -> None:
    await nurse.get(f"{PAGE}?dato=22.11.2026&maaling=ldl")
    fields = re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', nurse.html)
    assert set(fields) >= {"dato", "fra", "til", "slags", "maaling"}
    assert all(f'for="{one}"' in nurse.html for one in fields) and nurse.html.count("<h1") == 1


@pytest.mark.parametrize("persona", ["patient-birthe", "visitator"])
async def test_others_do_not_open_it(browser: Browser, persona: str) -> None:
    await browser.sign_in(persona)
    assert (await browser.get(PAGE)).status_code == 403
    assert "Historik" not in browser.text


async def test_a_person_just_registered_has_an_empty_history(nurse: Browser, world: World) -> None:
    context = world.context("nurse")
    practice = [{"reference": f"Organization/{context.caller.organization}"}]
    person = {"resourceType": "Patient", "name": [{"given": ["Ny"], "family": "Test"}], "generalPractitioner": practice}
    made = (await create(context, "Patient", read_text(dump(person)))).version
    await nurse.get(f"/patient/{made.id}/historik?dato=22.11.2026")
    assert "Der er ikke sket noget i planen endnu." in nurse.text
    assert "Der var ingen aktiv plan den dag." in nurse.text


async def test_a_declined_plan_is_told_with_the_reason(nurse: Browser, world: World) -> None:
    await turn_down(world.context("doctor"), "anna", [Declined("kol", "other", "bor hos sin søn", None)])
    await nurse.get("/patient/anna/historik?slags=plan")
    assert "Plan fravalgt: KOL." in nurse.text and "Årsag: Andet · «bor hos sin søn»" in nurse.text
