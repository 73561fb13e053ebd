"""D1 and D3 to D6: the steps of a case as forms, the notes of a course, the board."""

import re

import pytest
from page_house import Browser, World, stored

from careplan.domain.referral import STEPS
from careplan.fhir.text import Json, dump, read_text
from careplan.interactions.write import update


@pytest.fixture
async def visitator(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("visitator")
    return signed_in


async def case(world: World) -> Json:
    """Carl's open case."""
    tasks = await stored(world, "Task", "carl")
    (found,) = [one for one in tasks if "ServiceRequest/" in str(one.get("focus"))]
    return dict(found)


async def begun(world: World, visitator: Browser, status: str) -> str:
    """The address of Carl's case, brought to a state by the steps that lead there."""
    path = {"requested": [], "received": ["take"], "accepted": ["take", "accept"]}
    path["in-progress"] = [*path["accepted"], "start"]
    address = f"/borger/carl/sag/{(await case(world))['id']}"
    await visitator.get("/borger/carl")
    order = ["requested", "received", "accepted", "in-progress"]
    now = (await case(world))["status"]
    for step in path[status][order.index(now) :]:
        await take(visitator, address, await case(world), step)
    return address


async def take(visitator: Browser, address: str, task: Json, step: str, **more: str) -> int:
    fields = {"trin": step, "version": task["meta"]["versionId"], **more}
    return (await visitator.post(address, fields)).status_code


async def fresh(world: World) -> None:
    """Carl's case as it is when it has just come: as the system may set it."""
    bare = {name: part for name, part in (await case(world)).items() if name not in ("businessStatus", "statusReason")}
    task = {**bare, "status": "requested", "owner": {"reference": "Organization/kommune-nord"}}
    await update(world.context(), "Task", task["id"], read_text(dump(task)))


async def test_taken_from_its_row_the_case_is_mine(visitator: Browser, world: World) -> None:
    await fresh(world)
    await visitator.get("/henvisninger")
    row = next(part for part in visitator.html.split("<tr>") if "/borger/carl" in part)
    assert "Tag sag" in row and "Ingen" in row
    assert await take(visitator, f"/borger/carl/sag/{(await case(world))['id']}", await case(world), "take") == 303
    assert (await case(world))["owner"] == {"reference": "PractitionerRole/visitator-nord"}
    await visitator.get("/henvisninger")
    row = next(part for part in visitator.html.split("<tr>") if "/borger/carl" in part)
    for words in ("Sanne Test Bach", "Under visitation", "Acceptér", "Bed om oplysninger", "Send videre", "Returnér"):
        assert words in row
    assert "Tag sag<" not in row


async def test_a_return_needs_its_reason_and_closes_the_slice(visitator: Browser, world: World) -> None:
    await fresh(world)
    address = await begun(world, visitator, "received")
    await visitator.get(f"{address}?trin=return")
    assert "Årsag" in visitator.text
    assert await take(visitator, address, await case(world), "return") == 422
    assert "Vælg en årsag." in visitator.text and 'aria-invalid="true"' in visitator.html
    assert await take(visitator, address, await case(world), "return", aarsag="other") == 422
    assert await take(visitator, address, await case(world), "return", aarsag="not-target-group") == 303
    assert (await visitator.get("/borger/carl")).status_code == 403
    await visitator.get("/henvisninger")
    assert "Carl" not in visitator.text


async def test_sent_on_it_goes_back_to_the_clinic_with_where_it_belongs(visitator: Browser, world: World) -> None:
    await fresh(world)
    address = await begun(world, visitator, "received")
    sent = {"aarsag": "other-organization", "tekst": "Hører til i nabokommunen"}
    assert await take(visitator, address, await case(world), "forward", **sent) == 303
    task = await case(world)
    assert (task["status"], task["businessStatus"]["text"]) == ("rejected", "Sendt videre")
    assert task["statusReason"]["text"] == "Hører til i nabokommunen"


async def test_a_stale_form_shows_what_stands_and_what_was_meant(visitator: Browser, world: World) -> None:
    await fresh(world)
    old = await case(world)
    address = await begun(world, visitator, "accepted")
    more = {"aarsag": "not-target-group", "tekst": "Bor et andet sted"}
    assert await take(visitator, address, old, "return", **more) == 409
    assert "Nogen har ændret sagen imens" in visitator.text
    sides = visitator.text.split("Det står der nu")[1]
    assert "Accepteret" in sides and "Borgeren er ikke i målgruppen – Bor et andet sted" in sides
    assert (await case(world))["status"] == "accepted"


@pytest.mark.parametrize("step", [*STEPS, "ask", "fly"])
async def test_every_step_has_a_form_or_says_that_it_cannot_be_taken(
    visitator: Browser, world: World, step: str
) -> None:
    address = f"/borger/carl/sag/{(await case(world))['id']}"
    assert (await visitator.get(f"{address}?trin={step}")).status_code == 200
    assert f'name="trin" value="{step}"' in visitator.html or "Det kan ikke gøres" in visitator.text or step == "fly"


async def test_a_case_near_its_deadline_is_called_out_and_comes_first(visitator: Browser, world: World) -> None:
    await fresh(world)
    await visitator.get("/henvisninger")
    assert re.search(r"\d+ henvisning(er)? (nærmer sig|er over) fristen", visitator.text)
    rows = visitator.html.split("<tbody>")[1].split("<tr>")[1:]
    waits = [("Nærmer sig" in row or "Overskredet" in row or "Inden for" in row) for row in rows]
    assert waits == sorted(waits, reverse=True) and "Overskredet" in visitator.text


# ── the course ───────────────────────────────────────────────────────────────────────────────────


async def test_the_first_talk_leaves_a_note_an_agreement_and_the_next_day(visitator: Browser, world: World) -> None:
    await fresh(world)
    address = await begun(world, visitator, "accepted")
    await visitator.get(f"{address}/samtale")
    version = (await case(world))["meta"]["versionId"]
    assert (await visitator.post(f"{address}/samtale", {"version": version})).status_code == 422
    goals_before = await stored(world, "Goal", "carl")
    fields = {"version": version, "ressourcer": "Har hund", "maal-1": "Gå en tur hver dag", "dag": "01.12.2026"}
    assert (await visitator.post(f"{address}/samtale", fields)).status_code == 303, visitator.text
    task = await case(world)
    assert task["status"] == "in-progress" and task["input"][0]["valueDate"] == "2026-12-01"
    await visitator.get("/borger/carl")
    assert "Gå en tur hver dag" in visitator.text and "01.12.2026" in visitator.text
    assert await stored(world, "Goal", "carl") == goals_before
    await visitator.get(f"{address}/samtale")
    assert "Ressourcer: Har hund" in visitator.text


async def test_a_meeting_keeps_who_came_and_what_was_measured(visitator: Browser, world: World) -> None:
    address = await begun(world, visitator, "in-progress")
    await visitator.get(f"{address}/forloeb")
    version = (await case(world))["meta"]["versionId"]
    wrong = {"version": version, "dag": "22.11.2026", "gang": "9999"}
    assert (await visitator.post(f"{address}/forloeb", wrong)).status_code == 422
    before = len(await stored(world, "Observation", "carl"))
    fields = {"version": version, "dag": "22.11.2026", "moedt": "ja", "gang": "420", "vaegt": "82,5"}
    assert (await visitator.post(f"{address}/forloeb", fields)).status_code == 303, visitator.text
    made = await stored(world, "Observation", "carl")
    assert len(made) == before + 2
    walk = next(one for one in made if one["code"].get("text") == "6 minutters gangtest")
    assert str(walk["valueQuantity"]["value"]) == "420"
    assert walk["performer"] == [{"reference": "Organization/kommune-nord"}]
    await visitator.get(f"{address}/forloeb")
    assert "Mødt 1 af 1 gange." in visitator.text


async def test_the_closing_note_goes_to_the_clinic_and_a_sentence_to_the_patient(
    visitator: Browser, nurse: Browser, world: World
) -> None:
    address = await begun(world, visitator, "in-progress")
    await visitator.get(f"{address}/afslut")
    version = (await case(world))["meta"]["versionId"]
    assert (await visitator.post(f"{address}/afslut", {"version": version})).status_code == 422
    for says in ("Vælg, hvordan forløbet sluttede.", "Skriv en sætning til borgeren."):
        assert says in visitator.text
    assert (await visitator.post(f"{address}/afslut", {"version": version, "udfald": "died"})).status_code == 422
    assert "Skriv en sætning til borgeren." not in visitator.text
    fields = {"version": version, "udfald": "partly", "deltagelse": "Kom de fleste gange"}
    fields |= {"opfoelgning": "Tal om rygning igen", "dag": "20.12.2026", "hilsen": "Godt gået. Bliv ved med at gå."}
    fields |= dict.fromkeys(re.findall(r'name="(resultat-[^"]+)" value="partly"', visitator.html), "partly")
    assert (await visitator.post(f"{address}/afslut", fields)).status_code == 303, visitator.text
    assert (await visitator.get("/borger/carl")).status_code == 403
    follow = [one for one in await stored(world, "Task", "carl") if one["code"].get("text") == "Tal om rygning igen"]
    assert [one["status"] for one in follow] == ["requested"]
    await nurse.get("/patient/carl/aarskontrol")
    assert "Tal om rygning igen" in nurse.text
    await nurse.get(f"/patient/carl/henvisning/{address.rpartition('/')[2]}")
    assert "Delvist gennemført" in nurse.text and "Kom de fleste gange" in nurse.text
    assert ": delvist opnået" in nurse.text
    carl = Browser(world)
    await carl.sign_in("patient-carl")
    await carl.get("/plan/kommune")
    assert "Godt gået. Bliv ved med at gå." in carl.text and "Dit forløb er slut." in carl.text


async def test_another_municipality_opens_no_page_of_the_case(visitator: Browser, world: World) -> None:
    for path in ("", "/samtale", "/forloeb", "/afslut"):
        assert (await visitator.get(f"/borger/anna/sag/{(await case(world))['id']}{path}")).status_code == 403


# ── the board ────────────────────────────────────────────────────────────────────────────────────


async def test_the_board_counts_the_cases_of_each_phase(visitator: Browser, world: World) -> None:
    await fresh(world)
    await visitator.get("/teamtavle")
    columns = re.findall(r'<h2 id="fase-\d">([^<]+) <span class="count">\((\d+)\)', visitator.html)
    assert [name for name, _ in columns] == [
        "Modtaget",
        "Under visitation",
        "Accepteret",
        "Samtale aftalt",
        "I forløb",
        "Pause",
    ]
    assert int(dict(columns)["Modtaget"]) >= 1
    await visitator.get("/teamtavle?vis=uden-ansvarlig")
    assert "Carl Test Mortensen" in visitator.text
    address = f"/borger/carl/sag/{(await case(world))['id']}"
    await take(visitator, address, await case(world), "take")
    await visitator.get("/teamtavle?vis=uden-ansvarlig")
    assert "Carl Test Mortensen" not in visitator.text


# ── what cannot be kept ──────────────────────────────────────────────────────────────────────────

UNSEEN = "\u200b\u3164"


async def sent(visitator: Browser, world: World, page: str, **fields: str) -> int:
    address = await begun(world, visitator, "in-progress")
    await visitator.get(f"{address}/{page}")
    version = (await case(world))["meta"]["versionId"]
    fields = {"version": version, **{name.replace("_", "-"): text for name, text in fields.items()}}
    return (await visitator.post(f"{address}/{page}", fields)).status_code


@pytest.mark.parametrize(
    ("page", "fields", "says"),
    [
        ("samtale", {"ressourcer": UNSEEN}, "Skriv noget, før du gemmer."),
        ("samtale", {"maal_1": UNSEEN}, "Skriv noget, før du gemmer."),
        ("forloeb", {"dag": "22.11.2026", "notat": UNSEEN}, "Skriv noget, før du gemmer."),
        ("afslut", {"udfald": "carried-out", "deltagelse": UNSEEN, "hilsen": "Hej"}, "Skriv noget, før du gemmer."),
        ("afslut", {"udfald": "carried-out", "deltagelse": "Kom", "hilsen": UNSEEN}, "Skriv en sætning til borgeren."),
    ],
)
async def test_text_that_cannot_be_seen_is_no_text(
    visitator: Browser, world: World, page: str, fields: dict[str, str], says: str
) -> None:
    assert await sent(visitator, world, page, **fields) == 422
    assert says in visitator.text


async def test_what_can_be_seen_is_kept_beside_what_cannot(visitator: Browser, world: World) -> None:
    assert await sent(visitator, world, "samtale", ressourcer=UNSEEN, motivation="Stor") == 303
    (note,) = [one for one in await stored(world, "Communication", "carl") if "Afklarende samtale" in str(one["topic"])]
    assert [one["contentString"] for one in note["payload"]] == ["Motivation: Stor"]


@pytest.mark.parametrize(
    ("page", "day", "says"),
    [
        ("samtale", "23.11.2027", "Skriv en dato senest 22.11.2027."),
        ("samtale", "31.12.9999", "Skriv en dato senest 22.11.2027."),
        ("samtale", "21.11.2026", "Skriv en dato fra i dag"),
        ("afslut", "31.12.9999", "Skriv en dato senest 22.11.2027."),
        ("forloeb", "01.01.0001", "Den kan tidligst være "),
        ("forloeb", "23.11.2026", "Skriv en dato til og med i dag"),
    ],
)
async def test_a_day_that_cannot_be_is_refused(
    visitator: Browser, world: World, page: str, day: str, says: str
) -> None:
    assert await sent(visitator, world, page, dag=day, motivation="Stor", moedt="ja") == 422
    assert says in visitator.text


async def test_times_from_a_chair_are_whole(visitator: Browser, world: World) -> None:
    assert await sent(visitator, world, "forloeb", dag="22.11.2026", rejse_saette="2,75") == 422
    assert "Skriv et helt tal mellem 0 og 60." in visitator.text


async def test_a_wish_without_words_is_named_by_its_code_or_not_at_all(visitator: Browser, world: World) -> None:
    coded = {"coding": [{"system": "http://snomed.info/sct", "code": "710841007", "display": "Gå ture igen"}]}
    for id, description in (("coded", coded), ("bare", {"coding": [{"code": "x"}]})):
        wish = {"resourceType": "Goal", "id": id, "lifecycleStatus": "active", "description": description}
        wish |= {"subject": {"reference": "Patient/carl"}}
        await update(world.context(), "Goal", id, read_text(dump(wish)))
    address = await begun(world, visitator, "in-progress")
    for page in ("samtale", "forloeb", "afslut"):
        assert (await visitator.get(f"{address}/{page}")).status_code == 200
    assert "resultat-coded" in visitator.html and "Gå ture igen" in visitator.text
    assert "resultat-bare" not in visitator.html


async def test_a_wish_too_long_for_the_note_is_said_and_nothing_is_lost(visitator: Browser, world: World) -> None:
    wish = {"resourceType": "Goal", "id": "long", "lifecycleStatus": "active", "description": {"text": "Gå " * 300}}
    await update(world.context(), "Goal", "long", read_text(dump(wish | {"subject": {"reference": "Patient/carl"}})))
    fields = {"udfald": "carried-out", "deltagelse": "Kom hver gang", "hilsen": "Godt", "resultat_long": "achieved"}
    assert await sent(visitator, world, "afslut", **fields) == 422
    assert "En tekst er for lang eller kan ikke ses." in visitator.text and "Kom hver gang" in visitator.text
