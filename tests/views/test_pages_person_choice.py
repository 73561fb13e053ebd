"""B1 «Hvem vil du se planen for?»: whose plan the pages show, and what a relative may do there."""

from page_house import Browser, World, stored

from careplan.fhir.query import Query
from careplan.interactions.audit.inquiry import entries_about
from careplan.interactions.write import delete

from .sharing import HANNE, relate, send, signed_in, trust


async def as_hanne(world: World, *, writes: bool = True) -> Browser:
    """Hanne, daughter of Dorte, who has chosen to see Dorte's plan."""
    await relate(world)
    await trust(world, writes=writes)
    hanne = await signed_in(world, "patient-hanne")
    await hanne.get("/plan/person")
    await send(hanne, "/plan/person", person=HANNE)
    return hanne


async def test_who_may_see_several_plans_is_asked_whose_before_any_is_shown(world: World) -> None:
    await relate(world)
    await trust(world)
    hanne = await signed_in(world, "patient-hanne")
    answer = await hanne.get("/plan")
    assert answer.headers["location"] == "/plan/person"
    await hanne.follow(answer)
    assert "Hvem vil du se planen for?" in hanne.text
    assert "Min egen plan" in hanne.text
    assert "Dorte Test Østergaard (fuldmagt til 22.11.2027)" in hanne.text


async def test_who_holds_no_power_of_attorney_is_asked_nothing(world: World) -> None:
    await relate(world)
    hanne = await signed_in(world, "patient-hanne")
    assert (await hanne.get("/plan")).status_code == 200


async def test_the_chosen_plan_is_shown_and_every_page_says_whose_it_is(world: World) -> None:
    hanne = await as_hanne(world)
    for path in (
        "/plan",
        "/plan/maaling/hba1c",
        "/plan/adgang",
        "/plan/vigtigst",
        "/plan/maaling/ukendt",
        "/hjaelp",
        "/tilgaengelighed",
    ):
        await hanne.get(path)
        assert "Du ser Dortes plan." in hanne.text, path
        assert 'href="/plan/person"' in hanne.html, path
    assert "/plan/person" in hanne.html
    await hanne.get("/plan")
    assert "/plan/maaling/hba1c" in hanne.html


async def test_one_goes_back_to_ones_own_plan(world: World) -> None:
    hanne = await as_hanne(world)
    await hanne.get("/plan/person")
    await send(hanne, "/plan/person", person="*")
    assert (await hanne.get("/plan")).status_code == 200
    assert "Du ser" not in hanne.text.partition("Min forløbsplan")[2]
    assert "Dorte" not in hanne.text


async def test_what_a_relative_writes_is_written_in_the_relatives_name(world: World) -> None:
    hanne = await as_hanne(world)
    await hanne.get("/plan/adgang")
    key = hanne.html.partition("/plan/adgang/undrer/")[2].partition('"')[0]
    await hanne.get(f"/plan/adgang/undrer/{key}")
    await send(hanne, f"/plan/adgang/undrer/{key}", ord="Hvad er det?", maerke=hanne.field("maerke"))
    assert "Vi har sendt dit spørgsmål" in hanne.text
    said = await world.house.store.search(Query("Communication", patient="dorte"))
    assert [one.body is not None and f'"RelatedPerson/{HANNE}"'.encode() in one.body for one in said.matches] == [True]


async def test_what_a_relative_writes_says_on_whose_behalf(world: World) -> None:
    hanne = await as_hanne(world)
    await hanne.get("/plan/vigtigst")
    await send(hanne, "/plan/vigtigst", ord="Gå tur med hunden")
    agents = [one["agent"][0] for one in await stored(world, "Provenance", "dorte")]
    (agent,) = (one for one in agents if one["who"].get("reference") == f"RelatedPerson/{HANNE}")
    assert agent["onBehalfOf"] == {"reference": "Patient/dorte"}


async def test_everything_a_relative_does_is_logged_in_the_patients_log_as_the_relatives(world: World) -> None:
    hanne = await as_hanne(world)
    await hanne.get("/plan")
    journal = world.house.journal
    assert journal is not None
    await journal.flush()
    entries = [one async for _, one in entries_about(world.house.store, "dorte", None)]
    assert {one["who"] for one in entries if one["do"].startswith("page/B2")} == {f"RelatedPerson/{HANNE}"}
    dorte = await signed_in(world, "patient-dorte")
    await dorte.get("/plan/adgang")
    assert "En, der hjælper dig · åbnede planen" in dorte.text


async def test_a_relative_who_only_reads_gets_no_form_and_is_told_so(world: World) -> None:
    hanne = await as_hanne(world, writes=False)
    await hanne.get("/plan")
    assert "Du kan læse, men ikke skrive." in hanne.text
    answer = await hanne.get("/plan/vigtigst")
    assert answer.status_code == 403
    assert "Din fuldmagt er kun til at læse. Intet er gemt." in hanne.text
    await hanne.get("/plan/adgang")
    assert "/plan/adgang/undrer/" not in hanne.html


async def test_a_relative_neither_gives_nor_takes_access(world: World) -> None:
    hanne = await as_hanne(world)
    for path in ("/plan/adgang/fuldmagt", "/plan/adgang/spaerring"):
        assert (await hanne.get(path)).status_code == 403, path
    assert "Giv en fuldmagt" not in hanne.text


async def test_a_form_opened_for_one_person_is_not_kept_for_another(world: World) -> None:
    hanne = await as_hanne(world)
    await hanne.get("/plan/vigtigst")
    dortes = hanne.token
    await hanne.get("/plan/person")
    await send(hanne, "/plan/person", person="*")
    answer = await hanne.post("/plan/vigtigst", {"ord": "Gå til kirken"}, token=dortes)
    assert answer.status_code == 403
    assert not (await world.house.store.search(Query("Goal", patient="hanne"))).matches


async def test_a_power_of_attorney_taken_back_meanwhile_ends_at_once_and_says_so(world: World) -> None:
    hanne = await as_hanne(world)
    await delete(world.context(), "Consent", f"fuldmagt-dorte-{HANNE}")
    world.clock.forward(seconds=3)
    answer = await hanne.get("/plan/maaling/hba1c")
    assert answer.status_code == 303
    await hanne.follow(answer)
    assert "Den fuldmagt gælder ikke længere. Vælg igen." in hanne.text
    assert "Dorte" not in hanne.text


async def test_a_power_of_attorney_past_its_day_is_not_offered(world: World) -> None:
    await relate(world)
    await trust(world, days=1)
    world.clock.forward(days=2)
    hanne = await signed_in(world, "patient-hanne")
    assert (await hanne.get("/plan")).status_code == 200


async def test_a_choice_that_was_never_offered_is_not_taken(world: World) -> None:
    await relate(world, "birthe", "fremmed", whose="anna")
    await trust(world, "birthe", "fremmed")
    hanne = await as_hanne(world)
    await hanne.get("/plan/person")
    await send(hanne, "/plan/person", person="fremmed")
    assert "Birthe" not in hanne.text
    await hanne.get("/plan/maaling/hba1c")
    assert "Du ser Dortes plan." in hanne.text


async def test_a_parent_is_told_to_be_one(world: World) -> None:
    parent = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH"}]}
    await relate(world, relationship=[parent])
    await trust(world)
    hanne = await signed_in(world, "patient-hanne")
    await hanne.get("/plan/person")
    assert "Dorte Test Østergaard (du er forælder, til 22.11.2027)" in hanne.text


async def test_no_number_and_no_name_stands_in_cookie_address_or_title(world: World) -> None:
    hanne = await as_hanne(world)
    version = await world.house.store.read("Patient", "dorte")
    assert version is not None
    assert hanne.last is not None
    cookie = " ".join(f"{name}={value}" for name, value in hanne.client.cookies.items())
    assert "dorte" not in cookie.lower()
    title = hanne.html.partition("<title>")[2].partition("</title>")[0]
    assert "Dorte" not in title


async def test_staff_do_not_choose_a_person(nurse: Browser) -> None:
    assert (await nurse.get("/plan/person")).status_code == 403
