"""B2: what a patient reads of their own plan, in the order of the brief, in every state."""

import re
from decimal import Decimal

import pytest
from page_house import NOW, Browser, World

from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.write import create, update
from careplan.views.happened import within

HEADINGS = (
    "Det næste, du skal",
    "Siden sidst",
    "Det vigtigste for mig",
    "Mine mål",
    "Det har vi aftalt",
    "Mit år",
    "Hvem hjælper mig",
)


async def opened(world: World, patient: str, path: str = "/plan") -> Browser:
    browser = Browser(world)
    await browser.sign_in(f"patient-{patient}")
    assert (await browser.get(path)).status_code == 200
    return browser


async def test_the_blocks_stand_in_the_order_of_the_brief(world: World) -> None:
    browser = await opened(world, "birthe")
    found = re.findall(r"<h2[^>]*>([^<]+)</h2>", browser.html)
    assert tuple(found) == HEADINGS
    assert browser.html.index("Hvem hjælper mig") < browser.html.index("Skriv ud")


async def test_the_next_step_is_one_task_with_its_day_and_a_way_to_do_it(world: World) -> None:
    browser = await opened(world, "birthe")
    card = browser.html.split('class="card next"')[1].split("</section>")[0]
    assert 'href="tel:00102030"' in card
    assert "Bestil tid hos lægen" in card


async def test_a_task_whose_day_has_passed_says_so_and_comes_before_what_prepares_for_it(world: World) -> None:
    card = (await opened(world, "carl")).html.split('class="card next"')[1].split("</section>")[0]
    parts = ("Årskontrol", "Det skulle være gjort senest 08.08.2026.", "Bestil tid hos lægen", "/plan/forbered")
    places = [card.find(part) for part in parts]
    assert -1 not in places and places == sorted(places), places
    assert card.count('class="button"') == 1


async def test_a_target_without_a_certain_source_says_so_outside_every_fold(world: World) -> None:
    browser = await opened(world, "birthe")
    shown = browser.html.split('id="m-spo2"')[1].split("<details")[0]
    assert "* Vi har ikke en sikker kilde til målet endnu." in shown
    assert "sikker kilde" not in browser.html.split('id="m-hba1c"')[1].split("<details")[0]
    await browser.get("/plan/maaling/spo2")
    assert "* Vi har ikke en sikker kilde til målet endnu." in browser.html.split("<details")[0]


async def test_the_status_of_an_old_value_says_that_the_value_is_old(world: World) -> None:
    browser = await opened(world, "carl")
    shown = browser.html.split('id="m-spo2"')[1].split("</article>")[0]
    assert re.search(r'class="status in"><span aria-hidden="true">✓</span> I mål \(gammelt tal\)<', shown)


async def test_what_is_agreed_without_a_number_has_no_target_and_is_not_irrelevant(world: World) -> None:
    browser = await opened(world, "dorte")
    shown = browser.html.split('id="m-dbp"')[1].split("</article>")[0]
    assert '<span aria-hidden="true">–</span> Intet mål<' in shown and "Ikke relevant" not in browser.text

    assert "Hvorfor har jeg ikke et mål?" in shown
    assert not re.search("Mit mål:|har du aftalt|Det var |I ser på målet", shown)


async def test_a_table_that_leaves_values_out_says_that_it_holds_the_newest(world: World) -> None:
    browser = await opened(world, "birthe")
    shown = browser.html.split('id="m-hba1c"')[1].split("</article>")[0]
    assert "<caption>De 12 nyeste tal: Langtidsblodsukker</caption>" in shown
    assert shown.count('<th scope="row">') == 12
    few = browser.html.split('id="m-weight"')[1] if 'id="m-weight"' in browser.html else browser.html
    assert "<caption>Alle tal: " in few


async def test_the_rules_own_sentence_is_left_out_where_another_target_is_agreed(world: World) -> None:
    """It says «dit mål», which is not the recommended one then."""
    browser = await opened(world, "fatima")
    goal = browser.html.split('id="m-hba1c"')[1].split("</article>")[0]
    fold = goal.split("Se det anbefalede mål")[1].split("</details>")[0]
    assert "Det anbefalede mål er" in fold and "dit mål" not in fold.lower()


async def test_goals_that_need_attention_come_first(world: World) -> None:
    browser = await opened(world, "birthe")
    order = ["out", "near", "unmeasured", "undecided", "in", "unruled", "aimless"]
    found = re.findall(r'class="goal (\w+)"', browser.html)
    assert len(found) > 5
    assert [order.index(one) for one in found] == sorted(order.index(one) for one in found)


async def test_every_status_has_an_icon_and_a_word(world: World) -> None:
    browser = await opened(world, "birthe")
    said = re.findall(r'class="status \w+"><span aria-hidden="true">(.)</span> ([^<]+)</p>', browser.html)
    assert set(said) <= {("✓", "I mål"), ("◐", "Tæt på mål"), ("▲", "Uden for mål"), ("○", "Mangler måling")}
    assert len(said) == len(re.findall('class="goal ', browser.html))


async def test_a_disease_is_a_filter_and_not_another_plan(world: World) -> None:
    browser = await opened(world, "birthe")
    every = set(re.findall(r'id="m-(\w+)"', browser.html))
    await browser.get("/plan?sygdom=kol")
    lungs = set(re.findall(r'id="m-(\w+)"', browser.html))
    assert "cat" in lungs and "hba1c" not in lungs
    assert lungs < every
    await browser.get("/plan?sygdom=noget")
    assert set(re.findall(r'id="m-(\w+)"', browser.html)) == every


async def test_the_quiet_row_leads_to_sharing_with_a_relative_and_to_the_language(world: World) -> None:
    row = (await opened(world, "birthe")).html.split('class="quietrow"')[1].split("</nav>")[0]
    assert '<a href="/plan/adgang#paaroerende">Del med en pårørende</a>' in row
    assert '<a href="/plan/indstillinger">Sprog</a>' in row
    words = ("Skriv ud", "Del med en pårørende", "Hvem har set min plan?", "Sprog")
    assert [row.index(one) for one in words] == sorted(row.index(one) for one in words)


async def test_one_disease_needs_no_filter(world: World) -> None:
    assert "Vis mål for" not in (await opened(world, "fatima")).html


async def test_an_individual_target_says_who_why_and_until_when(world: World) -> None:
    browser = await opened(world, "fatima")
    goal = browser.html.split('id="m-hba1c"')[1].split("</article>")[0]
    for words in (
        "har sat målet for dig",
        "Målet er højere end det, man plejer at råde til.",
        "fordi du har haft lavt blodsukker",
        "I ser på målet igen i juni 2027",
        "Se det anbefalede mål",
        "Det anbefalede mål er",
    ):
        assert words in goal


async def test_a_target_that_follows_the_rules_says_the_rules_own_sentence(world: World) -> None:
    browser = await opened(world, "birthe")
    person = [line for line in world.house.knowledge.guidelines["ldl"].rows if line.patient]
    goal = browser.html.split('id="m-ldl"')[1].split("</article>")[0]
    assert any(row.patient in goal for row in person)
    assert "Se det anbefalede mål" not in goal


async def test_agreements_stand_in_two_lists_with_day_and_tick(world: World) -> None:
    browser = await opened(world, "birthe")
    own = browser.html.split("Det gør jeg selv")[1].split("Det gør klinikken eller kommunen")[0]
    theirs = browser.html.split("Det gør klinikken eller kommunen")[1].split("</section>")[0]
    assert "Tag blodprøve" in own and "Årskontrol" not in own
    assert "Årskontrol" in theirs and "Lars Test Krogh" in theirs
    assert "senest" in own and "☐" in own


async def test_an_open_referral_is_told(world: World) -> None:
    browser = await opened(world, "carl")
    assert "Din læge har henvist dig til Nordby Kommune" in browser.text


async def test_the_year_has_twelve_months_from_this_one(world: World) -> None:
    browser = await opened(world, "birthe")
    months = re.findall(r'class="month">(\w+) (\d{4})<', browser.html)
    assert len(months) == 12
    assert months[0] == ("november", "2026") and months[-1] == ("oktober", "2027")


async def test_the_contact_person_has_a_name_and_a_phone(world: World) -> None:
    browser = await opened(world, "birthe")
    helps = browser.text.split("Hvem hjælper mig")[1]
    for words in ("Lars Test Krogh", "00 10 20 30", "Lægehuset Nord", "1-1-2"):
        assert words in helps


async def test_without_a_plan_there_is_a_sentence_and_no_empty_frame(world: World) -> None:
    browser = await opened(world, "hanne")
    assert "Du har ikke en plan endnu. Spørg din læge eller sygeplejerske" in browser.text
    assert "Mine mål" not in browser.text


async def test_a_plan_being_made_is_told(world: World) -> None:
    category = {"coding": [{"system": "https://careplan.example/fhir/CodeSystem/plan-type", "code": "diabetes"}]}
    plan = {
        "resourceType": "CarePlan",
        "status": "draft",
        "intent": "plan",
        "category": [category],
        "instantiatesCanonical": ["https://careplan.example/fhir/PlanDefinition/diabetes|2026.1"],
        "title": "Forløbsplan for type 2-diabetes",
        "subject": {"reference": "Patient/erik"},
        "period": {"start": "2026-11-22"},
        "author": {"reference": "Organization/clinic-own"},
    }
    await create(world.context("nurse"), "CarePlan", read_text(dump(plan)))
    assert "Klinikken er i gang med din plan" in (await opened(world, "erik")).text


async def test_a_closed_plan_can_still_be_read_and_printed(world: World) -> None:
    browser = await opened(world, "gunnar")
    assert re.search(r"Planen er afsluttet \d\d\.\d\d\.\d{4}\. Du kan stadig se og skrive den ud\.", browser.text)
    assert "m-ldl" in browser.html and "Skriv ud" in browser.text
    assert "Det næste, du skal" not in browser.text


async def test_what_was_agreed_in_a_closed_plan_can_still_be_read_and_asks_for_nothing(world: World) -> None:
    browser = await opened(world, "gunnar")
    agreed = browser.html.split('id="aftalt"')[1].split("</section>")[0]
    assert "Jeg går til gymnastik hver onsdag" in agreed and "Gjort" in agreed
    assert "<a " not in agreed and "<button" not in agreed and 'id="aar"' not in browser.html


async def test_a_closed_plan_says_the_same_of_its_targets_in_sentence_and_chart(world: World) -> None:
    browser = await opened(world, "gunnar")
    shown = browser.html.split('id="m-sbp"')[1].split("</article>")[0].replace("\u2009", " ")
    assert "Dit mål var mellem 120 og 130." in shown
    assert re.search(r"Målet var mellem 120 og 130 mmHg til \d\d\.\d\d\.2026\.", shown)
    assert not re.search("Der er ikke aftalt et mål|Dit mål er|Målet er", shown)


async def test_what_the_clinic_changed_is_told_with_name_and_day(world: World) -> None:
    goal = await _goal(world, "fatima", "hba1c")
    wanted = Wanted(None, 61, False, "frailty", None, None)  # type: ignore[arg-type]
    await set_target(world.context("nurse"), goal, wanted)
    since = (await opened(world, "fatima")).text.split("Siden sidst")[1].split("Det vigtigste for mig")[0]
    assert "Lars Test Krogh aftalte et nyt mål for langtidsblodsukker med dig den 22.11.2026." in since


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Vægt", "vægt"),
        ("Det dårlige kolesterol", "det dårlige kolesterol"),
        ("BMI (vægt og højde)", "BMI (vægt og højde)"),
        ("KOL-score", "KOL-score"),
        ("HbA1c", "HbA1c"),
        ("eGFR", "eGFR"),
        ("Trivsel (WHO-5)", "trivsel (WHO-5)"),
        ("Urin-albumin/kreatinin-ratio", "urin-albumin/kreatinin-ratio"),
    ],
)
def test_a_name_inside_a_sentence_keeps_its_capitals_where_it_is_an_acronym(name: str, inside: str) -> None:
    assert within(name) == inside


async def test_staff_read_of_changes_by_the_names_of_the_trade(world: World) -> None:
    wanted = Wanted(None, Decimal(61), False, "frailty", None, None)
    await set_target(world.context("doctor"), await _goal(world, "fatima", "hba1c"), wanted)
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/patient/fatima/aarskontrol")
    assert "22.11.2026: Mette Test Holm satte et individuelt mål for HbA1c." in nurse.text


async def test_no_more_than_three_sentences_on_what_happened(world: World) -> None:
    goal = await _goal(world, "fatima", "hba1c")
    for nth in range(5):
        world.clock.forward(days=1)
        wanted = Wanted(None, 60 + nth, False, "frailty", None, None)  # type: ignore[arg-type]
        await set_target(world.context("nurse"), goal, wanted)
    html = (await opened(world, "fatima")).html
    section = html.split('id="siden"')[1].split("</section>")[0]
    assert len(re.findall("<p>", section)) == 3


async def _goal(world: World, patient: str, measure: str) -> str:
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get(f"/patient/{patient}/aarskontrol")
    row = nurse.html.split(f'id="v-{measure}"')[0]
    return str(re.findall(rf"/patient/{patient}/maal/([^\"]+)\"", row)[-1])


# ── det vigtigste for mig ────────────────────────────────────────────────────────────────────────


async def test_a_patient_corrects_what_matters_to_them(world: World) -> None:
    browser = await opened(world, "birthe")
    link = re.search(r'href="(/plan/vigtigst\?id=[^"]+)"', browser.html)
    assert link is not None
    await browser.get(link[1])
    assert "ring 1-1-2" in browser.text
    fields = {"id": browser.field("id"), "version": browser.field("version"), "ord": "Jeg vil danse igen."}
    answer = await browser.post("/plan/vigtigst", fields)
    assert answer.headers["location"] == "/plan?besked=gemt"
    await browser.follow(answer)
    assert "Jeg vil danse igen." in browser.text and "Gemt." in browser.text


async def test_a_patient_writes_it_for_the_first_time(world: World) -> None:
    browser = await opened(world, "gunnar", "/plan/vigtigst")
    await browser.follow(await browser.post("/plan/vigtigst", {"ord": "Jeg vil <b>læse</b> højt."}))
    assert "Jeg vil <b>læse</b> højt." in browser.text
    assert "<b>læse" not in browser.html


@pytest.mark.parametrize("words", ["", "   ", "x" * 601])
async def test_no_words_and_too_many_words_are_not_kept_and_not_lost(world: World, words: str) -> None:
    browser = await opened(world, "birthe", "/plan/vigtigst")
    answer = await browser.post("/plan/vigtigst", {"ord": words})
    assert answer.status_code == 422
    assert "Ret dette, før du går videre" in browser.text and 'href="#ord"' in browser.html
    assert words.strip() in browser.html


async def test_two_who_write_at_once_see_both_versions(world: World) -> None:
    browser = await opened(world, "birthe")
    found = re.search(r'href="(/plan/vigtigst\?id=([^"]+))"', browser.html)
    assert found is not None
    await browser.get(found[1])
    fields = {"id": found[2], "version": browser.field("version"), "ord": "Min egen tekst"}
    stored = await world.house.store.read("Goal", found[2])
    assert stored is not None and stored.body is not None
    changed = {**parse(stored.body), "description": {"text": "Klinikkens tekst"}}
    await update(world.context("nurse"), "Goal", found[2], read_text(dump(changed)))
    answer = await browser.post("/plan/vigtigst", fields)
    assert answer.status_code == 409
    assert "Klinikkens tekst" in browser.text and "Min egen tekst" in browser.text
    again = {"id": found[2], "version": browser.field("version"), "ord": "Min egen tekst"}
    await browser.follow(await browser.post("/plan/vigtigst", again))
    assert "Min egen tekst" in browser.text and "Klinikkens tekst" not in browser.text


async def test_a_target_is_not_a_wish(world: World) -> None:
    browser = await opened(world, "fatima")
    goal = await _goal(world, "fatima", "hba1c")
    assert (await browser.get(f"/plan/vigtigst?id={goal}")).status_code == 404


async def test_another_persons_wish_is_closed(world: World) -> None:
    browser = await opened(world, "birthe")
    assert (await browser.get("/plan/vigtigst?id=carl-g0")).status_code == 403


async def test_values_that_came_in_are_told(world: World) -> None:
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/patient/birthe/aarskontrol")
    fields = {"mark": nurse.field("mark"), "handling": "gem", "vaerdi-weight": "82,5"}
    assert (await nurse.post("/patient/birthe/aarskontrol", fields)).status_code == 303
    assert (
        f"Der kom nye tal for vægt den {NOW:%d.%m.%Y}. De kom fra Lars Test Krogh."
        in (await opened(world, "birthe")).text
    )
