"""«Værdispring», its review, and «Vis CPR»: what staff open that was closed, and who is told."""

import pytest
from page_house import Browser, World, stored

from careplan.fhir.text import parse
from careplan.interactions.audit.inquiry import entries_about
from careplan.interactions.caller import Caller
from careplan.interactions.context import Context
from careplan.interactions.emergency import open_in_emergency
from careplan.views.frame import catalogue
from careplan.views.pages import PAGES, Page, writes
from careplan.views.persona import PERSONAS, Persona
from careplan.views.wording import time_text

from .sharing import send, signed_in, write

WHY = "Bevidstløs patient, medicinen skal kendes nu"
SURGEON = Persona(
    "surgeon", Caller("hospital", "Ida Test Lund", "laboratorium-nord", reference="PractitionerRole/laege-other"), "x"
)


@pytest.fixture
async def stranger(world: World, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """A doctor of another clinic."""
    return await as_persona(
        world, monkeypatch, Caller("clinic", "Jens Test Toft", "clinic-other", reference="PractitionerRole/laege-other")
    )


@pytest.fixture
async def surgeon(world: World, monkeypatch: pytest.MonkeyPatch) -> Browser:
    return await as_persona(world, monkeypatch, SURGEON.caller)


async def as_persona(world: World, monkeypatch: pytest.MonkeyPatch, caller: Caller, key: str = "guest") -> Browser:
    monkeypatch.setattr("careplan.views.session.PERSONAS", (*PERSONAS, Persona(key, caller, key)))
    return await signed_in(world, key)


async def number_of(world: World, patient: str) -> str:
    version = await world.house.store.read("Patient", patient)
    assert version is not None
    return str(parse(version.body or b"")["identifier"][0]["value"])


async def filled(world: World, patient: str = "anna", **more: str) -> dict[str, str]:
    return {"cpr": await number_of(world, patient), "aarsag": WHY, "forstaaet": "ja"} | more


async def test_a_refused_page_leads_to_the_form_and_the_form_to_the_plan(world: World, stranger: Browser) -> None:
    assert (await stranger.get("/patient/anna/aarskontrol")).status_code == 403
    assert "Er det akut? Åbn med værdispring" in stranger.text
    await stranger.get(stranger.html.partition('href="/vaerdispring')[2].partition('"')[0].join(("/vaerdispring", "")))
    await send(stranger, "/vaerdispring", person="anna", aarsag=WHY, forstaaet="ja")
    assert stranger.last is not None
    assert stranger.last.status_code == 200
    assert "Anna Test Jensen" in stranger.text
    assert "Journalen er åben for dig i nogle timer. Patienten kan se det." in stranger.text


async def test_an_opened_record_is_shown_to_be_read_and_says_until_when(world: World, stranger: Browser) -> None:
    """What would be refused is not offered: no field, no form of its own, no way to a target or a referral."""
    await stranger.get("/vaerdispring?person=birthe")
    await send(stranger, "/vaerdispring", person="birthe", aarsag=WHY, forstaaet="ja")
    page = stranger.html.partition("<main")[2].partition("</main>")[0]
    inner = page.partition('class="control"')[2]
    assert inner and "HbA1c" in inner
    for offered in ("<input", "<button", "<form", "/maal/", "/henvis", "/opret-plan"):
        assert offered not in inner, offered
    until = world.clock.now + world.house.emergency
    assert f"Du kan læse til {time_text(until, catalogue())}, og du kan ikke ændre noget." in stranger.text


OF_BIRTHE = {"{id}": "birthe", "{goal}": "birthe-g2", "{task}": "findes-ikke", "{plan}": "kol"}


def address(page: Page) -> str:
    path = page.path
    for part, value in OF_BIRTHE.items():
        path = path.replace(part, value)
    return path


def of_birthe(role: str, prefix: str, *, form: bool) -> list[Page]:
    """The pages about a person that a role opens by an address: those that only write, or those to read."""
    own = [one for one in PAGES if one.method == "GET" and role in one.roles and one.path.startswith(prefix)]
    return [one for one in own if writes(one) is form]


async def test_a_page_that_only_writes_is_closed_to_who_reads_in_an_emergency(stranger: Browser) -> None:
    pages = of_birthe("clinic", "/patient/", form=True)
    assert {"maal", "henvis", "fravalg", "opret-plan"} <= {one.path.split("/")[3] for one in pages}
    await stranger.get("/vaerdispring?person=birthe")
    await send(stranger, "/vaerdispring", person="birthe", aarsag=WHY, forstaaet="ja")
    for page in pages:
        assert (await stranger.get(address(page))).status_code == 403, page.path
        assert "Journalen er åbnet med værdispring. Den kan læses, og intet kan ændres." in stranger.text
        assert 'href="/patient/birthe/aarskontrol"' in stranger.html and "Åbn med værdispring" not in stranger.text


async def test_what_can_be_read_stays_open_to_who_reads_in_an_emergency(stranger: Browser) -> None:
    await stranger.get("/vaerdispring?person=birthe")
    await send(stranger, "/vaerdispring", person="birthe", aarsag=WHY, forstaaet="ja")
    for page in of_birthe("clinic", "/patient/", form=False):
        if "{task}" not in page.path:
            assert (await stranger.get(address(page))).status_code == 200, page.path
    await stranger.get("/patient/birthe/aarskontrol")
    assert (await stranger.post("/patient/birthe/cpr", {})).status_code == 200


async def test_a_hospital_that_reads_in_an_emergency_is_led_back_to_the_slice(surgeon: Browser) -> None:
    await surgeon.get("/vaerdispring?person=birthe")
    await send(surgeon, "/vaerdispring", person="birthe", aarsag=WHY, forstaaet="ja")
    for page in of_birthe("hospital", "/borger/", form=True):
        assert (await surgeon.get(address(page))).status_code == 403, page.path
        assert 'href="/borger/birthe"' in surgeon.html


async def test_a_form_of_a_closed_record_says_no_more_than_any_page_of_it(stranger: Browser) -> None:
    assert (await stranger.get("/patient/birthe/maal/birthe-g2")).status_code == 403
    assert "Er det akut? Åbn med værdispring" in stranger.text


async def test_the_own_clinic_may_fill_in_what_a_stranger_only_reads(world: World) -> None:
    nurse = await signed_in(world, "nurse")
    await nurse.get("/patient/birthe/aarskontrol")
    assert 'name="vaerdi-hba1c"' in nurse.html and "værdispring" not in nurse.text


async def test_those_who_may_open_in_an_emergency_find_the_way_from_their_first_page(
    world: World, surgeon: Browser
) -> None:
    nurse, visitator = await signed_in(world, "nurse"), await signed_in(world, "visitator")
    for browser, page, offered in (
        (nurse, "/arbejdsliste", True),
        (surgeon, "/henvisninger", True),
        (visitator, "/henvisninger", False),
    ):
        await browser.get(page)
        assert ('href="/vaerdispring"' in browser.html) is offered


@pytest.mark.parametrize("hyphen", [False, True])
async def test_the_person_is_found_by_number_however_it_is_written(
    world: World, stranger: Browser, *, hyphen: bool
) -> None:
    number = await number_of(world, "anna")
    await stranger.get("/vaerdispring")
    typed = f"{number[:6]}-{number[6:]}" if hyphen else number
    answer = await stranger.post("/vaerdispring", await filled(world, cpr=typed))
    assert answer.headers["location"].startswith("/patient/anna/aarskontrol")
    assert number not in str(answer.headers)


async def test_it_ends_after_some_hours(world: World, stranger: Browser) -> None:
    await stranger.get("/vaerdispring")
    await send(stranger, "/vaerdispring", **await filled(world))
    for _ in range(9):
        world.clock.forward(minutes=29)
        answer = await stranger.get("/patient/anna/aarskontrol")
    assert answer.status_code == 403


async def test_a_hospital_sees_the_slice_and_nothing_of_the_record(world: World, surgeon: Browser) -> None:
    await surgeon.get("/vaerdispring")
    answer = await surgeon.post("/vaerdispring", await filled(world))
    assert answer.headers["location"].startswith("/borger/anna")
    assert (await surgeon.follow(answer)).status_code == 200
    assert (await surgeon.get("/patient/anna/aarskontrol")).status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("cpr", "123", "Skriv CPR-nummeret med 10 tegn."),
        ("aarsag", "akut", "Skriv begrundelsen med 10 til 1000 tegn."),
        ("forstaaet", "", "Sæt kryds ved, at du ved, det bliver vist og gennemgået."),
    ],
)
async def test_what_is_missing_is_said_and_the_reason_stays(
    world: World, stranger: Browser, field: str, value: str, says: str
) -> None:
    await stranger.get("/vaerdispring")
    answer = await stranger.post("/vaerdispring", await filled(world, **{field: value}))
    assert answer.status_code == 422
    assert f'<a href="#{field}">{says}</a>' in stranger.html
    assert field == "aarsag" or WHY in stranger.html
    assert (await number_of(world, "anna"))[6:] not in stranger.html
    assert not await stored(world, "Consent", "anna")


async def test_a_number_of_nobody_is_refused_without_a_word_of_who_there_is(world: World, stranger: Browser) -> None:
    await stranger.get("/vaerdispring")
    answer = await stranger.post("/vaerdispring", await filled(world, cpr="010203-9999"))
    assert answer.status_code == 403
    assert "Journalen kan ikke åbnes." in stranger.text
    answer = await stranger.post("/vaerdispring", await filled(world, person="nobody-there"))
    assert answer.status_code == 403


async def test_the_patient_reads_the_reason_and_when_it_has_been_gone_through(world: World, stranger: Browser) -> None:
    await stranger.get("/vaerdispring")
    await send(stranger, "/vaerdispring", **await filled(world))
    anna = await signed_in(world, "patient-anna")
    await anna.get("/plan/adgang")
    assert f"De skrev: {WHY}" in anna.text
    assert "Lægerne Sydhavn, praktiserende læge" in anna.text
    assert "Stedet ser det igennem." in anna.text


async def test_a_municipality_and_a_patient_have_no_such_form(world: World) -> None:
    for persona in ("visitator", "patient-anna"):
        browser = await signed_in(world, persona)
        for path in ("/vaerdispring", "/vaerdispring/gennemgang", "/vaerdispring/gennemgang/x"):
            assert (await browser.get(path)).status_code == 403, (persona, path)


# ── review ───────────────────────────────────────────────────────────────────────────────────────


async def opened_by(world: World, role: str, patient: str = "anna") -> str:
    """An emergency access by somebody of Lægehuset Nord; its id."""
    caller = next(one.caller for one in PERSONAS if one.key == role)
    context = Context(world.house, caller, world.clock(), world.new_id, "http://test/fhir")
    return (await open_in_emergency(context, patient, WHY)).id


async def test_the_clinic_goes_through_what_its_people_have_opened(world: World, nurse: Browser) -> None:
    id = await opened_by(world, "doctor")
    await nurse.get("/vaerdispring/gennemgang")
    for said in ("Mangler gennemgang: 1", "Mette Test Holm", "Anna Test Jensen", WHY):
        assert said in nurse.text
    await nurse.get(f"/vaerdispring/gennemgang/{id}")
    await send(nurse, f"/vaerdispring/gennemgang/{id}", note="Der var grund til det")
    assert "Gennemgangen er gemt." in nurse.text
    assert "Mangler gennemgang: 0" in nurse.text
    assert "Gennemgået af Lars Test Krogh 22.11.2026" in nurse.text
    assert "Der var grund til det" in nurse.text
    anna = await signed_in(world, "patient-anna")
    await anna.get("/plan/adgang")
    assert "Stedet har set det igennem." in anna.text
    assert "Der var grund til det" not in anna.text


async def test_nobody_goes_through_an_access_of_their_own(world: World, nurse: Browser) -> None:
    id = await opened_by(world, "nurse")
    await nurse.get("/vaerdispring/gennemgang")
    assert "Gennemgås af en anden end den, der åbnede." in nurse.text
    assert f"/vaerdispring/gennemgang/{id}" not in nurse.html
    answer = await nurse.post(f"/vaerdispring/gennemgang/{id}", {"note": "Helt i orden"})
    assert answer.status_code == 403


async def test_a_review_says_something_and_is_made_once(world: World, nurse: Browser) -> None:
    id = await opened_by(world, "doctor")
    address = f"/vaerdispring/gennemgang/{id}"
    await nurse.get(address)
    token = nurse.token
    assert (await nurse.post(address, {"note": ""}, token=token)).status_code == 422
    assert (await nurse.post(address, {"note": "Set igennem"}, token=token)).status_code == 303
    answer = await nurse.post(address, {"note": "Min egen mening"}, token=token)
    assert answer.status_code == 409
    assert "En anden har gennemgået det imens." in nurse.text
    assert "Set igennem" in nurse.text
    assert "Min egen mening" in nurse.text


async def test_another_organisation_knows_nothing_of_it(world: World, nurse: Browser, surgeon: Browser) -> None:
    id = await opened_by(world, "doctor")
    await surgeon.get("/vaerdispring/gennemgang")
    assert "Ingen hos jer har brugt værdispring." in surgeon.text
    assert (await surgeon.get(f"/vaerdispring/gennemgang/{id}")).status_code == 404


async def test_a_number_of_two_opens_both_and_each_is_told_by_name_and_practice(
    world: World, stranger: Browser
) -> None:
    version = await world.house.store.read("Patient", "anna")
    assert version is not None
    twin = {**parse(version.body or b""), "id": "twin", "name": [{"text": "Anna Test Dublet"}]}
    await write(world, twin | {"generalPractitioner": [{"reference": "Organization/clinic-other"}]})
    await stranger.get("/vaerdispring")
    answer = await stranger.post("/vaerdispring", await filled(world))
    assert answer.status_code == 200
    assert "Flere har dette CPR-nummer her" in stranger.text
    for id, name in (("anna", "Anna Test Jensen, "), ("twin", "Anna Test Dublet, ")):
        assert f'/patient/{id}/aarskontrol">{name}' in stranger.html
    await world.house.journal.flush()
    for id in ("anna", "twin"):
        assert [one async for _, one in entries_about(world.house.store, id, None) if one["out"] == "0"]
        assert (await stranger.get(f"/patient/{id}/aarskontrol")).status_code == 200


# ── the person number ────────────────────────────────────────────────────────────────────────────


async def test_the_number_is_hidden_until_it_is_asked_for_and_the_patient_is_told(world: World, nurse: Browser) -> None:
    number = await number_of(world, "anna")
    await nurse.get("/patient/anna/aarskontrol")
    assert f"{number[:6]}-••••" in nurse.text
    assert number[6:] not in nurse.text.replace("ydernr. 099901", "")
    assert 'action="/patient/anna/cpr"' in nurse.html
    answer = await nurse.post("/patient/anna/cpr", {})
    assert answer.status_code == 200
    assert f"{number[:6]}-{number[6:]}" in nurse.text
    assert number[6:] not in nurse.html.partition("<title>")[2].partition("</title>")[0]
    journal = world.house.journal
    assert journal is not None
    await journal.flush()
    acts = [one["do"] async for _, one in entries_about(world.house.store, "anna", None)]
    assert acts[0] == "page/CPR"
    anna = await signed_in(world, "patient-anna")
    await anna.get("/plan/adgang")
    assert "Lægehuset Nord, praksissygeplejerske · så dit CPR-nummer" in anna.text


async def test_the_number_of_somebody_elses_patient_is_not_shown(world: World, nurse: Browser) -> None:
    visitator = await signed_in(world, "visitator")
    await visitator.get("/henvisninger")
    number = await number_of(world, "anna")
    answer = await visitator.post("/borger/anna/cpr", {})
    assert answer.status_code == 403
    assert number[6:] not in visitator.html
    assert (await visitator.post("/borger/carl/cpr", {}, token="another")).status_code == 403


async def test_no_address_shows_the_number(nurse: Browser) -> None:
    assert (await nurse.get("/patient/anna/cpr")).status_code in (404, 405)


@pytest.mark.parametrize("written", ["{}", "{0[0]}{0[1]}"], ids=["as it is", "in two"])
async def test_a_person_number_in_an_address_is_repeated_in_no_link_and_no_field(
    world: World, stranger: Browser, written: str
) -> None:
    number = "0101014321"
    typed = written.format(number if written == "{}" else (number[:6], "-" + number[6:]))
    for page in ("aarskontrol", "henvis", "udskriv", "historik"):
        assert (await stranger.get(f"/patient/{typed}/{page}")).status_code == 403
        assert number not in stranger.html.replace("-", "") and "vaerdispring?" not in stranger.html
    await stranger.get(f"/vaerdispring?person={typed}")
    assert number not in stranger.html.replace("-", "")
    await send(stranger, "/vaerdispring", person=typed, aarsag=WHY, forstaaet="ja")
    assert number not in stranger.html.replace("-", "")
