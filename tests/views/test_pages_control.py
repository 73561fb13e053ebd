"""C2: the årskontrol on one page; values typed once, targets explained, individual targets, the approval."""

import asyncio
import re
from decimal import Decimal
from html import unescape

import pytest
from page_house import Browser, World, row, stored

from careplan.fhir.agreed import activity_of
from careplan.fhir.index import extract
from careplan.fhir.text import Json, dump, read_text
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.write import update
from careplan.store.protocol import Write

PAGE = "/patient/birthe/aarskontrol"


async def fresh(world: World, patient: str) -> list[Json]:
    """Observations made in this test."""
    return [one for one in await stored(world, "Observation", patient) if one.get("identifier")]


async def test_the_banner_names_the_person_and_hides_half_of_the_number(nurse: Browser) -> None:
    await nurse.get(PAGE)
    banner = nurse.html.split('class="banner"')[1].split("</section>")[0]
    for words in (
        "Birthe Test Nielsen",
        "71 år",
        "020955-••••",
        "Lægehuset Nord (ydernr. 099901)",
        "Type 2-diabetes",
        "KOL",
    ):
        assert words in banner
    assert not re.search(r"020955-?\d{4}", nurse.html)


async def test_what_the_plan_does_not_know_of_allergies_is_said(nurse: Browser) -> None:
    await nurse.get(PAGE)
    left = nurse.html.split('class="left"')[1].split("</aside>")[0]
    assert "CAVE: ikke oplyst i forløbsplanen. Se journalen." in left


async def test_a_measure_without_a_target_is_not_called_irrelevant(nurse: Browser) -> None:
    """Nothing is aimed at: a dash; a target that waits for facts: it is missing."""
    await nurse.get("/patient/carl/aarskontrol")
    dash = '<span class="status aimless"><span aria-hidden="true">–</span> <span class="hidden">Intet mål</span></span>'
    assert dash in row(nurse, "Vægt")
    assert '<span aria-hidden="true">○</span> <span>Mål mangler</span>' in row(nurse, "Systolisk blodtryk")
    assert "<span>Ikke relevant</span>" not in nurse.html


async def test_three_plans_are_one_page_with_one_row_a_measure(nurse: Browser) -> None:
    await nurse.get(PAGE)
    assert all(row(nurse, name) for name in ("HbA1c", "LDL-kolesterol", "eGFR", "Kalium"))
    assert "lab.kort" in row(nurse, "Urin-albumin/kreatinin-ratio")
    assert "3 planer: Type 2-diabetes, Hjertesygdom og KOL" in nurse.text
    assert "Én blodprøve dækker 4 af værdierne: HbA1c, LDL-kolesterol, eGFR og Kalium" in nurse.text
    assert len(re.findall(r'<th scope="row">LDL-kolesterol<', nurse.html)) == 1
    assert "Type 2-diabetes" in row(nurse, "LDL-kolesterol") and "Hjertesygdom" in row(nurse, "LDL-kolesterol")


async def test_the_columns_are_the_briefs(nurse: Browser) -> None:
    await nurse.get(PAGE)
    head = nurse.html.split('class="grid"')[1].split("</thead>")[0]
    assert re.findall(r'<th scope="col">([^<]+)</th>', head) == [
        "Måling",
        "Seneste (dato, kilde)",
        "Udvikling",
        "Anbefalet mål",
        "Individuelt mål",
        "Status",
        "Ny værdi",
    ]


async def test_every_value_has_its_unit_day_and_source(nurse: Browser) -> None:
    await nurse.get(PAGE)
    assert re.search(r'class="value">\d+,\d\u2009mmol/L</span>', row(nurse, "LDL-kolesterol"))
    assert re.search(r"\d\d\.\d\d\.\d{4}, lab\.kort", row(nurse, "LDL-kolesterol"))


async def test_why_the_target_of_a_heart_patient_is_under_1_4(nurse: Browser) -> None:
    await nurse.get(PAGE)
    cell = row(nurse, "LDL-kolesterol")
    assert "under 1,4" in cell
    why = cell.split("<details>")[1]
    assert re.search(r"Regel LDL-\d+ \(ldl \d{4}\.\d+\):", why)
    assert re.search(r"hjerte[^<]*: ja \(\d\d\.\d\d\.\d{4}\)", why)
    assert "Regler, der kom før, og hvorfor de ikke passer" in why and "Passer ikke:" in why
    assert re.search(r'Kilde: <a href="https://[^"]+" rel="noreferrer">', why)
    assert "Beregnet 22.11.2026 kl. 10.03" in why


async def test_a_rule_that_was_not_checked_says_so(nurse: Browser, world: World) -> None:
    unverified = [r.id for g in world.house.knowledge.guidelines.values() for r in g.rows if r.unverified]
    await nurse.get(PAGE)
    shown = [part for part in nurse.html.split("<details>") if "Ikke efterprøvet" in part]
    said = {match[1] for part in shown if (match := re.search(r"Regel ([\w-]+) \(", part))}
    assert said <= set(unverified)
    chosen = set(re.findall(r"Regel ([\w-]+) \(", nurse.html)) & set(unverified)
    assert said == chosen


async def test_a_missing_fact_makes_the_target_provisional_in_words(nurse: Browser, world: World) -> None:
    for observation in await stored(world, "Observation", "fatima"):
        if any(code["code"] == "family-history-premature-cvd" for code in observation["code"]["coding"]):
            break
    await nurse.get("/patient/carl/aarskontrol")
    provisional = [part for part in nurse.html.split("<tbody>") if "Foreløbigt" in part]
    for part in provisional:
        assert re.search(r"Foreløbigt: mangler [^<]+</p>", part)


# ── values ───────────────────────────────────────────────────────────────────────────────────────


def shown(browser: Browser) -> list[tuple[str, str]]:
    """What the form carries of the page it stands on: its mark, and the versions that were seen."""
    seen = re.findall(r'name="(set|nyeste-[\w-]+|aftalt-[\w-]+)" value="([^"]*)"', browser.html)
    return [("mark", browser.field("mark")), *((name, unescape(one)) for name, one in seen)]


CARRIED = ("nyeste-", "aftalt-")
"""How the fields begin that say what the form was filled in on."""


async def send(browser: Browser, values: dict[str, str], handling: str = "gem", page: str = PAGE) -> int:
    await browser.get(page)
    answer = await browser.post(page, [*shown(browser), ("handling", handling), *values.items()])
    if answer.status_code == 303:
        await browser.follow(answer)
    return answer.status_code


async def test_a_value_typed_with_a_comma_is_an_observation_in_the_nurses_name(nurse: Browser, world: World) -> None:
    assert await send(nurse, {"vaerdi-weight": "82,50"}) == 303
    assert "Værdierne er gemt." in nurse.text
    (made,) = await fresh(world, "birthe")
    assert made["performer"] == [{"reference": "PractitionerRole/sygeplejerske-own"}]
    assert made["category"][0]["coding"][0]["code"] == "vital-signs"
    assert str(made["valueQuantity"]["value"]) == "82.50"
    assert (made["valueQuantity"]["code"], made["valueQuantity"]["system"]) == ("kg", "http://unitsofmeasure.org")
    assert [code["code"] for code in made["code"]["coding"]] == ["NPU03804", "29463-7"]
    assert "82,5\u2009kg" in nurse.html and "22.11.2026, klinikken" in nurse.text


async def test_a_blood_test_typed_is_a_laboratory_value(nurse: Browser, world: World) -> None:
    assert await send(nurse, {"vaerdi-hba1c": "52"}) == 303
    (made,) = await fresh(world, "birthe")
    assert made["category"][0]["coding"][0]["code"] == "laboratory"


async def test_a_score_is_a_whole_number(nurse: Browser, world: World) -> None:
    assert await send(nurse, {"vaerdi-cat": "12"}) == 303
    (made,) = await fresh(world, "birthe")
    assert made["valueInteger"] == 12
    assert await send(nurse, {"vaerdi-cat": "12,5"}) == 422


async def test_a_blood_pressure_is_one_panel_of_two(nurse: Browser, world: World) -> None:
    assert await send(nurse, {"vaerdi-sbp": "132", "vaerdi-dbp": "78"}) == 303
    (made,) = await fresh(world, "birthe")
    assert made["code"]["coding"][0]["code"] == "85354-9"
    parts = {part["code"]["coding"][1]["code"]: part["valueQuantity"]["value"] for part in made["component"]}
    assert parts == {"8480-6": 132, "8462-4": 78}
    assert "132\u2009mmHg" in row(nurse, "Systolisk blodtryk") and "78\u2009mmHg" in row(nurse, "Diastolisk blodtryk")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"vaerdi-weight": "tung"}, "Skriv et tal"),
        ({"vaerdi-weight": "-3"}, "Skriv et tal"),
        ({"vaerdi-spo2": "104"}, "Tallet kan ikke passe. Det skal ligge i 30–100."),
        ({"vaerdi-sbp": "132"}, "Skriv begge blodtrykstal."),
        ({"vaerdi-sbp": "70", "vaerdi-dbp": "130"}, "Det lave tal skal være lavere end det høje."),
        ({"vaerdi-weight": "525"}, "Står der 525 kg? Det er et usædvanligt tal."),
    ],
)
async def test_a_wrong_value_is_refused_and_nothing_typed_is_lost(
    nurse: Browser, world: World, values: dict[str, str], says: str
) -> None:
    sent = {**values, "vaerdi-ldl": "1,3", "tjek-medicin": "done"}
    assert await send(nurse, sent) == 422
    errors = nurse.html.split('class="errors"')[1].split("</div>")[0]
    assert says in errors.replace("\u2009", " ")
    wrong = re.search(r'href="#v-(\w+)"', errors)
    assert wrong is not None and f'id="v-{wrong[1]}"' in nurse.html
    assert nurse.field("vaerdi-ldl") == "1,3"
    assert re.search(r'name="tjek-medicin" value="done" checked', nurse.html)
    assert await fresh(world, "birthe") == []


async def test_an_unusual_value_passes_when_it_is_confirmed(nurse: Browser, world: World) -> None:
    assert await send(nurse, {"vaerdi-weight": "19"}) == 422
    assert 'name="sikker-weight" value="19"' in nurse.html
    fields = {"mark": nurse.field("mark"), "handling": "gem", "vaerdi-weight": "19", "sikker-weight": "19"}
    assert (await nurse.post(PAGE, fields)).status_code == 303
    assert len(await fresh(world, "birthe")) == 1


async def test_a_confirmation_holds_for_that_number_alone(nurse: Browser) -> None:
    assert await send(nurse, {"vaerdi-weight": "18", "sikker-weight": "19"}) == 422


async def test_the_same_form_sent_twice_writes_nothing_twice(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    fields = {"mark": nurse.field("mark"), "handling": "gem", "vaerdi-weight": "82", "vaerdi-hba1c": "52"}
    for _ in range(2):
        assert (await nurse.post(PAGE, fields)).status_code == 303
    assert len(await fresh(world, "birthe")) == 2


async def test_an_empty_form_writes_nothing(nurse: Browser, world: World) -> None:
    assert await send(nurse, {"vaerdi-weight": ""}) == 303
    assert "Der var ingen nye værdier at gemme." in nurse.text
    assert await fresh(world, "birthe") == []


# ── approval ─────────────────────────────────────────────────────────────────────────────────────


def checks(browser: Browser) -> dict[str, str]:
    """«Udført» for every line of the tjekliste."""
    return dict.fromkeys(re.findall(r'name="(tjek-[\w-]+)"', browser.html), "done")


async def test_values_are_saved_and_ticks_stay(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    sent = {"mark": nurse.field("mark"), "handling": "gem", "vaerdi-weight": "82", "tjek-medicin": "postponed"}
    assert (await nurse.post(PAGE, sent)).status_code == 200
    assert "Værdierne er gemt." in nurse.text and nurse.field("vaerdi-weight") == ""
    assert re.search(r'name="tjek-medicin" value="postponed" checked', nurse.html)
    assert (await nurse.post(PAGE, sent)).status_code == 200
    assert len(await fresh(world, "birthe")) == 1


async def test_the_rest_of_the_tjekliste_is_filled_in_at_once_said_and_not_saved(nurse: Browser, world: World) -> None:
    before = await stored(world, "Task", "birthe")
    fields = {"tjek-medicin": "postponed", "vaerdi-weight": "82", "handling": "resten"}
    await nurse.get(PAGE)
    assert (await nurse.post(PAGE, [*shown(nurse), *fields.items()])).status_code == 200
    ticked = re.findall(r'name="tjek-([\w-]+)" value="(\w+)" checked', nurse.html)
    assert dict(ticked) == {**dict.fromkeys(dict(ticked), "done"), "medicin": "postponed"} and len(ticked) == 13
    said = nurse.html.split('id="sat"')[1].split("</div>")[0]
    assert said.count("<li>") == 12 and "Medicin" not in said
    assert nurse.field("vaerdi-weight") == "82"
    assert await fresh(world, "birthe") == [] and await stored(world, "Task", "birthe") == before


async def test_a_line_that_two_plans_word_differently_keeps_the_words_of_both(nurse: Browser) -> None:
    await nurse.get(PAGE)
    (line,) = [one for one in re.findall(r"<legend>([^<]+)", nurse.html) if "MRC og CAT" in one]
    assert "CCS, NYHA" in line


async def test_approval_waits_for_the_mandatory_lines(nurse: Browser, world: World) -> None:
    before = await stored(world, "CarePlan", "birthe")
    assert await send(nurse, {"vaerdi-weight": "82", "tjek-medicin": "done"}, "godkend") == 422
    assert "Tjekliste: Det vigtigste for patienten er talt igennem" in nurse.text
    assert nurse.field("vaerdi-weight") == "82"
    assert await stored(world, "CarePlan", "birthe") == before
    assert await fresh(world, "birthe") == []


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ({"tjek-medicin": "not-relevant"}, "hvorfor-medicin", "Skriv kort, hvorfor det ikke er relevant"),
        ({"tjek-medicin": "not-relevant", "hvorfor-medicin": "x" * 201}, "hvorfor-medicin", "højst 200 tegn"),
        ({"tjek-medicin": "postponed"}, "udsat-medicin", "Skriv, hvornår det er udsat til"),
        ({"tjek-medicin": "postponed", "udsat-medicin": "21.11.2026"}, "udsat-medicin", "fra i dag"),
        ({"tjek-medicin": "postponed", "udsat-medicin": "snart"}, "udsat-medicin", "dd.mm.åååå"),
    ],
)
async def test_what_is_not_relevant_says_why_and_what_is_postponed_until_when(
    nurse: Browser, world: World, sent: dict[str, str], field: str, says: str
) -> None:
    await nurse.get(PAGE)
    before = await stored(world, "CarePlan", "birthe")
    assert await send(nurse, {**checks(nurse), "vaerdi-weight": "82", **sent}, "godkend") == 422
    errors = nurse.html.split('class="errors"')[1].split("</div>")[0]
    assert f'href="#{field}"' in errors and says in errors and f'aria-describedby="e-{field}"' in nurse.html
    assert nurse.field(field) == sent.get(field, "") and nurse.field("vaerdi-weight") == "82"
    assert re.search(rf'name="tjek-medicin" value="{sent["tjek-medicin"]}" checked', nurse.html)
    assert await stored(world, "CarePlan", "birthe") == before and await fresh(world, "birthe") == []


async def test_what_came_of_each_line_stands_beside_it_at_the_next_control(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    answered = {"tjek-medicin": "not-relevant", "hvorfor-medicin": "Får ingen medicin"}
    answered |= {"tjek-rehabilitering": "postponed", "udsat-rehabilitering": "01.12.2026"}
    assert await send(nurse, {**checks(nurse), **answered}, "godkend") == 303
    names = ("medicin", "rehabilitering", "inhalationsteknik")
    lines = {name: nurse.html.split(f'id="t-{name}-done"')[1].split("</fieldset>")[0] for name in names}
    assert "Sidst 22.11.2026: Ikke relevant: Får ingen medicin" in lines["medicin"]
    assert "Sidst 22.11.2026: Udsat til 01.12.2026" in lines["rehabilitering"]
    assert "Sidst 22.11.2026: Udført" in lines["inhalationsteknik"]
    done = next(
        one for one in await stored(world, "Task", "birthe") if one["status"] == "completed" and "output" in one
    )
    texts = [part for one in done["output"] for name, part in one.items() if name in ("valueString", "valueDate")]
    assert sorted(texts) == ["2026-12-01", "Får ingen medicin"]


async def test_approval_keeps_values_and_sets_the_next_control(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    assert await send(nurse, {**checks(nurse), "vaerdi-weight": "82"}, "godkend") == 303
    assert "Årskontrollen er gemt og delt med patienten." in nurse.text
    assert "Årskontrol senest 22.11.2027" in nurse.text
    assert "Sidst godkendt 22.11.2026" in nurse.text
    assert len(await fresh(world, "birthe")) == 1
    patient = Browser(world)
    await patient.sign_in("patient-birthe")
    assert "Lars Test Krogh gennemgik din plan med dig den 22.11.2026." in patient.text


async def approval(browser: Browser, **values: str) -> list[tuple[str, str]]:
    """The form of an open page, with everything done."""
    await browser.get(PAGE)
    return [*shown(browser), ("handling", "godkend"), *checks(browser).items(), *values.items()]


async def controls(world: World) -> list[str]:
    found = [task for task in await stored(world, "Task", "birthe") if activity_of(task) == "aarskontrol"]
    return sorted(task["status"] for task in found)


async def test_an_approval_sent_twice_holds_one_control_and_says_so(nurse: Browser, world: World) -> None:
    fields = await approval(nurse, **{"vaerdi-weight": "82"})
    assert (await nurse.post(PAGE, fields)).status_code == 303
    before = [await stored(world, kind, "birthe") for kind in ("CarePlan", "Task", "Observation", "Provenance")]
    answer = await nurse.post(PAGE, fields)
    assert answer.status_code == 409
    assert "Værdierne er gemt, men ikke mere." in nurse.text
    assert both(nurse) == {"Årskontrol": ("Godkendt 22.11.2026 kl. 10.03 af Lars Test Krogh", NOT_HELD)}
    assert "Sidst godkendt 22.11.2026" in nurse.text and nurse.field("vaerdi-weight") == ""
    after = [await stored(world, kind, "birthe") for kind in ("CarePlan", "Task", "Observation", "Provenance")]
    assert after == before and await controls(world) == ["completed", "requested"]


async def test_a_control_another_held_meanwhile_is_not_held_again(nurse: Browser, world: World) -> None:
    fields = [*await approval(nurse, **{"vaerdi-weight": "82", "udsat-medicin": "01.12.2026"}), ("gjort", "x")]
    late = [(name, "postponed" if name == "tjek-medicin" else text) for name, text in fields]
    await approve_now(world)
    assert (await nurse.post(PAGE, late)).status_code == 409
    assert "Intet er gemt endnu." in nurse.text and await fresh(world, "birthe") == []
    said = both(nurse)
    assert said.pop("Årskontrol")[0].startswith("Godkendt 22.11.2026 kl. 10.03 af ")
    assert list(said.values()) == [("Udført", "Udsat til 01.12.2026")]
    assert nurse.field("vaerdi-weight") == "82"
    assert re.search(r'name="tjek-medicin" value="postponed" checked', nurse.html)
    assert await controls(world) == ["completed", "requested"]
    seen = [*shown(nurse), *(one for one in late if one[0] not in ("mark", "set") and not one[0].startswith(CARRIED))]
    assert (await nurse.post(PAGE, seen)).status_code == 303


NOT_HELD = "Ikke godkendt (da du åbnede siden)"


def both(browser: Browser) -> dict[str, tuple[str, ...]]:
    """The table of both versions: (what is stored now, what was written) by line."""
    table = browser.html.split('class="both"')[1].split("</table>")[0].split("<tbody>")[1].replace("\u2009", " ")
    lines = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', table)
    return {name: (theirs, own) for name, theirs, own in lines}


async def late_doctor(world: World, values: dict[str, str], handling: str = "gem") -> None:
    """A doctor sends a page of her own meanwhile."""
    doctor = Browser(world)
    await doctor.sign_in("doctor")
    assert await send(doctor, values, handling) == 303


@pytest.mark.parametrize("handling", ["gem", "godkend"])
async def test_a_newer_value_of_a_measure_that_was_typed_is_shown_beside_it(
    nurse: Browser, world: World, handling: str
) -> None:
    """Nothing is stored until the form is sent again by somebody who has seen both."""
    fields = [one for one in await approval(nurse, **{"vaerdi-weight": "51,0"}) if one[0] != "handling"]
    await late_doctor(world, {"vaerdi-weight": "53,5"})
    assert (await nurse.post(PAGE, [*fields, ("handling", handling)])).status_code == 409
    assert 'role="alert"' in nurse.html and "Det, der er gemt nu" in nurse.text and "Det, du har skrevet" in nurse.text
    theirs, own = both(nurse)["Vægt"]
    assert re.fullmatch(r"53,5 kg \(22\.11\.2026 kl\. 10\.03, [A-Z].+\)", theirs) and own == "51,0 kg"
    assert nurse.field("vaerdi-weight") == "51,0" and len(await fresh(world, "birthe")) == 1
    assert re.search(r'name="tjek-medicin" value="done" checked', nurse.html)
    again = [*shown(nurse), ("handling", handling), ("vaerdi-weight", "51,0"), *checks(nurse).items()]
    assert (await nurse.post(PAGE, again)).status_code in (200, 303)
    assert len(await fresh(world, "birthe")) == 2


async def test_a_new_value_of_a_measure_that_was_not_typed_stops_nobody(nurse: Browser, world: World) -> None:
    fields = await approval(nurse, **{"vaerdi-weight": "82"})
    await late_doctor(world, {"vaerdi-ldl": "4,4", "vaerdi-hba1c": "90"})
    assert (await nurse.post(PAGE, fields)).status_code == 303


async def test_a_target_that_was_changed_after_the_page_was_shown_is_shown_beside_the_old_one(
    nurse: Browser, world: World
) -> None:
    fields = await approval(nurse)
    (goal,) = [one for one in await stored(world, "Goal", "birthe") if "LDL" in one["description"]["text"]]
    wanted = Wanted(None, Decimal("2.2"), False, "side-effect", "Smerter", None)
    await set_target(world.context("doctor"), goal["id"], wanted)
    before = await stored(world, "CarePlan", "birthe")
    assert (await nurse.post(PAGE, fields)).status_code == 409
    (theirs, own) = both(nurse)["Mål for LDL-kolesterol"]
    assert "2,2 mmol/L, " in theirs and own.endswith("(da du åbnede siden)") and "1,4" in own
    assert await stored(world, "CarePlan", "birthe") == before
    assert (await nurse.post(PAGE, [*shown(nurse), ("handling", "godkend"), *checks(nurse).items()])).status_code == 303


async def test_two_who_save_the_same_measure_at_once_do_not_write_over_one_another(
    nurse: Browser, world: World
) -> None:
    doctor = Browser(world)
    await doctor.sign_in("doctor")
    forms = [await approval(one, **{"vaerdi-weight": text}) for one, text in ((nurse, "81"), (doctor, "84"))]
    answers = await asyncio.gather(nurse.post(PAGE, forms[0]), doctor.post(PAGE, forms[1]))
    assert sorted(one.status_code for one in answers) == [303, 409]
    assert len(await fresh(world, "birthe")) == 1 and await controls(world) == ["completed", "requested"]


async def test_a_form_sent_back_for_a_fault_keeps_the_versions_it_was_filled_in_on(
    nurse: Browser, world: World
) -> None:
    fields = await approval(nurse, **{"vaerdi-weight": "tung"})
    await approve_now(world)
    assert (await nurse.post(PAGE, fields)).status_code == 422
    mended = [*shown(nurse), ("handling", "godkend"), *checks(nurse).items()]
    assert (await nurse.post(PAGE, mended)).status_code == 409
    assert await controls(world) == ["completed", "requested"]


async def approve_now(world: World) -> None:
    doctor = Browser(world)
    await doctor.sign_in("doctor")
    assert (await doctor.post(PAGE, await approval(doctor))).status_code == 303


async def test_the_page_says_that_values_are_kept_where_the_control_is_refused(nurse: Browser, world: World) -> None:
    plan = (await stored(world, "CarePlan", "birthe"))[0]
    number = int(plan["meta"]["versionId"])
    broken = dump({**plan, "intent": "nonsense", "meta": {**plan["meta"], "versionId": str(number + 1)}})
    kept = await world.house.store.read("CarePlan", plan["id"])
    values = extract(plan, "http://test/fhir")
    assert kept is not None
    await world.house.store.commit([Write("CarePlan", plan["id"], number, kept.at, "birthe", broken, values)])
    fields = await approval(nurse, **{"vaerdi-weight": "82"})
    assert (await nurse.post(PAGE, fields)).status_code == 422
    assert "Værdierne er gemt. Årskontrollen er ikke: den kunne ikke gemmes." in nurse.text
    assert "Intet er gemt" not in nurse.text and "82,0\u2009kg" in row(nurse, "Vægt")
    assert len(await fresh(world, "birthe")) == 1 and await controls(world) == ["requested"]
    assert (await nurse.post(PAGE, await approval(nurse))).status_code == 422
    assert "Årskontrollen kunne ikke gemmes. Intet er gemt." in nurse.text


async def test_the_values_of_one_form_are_one_change_of_the_record(nurse: Browser, world: World) -> None:
    before = len(await stored(world, "Provenance", "birthe"))
    assert await send(nurse, {"vaerdi-weight": "82", "vaerdi-hba1c": "52", "vaerdi-ldl": "1,3"}) == 303
    assert len(await fresh(world, "birthe")) == 3
    assert len(await stored(world, "Provenance", "birthe")) == before + 1


async def test_what_another_form_of_another_patient_wrote_is_not_taken_for_this_ones(
    nurse: Browser, world: World
) -> None:
    await nurse.get(PAGE)
    mark = nurse.field("mark")
    for patient in ("birthe", "carl"):
        page = f"/patient/{patient}/aarskontrol"
        await nurse.get(page)
        await nurse.post(page, {"mark": mark, "handling": "gem", "vaerdi-weight": "82"})
        assert len(await fresh(world, patient)) == 1


async def test_mandatory_lines_of_three_plans_stand_once_and_first(nurse: Browser) -> None:
    await nurse.get(PAGE)
    names = list(checks(nurse))
    assert len(names) == len(set(names))
    assert "(skal udfyldes)" not in nurse.html.split("Flere punkter")[1]


async def test_without_a_plan_the_page_leads_to_making_one(nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    assert "Patienten har ingen aktiv plan" in nurse.text
    assert 'href="/patient/anna/opret-plan"' in nurse.html
    fields = {"handling": "godkend"}
    assert (await nurse.post("/patient/anna/aarskontrol", fields)).status_code == 200


async def test_a_closed_plan_says_when_it_ended_and_leads_to_it(nurse: Browser) -> None:
    await nurse.get("/patient/gunnar/aarskontrol")
    assert re.search(r"Planen er afsluttet \d\d\.\d\d\.\d{4}\.", nurse.text)
    assert "ingen aktiv plan" not in nurse.text
    links = re.findall(r'class="button quiet" href="(/patient/gunnar/\w+)"', nurse.html)
    assert links == ["/patient/gunnar/udskriv", "/patient/gunnar/historik"]
    for place in links:
        assert (await nurse.get(place)).status_code == 200


async def test_a_plan_that_is_being_made_is_said(nurse: Browser, world: World) -> None:
    for plan in await stored(world, "CarePlan", "carl"):
        await update(world.context(), "CarePlan", plan["id"], read_text(dump({**plan, "status": "draft"})))
    await nurse.get("/patient/carl/aarskontrol")
    assert "En plan er under oprettelse." in nurse.text and "ingen aktiv plan" not in nurse.text
