"""Værdispring: a clinician opens a closed record, with a reason, for a while; the patient and a reviewer see it."""

from typing import Any

import pytest

from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.caller import Caller
from careplan.interactions.emergency import EmergencyNeedsReason, emergencies_of_patient
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.interactions.read import history, read
from careplan.interactions.smart import scopes_from_text
from careplan.interactions.write import create, delete, update

from . import conftest
from .conftest import Json, Town, patient, referral
from .consenting import RELATIVE, SURGEON, actors, attorney, block, kinds, privacy, relative
from .test_consents import found

WHY = "Bevidstløs patient, medicinen skal kendes nu"


@pytest.fixture
def callers(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {
        "surgeon": SURGEON,
        "ward": Caller("hospital", "System", "city"),
        "relative": RELATIVE,
        "south-system": Caller("clinic", "System", "south"),
        "client": Caller(
            "clinic", "Jens", "south", reference="PractitionerRole/other", scopes=scopes_from_text("user/Patient.rs")
        ),
    }
    for name, caller in more.items():
        monkeypatch.setitem(conftest.CALLERS, name, caller)


async def open_anna(town: Town, who: str = "stranger", **asked: Any) -> Json:
    return await town.call("Patient/$emergency-access", "anna", who, **{"reason": WHY, **asked})


async def sees(town: Town, who: str, reference: str = "Observation/anna-1") -> bool:
    type_name, _, id = reference.partition("/")
    try:
        await read(town.as_(who), type_name, id)
    except Forbidden:
        assert reference not in await found(town.as_(who), type_name)
        return False
    assert reference in await found(town.as_(who), type_name)
    return True


async def test_a_clinician_without_relation_opens_the_record_for_four_hours(open_town: Town) -> None:
    assert not await sees(open_town, "stranger")
    await open_anna(open_town)
    assert await sees(open_town, "stranger")
    assert await found(open_town.as_("stranger"), "Observation") == ["Observation/anna-1", "Observation/carl-1"]
    assert {
        one.patient for one in (await history(open_town.as_("stranger"), "Observation", None, count=9)).versions
    } == {
        "anna",
        "carl",
    }
    assert (await open_town.call("Patient/$overview", "anna", "stranger"))["entry"]
    open_town.later(hours=3, minutes=59)
    assert await sees(open_town, "stranger")
    open_town.later(minutes=2)
    assert not await sees(open_town, "stranger")


async def test_it_opens_the_record_to_that_person_alone_and_of_that_patient_alone(
    open_town: Town, callers: None
) -> None:
    await open_anna(open_town)
    for who in ("south-system", "visitator-south", "birthe"):
        if who in conftest.CALLERS:
            assert not await sees(open_town, who)
    assert not await sees(open_town, "stranger", "Patient/birthe")


async def test_a_blocked_clinician_opens_what_was_denied(open_town: Town) -> None:
    for consent in (block("Organization/north"), block("PractitionerRole/doctor", **{"class": kinds("Observation")})):
        await open_town.put(consent)
        assert not await sees(open_town, "doctor")
        made = await open_anna(open_town, "doctor")
        assert await sees(open_town, "doctor")
        open_town.later(hours=5)
        assert not await sees(open_town, "doctor")
        assert made["provision"]["purpose"][1]["code"] == "BTG"


async def test_a_hospital_s_clinician_opens_the_slice_and_no_more(open_town: Town, callers: None) -> None:
    assert not await sees(open_town, "surgeon")
    await open_anna(open_town, "surgeon")
    assert await sees(open_town, "surgeon") and not await sees(open_town, "ward")
    with pytest.raises(Forbidden):
        await read(open_town.as_("surgeon"), "Condition", "anna-t2d")


@pytest.mark.parametrize(
    "who", ["system", "anna", "lps", "statistics", "visitator", "clinic-system", "ward", "relative", "client"]
)
async def test_nobody_but_clinicians_in_person_opens_a_record(open_town: Town, callers: None, who: str) -> None:
    await open_town.put(relative(), attorney())
    before = await open_town.everything()
    with pytest.raises(Forbidden):
        await open_anna(open_town, who)
    assert await open_town.everything() == before


@pytest.mark.parametrize("reason", ["", "akut", " " * 40, "x" * 1001])
async def test_an_emergency_says_why(open_town: Town, reason: str) -> None:
    with pytest.raises(EmergencyNeedsReason):
        await open_anna(open_town, reason=reason)
    assert not await sees(open_town, "stranger")


async def test_a_patient_whom_no_search_finds_is_named_by_person_number_and_never_in_the_address(
    open_town: Town,
) -> None:
    number = {"system": "urn:oid:1.2.208.176.1.2", "value": "2511489996"}
    await open_town.put(patient("anna", identifier=[number]))
    operation = "Patient/$emergency-access"
    await open_town.call(operation, None, "stranger", reason=WHY, identifier=number)
    assert await sees(open_town, "stranger")
    with pytest.raises(ParameterFaulty):
        await open_town.call(operation, None, "stranger", reason=WHY, identifier="2511489996")
    for nobody in ({**number, "value": "0101010000"}, {**number, "system": "x"}):
        with pytest.raises(Forbidden):
            await open_town.call(operation, None, "stranger", reason=WHY, identifier=nobody)
    with pytest.raises(Forbidden, match="no access to Patient/never"):
        await open_town.call(operation, "never", "stranger", reason=WHY)


async def test_the_patient_reads_who_opened_the_record_and_why(open_town: Town) -> None:
    await open_anna(open_town)
    await open_town.put(block("Organization/north", id="other"))
    (told,) = await emergencies_of_patient(open_town.as_("anna"), "anna")
    assert (told.person, told.organization, told.name) == ("PractitionerRole/other", "Organization/south", "Jens Toft")
    assert told.reason == WHY
    assert (told.until - told.at).total_seconds() == 4 * 3600
    assert (await read(open_town.as_("anna"), *told.reference.split("/"))).patient == "anna"  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        await emergencies_of_patient(open_town.as_("birthe"), "anna")


async def test_an_organisation_reviews_what_its_people_opened(open_town: Town, callers: None) -> None:
    await open_anna(open_town)
    open_town.later(days=2)
    await open_anna(open_town, "surgeon")
    operation = "Organization/$emergency-accesses"
    for organization, who, whose in (("south", "stranger", "Jens Toft"), ("city", "ward", "Ida Lund")):
        (entry,) = (await open_town.call(operation, organization, who))["entry"]
        assert entry["resource"]["performer"][0]["display"] == whose
    assert "entry" not in await open_town.call(operation, "north", "doctor")
    for organization, who in (("south", "doctor"), ("south", "anna"), ("north", "lps"), ("town", "visitator")):
        with pytest.raises(Forbidden):
            await open_town.call(operation, organization, who)


async def test_what_records_an_emergency_is_made_by_nobody_else_and_stands(open_town: Town) -> None:
    made = await open_anna(open_town, "doctor")
    context = open_town.as_("doctor")
    ended = {**made, "status": "inactive"}
    for attempt in (
        update(context, "Consent", made["id"], read_text(dump(ended))),
        delete(context, "Consent", made["id"]),
        create(context, "Consent", read_text(dump({key: made[key] for key in made if key not in ("id", "meta")}))),
    ):
        with pytest.raises(Forbidden):
            await attempt
    forged = privacy(
        "x", {"type": "permit", "actor": actors("PractitionerRole/other"), "purpose": made["provision"]["purpose"]}
    )
    with pytest.raises(Forbidden):
        await open_town.put(forged, who="anna")
    assert not await sees(open_town, "stranger")


async def test_the_lists_of_a_clinic_hold_nobody_whom_an_emergency_opened(open_town: Town) -> None:
    await open_anna(open_town)
    bundle = await open_town.call("Patient/$eligible", None, "stranger", clinic="Organization/south")
    assert {one["resource"]["id"] for one in bundle.get("entry", ())} <= {"carl"}
    assert (await open_town.get("Patient/anna", "stranger"))["id"] == "anna"


async def test_an_emergency_during_a_referral_opens_no_more_than_the_slice(open_town: Town, callers: None) -> None:
    await open_town.put(referral("r-city", to="city"), block("Organization/city"))
    assert not await sees(open_town, "surgeon")
    made = await open_anna(open_town, "surgeon")
    assert await sees(open_town, "surgeon")
    kept = await read(open_town.as_("system"), "Consent", made["id"])
    assert parse(kept.body or b"")["extension"][0]["valueString"] == WHY
