"""Consents as staff send them: what the patient has said is the patient's to take back, whichever way it is tried."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from careplan.fhir.case import Draft
from careplan.fhir.patch.json_patch import json_patch_from_list
from careplan.interactions.access import Forbidden
from careplan.interactions.attorney import withdraw
from careplan.interactions.block import lift, stop_sharing
from careplan.interactions.handover import refer
from careplan.interactions.patch import patch
from careplan.interactions.read import read

from .conftest import Json, Town
from .consenting import RELATIVE, as_caller, attorney, block, kinds, privacy, relative

CLINIC = [{"reference": "Organization/north"}]
Way = Callable[[Town, Json], Awaitable[Any]]


async def put(town: Town, consent: Json) -> None:
    await town.put(consent, who="doctor")


async def patched(town: Town, consent: Json) -> None:
    kept = ("status", "provision", "patient")
    change = json_patch_from_list([{"op": "replace", "path": f"/{one}", "value": consent[one]} for one in kept])
    await patch(town.as_("doctor"), "Consent", consent["id"], change)


async def in_a_bundle(town: Town, consent: Json) -> None:
    await town.bundle({"resource": consent, "request": {"method": "PUT", "url": f"Consent/{consent['id']}"}})


WAYS = (put, patched, in_a_bundle)


async def refused(town: Town, attempt: Awaitable[Any]) -> None:
    """Forbidden, and nothing is left behind."""
    before = await town.everything()
    with pytest.raises(Forbidden):
        await attempt
    assert await town.everything() == before


# ── a denial ─────────────────────────────────────────────────────────────────────────────────────

PARTLY = block("Organization/north", **{"class": kinds("Observation")})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "change",
    [
        {"status": "inactive"},
        {"status": "entered-in-error"},
        {"patient": {"reference": "Patient/birthe"}},
        {"provision": {**PARTLY["provision"], "class": kinds("Immunization")}},
        {"provision": {**PARTLY["provision"], "type": "permit"}},
    ],
    ids=["ended", "in error", "of another", "of other data", "a permit"],
)
async def test_nobody_who_is_blocked_lifts_or_narrows_the_block(open_town: Town, way: Way, change: Json) -> None:
    await open_town.put(PARTLY)
    await refused(open_town, way(open_town, {**PARTLY, **change}))
    with pytest.raises(Forbidden):
        await open_town.get("Observation/anna-1")


@pytest.mark.parametrize("of", ["Organization/north", "Organization/town", "Organization/south"])
async def test_staff_delete_no_block(open_town: Town, of: str) -> None:
    await open_town.put(block(of, **{"class": kinds("Observation")}))
    await refused(open_town, open_town.delete("Consent/block"))
    request = {"request": {"method": "DELETE", "url": "Consent/block"}}
    await refused(open_town, open_town.bundle(request))


async def test_a_block_that_names_nobody_who_said_it_is_the_patients_too(open_town: Town) -> None:
    bare = {name: part for name, part in block("Organization/town").items() if name != "performer"}
    await open_town.put(bare)
    await refused(open_town, open_town.put({**bare, "status": "inactive"}, who="doctor"))


async def test_staff_write_down_a_block_and_the_patient_lifts_it(open_town: Town) -> None:
    await open_town.put(block("Organization/town"), who="doctor")
    await open_town.put(block("Organization/town", status="inactive"), who="anna")


async def test_what_staff_have_said_themselves_is_theirs_to_take_back(open_town: Town) -> None:
    own = {**block("Organization/town"), "performer": CLINIC}
    await open_town.put(own, who="doctor")
    await open_town.put({**own, "status": "inactive"}, who="doctor")
    await open_town.delete("Consent/block")


# ── a power of attorney ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("performer", [[{"reference": "Patient/anna"}], CLINIC], ids=["patient", "clinic"])
@pytest.mark.parametrize("base", ["", "https://plan.example/fhir/"])
async def test_staff_give_no_power_of_attorney(town: Town, performer: Json, base: str) -> None:
    await town.put(relative())
    given = {**attorney("2026-12-31", "access", "correct"), "performer": performer}
    given["provision"]["actor"][0]["reference"] = {"reference": f"{base}RelatedPerson/anders"}
    await refused(town, town.post({key: given[key] for key in given if key != "id"}))
    await refused(town, town.put(given, who="doctor"))
    await town.put({**given, "status": "proposed"}, who="doctor")
    await refused(town, town.put(given, who="doctor"))


@pytest.mark.parametrize("way", WAYS)
async def test_a_power_of_attorney_is_neither_widened_nor_given_again_by_staff(town: Town, way: Way) -> None:
    await town.put(relative(), attorney())
    await refused(town, way(town, {**attorney("2027-12-31", "access", "correct")}))
    await withdraw(town.as_("anna"), "anna", "attorney")
    for status in ("active", "draft"):
        await refused(town, way(town, {**await town.get("Consent/attorney"), "status": status}))
    await refused(town, town.delete("Consent/attorney"))


async def test_staff_may_end_what_the_patient_has_permitted(town: Town) -> None:
    await town.put(relative(), attorney())
    await read(as_caller(town, RELATIVE), "Condition", "anna-t2d")
    await town.put({**await town.get("Consent/attorney"), "status": "inactive"}, who="doctor")
    town.later(seconds=3)
    with pytest.raises(Forbidden):
        await read(as_caller(town, RELATIVE), "Condition", "anna-t2d")


# ── the agreement of a referral ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", WAYS)
async def test_what_the_patient_agreed_to_a_referral_is_not_put_into_other_words(town: Town, way: Way) -> None:
    draft = Draft("town", "Samtale", until=date(2026, 12, 22))
    sent = await refer(town.as_("doctor"), "anna", draft, agreed=True)
    (consent,) = await town.find("Consent", patient="anna")
    wider = {**consent["provision"], "period": {"start": "2026-11-22", "end": "2040-01-01"}}
    for change in ({"provision": wider}, {"patient": {"reference": "Patient/birthe"}}):
        await refused(town, way(town, {**consent, **change}))
    await stop_sharing(town.as_("anna"), "anna", sent.request)
    (ended,) = await town.find("Consent", patient="anna")
    for change in ({"status": "active"}, {"provision": wider}):
        await refused(town, way(town, {**ended, **change}))
    await refused(town, town.delete(f"Consent/{consent['id']}"))


async def test_an_agreement_that_a_system_brought_is_not_held_again_once_it_ended(town: Town) -> None:
    """As GP systems keep them: a doctor noted it."""
    said = {**privacy("noted", {"type": "permit"}), "performer": [{"reference": "PractitionerRole/doctor"}]}
    await town.put(said, who="doctor")
    await town.put({**said, "dateTime": "2026-11-22"}, who="doctor")
    await town.put({**said, "status": "inactive"}, who="doctor")
    await refused(town, town.put(said, who="doctor"))


# ── what the patient can always do, and what staff may send again ────────────────────────────────


@pytest.mark.parametrize("performer", [[], [{"reference": "Patient/anna", "display": "Anna T. Jensen"}]])
async def test_a_block_that_staff_have_written_down_is_the_patient_s_to_lift(town: Town, performer: Json) -> None:
    written = {**block("Organization/city"), "performer": performer}
    if not performer:
        del written["performer"]
    await town.put(written, who="doctor")
    await lift(town.as_("anna"), "anna", "block")
    assert (await town.get("Consent/block", "anna"))["status"] == "inactive"


async def test_sharing_stops_however_the_patient_is_named_in_the_agreement(town: Town) -> None:
    sent = await refer(town.as_("doctor"), "anna", Draft("town", "Samtale", until=date(2026, 12, 22)), agreed=True)
    (agreed,) = await town.find("Consent", patient="anna")
    named = [{"reference": "Patient/anna", "display": "Anna T. Jensen"}]
    await town.put({**{key: part for key, part in agreed.items() if key != "meta"}, "performer": named})
    await stop_sharing(town.as_("anna"), "anna", sent.request)
    with pytest.raises(Forbidden):
        await town.get("Patient/anna", "visitator")


async def test_what_stands_is_sent_again_as_it_is(town: Town) -> None:
    for one in (block("Organization/city"), {**block("Organization/city", id="ended"), "status": "inactive"}):
        await town.put(one)
        (version,) = await town.put(one, who="doctor")
        assert version.number == 1


async def test_a_draft_that_staff_wrote_is_theirs_to_make_hold(town: Town) -> None:
    await town.put({**block("Organization/city"), "status": "draft"}, who="doctor")
    (version,) = await town.put(block("Organization/city"), who="doctor")
    assert version.number == 2


async def test_a_block_is_not_said_to_be_a_mistake_by_staff(town: Town) -> None:
    await town.put(block("Organization/city"))
    with pytest.raises(Forbidden):
        await town.put({**block("Organization/city"), "status": "entered-in-error"}, who="doctor")
