"""C2's draft: kept as it was typed, found by colleagues, offered where it may not fit, never lost to another's."""

import re
from typing import Any

import pytest
from page_house import Browser, World, stored

from careplan.fhir import systems
from careplan.fhir.text import parse
from careplan.interactions.kept_form import TYPE

from .sharing import write

NURSE = "Lars Test Krogh"
PAGE = "/patient/birthe/aarskontrol"
KEPT = {"tjek-medicin": "postponed", "udsat-medicin": "01.12.2026", "vaerdi-weight": "82,5", "vaerdi-hba1c": "femti"}


@pytest.fixture
async def doctor(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("doctor")
    return signed_in


def shown(browser: Browser) -> list[tuple[str, str]]:
    """The hidden fields of the form on the page."""
    form = browser.html.split('class="control"')[1]
    return re.findall(r'<input type="hidden" name="(mark|set|kladde|tilbudt)" value="([^"]*)"', form)


async def send(browser: Browser, handling: str, fields: dict[str, str], *, opens: bool = True) -> int:
    if opens:
        await browser.get(PAGE)
    answer = await browser.post(PAGE, [*shown(browser), ("handling", handling), *fields.items()])
    if answer.status_code == 303:
        await browser.follow(answer)
    return answer.status_code


async def quiet(browser: Browser, fields: dict[str, str]) -> tuple[int, Any]:
    """As the script keeps the form that is open: with what it has seen."""
    sent = [*shown(browser), ("handling", "kladde"), ("stille", "ja"), *fields.items()]
    answer = await browser.post(PAGE, sent)
    return answer.status_code, answer.json()


def ticked(browser: Browser, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)" checked', browser.html)


def everything(browser: Browser) -> dict[str, str]:
    """«Udført» for every line of the tjekliste."""
    return dict.fromkeys(re.findall(r'name="(tjek-[\w-]+)"', browser.html), "done")


async def drafts(world: World) -> list[str]:
    """Ids of what stands kept."""
    found: dict[str, bool] = {}
    for version in await world.house.store.changes(0, 100_000):
        if version.type == TYPE:
            found[version.id] = version.body is not None and bool(parse(version.body)["fields"])
    return [id for id, stands in found.items() if stands]


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def values_denied_to(who: str) -> dict[str, Any]:
    """A spærring by Birthe, of her values alone."""
    actor = {"role": concept(systems.PARTICIPATION_TYPE, "IRCP"), "reference": {"reference": who}}
    kinds = [{"system": systems.RESOURCE_TYPES, "code": "Observation"}]
    return {
        "resourceType": "Consent",
        "id": "values-denied",
        "status": "active",
        "scope": concept(systems.CONSENT_SCOPE, "patient-privacy"),
        "category": [concept(systems.LOINC, "59284-0")],
        "patient": {"reference": "Patient/birthe"},
        "performer": [{"reference": "Patient/birthe"}],
        "policyRule": {"text": "Sundhedsloven § 42 a"},
        "provision": {"type": "deny", "actor": [actor], "class": kinds},
    }


async def record(world: World) -> list[Any]:
    kinds = ("CarePlan", "Task", "Observation", "Goal", "Provenance")
    return [await stored(world, kind, "birthe") for kind in kinds]


# ── kept and found ───────────────────────────────────────────────────────────────────────────────


async def test_a_kept_form_is_found_filled_in_by_a_colleague_with_who_and_when(nurse: Browser, doctor: Browser) -> None:
    assert await send(nurse, "kladde", KEPT) == 303
    assert "Kladden er gemt." in nurse.text
    await doctor.get(PAGE)
    assert re.search(r"Kladde gemt 22\.11\.2026 kl\. 10\.03 af [A-ZÆØÅ][^.]+\.", doctor.text)
    assert doctor.field("vaerdi-weight") == "82,5" and doctor.field("vaerdi-hba1c") == "femti"
    assert ticked(doctor, "tjek-medicin") == ["postponed"] and doctor.field("udsat-medicin") == "01.12.2026"


async def test_agreements_that_were_ticked_are_kept(nurse: Browser) -> None:
    await nurse.get(PAGE)
    agreed = re.findall(r'name="gjort" value="([^"]+)"', nurse.html)[:1]
    assert await send(nurse, "kladde", {"gjort": agreed[0]}) == 303
    assert ticked(nurse, "gjort") == agreed


async def test_a_draft_writes_nothing_in_the_record(nurse: Browser, world: World) -> None:
    before = await record(world)
    assert await send(nurse, "kladde", KEPT) == 303
    assert await record(world) == before
    assert len(await drafts(world)) == 1


async def test_an_empty_form_is_not_kept_and_an_emptied_one_goes(nurse: Browser, world: World) -> None:
    assert await send(nurse, "kladde", {"vaerdi-weight": " "}) == 303
    assert "Der var intet at gemme i en kladde." in nurse.text
    await send(nurse, "kladde", KEPT)
    assert await send(nurse, "kladde", {}, opens=False) == 303
    assert await drafts(world) == [] and "Kladde gemt" not in nurse.text


async def test_a_draft_is_discarded(nurse: Browser, world: World) -> None:
    await send(nurse, "kladde", KEPT)
    assert await send(nurse, "kasser", KEPT, opens=False) == 303
    assert "Kladden er kasseret." in nurse.text and nurse.field("vaerdi-weight") == ""
    assert await drafts(world) == []


async def test_a_draft_that_was_discarded_is_had_back_as_it_was(nurse: Browser, doctor: Browser) -> None:
    await send(nurse, "kladde", KEPT)
    await doctor.get(PAGE)
    assert await send(doctor, "kasser", {}, opens=False) == 303
    assert "Fortryd, og få kladden igen" in doctor.text
    assert await send(doctor, "fortryd", {}, opens=False) == 303
    assert doctor.field("vaerdi-weight") == "82,5" and f"Kladde gemt 22.11.2026 kl. 10.03 af {NURSE}." in doctor.text
    assert "Fortryd" not in doctor.text.split("Tjekliste")[0]


async def test_a_draft_that_was_sent_meanwhile_is_not_had_back(nurse: Browser, doctor: Browser, world: World) -> None:
    await send(nurse, "kladde", KEPT)
    assert await send(nurse, "kasser", {}, opens=False) == 303
    typed = {"vaerdi-weight": "83"}
    await send(doctor, "kladde", typed)
    assert await send(doctor, "gem", typed, opens=False) == 303
    assert await send(nurse, "fortryd", {}, opens=False) == 303
    assert await drafts(world) == [] and nurse.field("vaerdi-weight") == ""
    await nurse.get(f"{PAGE}?besked=kladde-kasseret")
    assert "Fortryd, og få kladden igen" not in nurse.text


async def test_a_script_is_told_when_the_form_was_kept_and_keeps_it_again(nurse: Browser, world: World) -> None:
    await nurse.get(PAGE)
    assert await quiet(nurse, {"vaerdi-weight": "8"}) == (
        200,
        {"kladde": "1", "says": "Kladde gemt kl. 10.03.", "line": f"Kladde gemt 22.11.2026 kl. 10.03 af {NURSE}."},
    )
    assert (await quiet(nurse, KEPT))[1]["kladde"] == "2"
    assert (await quiet(nurse, {}))[1] == {"kladde": "", "says": ""}
    assert await drafts(world) == []


# ── what becomes of it ───────────────────────────────────────────────────────────────────────────


async def test_an_approval_removes_the_draft(nurse: Browser, world: World) -> None:
    await send(nurse, "kladde", {"vaerdi-weight": "82,5"})
    fields = {**everything(nurse), "vaerdi-weight": "82,5"}
    assert await send(nurse, "godkend", fields, opens=False) == 303
    assert "Årskontrollen er gemt" in nurse.text and await drafts(world) == []
    assert nurse.field("vaerdi-weight") == "" and "Kladde gemt" not in nurse.text


async def test_values_that_are_saved_leave_the_draft_and_ticks_stay(nurse: Browser, doctor: Browser) -> None:
    await send(nurse, "kladde", {"tjek-medicin": "postponed", "vaerdi-weight": "82,5"})
    sent = {"tjek-medicin": "postponed", "vaerdi-weight": "82,5"}
    assert await send(nurse, "gem", sent, opens=False) == 200
    await doctor.get(PAGE)
    assert doctor.field("vaerdi-weight") == "" and ticked(doctor, "tjek-medicin") == ["postponed"]
    assert await send(nurse, "kladde", {"tjek-medicin": "done"}, opens=False) == 303


async def test_a_draft_of_values_alone_is_gone_once_they_are_saved(nurse: Browser, world: World) -> None:
    await send(nurse, "kladde", {"vaerdi-weight": "82,5"})
    assert await send(nurse, "gem", {"vaerdi-weight": "82,5"}, opens=False) == 303
    assert nurse.field("vaerdi-weight") == "" and await drafts(world) == []
    assert len([one for one in await stored(world, "Observation", "birthe") if one.get("identifier")]) == 1


@pytest.mark.parametrize("handling", ["gem", "godkend"])
async def test_a_script_that_comes_after_the_button_brings_no_saved_value_back(
    nurse: Browser, world: World, handling: str
) -> None:
    await nurse.get(PAGE)
    late = [*shown(nurse), ("handling", "kladde"), ("stille", "ja"), ("vaerdi-weight", "82,5")]
    answers = everything(nurse) if handling == "godkend" else {}
    assert await send(nurse, handling, {**answers, "vaerdi-weight": "82,5"}, opens=False) == 303
    answer = await nurse.post(PAGE, late)
    assert (answer.status_code, answer.json()) == (200, {"kladde": "", "says": ""})
    assert await drafts(world) == []
    await nurse.get(PAGE)
    assert nurse.field("vaerdi-weight") == "" and (await quiet(nurse, KEPT))[1]["says"]


async def test_a_colleague_who_is_denied_values_sees_no_draft_and_saves_and_approves(
    nurse: Browser, doctor: Browser, world: World
) -> None:
    await send(nurse, "kladde", KEPT)
    await write(world, values_denied_to(str(world.context("doctor").caller.reference)))
    world.clock.forward(seconds=5)
    await doctor.get(PAGE)
    assert doctor.field("vaerdi-weight") == "" and "Kladde gemt" not in doctor.text
    assert (await quiet(doctor, {"vaerdi-weight": "83"}))[1]["kladde"] == ""
    assert await send(doctor, "kladde", {"vaerdi-weight": "83"}, opens=False) == 403
    assert doctor.field("vaerdi-weight") == "83" and "Kladden er ikke gemt" in doctor.text
    assert await send(doctor, "gem", {"vaerdi-weight": "83"}, opens=False) == 303
    assert await send(doctor, "godkend", everything(doctor), opens=False) == 303
    assert len(await drafts(world)) == 1


# ── somebody else's ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("handling", ["kladde", "gem", "godkend", "kasser"])
async def test_a_newer_draft_of_a_colleague_is_shown_beside_ones_own_and_nothing_is_done(
    nurse: Browser, doctor: Browser, world: World, handling: str
) -> None:
    await doctor.get(PAGE)
    fields = {**everything(doctor), "vaerdi-weight": "83"}
    await send(nurse, "kladde", {"vaerdi-weight": "82,5", "tjek-medicin": "postponed"})
    before = await record(world)
    assert await send(doctor, handling, fields, opens=False) == 409
    assert f"{NURSE} har gemt en kladde 22.11.2026 kl. 10.03, siden du åbnede siden." in doctor.text
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td>[^<]*</td><td>([^<]*)</td>', doctor.html))
    assert rows["Vægt"] == "82,5" and "Udsat" in rows.values()
    assert doctor.field("vaerdi-weight") == "83" and ticked(doctor, "tjek-medicin") == ["done"]
    assert await record(world) == before
    await nurse.get(PAGE)
    assert nurse.field("vaerdi-weight") == "82,5"


async def test_who_has_seen_both_goes_on_with_their_own(nurse: Browser, doctor: Browser, world: World) -> None:
    await doctor.get(PAGE)
    fields = everything(doctor)
    await send(nurse, "kladde", {"vaerdi-weight": "82,5"})
    assert await send(doctor, "godkend", fields, opens=False) == 409
    assert await send(doctor, "godkend", fields, opens=False) == 303
    assert "Årskontrollen er gemt" in doctor.text and await drafts(world) == []


async def test_the_newer_draft_is_fetched_into_ones_own(nurse: Browser, doctor: Browser) -> None:
    await doctor.get(PAGE)
    await send(nurse, "kladde", {"vaerdi-weight": "82,5"})
    own = {"vaerdi-weight": "83", "vaerdi-ldl": "1,3"}
    assert await send(doctor, "kladde", own, opens=False) == 409
    assert await send(doctor, "hent", own, opens=False) == 200
    assert doctor.field("vaerdi-weight") == "82,5" and doctor.field("vaerdi-ldl") == "1,3"


async def test_a_script_is_told_of_a_newer_draft_and_keeps_nothing(nurse: Browser, doctor: Browser) -> None:
    await doctor.get(PAGE)
    await send(nurse, "kladde", {"vaerdi-weight": "82,5"})
    status, told = await quiet(doctor, {"vaerdi-weight": "83"})
    assert status == 409 and told == {"says": "Der er gemt en nyere kladde. Tryk «Gem kladde» for at se den."}
    await nurse.get(PAGE)
    assert nurse.field("vaerdi-weight") == "82,5"


# ── what may not fit any more ────────────────────────────────────────────────────────────────────


async def test_an_old_draft_is_offered_with_its_day_and_not_filled_in(nurse: Browser, world: World) -> None:
    await send(nurse, "kladde", KEPT)
    world.clock.forward(days=31)
    await nurse.sign_in("nurse")
    await nurse.get(PAGE)
    assert "Kladde gemt 22.11.2026 kl. 10.03" in nurse.text and "over 30 dage gammel og ikke sat ind" in nurse.text
    assert nurse.field("vaerdi-weight") == "" and ticked(nurse, "tjek-medicin") == []
    assert "data-draft>" not in nurse.html
    assert await send(nurse, "hent", {}, opens=False) == 200
    assert nurse.field("vaerdi-weight") == "82,5" and "data-draft>" in nurse.html


async def test_what_is_typed_beside_an_offer_does_not_overwrite_it_unseen(nurse: Browser, world: World) -> None:
    await send(nurse, "kladde", KEPT)
    world.clock.forward(days=31)
    await nurse.sign_in("nurse")
    assert await send(nurse, "kladde", {"vaerdi-weight": "90"}) == 409
    assert len(await drafts(world)) == 1
    await nurse.get(PAGE)
    assert await send(nurse, "godkend", everything(nurse)) == 303
    assert await drafts(world) == []


async def test_a_draft_from_before_the_control_was_held_is_not_put_into_the_next(
    nurse: Browser, doctor: Browser
) -> None:
    await nurse.get(PAGE)
    await doctor.get(PAGE)
    assert await send(doctor, "godkend", everything(doctor), opens=False) == 303
    assert (await quiet(nurse, KEPT))[0] == 200
    await doctor.get(PAGE)
    assert "Den er fra før den seneste årskontrol" in doctor.text
    assert doctor.field("vaerdi-weight") == "" and ticked(doctor, "tjek-medicin") == []


async def test_numbers_of_another_day_are_told_to_get_the_day_they_are_saved(nurse: Browser, world: World) -> None:
    await send(nurse, "kladde", {"vaerdi-weight": "82,5"})
    assert "får datoen for den dag" not in nurse.text
    world.clock.forward(days=2)
    await nurse.sign_in("nurse")
    await nurse.get(PAGE)
    assert "Tallene i felterne får datoen for den dag, de gemmes." in nurse.text
