"""B7 «Deling og adgang»: who can see the plan, relatives, blocks, what a referral shares, what one wonders about."""

import json
from typing import Any

import pytest
from page_house import Browser, World, stored

from careplan.domain.readability import readability

from .sharing import HANNE, relate, send, signed_in, trust, write

PAGE = "/plan/adgang"


def link(browser: Browser, part: str) -> str:
    """The address of the first link that goes there."""
    found = [one.partition('"')[0] for one in browser.html.split('href="')[1:]]
    return next(one for one in found if part in one)


async def consents(world: World, patient: str) -> list[dict[str, Any]]:
    return [one for one in await stored(world, "Consent", patient) if one["status"] == "active"]


async def test_the_sections_come_in_the_order_of_the_brief(world: World) -> None:
    carl = await signed_in(world, "patient-carl")
    await carl.get(PAGE)
    names = ("Hvem kan se min plan?", "Pårørende", "Hvem har set min plan?", "Spærring", "Når det hastede")
    places = [carl.html.index(f">{name}</h2>") for name in names]
    assert places == sorted(places)
    assert "<h1>Deling og adgang</h1>" in carl.html


async def test_clinic_and_referral_stand_with_purpose_and_end(world: World) -> None:
    carl = await signed_in(world, "patient-carl")
    await carl.get(PAGE)
    assert "Lægehuset Nord · din egen klinik · så længe du hører til der" in carl.text
    assert "Nordby Kommune, Forebyggelsescenter · henvist:" in carl.text


async def test_a_referral_names_exactly_what_it_shares(world: World) -> None:
    carl = await signed_in(world, "patient-carl")
    await carl.get(PAGE)
    await carl.get(link(carl, "/henvisning/"))
    assert "Nordby Kommune, Forebyggelsescenter kan se disse dele af din plan" in carl.text
    for part in ("Hvem du er", "Hvorfor du er henvist", "Tal, mål og udvikling", "De kan ikke se andet."):
        assert part in carl.text
    assert "KOL" in carl.text


async def test_the_patient_ends_what_a_referral_shares_after_reading_what_follows(world: World) -> None:
    carl, visitator = await signed_in(world, "patient-carl"), await signed_in(world, "visitator")
    assert (await visitator.get("/borger/carl")).status_code == 200
    await carl.get(PAGE)
    address = link(carl, "/henvisning/")
    await carl.get(address)
    await carl.post(address, {})
    assert "kan ikke se din plan mere. Det gælder med det samme." in carl.text
    assert (await visitator.get("/borger/carl")).status_code == 200
    await send(carl, address, bekraeft="ja")
    assert "Du deler ikke mere." in carl.text
    assert (await visitator.get("/borger/carl")).status_code == 403


async def test_a_patient_gives_a_relative_a_power_of_attorney(world: World) -> None:
    await relate(world)
    dorte = await signed_in(world, "patient-dorte")
    await dorte.get(f"{PAGE}/fuldmagt")
    assert "Hanne Test Friis (datter)" in dorte.text
    filled = {"paaroerende": HANNE, "ret": "skriv", "til": "01.06.2027"}
    await dorte.post(f"{PAGE}/fuldmagt", filled)
    assert "Hanne Test Friis (datter) kan se din plan til og med 01.06.2027." in dorte.text
    assert await consents(world, "dorte") == []
    await send(dorte, f"{PAGE}/fuldmagt", **filled, bekraeft="ja")
    assert "Hanne Test Friis (datter) · må læse og skrive · til og med 01.06.2027" in dorte.text
    hanne = await signed_in(world, "patient-hanne")
    await hanne.get("/plan/person")
    assert "Dorte Test Østergaard (fuldmagt til 01.06.2027)" in hanne.text


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("paaroerende", "somebody-else", "Vælg, hvem der får fuldmagt."),
        ("ret", "", "Vælg, hvad de må."),
        ("til", "31.02.2027", "Skriv en dag, fx 01.06.2027."),
        ("til", "01.06.2026", "Dagen er gået."),
        ("til", "01.06.2099", "Det er for længe. Vælg en dag inden for 5 år."),
    ],
)
async def test_a_power_of_attorney_that_makes_no_sense_is_refused_and_nothing_typed_is_lost(
    world: World, field: str, value: str, says: str
) -> None:
    await relate(world)
    dorte = await signed_in(world, "patient-dorte")
    await dorte.get(f"{PAGE}/fuldmagt")
    filled = {"paaroerende": HANNE, "ret": "laes", "til": "01.06.2027"} | {field: value}
    answer = await dorte.post(f"{PAGE}/fuldmagt", {**filled, "bekraeft": "ja"})
    assert answer.status_code == 422
    assert f'<a href="#{field}">{says}' in dorte.html
    assert await consents(world, "dorte") == []
    assert dorte.field("til") == filled["til"]


async def test_a_power_of_attorney_is_taken_back_with_its_consequence_told(world: World) -> None:
    await relate(world)
    id = await trust(world)
    dorte = await signed_in(world, "patient-dorte")
    await dorte.get(PAGE)
    await dorte.get(link(dorte, "/stop"))
    assert "Hanne Test Friis (datter) kan ikke se din plan mere. Det gælder med det samme." in dorte.text
    await send(dorte, f"{PAGE}/fuldmagt/{id}/stop", bekraeft="ja")
    assert "Fuldmagten er stoppet." in dorte.text
    assert "Ingen pårørende kan se din plan." in dorte.text
    await send(dorte, f"{PAGE}/fuldmagt/{id}/stop", bekraeft="ja")
    assert "Det er allerede stoppet." in dorte.text


async def test_a_power_of_attorney_past_its_day_is_told_to_be_over(world: World) -> None:
    await relate(world)
    id = await trust(world, days=1)
    world.clock.forward(days=3)
    dorte = await signed_in(world, "patient-dorte")
    await dorte.follow(await dorte.get(f"{PAGE}/fuldmagt/{id}/stop"))
    assert "Det er allerede stoppet." in dorte.text
    assert "Hanne" not in dorte.text


async def test_nobody_ends_what_another_has_agreed_to(world: World) -> None:
    await relate(world)
    id = await trust(world)
    birthe = await signed_in(world, "patient-birthe")
    await birthe.get(PAGE)
    for path in (f"{PAGE}/fuldmagt/{id}/stop", f"{PAGE}/spaerring/{id}/ophaev", f"{PAGE}/fuldmagt/none/stop"):
        assert (await birthe.get(path)).status_code == 403, path
        await birthe.get(PAGE + "/spaerring")
        assert (await birthe.post(path, {"bekraeft": "ja"})).status_code == 403, path
    dorte = await signed_in(world, "patient-dorte")
    assert (await dorte.get(f"{PAGE}/spaerring/{id}/ophaev")).status_code == 404
    assert len(await consents(world, "dorte")) == 1


async def test_what_the_clinic_wrote_down_is_for_the_clinic_to_end(world: World) -> None:
    await relate(world)
    id = await trust(world)
    (consent,) = await consents(world, "dorte")
    await write(world, {**consent, "performer": [{"reference": "Organization/clinic-own"}]})
    dorte = await signed_in(world, "patient-dorte")
    await dorte.get(PAGE)
    assert "Klinikken har skrevet det. Ring til dem, hvis det skal væk." in dorte.text
    assert f"/fuldmagt/{id}/stop" not in dorte.html
    await dorte.get(f"{PAGE}/spaerring")
    assert (await dorte.post(f"{PAGE}/fuldmagt/{id}/stop", {"bekraeft": "ja"})).status_code == 403


async def test_a_member_of_staff_is_blocked_and_let_in_again(world: World, nurse: Browser) -> None:
    anna = await signed_in(world, "patient-anna")
    await anna.get(f"{PAGE}/spaerring")
    filled = {"hvem": "PractitionerRole/sygeplejerske-own", "hvad": "all"}
    await anna.post(f"{PAGE}/spaerring", filled)
    who = "Lars Test Krogh, praksissygeplejerske, Lægehuset Nord"
    assert f"{who} kan ikke se dette: Alt i min plan." in anna.text
    assert "Det er din egen klinik" not in anna.text
    assert (await nurse.get("/patient/anna/aarskontrol")).status_code == 200
    await send(anna, f"{PAGE}/spaerring", **filled, bekraeft="ja")
    assert f"{who} · Alt i min plan" in anna.text
    assert (await nurse.get("/patient/anna/aarskontrol")).status_code == 403
    doctor = await signed_in(world, "doctor")
    assert (await doctor.get("/patient/anna/aarskontrol")).status_code == 200
    address = link(anna, "/ophaev")
    await anna.get(address)
    assert f"{who} kan se dette igen" in anna.text
    await send(anna, address, bekraeft="ja")
    assert "Du har ikke spærret for nogen." in anna.text
    assert (await nurse.get("/patient/anna/aarskontrol")).status_code == 200
    await send(anna, address, bekraeft="ja")
    assert "Spærringen er allerede væk." in anna.text


async def test_blocking_ones_own_clinic_says_what_that_means(world: World) -> None:
    anna = await signed_in(world, "patient-anna")
    await anna.get(f"{PAGE}/spaerring")
    await anna.post(f"{PAGE}/spaerring", {"hvem": "Organization/clinic-own", "hvad": "all"})
    assert "Det er din egen klinik. De kan så ikke hjælpe dig med planen." in anna.text


async def test_a_kind_of_data_is_blocked_and_the_rest_stays_open(world: World, nurse: Browser) -> None:
    anna = await signed_in(world, "patient-anna")
    await anna.get(f"{PAGE}/spaerring")
    await send(anna, f"{PAGE}/spaerring", hvem="Organization/clinic-own", hvad="medicine", bekraeft="ja")
    assert "Lægehuset Nord · Min medicin" in anna.text
    await nurse.get("/patient/anna/aarskontrol")
    assert nurse.last is not None
    assert nurse.last.status_code == 200
    (consent,) = await consents(world, "anna")
    assert [one["code"] for one in consent["provision"]["class"]] == ["MedicationStatement"]


@pytest.mark.parametrize(
    ("who", "what", "field"),
    [("", "all", "hvem"), ("Organization/nobody", "all", "hvem"), ("Organization/clinic-own", "mind", "hvad")],
)
async def test_a_block_of_nobody_or_of_nothing_is_refused(world: World, who: str, what: str, field: str) -> None:
    anna = await signed_in(world, "patient-anna")
    await anna.get(f"{PAGE}/spaerring")
    answer = await anna.post(f"{PAGE}/spaerring", {"hvem": who, "hvad": what, "bekraeft": "ja"})
    assert answer.status_code == 422
    assert f'href="#{field}"' in anna.html
    assert await consents(world, "anna") == []


async def test_a_patient_asks_the_clinic_about_a_line_of_the_log(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    anna = await signed_in(world, "patient-anna")
    await anna.get(PAGE)
    address = link(anna, "/undrer/")
    await anna.get(address)
    told = "22.11.2026 · "
    assert told in anna.text
    assert (await anna.post(address, {"ord": "", "maerke": "m"})).status_code == 422
    await anna.get(address)
    mark, token = anna.field("maerke"), anna.token
    for _ in range(2):
        answer = await anna.post(address, {"ord": "Hvorfor åbnede I den?", "maerke": mark}, token=token)
        assert answer.status_code == 303
    await anna.follow(answer)
    assert "Vi har sendt dit spørgsmål. Klinikken svarer dig." in anna.text
    (said,) = await stored(world, "Communication", "anna")
    text = json.dumps(said, ensure_ascii=False)
    assert "Hvorfor åbnede I den?" in text
    assert told in text
    assert "access-question" in text


async def test_a_line_that_is_not_on_ones_own_list_is_not_found(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    anna = await signed_in(world, "patient-anna")
    await anna.get(PAGE)
    address = link(anna, "/undrer/")
    birthe = await signed_in(world, "patient-birthe")
    none = "0" * 20
    for path in (address, *(f"{PAGE}/undrer/{one}" for one in (f"20261122-{none}", f"99999999-{none}", "x"))):
        assert (await birthe.get(path)).status_code == 404, path


async def test_what_follows_from_giving_and_blocking_reads_easily(world: World) -> None:
    await relate(world)
    dorte = await signed_in(world, "patient-dorte")
    await dorte.get(f"{PAGE}/fuldmagt")
    await dorte.post(f"{PAGE}/fuldmagt", {"paaroerende": HANNE, "ret": "skriv", "til": "01.06.2027"})
    said = dorte.text[dorte.text.index("Hanne Test Friis (datter) kan") : dorte.text.index("Ja, giv fuldmagt")]
    assert readability(said.replace("(datter)", "")).lix <= 34


async def test_staff_open_none_of_the_forms(nurse: Browser) -> None:
    for path in ("fuldmagt", "spaerring", "henvisning/x", "undrer/x", "fuldmagt/x/stop", "spaerring/x/ophaev"):
        assert (await nurse.get(f"{PAGE}/{path}")).status_code == 403, path
