"""C4, the clinic's page of a referral, and B6: what is shown is what is sent, and nothing is kept unconfirmed."""

import re
from datetime import timedelta

import pytest
from page_house import ON, Browser, World, stored, text_of

FORM = "/patient/birthe/henvis"


@pytest.fixture
async def visitator(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("visitator")
    return signed_in


@pytest.fixture
async def birthe(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("patient-birthe")
    return signed_in


def filled(page: Browser, **changed: str) -> list[tuple[str, str]]:
    """The form of the page as it is filled in, with the consent ticked."""
    ticked = re.findall(r'name="(diagnose|behov)" value="([^"]+)" checked', page.html)
    receiver = re.search(r'<option value="([^"]+)" selected', page.html)
    fields = {name: page.field(name) for name in ("mark", "set", "tilbud", "slut")}
    fields |= {"modtager": receiver[1] if receiver else "", "ja": "ja", "handling": "send"}
    return [*((fields | changed).items()), *ticked]


def parts(page: Browser) -> str:
    """The slice of the page last seen, as it reads."""
    shown = page.html.split('<div class="slice-parts">')[1]
    return text_of(" ".join(re.findall(r"<section>.*?</section>", shown, re.S)[:6]))


def values(page: Browser) -> list[str]:
    """Every value, day, target and status of the slice; its names are plain for patients."""
    table = page.html.split('<div class="slice-parts">')[1].split("</table>")[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", table, re.S)
    return [text_of(re.sub(r"(<title[^>]*>)[^:<]*:", r"\1", cell)) for cell in cells]


async def referred(nurse: Browser) -> str:
    """Birthe is referred to the municipality; the address of the clinic's page of it."""
    await nurse.get(FORM)
    answer = await nurse.post(FORM, filled(nurse))
    assert answer.status_code == 303, nurse.text
    return str(answer.headers["location"]).partition("?")[0]


def id_of(page: str) -> str:
    return page.rpartition("/")[2]


async def test_the_form_is_filled_in_from_the_record_and_keeps_nothing(nurse: Browser, world: World) -> None:
    before = [await stored(world, kind, "birthe") for kind in ("ServiceRequest", "Task", "Consent")]
    await nurse.get(FORM)
    assert nurse.field("tilbud") == "Afklarende samtale"
    assert 'name="diagnose"' in nurse.html and "checked" in nurse.html
    assert "Det sender vi" in nurse.text and "Frist for svar: 5 hverdage." in nurse.text
    assert "HbA1c" in parts(nurse)
    await nurse.post(FORM, filled(nurse, handling="vis"))
    assert [await stored(world, kind, "birthe") for kind in ("ServiceRequest", "Task", "Consent")] == before


async def test_without_consent_the_form_comes_back_with_what_was_typed(nurse: Browser, world: World) -> None:
    before = await stored(world, "ServiceRequest", "birthe")
    await nurse.get(FORM)
    answer = await nurse.post(FORM, filled(nurse, ja="", aarsag="Vil gerne i gang"))
    assert answer.status_code == 422
    assert "Uden patientens ja bliver intet sendt." in nurse.text and "Vil gerne i gang" in nurse.html
    assert await stored(world, "ServiceRequest", "birthe") == before


async def test_a_changed_receiver_is_looked_at_before_it_is_sent(nurse: Browser, world: World) -> None:
    before = await stored(world, "ServiceRequest", "birthe")
    await nurse.get(FORM)
    others = re.findall(r'<option value="([^"]+)">', nurse.html.split('id="modtager"')[1].split("</select>")[0])
    answer = await nurse.post(FORM, filled(nurse, modtager=others[0]))
    assert answer.status_code == 422 and "Se på det, der bliver sendt" in nurse.text
    assert await stored(world, "ServiceRequest", "birthe") == before
    assert (await nurse.post(FORM, filled(nurse))).status_code == 303


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tilbud": ""}, "Skriv, hvad patienten henvises til."),
        ({"slut": "01.01.2020"}, "Skriv en dato efter i dag"),
        ({"modtager": "clinic-other"}, "Vælg en modtager."),
    ],
)
async def test_what_is_wrong_is_said_at_the_field(nurse: Browser, changed: dict[str, str], says: str) -> None:
    await nurse.get(FORM)
    assert (await nurse.post(FORM, filled(nurse, **changed))).status_code == 422
    assert says in nurse.text and 'aria-invalid="true"' in nurse.html


async def test_the_receiver_sees_exactly_the_preview(nurse: Browser, visitator: Browser) -> None:
    await nurse.get(FORM)
    shown = parts(nurse)
    assert (await nurse.post(FORM, filled(nurse))).status_code == 303
    await visitator.get("/borger/birthe")
    assert parts(visitator) == shown and "HbA1c" in shown


async def test_sent_twice_it_is_one_referral(nurse: Browser, world: World) -> None:
    before = len(await stored(world, "ServiceRequest", "birthe"))
    await nurse.get(FORM)
    fields = filled(nurse)
    first = await nurse.post(FORM, fields)
    second = await nurse.post(FORM, fields)
    assert first.headers["location"] == second.headers["location"]
    assert len(await stored(world, "ServiceRequest", "birthe")) == before + 1


async def test_the_clinic_follows_it_and_late_is_said(nurse: Browser, world: World) -> None:
    page = await referred(nurse)
    await nurse.get(page)
    assert "Modtaget" in nurse.text and "Inden for fristen" in nurse.text
    world.clock.forward(days=10)
    await nurse.sign_in("nurse")
    await nurse.get(page)
    assert "Overskredet" in nurse.text and "Ingen har svaret inden fristen" in nurse.text


async def test_a_question_is_answered_on_the_clinics_page_and_read_by_who_asked(
    nurse: Browser, visitator: Browser
) -> None:
    page = await referred(nurse)
    case = f"/borger/birthe/sag/{id_of(page)}"
    await visitator.get(f"{case}?trin=ask")
    await visitator.post(case, {"trin": "ask", "tekst": "Kan hun gå en kilometer?"})
    await visitator.get("/borger/birthe")
    assert "Kan hun gå en kilometer?" in visitator.text and "Klinikken har ikke svaret endnu." in visitator.text
    await nurse.get(page)
    assert "Kan hun gå en kilometer?" in nurse.text
    fields = {name: nurse.field(name) for name in ("spoergsmaal", "version")}
    assert (await nurse.post(page, {**fields, "tekst": " "})).status_code == 422
    assert (await nurse.post(page, {**fields, "tekst": "Ja, med stok."})).status_code == 303
    await visitator.get("/borger/birthe")
    assert "Ja, med stok." in visitator.text


async def test_taken_back_the_municipality_sees_nothing(nurse: Browser, visitator: Browser) -> None:
    page = await referred(nurse)
    assert (await visitator.get("/borger/birthe")).status_code == 200
    await nurse.get(page)
    assert (await nurse.post(page, {"version": "1", "aarsag": ""})).status_code == 422
    assert (await nurse.post(page, {"version": "1", "aarsag": "not-needed"})).status_code == 303
    assert (await visitator.get("/borger/birthe")).status_code == 403
    await nurse.get(page)
    assert "Trukket tilbage" in nurse.text and "Ikke længere nødvendigt" in nurse.text


async def test_a_stale_page_takes_nothing_back(nurse: Browser, visitator: Browser) -> None:
    page = await referred(nurse)
    await nurse.get(page)
    case = f"/borger/birthe/sag/{id_of(page)}"
    await visitator.get("/borger/birthe")
    await visitator.post(case, {"trin": "take", "version": "1"})
    assert (await nurse.post(page, {"version": "1", "aarsag": "not-needed"})).status_code == 409
    assert "Under visitation" in nurse.text


async def test_the_patient_sees_how_far_it_is_and_exactly_what_is_seen(
    nurse: Browser, visitator: Browser, birthe: Browser
) -> None:
    await birthe.get("/plan/kommune")
    page = await referred(nurse)
    await birthe.get("/plan/kommune")
    assert "●</span> Sendt" in birthe.html and "Du får svar" in birthe.text
    case = f"/borger/birthe/sag/{id_of(page)}"
    day = (ON + timedelta(days=9)).strftime("%d.%m.%Y")
    await visitator.get("/borger/birthe")
    for version, (step, more) in enumerate((("take", {}), ("accept", {}), ("book", {"dag": day})), start=1):
        answer = await visitator.post(case, {"trin": step, "version": str(version), **more})
        assert answer.status_code == 303, visitator.text
    await birthe.get("/plan/kommune")
    assert "Du har fået en tid." in birthe.text and f"Næste gang: {day}" in birthe.text
    await visitator.get("/borger/birthe")
    assert values(birthe) == values(visitator) != []
    for words in ("Derfor er du henvist", "Det vigtigste for mig", "Mit mål"):
        assert words in birthe.text
    assert "Henvisningsårsag" not in birthe.text and "Aftalt mål" not in birthe.text
    link = re.search(r'href="(/plan/adgang/henvisning/[^"]+)"', birthe.html)
    assert link is not None and (await birthe.get(link[1])).status_code == 200


@pytest.mark.parametrize(
    ("who", "says"),
    [("birthe", "Dit forløb er slut. De kan ikke længere se din plan."), ("carl", "De kan ikke se din plan.")],
)
async def test_the_patient_who_stops_the_sharing_is_told_that_nothing_is_seen(
    nurse: Browser, visitator: Browser, world: World, who: str, says: str
) -> None:
    """Birthe's referral was sent with her consent and ends with it; Carl's came without, and is blocked."""
    await referred(nurse)
    patient = Browser(world)
    await patient.sign_in(f"patient-{who}")
    await patient.get("/plan/kommune")
    link = re.search(r'href="(/plan/adgang/henvisning/[^"]+)"', patient.html)
    assert link is not None and (await visitator.get(f"/borger/{who}")).status_code == 200
    await patient.get(link[1])
    await patient.post(link[1], {})
    assert (await patient.post(link[1], {"bekraeft": "ja"})).status_code == 303, patient.text
    assert (await visitator.get(f"/borger/{who}")).status_code == 403
    await patient.get("/plan/kommune")
    assert says in patient.text and "slice-parts" not in patient.html


@pytest.mark.parametrize("path", [FORM, "/patient/birthe/henvisning/x", "/plan/kommune"])
async def test_the_municipality_opens_none_of_these(visitator: Browser, path: str) -> None:
    assert (await visitator.get(path)).status_code == 403


async def test_a_case_is_shown_under_its_own_patient_only(nurse: Browser) -> None:
    page = await referred(nurse)
    assert (await nurse.get(f"/patient/anna/henvisning/{id_of(page)}")).status_code == 403
