"""B5, «Forbered din årskontrol»: one question a page, kept as it goes, sent once; and what C2 shows of it."""

from datetime import UTC, datetime, timedelta

import pytest
from page_house import Browser, World, stored

from careplan.fhir.agreed import activity_of, due_of, is_open
from careplan.fhir.questionnaire_response import RING
from careplan.fhir.text import Json, dump, read_text
from careplan.interactions.transaction import perform

PLACE = "/plan/forbered"
RINGS = "Klinikken får besked om at ringe til dig i dag."
STOPS = [*(f"who5-{n}" for n in range(1, 6)), "mrc-1", *(f"cat-{n}" for n in range(1, 9))]


async def near(world: World, days: int = 10) -> None:
    """Birthe's årskontrol is so many days away."""
    tasks = [one for one in await stored(world, "Task", "birthe") if activity_of(one) == "aarskontrol" and is_open(one)]
    due = min(day for one in tasks if (day := due_of(one)))
    world.clock.now = datetime(due.year, due.month, due.day, 9, tzinfo=UTC) - timedelta(days=days)


@pytest.fixture
async def birthe(world: World) -> Browser:
    """She is signed in, ten days before her control."""
    await near(world)
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    return browser


def mark(browser: Browser, question: str) -> str:
    return browser.field(f"set-{question}")


async def answer(browser: Browser, stop: str, code: str | None) -> str:
    """Answer the page of one question, or pass it over; where it leads."""
    await browser.get(f"{PLACE}/{stop}")
    question = stop.partition("-")[2]
    said = {"handling": "spring"} if code is None else {"handling": "svar", f"svar-{question}": code}
    answered = await browser.post(f"{PLACE}/{stop}", {f"set-{question}": mark(browser, question), **said})
    assert answered.status_code == 303, browser.text
    return str(answered.headers["location"])


async def answer_all(browser: Browser, points: str = "3") -> None:
    for stop in STOPS:
        await answer(browser, stop, "391124000" if stop == "mrc-1" else points)
    await browser.get(f"{PLACE}/samtale")
    talk = [("svar-emner", "soevn"), ("svar-emner", "tal"), ("svar-ord", "Min have"), ("handling", "svar")]
    marks = [(f"set-{one}", mark(browser, one)) for one in ("emner", "ord")]
    await browser.post(f"{PLACE}/samtale", [*marks, *talk])


async def send(browser: Browser) -> None:
    await browser.get(f"{PLACE}/svar")
    await browser.follow(await browser.post(f"{PLACE}/svar", {"mark": browser.field("mark")}))


async def responses(world: World, who: str = "birthe") -> list[Json]:
    return await stored(world, "QuestionnaireResponse", who)


# ── when ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_front_page_offers_it_from_fourteen_days_before(world: World) -> None:
    browser = Browser(world)
    for days, offered in ((15, False), (14, True), (-40, True)):
        await near(world, days)
        await browser.sign_in("patient-birthe")
        await browser.get("/plan")
        assert ('href="/plan/forbered"' in browser.html) is offered, days


async def test_before_that_a_plain_page_says_from_when(world: World) -> None:
    await near(world, 100)
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    await browser.get(PLACE)
    assert "Der er ikke noget at forberede lige nu." in browser.text
    assert "Du kan svare fra" in browser.text
    assert (await browser.get(f"{PLACE}/who5-1")).headers["location"] == PLACE


async def test_without_a_plan_the_page_is_plain_too(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("patient-anna")
    await browser.get(PLACE)
    assert "Der er ikke noget at forberede lige nu." in browser.text


# ── question by question ─────────────────────────────────────────────────────────────────────────


async def test_it_goes_from_question_to_question_to_the_answers(birthe: Browser) -> None:
    await birthe.get(PLACE)
    assert "Der er 15 spørgsmål" in birthe.text and f'href="{PLACE}/who5-1"' in birthe.html
    reached = [await answer(birthe, stop, "391123006" if stop == "mrc-1" else "2") for stop in STOPS]
    assert reached == [f"{PLACE}/{one}" for one in (*STOPS[1:], "samtale")]
    await birthe.get(f"{PLACE}/cat-1")
    assert "Spørgsmål 7 af 15" in birthe.text and f'href="{PLACE}/mrc-1"' in birthe.html
    assert "Spørgsmålene har ikke den officielle ordlyd." in birthe.text


async def test_it_goes_on_from_another_device_where_it_was_left(world: World, birthe: Browser) -> None:
    await answer(birthe, "who5-1", "4")
    await answer(birthe, "who5-2", None)
    other = Browser(world)
    await other.sign_in("patient-birthe")
    await other.get(PLACE)
    assert "Fortsæt" in other.text and f'href="{PLACE}/who5-3"' in other.html
    await other.get(f"{PLACE}/who5-1")
    assert 'value="4" checked' in other.html
    assert await responses(world) != [] and (await responses(world))[0]["status"] == "in-progress"


async def test_an_answer_must_be_chosen_or_passed_over(birthe: Browser) -> None:
    await birthe.get(f"{PLACE}/who5-1")
    sent = await birthe.post(f"{PLACE}/who5-1", {"set-1": mark(birthe, "1"), "handling": "svar"})
    assert sent.status_code == 422 and "Vælg et svar, eller spring over." in birthe.text
    assert 'href="#q-1-1"' in birthe.html and 'id="q-1-1"' in birthe.html


async def test_four_topics_are_too_many_and_none_is_lost(world: World, birthe: Browser) -> None:
    await birthe.get(f"{PLACE}/samtale")
    topics = [("svar-emner", one) for one in ("soevn", "tal", "kost", "motion")]
    marks = [(f"set-{one}", mark(birthe, one)) for one in ("emner", "ord")]
    sent = await birthe.post(f"{PLACE}/samtale", [*marks, *topics, ("handling", "svar")])
    assert sent.status_code == 422 and "Vælg højst 3." in birthe.text
    assert birthe.html.count(" checked") == 4
    assert await responses(world) == []


async def test_correcting_an_answer_leads_back_to_the_answers(birthe: Browser) -> None:
    await answer(birthe, "who5-1", "4")
    await birthe.get(f"{PLACE}/svar")
    assert f"{PLACE}/who5-1?fra=svar" in birthe.html
    await birthe.get(f"{PLACE}/who5-1?fra=svar")
    sent = await birthe.post(
        f"{PLACE}/who5-1", {"set-1": mark(birthe, "1"), "fra": "svar", "handling": "svar", "svar-1": "5"}
    )
    assert sent.headers["location"] == f"{PLACE}/svar"


async def test_two_devices_see_both_answers_to_one_question(world: World, birthe: Browser) -> None:
    other = Browser(world)
    await other.sign_in("patient-birthe")
    await birthe.get(f"{PLACE}/who5-1")
    await answer(other, "who5-1", "5")
    late = {"set-1": mark(birthe, "1"), "handling": "svar", "svar-1": "0"}
    sent = await birthe.post(f"{PLACE}/who5-1", late)
    assert sent.status_code == 409
    assert "Det gemte svar Hele tiden, alle dage Dit svar nu Ikke en eneste gang" in birthe.text
    again = {"set-1": mark(birthe, "1"), "handling": "svar", "svar-1": "0"}
    assert (await birthe.post(f"{PLACE}/who5-1", again)).status_code == 303
    await other.get(f"{PLACE}/who5-1")
    assert 'value="0" checked' in other.html


async def test_an_unknown_question_is_not_found(birthe: Browser) -> None:
    assert (await birthe.get(f"{PLACE}/who5-9")).status_code == 404


# ── sending ──────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_sent_is_told_in_words(world: World, birthe: Browser) -> None:
    await answer_all(birthe)
    await send(birthe)
    assert "Tak for dine svar" in birthe.text
    assert "Dit tal er 60. Dit tal viser, at du har haft det godt de sidste to uger." in birthe.text
    assert "Det vil du helst tale om Søvn Mine tal og mål Min have" in birthe.text
    assert "Livslinjen" not in birthe.text
    assert {one["status"] for one in await responses(world)} == {"completed"}
    await birthe.get("/plan")
    assert 'href="/plan/forbered"' not in birthe.html


async def test_a_question_passed_over_leaves_no_number(birthe: Browser) -> None:
    await answer_all(birthe)
    await answer(birthe, "who5-2", None)
    await birthe.get(f"{PLACE}/svar")
    assert "Mangler der et svar, kan vi ikke regne tallet ud." in birthe.text
    await send(birthe)
    assert "Du sprang noget over. Derfor er der ikke noget tal." in birthe.text


async def test_a_low_score_shows_whom_to_ring_at_once_and_tells_the_clinic(world: World, birthe: Browser) -> None:
    await answer_all(birthe, "1")
    await send(birthe)
    assert "Her kan du få hjælp nu" in birthe.text and 'href="tel:70201201"' in birthe.html
    assert birthe.text.index("Her kan du få hjælp nu") < birthe.text.index("Dit tal er")
    assert RINGS in birthe.text
    await birthe.get(f"{PLACE}/hjaelp")
    assert RINGS in birthe.text and "Ring selv." not in birthe.text
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/patient/birthe/aarskontrol")
    assert "Ring til patienten i dag: et svar kræver kontakt." in nurse.text


async def test_nobody_is_told_that_the_clinic_rings_when_it_was_not_asked_to(birthe: Browser) -> None:
    await birthe.get(f"{PLACE}/hjaelp")
    assert RINGS not in birthe.text and "have det svært" not in birthe.text
    assert "Klinikken ved det ikke endnu. Ring selv." in birthe.text
    assert 'href="tel:112"' in birthe.html


async def test_sending_the_same_page_twice_sends_once(world: World, birthe: Browser) -> None:
    await answer_all(birthe)
    await birthe.get(f"{PLACE}/svar")
    form = {"mark": birthe.field("mark")}
    token = birthe.token
    for _ in range(2):
        assert (await birthe.post(f"{PLACE}/svar", form, token=token)).headers["location"] == PLACE
    surveys = [one for one in await stored(world, "Observation", "birthe") if "derivedFrom" in one]
    assert len(await responses(world)) == 4 and len(surveys) == 3


async def test_answers_that_changed_meanwhile_are_shown_before_they_are_sent(world: World, birthe: Browser) -> None:
    await answer_all(birthe)
    await birthe.get(f"{PLACE}/svar")
    form = {"mark": birthe.field("mark")}
    other = Browser(world)
    await other.sign_in("patient-birthe")
    await answer(other, "cat-8", "0")
    sent = await birthe.post(f"{PLACE}/svar", form)
    assert sent.status_code == 409 and "Et svar er ændret et andet sted." in birthe.text
    assert {one["status"] for one in await responses(world)} == {"in-progress"}
    await birthe.post(f"{PLACE}/svar", {"mark": birthe.field("mark")})
    assert {one["status"] for one in await responses(world)} == {"completed"}


async def test_an_answer_that_comes_after_sending_is_shown_and_not_lost_unseen(world: World, birthe: Browser) -> None:
    await answer_all(birthe)
    await birthe.get(f"{PLACE}/who5-1")
    late = {"set-1": mark(birthe, "1"), "handling": "svar", "svar-1": "0"}
    other = Browser(world)
    await other.sign_in("patient-birthe")
    await send(other)
    sent = await birthe.post(f"{PLACE}/who5-1", late)
    assert sent.status_code == 409 and "Ikke en eneste gang" in birthe.text and "Sig det til klinikken" in birthe.text


# ── others ───────────────────────────────────────────────────────────────────────────────────────


async def test_what_one_person_answers_no_other_person_sees(world: World, birthe: Browser) -> None:
    await answer(birthe, "who5-1", "5")
    gunnar = Browser(world)
    await gunnar.sign_in("patient-gunnar")
    await gunnar.get(f"{PLACE}/who5-1")
    assert " checked" not in gunnar.html
    assert await responses(world, "gunnar") == []


async def test_the_clinic_reads_it_beside_the_values(world: World, birthe: Browser) -> None:
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/patient/birthe/aarskontrol")
    assert "Patientens egne svar Ikke besvaret." in nurse.text
    await answer(birthe, "who5-1", "3")
    await nurse.get("/patient/birthe/aarskontrol")
    assert "I gang, ikke sendt endnu." in nurse.text
    await answer_all(birthe)
    await answer(birthe, "cat-3", None)
    await send(birthe)
    await nurse.get("/patient/birthe/aarskontrol")
    assert "WHO-5 trivselsindeks: 60 (" in nurse.text
    assert "CAT-score: intet tal, 1 sprunget over" in nurse.text
    assert "Vil helst tale om Søvn Mine tal og mål Min have" in nurse.text
    assert "Spørgsmålene har ikke den officielle ordlyd. Tallet er vejledende." in nurse.text


async def test_a_score_stands_among_the_values_of_the_control(world: World, birthe: Browser) -> None:
    await answer_all(birthe)
    await send(birthe)
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/patient/birthe/aarskontrol")
    grid = nurse.html.split('<th scope="row">CAT-score<')[1].split("</tbody>")[0]
    assert '<span class="value">24' in grid
    day = f"{world.clock.now:%d.%m.%Y}"
    assert day in grid


async def test_nothing_is_said_of_it_where_no_control_is_near(world: World) -> None:
    await near(world, 100)
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/patient/birthe/aarskontrol")
    assert "Patientens egne svar" not in nurse.text


async def test_a_response_of_an_app_is_told_as_the_pages_tell_it(world: World, birthe: Browser) -> None:
    items = [
        {
            "linkId": str(n),
            "answer": [
                {
                    "valueCoding": {
                        "system": "https://careplan.example/fhir/CodeSystem/answer-step",
                        "code": "5",
                    }
                }
            ],
        }
        for n in range(1, 6)
    ]
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "https://careplan.example/fhir/Questionnaire/who5",
        "subject": {"reference": "Patient/birthe"},
        "author": {"reference": "Patient/birthe"},
        "authored": world.clock.now.isoformat(),
        "item": items,
    }
    entry = {"resource": response, "request": {"method": "POST", "url": "QuestionnaireResponse"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    await perform(world.context("patient-birthe"), read_text(dump(bundle)))
    await birthe.get(PLACE)
    assert "Der er 10 spørgsmål" in birthe.text
    assert (await birthe.get(f"{PLACE}/who5-1")).headers["location"] == PLACE
    for stop in STOPS[5:]:
        await answer(birthe, stop, None)
    await send(birthe)
    assert "Dit tal er 100." in birthe.text


# ── an answer that needs contact ─────────────────────────────────────────────────────────────────


async def low(world: World, browser: Browser) -> str:
    """She has answered that nothing is well; the id of the Task that comes of it."""
    for stop in STOPS:
        await answer(browser, stop, "0" if stop.startswith("who5") else None)
    await browser.post(f"{PLACE}/samtale", {"handling": "spring", "set-emner": "", "set-ord": ""})
    await send(browser)
    (task,) = [one for one in await stored(world, "Task", "birthe") if activity_of(one) == RING]
    return str(task["id"])


async def test_the_clinics_list_has_whom_to_ring_to_first(world: World, birthe: Browser) -> None:
    task = await low(world, birthe)
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/arbejdsliste?fane=svar")
    (first, *_) = [part for part in nurse.html.split("<tr>")[2:] if "<th scope" in part]
    assert "Birthe Test Nielsen" in first and f'href="/ring/{task}">Ring op<' in first and "Ring i dag" in first
    assert f'href="/ring/{task}"' not in birthe.html


async def test_a_call_is_written_down_once_and_leaves_the_list(world: World, birthe: Browser) -> None:
    place = f"/ring/{await low(world, birthe)}"
    nurse, doctor = Browser(world), Browser(world)
    await nurse.sign_in("nurse")
    await doctor.sign_in("doctor")
    await doctor.get(place)
    await nurse.get(place)
    assert "Trivsel" in nurse.text or "WHO-5" in nurse.text
    empty = await nurse.post(place, {"tekst": " "})
    assert empty.status_code == 422 and "Skriv, hvad der kom ud af samtalen." in nurse.text
    told = await nurse.post(place, {"tekst": "Hun er ked af det. Tid hos lægen i morgen."})
    assert told.status_code == 303
    late = await doctor.post(place, {"tekst": "Tog ikke telefonen."})
    assert late.status_code == 409
    assert "Tid hos lægen i morgen." in doctor.text and "Tog ikke telefonen." in doctor.text
    await nurse.get("/arbejdsliste?fane=svar")
    assert place not in nurse.html
    (task,) = [one for one in await stored(world, "Task", "birthe") if activity_of(one) == RING]
    assert task["status"] == "completed" and [one["text"] for one in task["note"]] == [
        "Hun er ked af det. Tid hos lægen i morgen."
    ]


@pytest.mark.parametrize("who", ["patient-birthe", "visitator"])
async def test_nobody_outside_the_clinic_writes_the_call_down(world: World, birthe: Browser, who: str) -> None:
    place = f"/ring/{await low(world, birthe)}"
    other = Browser(world)
    await other.sign_in(who)
    assert (await other.get(place)).status_code == 403
