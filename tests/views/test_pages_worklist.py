"""C1 and C3: who is to be called in, who should have a plan, and making one."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from page_house import CAST, ON, Browser, World

from careplan.fhir.goal import find_deviation, is_active, with_deviation
from careplan.fhir.query import Query
from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.operations.asked import Asked
from careplan.interactions.operations.eligible import eligible
from careplan.interactions.operations.establish import make_plans
from careplan.interactions.worklist import STATES, candidates, read_worklist
from careplan.interactions.write import update
from careplan.views import worklist


async def count(world: World, kind: str, patient: str) -> int:
    return len((await world.house.store.search(Query(kind, patient=patient, count=1000))).matches)


def names(browser: Browser) -> list[str]:
    return re.findall(r'<tr><th scope="row">(?:<label.*?</label>)?([^<]+)', browser.html)


async def test_the_tabs_count_patients(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste")
    tabs = re.findall(r'fane=([\w-]+)"[^>]*>([^<]+) <span class="count">(\d+)</span>', nurse.html)
    assert [label for _, label, _ in tabs] == [
        "Skal indkaldes",
        "Klar til årskontrol",
        "Mangler svar",
        "Egnet, men uden plan",
        "Fra kommunen",
        "Uden ansvarlig",
        "Udløbne mål",
        "I orden",
        "Fravalgt",
    ]
    for key, _, number in tabs:
        await nurse.get(f"/arbejdsliste?fane={key}")
        assert len(names(nurse)) == int(number)


@pytest.mark.parametrize(
    ("tab", "name", "step", "link"),
    [
        ("egnet", "Anna Test Jensen", "Opret plan", "/patient/anna/opret-plan"),
        ("i-orden", "Birthe Test Nielsen", "Se plan", "/patient/birthe/aarskontrol"),
    ],
)
async def test_each_row_has_one_button_for_the_next_step(
    nurse: Browser, tab: str, name: str, step: str, link: str
) -> None:
    await nurse.get(f"/arbejdsliste?fane={tab}")
    rows = [part.split("</tr>")[0] for part in nurse.html.split("<tr>")[2:]]
    assert all(part.count('class="button') == 1 for part in rows)
    (own,) = [part for part in rows if name in part]
    assert f'href="{link}">{step}<' in own


def row_of(browser: Browser, name: str) -> str:
    (own,) = [part.split("</tr>")[0] for part in browser.html.split("<tr>")[2:] if name in part.split("</tr>")[0]]
    return own


async def test_who_is_overdue_is_called_in_from_the_row_and_then_seen(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste?fane=indkaldes")
    own = row_of(nurse, "Carl Test Mortensen")
    assert own.count('class="button') == 1
    assert '<button class="button small" name="gor" value="indkald">Indkald<' in own
    await nurse.post("/arbejdsliste/valgte", {"fane": "indkaldes", "side": "1", "patient": "carl", "gor": "indkald"})
    assert "Indkaldt: 1." in nurse.text
    own = row_of(nurse, "Carl Test Mortensen")
    assert own.count('class="button') == 1
    assert '<a class="button small" href="/patient/carl/aarskontrol">Hold årskontrol<' in own


@pytest.mark.parametrize(
    ("tab", "name", "status"),
    [
        ("indkaldes", "Carl Test Mortensen", '<span class="status out"><span aria-hidden="true">▲</span> Over frist'),
        ("i-orden", "Birthe Test Nielsen", '<span class="status in"><span aria-hidden="true">✓</span> I orden'),
    ],
)
async def test_a_status_has_an_icon_a_word_and_a_colour(nurse: Browser, tab: str, name: str, status: str) -> None:
    await nurse.get(f"/arbejdsliste?fane={tab}")
    assert status in row_of(nurse, name)


async def test_who_stands_before_others_is_told_why(world: World) -> None:
    world.clock.forward(days=500)
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    found = (await read_worklist(world.context("nurse"), "clinic-own")).of_state("overdue")
    ahead = {one.version.id for one in found if one.ahead}
    await nurse.get("/arbejdsliste?fane=indkaldes")
    assert nurse.text.count("kontroller bliver oftest glemt ved KOL og Type 2-diabetes sammen") == len(ahead) > 0


async def test_who_has_no_plan_is_listed_with_the_rule_that_says_so(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste?fane=egnet")
    (own,) = [part for part in nurse.html.split("<tr>") if "Anna Test Jensen" in part]
    assert "Iskæmisk hjertesygdom (K74, K75 eller K76) stillet efter det fyldte 18. år" in own


async def test_an_empty_list_says_that_all_is_done(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste?fane=fravalgt")
    assert "Ingen har fravalgt en plan." in nurse.text and "<table" not in nurse.html


# ── individual targets that ran out ──────────────────────────────────────────────────────────────


async def lapsing(world: World, until: date) -> tuple[str, str]:
    """The one active Goal of the cast's with an individual target, which now holds until a day: patient, id."""
    found = []
    for version in (await world.house.store.search(Query("Goal", patients=frozenset(CAST), count=1000))).matches:
        goal = parse(version.body or b"")
        if is_active(goal) and (deviation := find_deviation(goal)) is not None:
            found.append((version, with_deviation(goal, replace(deviation, valid_until=until))))
    version, goal = found[0]
    await update(world.context(), "Goal", version.id, read_text(dump(goal)))
    return str(version.patient), version.id


@pytest.mark.parametrize(("days", "listed"), [(-1, True), (0, False), (1, False)])
async def test_an_individual_target_comes_back_the_day_after_its_last(
    nurse: Browser, world: World, days: int, listed: bool
) -> None:
    patient, goal = await lapsing(world, ON + timedelta(days=days))
    await nurse.get("/arbejdsliste?fane=maal")
    rows = [part for part in nurse.html.split("<tr>") if CAST[patient] in part]
    assert bool(rows) == listed
    if listed:
        assert f'href="/patient/{patient}/maal/{goal}">Se på individuelt mål igen<' in rows[0]
        assert "individuelt mål gjaldt til 21.11.2026" in rows[0] and "1 dage over" in rows[0]
        assert "<td>Type 2-diabetes" in rows[0]
        await nurse.get(f"/patient/{patient}/maal/{goal}")
        assert nurse.last is not None and nurse.last.status_code == 200


# ── fravalg ──────────────────────────────────────────────────────────────────────────────────────

DECLINE = "/patient/anna/fravalg"


async def declined(nurse: Browser, **fields: str) -> int:
    """Send the form; what answers."""
    await nurse.get(DECLINE)
    return (await nurse.post(DECLINE, {"plan": "hjerte", "aarsag": "patient-wish", **fields})).status_code


async def test_a_plan_is_turned_down_from_its_row_and_taken_back(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste?fane=egnet")
    assert f'href="{DECLINE}">Fravælg<' in nurse.html
    assert await declined(nurse, tekst="Vil tænke over det", igen="01.03.2027") == 303
    assert nurse.last is not None
    await nurse.follow(nurse.last)
    assert "Planen er fravalgt." in nurse.text and "Anna Test Jensen" not in names(nurse)
    await nurse.get("/arbejdsliste?fane=fravalgt")
    assert names(nurse) == ["Anna Test Jensen"]
    assert "Ønsker ikke plan – Vil tænke over det" in nurse.text and "Spørg igen 01.03.2027" in nurse.text
    answer = await nurse.post("/patient/anna/fravalg/hjerte/fortryd", {})
    await nurse.follow(answer)
    assert "Fravalget er fortrudt." in nurse.text and names(nurse) == []
    await nurse.get("/arbejdsliste?fane=egnet")
    assert "Anna Test Jensen" in names(nurse)


async def test_taking_back_twice_does_no_harm(nurse: Browser) -> None:
    await declined(nurse)
    await nurse.get("/arbejdsliste?fane=fravalgt")
    for _ in range(2):
        assert (await nurse.post("/patient/anna/fravalg/hjerte/fortryd", {})).status_code == 303


@pytest.mark.parametrize(
    ("fields", "says", "field"),
    [
        ({"aarsag": ""}, "Vælg en årsag.", "aarsag"),
        ({"aarsag": "other"}, "Skriv en begrundelse, når årsagen er «Andet».", "tekst"),
        ({"igen": "22.11.2026"}, "Skriv en dato efter i dag", "igen"),
        ({"igen": "i morgen"}, "Skriv en dato efter i dag", "igen"),
        ({"plan": "gigt"}, "Vælg mindst én plan.", "plan"),
    ],
)
async def test_what_is_wrong_in_the_form_is_said_and_linked(
    nurse: Browser, world: World, fields: dict[str, str], says: str, field: str
) -> None:
    before = await count(world, "Task", "anna")
    assert await declined(nurse, **fields) == 422
    summary = nurse.html.split('class="errors"')[1].split("</div>")[0]
    assert says in summary and f'href="#{field}"' in summary and f'id="{field}"' in nurse.html
    assert await count(world, "Task", "anna") == before


async def test_who_has_nothing_to_turn_down_is_told_so(nurse: Browser) -> None:
    await declined(nurse)
    await nurse.get(DECLINE)
    assert "Der er ingen plan at fravælge" in nurse.text


async def test_making_a_plan_that_was_turned_down_takes_it_off_that_list(nurse: Browser, world: World) -> None:
    await declined(nurse)
    await make_plans(world.context("nurse"), "anna", [world.house.knowledge.plans["hjerte"]])
    await nurse.get("/arbejdsliste?fane=fravalgt")
    assert names(nurse) == []


async def test_the_page_the_operation_and_the_command_list_the_same(nurse: Browser, world: World) -> None:
    await declined(nurse)
    for key, state in worklist.TABS.items():
        if state in STATES:
            await nurse.get(f"/arbejdsliste?fane={key}")
            context = world.context("nurse")
            answer = parse(await eligible(context, Asked(values={"state": [state], "_count": ["100"]})))
            asked = [one["resource"]["id"] for one in answer.get("entry", ())]
            listed = await candidates(context, None, state=state)
            assert list(dict.fromkeys(one.version.id for one in listed)) == asked
            shown = re.findall(
                r'href="/patient/([\w-]+)/(?:aarskontrol|opret-plan)"|/patient/([\w-]+)/fravalg/', nurse.html
            )
            assert [one or other for one, other in shown] == asked[: worklist.ROWS]


async def test_an_overdue_plan_says_how_many_days(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste?fane=indkaldes")
    assert re.search(
        r"Carl Test Mortensen 66 år KOL Indkald Carl Test Mortensen Hold årskontrol Carl Test Mortensen \d+ dage over",
        nurse.text,
    )


async def test_the_columns_are_the_briefs(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste?fane=i-orden")
    wanted = ["Patient", "Planer", "Næste skridt", "Frist (dage)", "Ansvarlig", "Status", "Sidste kontrol"]
    assert re.findall(r'<th scope="col">([^<]+)</th>', nurse.html) == wanted


async def find(browser: Browser, name: str) -> None:
    await browser.get("/arbejdsliste")
    assert (await browser.post("/arbejdsliste", {"navn": name})).status_code == 200


async def test_a_search_finds_everybody_of_the_clinic_by_name(nurse: Browser) -> None:
    await find(nurse, "hanne FRIIS")
    assert names(nurse) == ["Hanne Test Friis"]
    assert "Ingen plan" in nurse.text
    await find(nurse, "østerg")
    assert names(nurse) == ["Dorte Test Østergaard"]
    await find(nurse, "zzz")
    assert "Ingen patienter passer til «zzz»." in nurse.text


async def test_a_name_that_is_searched_for_stands_in_no_address(
    nurse: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worklist, "ROWS", 2)
    await find(nurse, "test")
    assert nurse.last is not None and str(nurse.last.url) == "http://test/arbejdsliste"
    assert re.search(r'<form class="search" method="post" action="/arbejdsliste"', nurse.html)
    assert not re.search(r'(href|action)="[^"]*navn', nurse.html)
    await nurse.get("/arbejdsliste?navn=hanne")
    assert nurse.field("navn") == "" and "Navne med" not in nurse.text


async def test_the_pages_of_a_search_are_turned_by_a_form(nurse: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklist, "ROWS", 2)
    await find(nurse, "test")
    first = names(nurse)
    assert "Side 1 af" in nurse.text and "Forrige" not in nurse.text
    turned = nurse.html.split('class="pager"')[1].split("</form>")[0]
    assert re.findall(r'<button class="quiet" name="side" value="(\d+)">Næste</button>', turned) == ["2"]
    await nurse.post("/arbejdsliste", {"navn": nurse.field("navn"), "side": "2"})
    assert "Side 2 af" in nurse.text and "Forrige" in nurse.text
    assert len(names(nurse)) == 2 and not set(names(nurse)) & set(first)
    assert nurse.field("navn") == "test"


async def test_a_search_is_taken_from_our_own_page_alone(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste")
    answer = await nurse.post("/arbejdsliste", {"navn": "hanne"}, token="another")
    assert answer.status_code in (400, 403) and "Hanne" not in nurse.text


async def test_a_long_list_is_cut_into_pages(nurse: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklist, "ROWS", 2)
    await nurse.get("/arbejdsliste?fane=i-orden")
    first = names(nurse)
    assert len(first) == 2 and "Side 1 af" in nurse.text and "Forrige" not in nurse.text
    following = re.search(r'rel="next" href="([^"]+)"', nurse.html)
    assert following is not None
    await nurse.get(following[1].replace("&amp;", "&"))
    assert "Side 2 af" in nurse.text and not set(names(nurse)) & set(first)
    await nurse.get("/arbejdsliste?fane=i-orden&side=9999")
    assert "Næste" not in nurse.text.split("Side ")[1]


async def test_when_all_is_done_the_next_deadline_is_told(nurse: Browser, world: World) -> None:
    world.clock.forward(days=-400)
    await nurse.sign_in("nurse")
    await nurse.get("/arbejdsliste?fane=indkaldes")
    assert re.search(r"Alt er gjort\. Næste frist: \d\d\.\d\d\.\d{4}\.", nurse.text)


# ── opret plan ───────────────────────────────────────────────────────────────────────────────────

PAGE = "/patient/anna/opret-plan"


def shown(browser: Browser) -> list[tuple[str, str]]:
    """What the preview offered, as its form carries it."""
    return [("vist", one) for one in re.findall(r'name="vist" value="([^"]+)"', browser.html)]


async def test_eligible_templates_are_chosen_already_with_the_reason(nurse: Browser) -> None:
    await nurse.get(PAGE)
    assert re.findall(r'name="plan" value="(\w+)" checked', nurse.html) == ["hjerte"]
    assert "Iskæmisk hjertesygdom" in nurse.text and "alder: 58" in nurse.text
    assert "Reglerne finder ikke patienten egnet" in nurse.text


async def test_a_plan_outside_the_rules_tells_every_rule_that_would_have_fit(nurse: Browser) -> None:
    await nurse.get("/patient/erik/opret-plan")
    said = nurse.text.split("Forløbsplan for hjertesygdom")[1].split("Forløbsplan for")[0]
    assert "Iskæmisk hjertesygdom (K74, K75 eller K76)" in said
    assert "Eller: Hypertension (K86 eller K87) eller lipidforstyrrelse (T93)" in said


async def test_the_preview_shows_everything_and_keeps_nothing(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    before = [await count(world, kind, "anna") for kind in ("CarePlan", "Goal", "Task")]
    await nurse.post(PAGE, {"plan": "hjerte", "trin": "forhaandsvis"})
    for words in ("LDL-kolesterol", "under 1,4", "Årskontrol", "22.11.2027", "Slået sammen"):
        assert words in nurse.text
    assert [await count(world, kind, "anna") for kind in ("CarePlan", "Goal", "Task")] == before


async def test_several_templates_are_merged_and_the_merge_is_listed(nurse: Browser) -> None:
    await nurse.get(PAGE)
    fields = [("plan", "hjerte"), ("plan", "diabetes"), ("begrundelse", "Prædiabetes"), ("trin", "forhaandsvis")]
    await nurse.post(PAGE, fields)
    merged = nurse.text.split("Slået sammen")[1]
    assert re.search(r"LDL-kolesterol: slået sammen for [^.]*Hjertesygdom", merged)
    assert "Type 2-diabetes" in merged.split("LDL-kolesterol")[1][:80]


async def test_the_plan_is_made_when_it_is_confirmed(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    await nurse.post(PAGE, {"plan": "hjerte", "trin": "forhaandsvis"})
    kept = [("med", id) for id in re.findall(r'name="med" value="([\w-]+)" aria-label="[^"]+" checked', nurse.html)]
    answer = await nurse.post(PAGE, [("plan", "hjerte"), *shown(nurse), *kept, ("trin", "opret")])
    assert answer.headers["location"] == "/patient/anna/aarskontrol?besked=plan"
    await nurse.follow(answer)
    assert "Planen er oprettet." in nurse.text and "LDL-kolesterol" in nurse.text
    patient = Browser(world)
    await patient.sign_in("patient-anna")
    assert "Lars Test Krogh lavede din plan den 22.11.2026." in patient.text


async def test_what_is_unticked_is_left_out_and_needs_a_reason(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    await nurse.post(PAGE, {"plan": "hjerte", "trin": "forhaandsvis"})
    every = re.findall(r'name="med" value="([\w-]+)"', nurse.html)
    kept = [*shown(nurse), *(("med", id) for id in every if id not in ("bmi", "motion"))]
    answer = await nurse.post(PAGE, [("plan", "hjerte"), *kept, ("trin", "opret")])
    assert answer.status_code == 422 and "Skriv, hvorfor noget er valgt fra." in nurse.text
    assert re.search(r'value="bmi" aria-label="[^"]+"></td>', nurse.html)
    answer = await nurse.post(PAGE, [("plan", "hjerte"), *kept, ("fravalg", "Ønsker det ikke"), ("trin", "opret")])
    assert answer.status_code == 303
    patient = Browser(world)
    await patient.sign_in("patient-anna")
    assert 'id="m-bmi"' not in patient.html and 'id="m-ldl"' in patient.html
    assert "Rør dig hver dag" not in patient.text


async def test_a_plan_of_which_nothing_is_kept_is_not_made(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    await nurse.post(PAGE, {"plan": "hjerte", "trin": "forhaandsvis"})
    answer = await nurse.post(PAGE, [("plan", "hjerte"), *shown(nurse), ("fravalg", "Nej tak"), ("trin", "opret")])
    assert answer.status_code == 422 and "Der er ikke noget tilbage af planen." in nurse.text
    assert await count(world, "CarePlan", "anna") == 0


@pytest.mark.parametrize("forget", [False, True])
async def test_other_targets_than_were_shown_are_shown_again_before_they_are_made(
    nurse: Browser, world: World, forget: bool
) -> None:
    await nurse.get(PAGE)
    await nurse.post(PAGE, {"plan": "hjerte", "trin": "forhaandsvis"})
    old = [] if forget else [(name, one.replace("/LDL-04/", "/LDL-05/")) for name, one in shown(nurse)]
    kept = [("med", id) for id in re.findall(r'name="med" value="([\w-]+)"', nurse.html) if id != "bmi"]
    answer = await nurse.post(PAGE, [("plan", "hjerte"), *old, *kept, ("fravalg", "Nej"), ("trin", "opret")])
    assert answer.status_code == 409 and "siden du så forhåndsvisningen. Intet er oprettet." in nurse.text
    assert await count(world, "CarePlan", "anna") == 0
    assert bool(re.search(r'value="bmi" aria-label="[^"]+" checked', nurse.html)) == forget
    answer = await nurse.post(PAGE, [("plan", "hjerte"), *shown(nurse), *kept, ("fravalg", "Nej"), ("trin", "opret")])
    assert answer.status_code == 303


async def test_a_plan_outside_the_rules_needs_a_reason(nurse: Browser) -> None:
    await nurse.get(PAGE)
    answer = await nurse.post(PAGE, {"plan": "kol", "trin": "forhaandsvis"})
    assert answer.status_code == 422
    assert "reglerne finder ikke patienten egnet til KOL" in nurse.text
    assert 'href="#begrundelse"' in nurse.html


async def test_nothing_chosen_is_said(nurse: Browser) -> None:
    await nurse.get(PAGE)
    answer = await nurse.post(PAGE, {"trin": "forhaandsvis"})
    assert answer.status_code == 422 and "Vælg mindst en skabelon." in nurse.text


async def test_a_plan_there_is_cannot_be_chosen_again(nurse: Browser) -> None:
    await nurse.get("/patient/birthe/opret-plan")
    assert len(re.findall(r'name="plan" value="\w+" disabled', nurse.html)) == 3
    assert re.search(r"Patienten har allerede en aktiv plan\. Sidst gemt \d\d\.\d\d\.2026\.", nurse.text)


async def test_a_plan_made_meanwhile_is_not_made_twice(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    await nurse.post(PAGE, {"plan": "hjerte", "trin": "forhaandsvis"})
    kept = [("med", id) for id in re.findall(r'name="med" value="([\w-]+)"', nurse.html)]
    await make_plans(world.context("doctor"), "anna", [world.house.knowledge.plans["hjerte"]])
    answer = await nurse.post(PAGE, [("plan", "hjerte"), *kept, ("trin", "opret")])
    assert answer.status_code == 422
    assert "Patienten har allerede en aktiv plan" in nurse.text
    assert await count(world, "CarePlan", "anna") == 1


async def test_going_back_keeps_the_choice(nurse: Browser) -> None:
    await nurse.get(PAGE)
    await nurse.post(PAGE, [("plan", "kol"), ("begrundelse", "Efter samtale"), ("trin", "tilbage")])
    assert re.findall(r'name="plan" value="(\w+)" checked', nurse.html) == ["kol"]
    assert nurse.field("begrundelse") == "Efter samtale"


# ── several at once, and filters ─────────────────────────────────────────────────────────────────


async def test_those_who_are_ticked_are_called_in_and_the_list_says_so(nurse: Browser, world: World) -> None:
    await nurse.get("/arbejdsliste?fane=indkaldes")
    assert 'form="valgte" name="patient" value="carl"' in nurse.html
    await nurse.post("/arbejdsliste/valgte", {"fane": "indkaldes", "gor": "indkald", "patient": "carl"})
    assert "Indkaldt: 1." in nurse.text and "indkaldt 22.11.2026" in nurse.text
    await nurse.post("/arbejdsliste/valgte", {"fane": "indkaldes", "gor": "indkald", "patient": "carl"})
    assert "Var indkaldt i forvejen: 1." in nurse.text


async def test_who_cannot_be_called_in_is_named_with_the_reason(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste")
    await nurse.post("/arbejdsliste/valgte", [("gor", "indkald"), ("patient", "hanne"), ("patient", "unknown-one")])
    assert "Hanne Test Friis: Patienten har ingen aktiv plan." in nurse.text
    assert "Ikke fundet i klinikken: 1." in nurse.text


async def test_more_than_a_page_of_patients_is_refused_with_a_sentence(nurse: Browser, world: World) -> None:
    chosen = [("patient", "carl"), *(("patient", f"p{n}") for n in range(25))]
    answer = await nurse.post("/arbejdsliste/valgte", [("fane", "indkaldes"), ("gor", "indkald"), *chosen])
    assert answer.status_code == 422 and "Vælg højst 25 patienter ad gangen." in nurse.text
    assert "indkaldt 22.11.2026" not in nurse.text


async def test_patients_nobody_knows_are_counted_in_one_sentence(nurse: Browser) -> None:
    chosen = [("patient", one) for one in ("carl", "nobody", "nobody-else")]
    await nurse.post("/arbejdsliste/valgte", [("fane", "indkaldes"), ("gor", "indkald"), *chosen])
    assert "Indkaldt: 1." in nurse.text and "Ikke fundet i klinikken: 2." in nurse.text
    assert " : " not in nurse.text.split("Indkaldt: 1.")[1].split("Ikke fundet")[0]


async def test_nobody_ticked_is_said_and_nothing_happens(nurse: Browser, world: World) -> None:
    before = await count(world, "Task", "carl")
    await nurse.get("/arbejdsliste?fane=indkaldes")
    answer = await nurse.post("/arbejdsliste/valgte", {"fane": "indkaldes", "gor": "indkald"})
    assert answer.status_code == 422 and "Sæt kryds ved mindst én patient" in nurse.text
    assert await count(world, "Task", "carl") == before


async def test_the_patient_reads_that_a_time_is_to_be_booked(nurse: Browser, world: World) -> None:
    await nurse.get("/arbejdsliste?fane=indkaldes")
    await nurse.post("/arbejdsliste/valgte", {"gor": "indkald", "patient": "carl"})
    patient = Browser(world)
    await patient.sign_in("patient-carl")
    await patient.get("/plan")
    assert "Bestil tid til årskontrol" in patient.text


async def test_somebody_is_made_responsible_for_several(nurse: Browser) -> None:
    await nurse.get("/arbejdsliste?fane=indkaldes")
    options = re.findall(r'<option value="(PractitionerRole/[^"]+)">([^<]+)', nurse.html)
    assert len(options) > 1
    reference, name = options[-1]
    await nurse.post("/arbejdsliste/valgte", {"gor": "tildel", "ansvarlig": reference, "patient": "carl"})
    (own,) = [part for part in nurse.html.split("<tr>") if "Carl Test Mortensen" in part]
    assert f"<td>{name}</td>" in own
    answer = await nurse.post(
        "/arbejdsliste/valgte", {"gor": "tildel", "ansvarlig": "PractitionerRole/x", "patient": "carl"}
    )
    assert answer.status_code == 422 and "Vælg en medarbejder" in nurse.text and 'value="carl" checked' in nurse.html


async def test_a_filter_holds_the_next_time_for_this_worker_alone(nurse: Browser, world: World) -> None:
    await nurse.get("/arbejdsliste?fane=i-orden")
    every = names(nurse)
    await nurse.get("/arbejdsliste?fane=i-orden&plan=kol")
    kol = names(nurse)
    assert 0 < len(kol) < len(every) and "Birthe Test Nielsen" in kol
    await nurse.get("/arbejdsliste?fane=i-orden")
    assert names(nurse) == kol
    await nurse.post("/log-ud", {})
    await nurse.sign_in("doctor")
    await nurse.get("/arbejdsliste?fane=i-orden")
    assert names(nurse) == every
    await nurse.post("/log-ud", {})
    await nurse.sign_in("nurse")
    await nurse.get("/arbejdsliste?fane=i-orden&plan=")
    assert names(nurse) == every


async def test_a_plan_turned_down_until_the_end_of_the_calendar_opens_everywhere(nurse: Browser) -> None:
    assert await declined(nurse, igen="31.12.9999") == 303
    for path in ("/arbejdsliste?fane=fravalgt", "/patient/anna/historik", "/patient/anna/opret-plan"):
        assert (await nurse.get(path)).status_code == 200
