"""C1 «Fra kommunen», C2 «Henvis» and C4: what a receiver ended meets the clinic until it is seen; so does silence."""

import re

import pytest
from page_house import Browser, World, stored, text_of

from careplan.domain.referral import ANSWERED, LATE, NEARING, RUNNING
from careplan.interactions.message import send_message
from careplan.views.frame import catalogue

from .test_pages_inbox import begun, case, fresh, take
from .test_pages_inbox import visitator as visitator
from .test_pages_worklist import row_of

LIST = "/arbejdsliste?fane=kommune"
CARL = "Carl Test Mortensen"


async def returned(world: World, visitator: Browser) -> str:
    """Carl's referral is sent back; the address of the clinic's page of it."""
    await fresh(world)
    task = await case(world)
    address = f"/borger/carl/sag/{task['id']}"
    await visitator.get("/borger/carl")
    assert await take(visitator, address, task, "take") == 303
    more = {"aarsag": "missing-information", "tekst": "FEV1 mangler."}
    assert await take(visitator, address, await case(world), "return", **more) == 303, visitator.text
    return f"/patient/carl/henvisning/{task['id']}"


async def closed(world: World, visitator: Browser) -> str:
    """Carl's course ends with a note and a task for the clinic; the address of the clinic's page of it."""
    address = await begun(world, visitator, "in-progress")
    await visitator.get(f"{address}/afslut")
    fields = {"version": (await case(world))["meta"]["versionId"], "udfald": "partly", "deltagelse": "Kom ofte"}
    fields |= {"opfoelgning": "Tal om rygning igen", "dag": "20.12.2026", "hilsen": "Godt gået."}
    fields |= dict.fromkeys(re.findall(r'name="(resultat-[^"]+)" value="partly"', visitator.html), "partly")
    assert (await visitator.post(f"{address}/afslut", fields)).status_code == 303, visitator.text
    return f"/patient/carl/henvisning/{address.rpartition('/')[2]}"


async def press(nurse: Browser, page: str, says: str) -> int:
    """Press the button of what a referral left, as its form carries it."""
    await nurse.get(page)
    form = next(one for one in nurse.html.split("<form")[1:] if f">{says}<" in one.split("</form>")[0])
    fields = dict(re.findall(r'name="(opgave|version)" value="([^"]+)"', form))
    return (await nurse.post(page, fields)).status_code


async def test_what_was_sent_back_stands_in_the_list_until_it_is_seen(
    nurse: Browser, visitator: Browser, world: World
) -> None:
    page = await returned(world, visitator)
    await nurse.get(LIST)
    own = row_of(nurse, CARL)
    assert f'href="{page}">Se, hvordan det endte<' in own and "Returneret" in text_of(own)
    assert "Der mangler oplysninger. FEV1 mangler." in nurse.text
    assert await press(nurse, page, "Set") == 303
    await nurse.get(LIST)
    assert CARL not in nurse.text
    assert await nurse.get(page) and ">Set<" not in nurse.html and "FEV1 mangler." in nurse.text


async def test_a_closing_note_comes_with_its_task_and_the_task_stays_until_it_is_done(
    nurse: Browser, visitator: Browser, world: World
) -> None:
    page = await closed(world, visitator)
    await nurse.get(LIST)
    assert "Delvist gennemført." in nurse.text and "Opgave: Tal om rygning igen, senest 20.12.2026." in nurse.text
    assert "28 dage" in text_of(row_of(nurse, CARL))
    await nurse.get(page)
    assert "Kom ofte" in nurse.text and "Tal om rygning igen" in nurse.text
    assert await press(nurse, page, "Set") == 303
    await nurse.get(LIST)
    assert f'href="{page}">Se opgaven<' in row_of(nurse, CARL)
    assert await press(nurse, page, "Udført") == 303
    await nurse.get(LIST)
    assert CARL not in nurse.text
    done = [one for one in await stored(world, "Task", "carl") if one["code"].get("text") == "Tal om rygning igen"]
    assert [one["status"] for one in done] == ["completed"]


async def test_seen_by_two_it_is_seen(nurse: Browser, visitator: Browser, world: World) -> None:
    page = await returned(world, visitator)
    await nurse.get(page)
    fields = dict(re.findall(r'name="(opgave|version)" value="([^"]+)"', nurse.html))
    assert [(await nurse.post(page, fields)).status_code for _ in range(2)] == [303, 303]


async def test_a_task_of_another_case_is_not_done_here(nurse: Browser, visitator: Browser, world: World) -> None:
    page = await returned(world, visitator)
    await nurse.get(page)
    answer = await nurse.post(page, {"opgave": page.rpartition("/")[2], "version": "3"})
    assert answer.status_code == 403


async def test_every_referral_is_reached_from_the_control_the_ended_ones_too(
    nurse: Browser, visitator: Browser, world: World
) -> None:
    page = await returned(world, visitator)
    await nurse.get("/patient/carl/aarskontrol")
    assert f'href="{page}"' in nurse.html and "Returneret" in nurse.text


async def test_nobody_answered_in_time_and_the_next_step_is_to_ring(nurse: Browser, world: World) -> None:
    await fresh(world)
    world.clock.forward(days=20)
    await nurse.sign_in("nurse")
    await nurse.get(LIST)
    own = row_of(nurse, CARL)
    assert 'class="status out"><span aria-hidden="true">▲</span> Intet svar' in own
    assert ">Ring til modtageren<" in own and "dage over" in own
    await nurse.get(f"/patient/carl/henvisning/{(await case(world))['id']}")
    assert "Ingen har svaret inden fristen" in nurse.text and 'href="tel:00102050"' in nurse.html


async def test_answered_it_has_no_deadline_and_its_status_is_its_phase(
    nurse: Browser, visitator: Browser, world: World
) -> None:
    await begun(world, visitator, "in-progress")
    await nurse.get(LIST)
    own = text_of(row_of(nurse, CARL))
    assert "I forløb" in own and "dage" not in own and "–" in own


async def test_what_has_ended_is_closed_to_its_receiver_and_the_page_says_so(
    nurse: Browser, visitator: Browser, world: World
) -> None:
    task = await case(world)
    await nurse.get(f"/patient/carl/henvisning/{task['id']}")
    assert "Modtageren kan se planen til og med" in nurse.text
    await nurse.get(await returned(world, visitator))
    assert "Modtageren kan se planen til og med" not in nurse.text and "Adgangen er lukket." in nurse.text


async def test_the_clinic_reads_to_whom_the_last_sentence_is(nurse: Browser, visitator: Browser, world: World) -> None:
    await nurse.get(await closed(world, visitator))
    assert "Til borgeren" in nurse.text and "Til dig" not in nurse.text


@pytest.mark.parametrize("tab", ["svar", "egnet", "kommune"])
async def test_somebody_is_made_responsible_for_those_of_these_lists(nurse: Browser, world: World, tab: str) -> None:
    await send_message(world.context("patient-carl"), "carl", "question", "Hvornår skal jeg komme?")
    await nurse.get(f"/arbejdsliste?fane={tab}")
    assert 'name="gor" value="tildel"' in nurse.html and 'type="checkbox" form="valgte"' in nurse.html


@pytest.mark.parametrize(
    "tab", ["klar", "svar", "egnet", "kommune", "uden", "indkaldes", "maal", "i-orden", "fravalgt"]
)
def test_an_empty_list_begins_alike(tab: str) -> None:
    assert catalogue()(f"worklist.empty.{tab}").startswith("Alt er gjort.")


@pytest.mark.parametrize("deadline", [RUNNING, NEARING, LATE, ANSWERED])
@pytest.mark.parametrize("language", ["da", "en"])
def test_each_way_a_deadline_stands_has_its_words(language: str, deadline: str) -> None:
    assert catalogue(language)(f"case.deadline.{deadline}")
