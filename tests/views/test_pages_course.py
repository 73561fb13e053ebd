"""D2, D4, D6 and B6: attempts to reach the citizen, the tjekliste of a course; and the record is kept in Danish."""

import re
from html import unescape

import pytest
from page_house import Browser, World, stored

from careplan.fhir.text import Json
from careplan.knowledge.load import load_knowledge

from .test_pages_inbox import begun, case, fresh, take


async def visitor(world: World, persona: str = "visitator", language: str = "da") -> Browser:
    browser = Browser(world)
    await browser.sign_in(persona)
    await browser.post("/sprog", {"sprog": language}, token="")
    return browser


@pytest.fixture
async def visitator(world: World) -> Browser:
    return await visitor(world)


# ── attempts to reach the citizen ────────────────────────────────────────────────────────────────


async def tried(visitator: Browser, world: World, address: str, channel: str, day: str) -> int:
    await visitator.get(f"{address}?trin=try")
    return await take(visitator, address, await case(world), "try", aarsag=channel, dag=day)


async def board(visitator: Browser, shown: str) -> bool:
    """Whether Carl is on the board under a filter."""
    await visitator.get(f"/teamtavle?vis={shown}")
    return "Carl Test Mortensen" in visitator.text


async def test_attempts_stand_on_the_case_and_three_offer_the_way_back(visitator: Browser, world: World) -> None:
    await fresh(world)
    address = await begun(world, visitator, "received")
    assert not await board(visitator, "ingen-kontakt")
    for number, (channel, day) in enumerate(
        (("phone", "20.11.2026"), ("letter", "20.11.2026"), ("phone", "21.11.2026"))
    ):
        assert await board(visitator, "ingen-kontakt") == (number > 0)
        await visitator.get("/borger/carl")
        assert "Returnér: ingen kontakt" not in visitator.text
        assert await tried(visitator, world, address, channel, day) == 303, visitator.text
    await visitator.get("/borger/carl")
    assert "I har prøvet 3 gange uden at få kontakt." in visitator.text
    assert "21.11.2026: Telefon Sanne Test Bach" in visitator.text and "20.11.2026: Brev" in visitator.text
    assert await board(visitator, "ingen-kontakt") and "3 forsøg uden kontakt" in visitator.text
    assert (await case(world))["status"] == "received"


async def test_returned_for_want_of_contact_it_is_a_task_of_the_clinic_and_the_citizen_is_told(
    visitator: Browser, nurse: Browser, world: World
) -> None:
    await fresh(world)
    address = await begun(world, visitator, "accepted")
    for channel, day in (("phone", "20.11.2026"), ("digital-post", "20.11.2026"), ("visit", "21.11.2026")):
        assert await tried(visitator, world, address, channel, day) == 303
    carl = await visitor(world, "patient-carl")
    await carl.get("/plan/kommune")
    for says in (
        "Kommunen har prøvet at ringe til dig 20.11.2026.",
        "Kommunen har skrevet til dig i Digital Post 20.11.2026.",
        "Kommunen har prøvet at møde dig 21.11.2026.",
    ):
        assert says in carl.text
    await visitator.get(f"{address}?trin=no-contact")
    assert await take(visitator, address, await case(world), "no-contact", aarsag="not-reached") == 303
    assert (await visitator.get("/borger/carl")).status_code == 403
    await nurse.get("/patient/carl/aarskontrol")
    assert "Tal om henvisningen igen. Modtageren har ikke fået kontakt" in nurse.text
    await nurse.get(f"/patient/carl/henvisning/{address.rpartition('/')[2]}")
    assert "Returneret: Borgeren kan ikke træffes" in nurse.text
    assert "21.11.2026: Fremmøde" in nurse.text
    await carl.get("/plan/kommune")
    assert "Kommunen fik ikke fat i dig." in carl.text and "har prøvet at ringe" not in carl.text


async def test_who_was_reached_or_has_a_day_is_no_longer_without_contact(visitator: Browser, world: World) -> None:
    await fresh(world)
    address = await begun(world, visitator, "accepted")
    assert await tried(visitator, world, address, "phone", "20.11.2026") == 303
    assert await tried(visitator, world, address, "reached", "21.11.2026") == 303
    assert not await board(visitator, "ingen-kontakt")
    assert await tried(visitator, world, address, "phone", "22.11.2026") == 303
    assert await board(visitator, "ingen-kontakt")
    assert await take(visitator, address, await case(world), "book", dag="01.12.2026") == 303
    assert not await board(visitator, "ingen-kontakt")
    await visitator.get("/borger/carl")
    assert "Notér forsøg på kontakt" not in visitator.text and "Forsøg på kontakt" in visitator.text


@pytest.mark.parametrize(
    ("channel", "day", "says"),
    [
        ("", "21.11.2026", "Vælg, hvordan I har prøvet."),
        ("pigeon", "21.11.2026", "Vælg, hvordan I har prøvet."),
        ("phone", "23.11.2026", "Skriv en dato til og med i dag"),
        ("phone", "01.01.2020", "Den kan tidligst være "),
        ("phone", "i går", "Skriv en dato til og med i dag"),
    ],
)
async def test_an_attempt_that_cannot_be_comes_back_with_what_is_wrong(
    visitator: Browser, world: World, channel: str, day: str, says: str
) -> None:
    await fresh(world)
    address = await begun(world, visitator, "received")
    assert await tried(visitator, world, address, channel, day) == 422
    assert says in visitator.text and 'aria-invalid="true"' in visitator.html
    assert "output" not in await case(world)


async def test_a_case_that_nobody_has_taken_is_not_tried_by_anybody(visitator: Browser, world: World) -> None:
    await fresh(world)
    address = f"/borger/carl/sag/{(await case(world))['id']}"
    assert await tried(visitator, world, address, "phone", "22.11.2026") == 409


async def test_the_counts_of_the_board_lead_to_the_cases_they_count(visitator: Browser, world: World) -> None:
    await fresh(world)
    address = await begun(world, visitator, "received")
    await tried(visitator, world, address, "phone", "22.11.2026")
    await visitator.get("/teamtavle")
    links = re.findall(r'<a href="(/teamtavle\?vis=[a-z-]+)"[^>]*>[^<]+<span class="count">\((\d+)\)', visitator.html)
    assert [path.partition("=")[2] for path, _ in links] == ["alle", "uden-ansvarlig", "overskredet", "ingen-kontakt"]
    for path, count in links:
        await visitator.get(path)
        assert len(re.findall(r'<li class="choice"><a href="/borger/', visitator.html)) == int(count)


# ── the tjekliste of a course ────────────────────────────────────────────────────────────────────


async def checked(visitator: Browser, world: World, address: str, **fields: str) -> int:
    await visitator.get(f"{address}/forloeb")
    version = (await case(world))["meta"]["versionId"]
    sent = {name.replace("_", "-"): text for name, text in fields.items()}
    return (
        await visitator.post(f"{address}/forloeb", {"version": version, "handling": "tjekliste", **sent})
    ).status_code


async def test_the_tjekliste_is_that_of_the_offer_and_is_kept(visitator: Browser, world: World) -> None:
    address = await begun(world, visitator, "in-progress")
    (request,) = [
        one for one in await stored(world, "ServiceRequest", "carl") if "focus" not in one and one["performer"]
    ][:1]
    course = load_knowledge().find_course(request["code"]["text"])
    assert course is not None
    await visitator.get(f"{address}/forloeb")
    assert all(one.says in visitator.text for one in course.checks)
    assert f"Listen hører til «{course.name}», udgave {course.version}." in visitator.text
    first, second, third = (one.id.replace("-", "_") for one in course.checks[:3])
    answered = {f"tjek_{first}": "done", f"tjek_{second}": "postponed", f"udsat_{second}": "01.12.2026"}
    assert await checked(visitator, world, address, **answered, **{f"tjek_{third}": "not-relevant"}) == 303
    await visitator.get(f"{address}/forloeb")
    html = unescape(visitator.html)
    for id, result in zip((one.id for one in course.checks[:3]), ("done", "postponed", "not-relevant"), strict=True):
        assert f'name="tjek-{id}" value="{result}" checked' in html
    assert f'name="udsat-{course.checks[1].id}" value="01.12.2026"' in html
    outputs = (await case(world))["output"]
    assert await checked(visitator, world, address, **{f"tjek_{first}": "done"}) == 303
    assert len((await case(world))["output"]) == len(outputs) - 3


async def test_a_line_that_is_postponed_says_until_when(visitator: Browser, world: World) -> None:
    address = await begun(world, visitator, "in-progress")
    await visitator.get(f"{address}/forloeb")
    (first, *_) = re.findall(r'name="tjek-([^"]+)"', visitator.html)
    for day in ("", "21.11.2026", "snart"):
        fields = {f"tjek-{first}": "postponed", f"udsat-{first}": day}
        assert await checked(visitator, world, address, **fields) == 422
        assert "Skriv, hvornår det er udsat til" in visitator.text
        assert f'value="{day}"' in visitator.html and f'href="#udsat-{first}"' in visitator.html


async def test_who_came_stays_when_the_tjekliste_is_kept(visitator: Browser, world: World) -> None:
    address = await begun(world, visitator, "in-progress")
    await visitator.get(f"{address}/forloeb")
    version = (await case(world))["meta"]["versionId"]
    await visitator.post(f"{address}/forloeb", {"version": version, "dag": "22.11.2026", "moedt": "ja"})
    (first, *_) = re.findall(r'name="tjek-([^"]+)"', visitator.html)
    assert await checked(visitator, world, address, **{f"tjek-{first}": "done"}) == 303
    await visitator.get(f"{address}/forloeb")
    assert "Mødt 1 af 1 gange." in visitator.text


# ── what stands in the record is Danish ──────────────────────────────────────────────────────────


async def lines(world: World, topic: str) -> list[str]:
    """What a note of Carl's says, line by line."""
    notes: list[Json] = [one for one in await stored(world, "Communication", "carl") if topic in str(one["topic"])]
    return [part["contentString"] for note in notes for part in note["payload"]]


async def test_from_a_page_in_english_the_record_is_kept_in_danish(world: World) -> None:
    await fresh(world)
    english = await visitor(world, language="en")
    address = await begun(world, english, "accepted")
    await english.get(f"{address}/samtale")
    assert '<html lang="en"' in english.html and "Resources" in english.text
    version = (await case(world))["meta"]["versionId"]
    fields = {"version": version, "ressourcer": "Har hund", "motivation": "Stor", "maal-1": "Gå en tur"}
    assert (await english.post(f"{address}/samtale", fields)).status_code == 303
    assert await lines(world, "Afklarende samtale") == ["Ressourcer: Har hund", "Motivation: Stor"]
    version = (await case(world))["meta"]["versionId"]
    met = {"version": version, "dag": "22.11.2026", "moedt": "ja", "vaegt": "82,5"}
    assert (await english.post(f"{address}/forloeb", met)).status_code == 303
    await english.get(f"{address}/afslut")
    filled = re.search(r'<textarea id="deltagelse" lang="da"[^>]*>([^<]*)<', english.html)
    assert filled is not None and filled[1] == "Mødt 1 af 1 gange."
    version = (await case(world))["meta"]["versionId"]
    end = {"version": version, "udfald": "carried-out", "deltagelse": filled[1], "hilsen": "Godt gået."}
    end |= dict.fromkeys(re.findall(r'name="(resultat-[^"]+)" value="achieved"', english.html), "achieved")
    assert (await english.post(f"{address}/afslut", end)).status_code == 303
    told = await lines(world, "Afslutningsnotat")
    assert told[0] == "Mødt 1 af 1 gange." and "Gå en tur: opnået" in told
    kept = (await case(world))["statusReason"]
    assert kept["text"] == "Gennemført"
