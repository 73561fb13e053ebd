"""Spærring and fuldmagt: what a patient denies is as if it were not there, and whom a patient trusts sees the one."""

from typing import Any

import pytest

from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.brought import Brought, RecordNeeded, read_brought
from careplan.interactions.caller import Caller
from careplan.interactions.chronicle import read_chronicle
from careplan.interactions.context import Context
from careplan.interactions.memory import KEPT, MOST, Memory
from careplan.interactions.overview import read_overview
from careplan.interactions.person import read_person
from careplan.interactions.read import history, read, vread
from careplan.interactions.referral import active_referrals
from careplan.interactions.renewal_list import planned_patients
from careplan.interactions.search import search
from careplan.interactions.worklist import candidates
from careplan.interactions.write import create, update

from .conftest import BASE, NOW, Json, Town, condition, hba1c, measured, personal, referral
from .consenting import RELATIVE, as_caller, attorney, block, kinds, privacy, relative

CODE = {"coding": [{"system": "http://npu-terminology.org", "code": "NPU27300"}]}


async def found(context: Context, type_name: str, query: str = "") -> list[str]:
    """References of matches and of what they bring, and the total."""
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
    asked = parse_query(type_name, [*pairs, ("_total", "accurate")], strict=True, base=BASE, count=100)
    answer = await search(context, asked)
    assert answer.page.total == len(answer.page.matches)
    return sorted(one.reference for one in (*answer.page.matches, *answer.included))


async def refused(context: Context, reference: str) -> bool:
    """Whether a direct read is refused, as one of an id that never was is."""
    type_name, _, id = reference.partition("/")
    try:
        await read(context, type_name, id)
    except Forbidden as error:
        assert error.message == f"no access to {reference}"
        with pytest.raises(Forbidden):
            await vread(context, type_name, id, "1")
        with pytest.raises(Forbidden):
            await history(context, type_name, id, count=10)
        return True
    assert (await vread(context, type_name, id, "1")).id == id
    assert (await history(context, type_name, id, count=10)).total
    return False


@pytest.fixture
async def full(open_town: Town) -> Town:
    """Anna has a value and a weight, two diagnoses, a plan; doctors, a nurse of theirs, and a ward of the city."""
    await open_town.put(
        {"resourceType": "PractitionerRole", "id": "doctor", "practitioner": {"reference": "Practitioner/mette"}},
        {"resourceType": "PractitionerRole", "id": "nurse", "practitioner": {"reference": "Practitioner/lars"}},
        {"resourceType": "Organization", "id": "ward", "name": "w", "partOf": {"reference": "Organization/city"}},
        {**measured("NPU03804", 70, "kg"), "id": "anna-weight"},
        relative(),
    )
    await open_town.call("CarePlan/$establish", subject="Patient/anna", definition="diabetes")
    return open_town


# ── the whole record ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("actor", "blocked"),
    [
        ("Organization/north", {"doctor", "nurse", "lps"}),
        ("PractitionerRole/doctor", {"doctor"}),
        ("Practitioner/mette", {"doctor"}),
        ("Practitioner/lars", {"nurse"}),
        ("Organization/town", {"visitator"}),
        ("Organization/south", set()),
        ("RelatedPerson/anders", set()),
        (None, {"doctor", "nurse", "lps", "visitator"}),
    ],
)
async def test_a_block_closes_the_record_to_whom_it_names_alone(
    full: Town, actor: str | None, blocked: set[str]
) -> None:
    await full.put(block(*([actor] if actor else [])))
    for who in ("doctor", "nurse", "lps", "visitator", "anna", "system"):
        context = full.as_(who)
        assert await refused(context, "Patient/anna") is (who in blocked)
        assert ("Observation/anna-1" in await found(context, "Observation")) is (who not in blocked)


async def test_a_block_of_an_organisation_is_one_of_its_wards(full: Town) -> None:
    await full.put(referral("r-ward", to="ward"))
    ward = as_caller(full, Caller("hospital", "Ida", "ward"))
    assert not await refused(ward, "Patient/anna")
    await full.put(block("Organization/city"))
    assert await refused(ward, "Patient/anna")


async def test_a_blocked_record_is_as_if_it_were_not_there_wherever_one_asks(full: Town) -> None:
    """Searches of every kind, operations, lists, hooks: and the same of another patient goes on."""
    await full.put({**hba1c(70, of="birthe"), "id": "birthe-1"}, condition("birthe-t2d", "T90", of="birthe"))
    await full.put(block("Organization/north"))
    doctor = full.as_("doctor")
    assert await found(doctor, "Patient") == ["Patient/birthe"]
    assert await found(doctor, "Observation", "_include=Observation:subject") == [
        "Observation/birthe-1",
        "Patient/birthe",
    ]
    assert await found(doctor, "Patient", "_revinclude=Observation:subject") == [
        "Observation/birthe-1",
        "Patient/birthe",
    ]
    assert await found(doctor, "Observation", "subject:Patient.gender=female") == ["Observation/birthe-1"]
    assert await found(doctor, "Patient", "_has:Observation:patient:code=NPU27300") == ["Patient/birthe"]
    assert await found(doctor, "Observation", "patient=anna") == await found(doctor, "CarePlan") == []
    assert await found(doctor, "Observation", "_id=anna-1") == await found(doctor, "Consent") == []
    patients = {one.patient for one in (await history(doctor, None, None, count=500)).versions}
    assert "birthe" in patients and "anna" not in patients
    assert {one.patient for one in (await history(doctor, "Goal", None, count=500)).versions} == set()
    for attempt in (
        full.call("Patient/$overview", "anna"),
        full.call("Patient/$everything", "anna"),
        full.call("Patient/$recommended-targets", "anna"),
        read_chronicle(doctor, "anna"),
        create(doctor, "Observation", read_text(dump(hba1c(50)))),
        update(doctor, "Observation", "anna-1", read_text(dump({**hba1c(50), "id": "anna-1"}))),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert parse_total(await full.call("Observation/$lastn", patient="anna")) == 0
    assert {one.version.id for one in await candidates(doctor, "north")} == {"birthe"}
    assert await planned_patients(doctor, "north") == []
    with pytest.raises(RecordNeeded):
        await read_brought(doctor, Brought("anna", ours=True))


def parse_total(bundle: Json) -> int:
    return len(bundle.get("entry", ()))


async def test_a_blocked_municipality_has_no_referral_of_that_patient(full: Town) -> None:
    visitator = full.as_("visitator")
    assert [whose for whose, _ in await active_referrals(visitator, "town")] == ["anna"]
    await full.put(block("Organization/town"))
    assert await active_referrals(visitator, "town") == ()


@pytest.mark.parametrize(
    ("period", "blocked"),
    [
        ({"start": "2026-11-22"}, True),
        ({"start": "2026-11-23"}, False),
        ({"end": "2026-11-22"}, True),
        ({"end": "2026-11-21"}, False),
        ({"start": "2026-11-22T11:00:00+01:00"}, False),
        ({"end": "2026-11-22T09:59:59+01:00"}, False),
    ],
)
async def test_a_block_holds_from_its_first_day_to_its_last(full: Town, period: Json, blocked: bool) -> None:
    await full.put(block("Organization/north", period=period))
    assert await refused(full.as_("doctor"), "Patient/anna") is blocked


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
async def test_only_an_active_consent_blocks(full: Town, status: str) -> None:
    await full.put(block("Organization/north", status=status))
    assert not await refused(full.as_("doctor"), "Patient/anna")


async def test_a_block_holds_from_the_moment_it_is_stored_and_ends_when_it_is_taken_back(full: Town) -> None:
    """In one process nothing is stale, though what Consents say is remembered for a moment."""
    doctor = full.as_("doctor")
    for _ in range(2):
        assert not await refused(doctor, "Patient/anna")
        await full.put(block("Organization/north"))
        assert await refused(doctor, "Patient/anna")
        await full.put(block("Organization/north", status="inactive"))
    await full.put(block("Organization/north"))
    assert await refused(doctor, "Patient/anna")
    await full.delete("Consent/block", "system")
    assert not await refused(doctor, "Patient/anna")


async def test_a_block_that_another_process_stores_holds_after_the_time_that_is_remembered(full: Town) -> None:
    await full.put(block("Organization/north", status="draft"))
    assert not await refused(full.as_("doctor"), "Patient/anna")
    stored = await full.house.store.read("Consent", "block")
    assert stored is not None
    other = Town(type(full.house)(**{name: getattr(full.house, name) for name in FIELDS}), full.now, full.ids)
    await other.put(block("Organization/north"))
    full.later(seconds=KEPT.total_seconds())
    assert await refused(full.as_("doctor"), "Patient/anna")


FIELDS = ("store", "catalogue", "knowledge", "reader", "validate", "secret")


async def test_a_caller_who_is_denied_nothing_pays_no_search_for_each_request(full: Town) -> None:
    doctor, asked = full.as_("doctor"), list[str]()
    await read(doctor, "Patient", "anna")

    async def find() -> tuple[Any, ...]:
        asked.append("searched")
        return ()

    who = doctor.caller
    key = (doctor.store, who.role, who.organization, who.reference, doctor.base)
    await full.house.consents.recall(key, full.now, find)
    assert asked == []
    full.house.consents.forget()
    await full.house.consents.recall(key, full.now, find)
    assert asked == ["searched"]


async def test_what_is_remembered_has_an_end() -> None:
    memory: Memory[int] = Memory()

    async def found() -> int:
        return 1

    for number in range(MOST + 1):
        await memory.recall(number, NOW, found)
    assert len(memory._kept) == 1


async def test_a_person_who_signs_in_as_themselves_is_blocked_in_every_role(full: Town) -> None:
    mette = as_caller(full, Caller("clinic", "Mette", "north", reference="Practitioner/mette"))
    assert not await refused(mette, "Patient/anna")
    await full.put(block("PractitionerRole/doctor"))
    assert await refused(mette, "Patient/anna")


async def test_what_is_found_while_something_is_written_is_not_remembered(full: Town) -> None:
    async def overtaken() -> tuple[Any, ...]:
        full.house.consents.forget()
        return ("old",)

    async def fresh() -> tuple[Any, ...]:
        return ("new",)

    assert await full.house.consents.recall("key", full.now, overtaken) == ("old",)
    assert await full.house.consents.recall("key", full.now, fresh) == ("new",)


# ── kinds of data ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "gone"),
    [
        ({"class": kinds("Observation")}, {"Observation/anna-1", "Observation/anna-weight"}),
        ({"code": [CODE]}, {"Observation/anna-1"}),
        ({"class": kinds("Observation"), "code": [CODE]}, {"Observation/anna-1"}),
        ({"class": kinds("Condition"), "code": [CODE]}, set()),
        (
            {"code": [{"coding": [{"system": "urn:oid:1.2.208.176.2.31", "code": "T90"}]}]},
            {"Condition/anna-t2d"},
        ),
        (
            {"data": [{"meaning": "instance", "reference": {"reference": "Condition/anna-ihd"}}]},
            {"Condition/anna-ihd"},
        ),
    ],
)
async def test_a_kind_of_data_is_denied_and_the_rest_is_not(full: Town, data: Json, gone: set[str]) -> None:
    await full.put(block("Organization/north", **data))
    doctor = full.as_("doctor")
    everything = {"Observation/anna-1", "Observation/anna-weight", "Condition/anna-t2d", "Condition/anna-ihd"}
    seen = {*await found(doctor, "Observation"), *await found(doctor, "Condition")}
    assert everything - seen == gone
    for reference in everything | {"Patient/anna"}:
        assert await refused(doctor, reference) is (reference in gone)
    assert await found(doctor, "Provenance") == ([] if gone or "class" in data else await found(doctor, "Provenance"))
    person = await read_person(doctor, "anna", ("Observation", "Condition"))
    held = {f"{name}/{one['id']}" for name, some in person.resources.items() for one in some}
    assert everything - held == gone
    told = {one.reference for one in (await history(doctor, None, None, count=1000)).versions}
    assert not told & gone and "Patient/anna" in told
    assert not {one.reference for one in (await read_chronicle(doctor, "anna")).versions} & gone
    assert (
        not {f"Observation/{one['id']}" for one in (await read_overview(doctor, "anna", "clinic")).observations} & gone
    )
    bundle = await full.call("Patient/$everything", "anna", _count="500")
    assert not {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]} & gone
    assert await found(full.as_("stranger"), "Observation") == ["Observation/carl-1"]


async def test_what_became_a_denied_kind_or_once_was_one_is_refused_in_all_its_versions(full: Town) -> None:
    await full.put({**measured("NPU03804", 71, "kg"), "id": "anna-1"}, {**hba1c(50), "id": "anna-weight"})
    await full.put(block("Organization/north", code=[CODE]))
    doctor = full.as_("doctor")
    assert (await read(doctor, "Observation", "anna-1")).number == 2
    with pytest.raises(Forbidden):
        await vread(doctor, "Observation", "anna-1", "1")
    with pytest.raises(Forbidden):
        await history(doctor, "Observation", "anna-1", count=10)
    for number in ("1", "2"):
        with pytest.raises(Forbidden):
            await vread(doctor, "Observation", "anna-weight", number)


async def test_work_on_a_record_of_which_some_is_denied_goes_on(full: Town) -> None:
    """What guards a write looks at what the writer sees, and never waits for what the writer cannot see."""
    await full.put(
        {
            "resourceType": "CarePlan",
            "id": "other",
            "status": "active",
            "intent": "plan",
            "subject": {"reference": "Patient/anna"},
        }
    )
    await full.put(
        block("Organization/north", data=[{"meaning": "instance", "reference": {"reference": "CarePlan/other"}}])
    )
    task = await full.call("Patient/$exclude", "anna", plan_type="kol", reason="patient-wish")
    assert task["status"] == "rejected"


# ── what cannot be kept ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("consent", "place"),
    [
        (block("Organization/north", provision=[{"type": "permit"}]), "provision"),
        (privacy("c", {"period": {"start": "2026-01-01"}}), "type"),
        (block("Group/g"), "actor[0].reference"),
        (block("https://elsewhere.example/Organization/1"), "actor[0].reference"),
        (block(**{"class": [{"system": "urn:ietf:bcp:13", "code": "application/pdf"}]}), "class[0]"),
        (block(**{"class": kinds("Goose")}), "class[0]"),
        (block(**{"class": kinds("Provenance"), "code": [CODE]}), "class[0]"),
        (block(code=[{"text": "sukkersyge"}]), "code[0]"),
        (block(data=[{"meaning": "related", "reference": {"reference": "Condition/1"}}]), "data[0]"),
        (block(action=[{"coding": [{"system": "http://x.example", "code": "x"}]}]), "action"),
        (attorney(**{"class": kinds("Observation")}), "class"),
        ({**attorney(), "provision": {**attorney()["provision"], "period": {"start": "2026-11-01"}}}, "period.end"),
    ],
)
async def test_a_consent_that_could_not_be_kept_is_refused(full: Town, consent: Json, place: str) -> None:
    """A block that is stored and not kept is worse than none."""
    with pytest.raises(ResourceInvalid) as refusal:
        await full.put(consent)
    assert [fault.expression for fault in refusal.value.faults] == [f"Consent.provision.{place}"]
    await full.put({**consent, "status": "draft"})


# ── fuldmagt ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_relative_sees_the_one_patient_who_has_agreed_to_it(full: Town) -> None:
    anders = as_caller(full, RELATIVE)
    assert await found(anders, "Observation") == [] and await refused(anders, "Patient/anna")
    await full.put(attorney())
    assert await found(anders, "Patient") == ["Patient/anna"]
    assert not await refused(anders, "Observation/anna-1")
    assert (await read_overview(anders, "anna", "patient")).patient["id"] == "anna"
    assert await refused(anders, "Patient/birthe") and await refused(anders, "Observation/carl-1")
    with pytest.raises(Forbidden):
        await create(anders, "Observation", read_text(dump(by_anders(50))))


def by_anders(value: int) -> Json:
    return {**hba1c(value), "performer": [{"reference": "RelatedPerson/anders"}]}


async def test_a_relative_who_may_write_writes_in_their_own_name_and_no_consent(full: Town) -> None:
    await full.put(attorney("2026-12-31", "access", "collect"))
    anders = as_caller(full, RELATIVE)
    await create(anders, "Observation", read_text(dump(by_anders(50))))
    await create(anders, "Goal", read_text(dump(personal("Gå ture"))))
    consent = {**block("Organization/north"), "performer": [{"reference": "RelatedPerson/anders"}]}
    own = {**hba1c(50), "performer": [{"reference": "Patient/anna"}]}
    for wrong in (own, consent, {**by_anders(50), "subject": {"reference": "Patient/birthe"}}):
        with pytest.raises(Forbidden):
            await create(anders, wrong["resourceType"], read_text(dump(wrong)))


@pytest.mark.parametrize(
    ("consent", "person"),
    [
        (attorney("2026-11-21"), relative()),
        (attorney(who="other"), relative()),
        (attorney(of="birthe"), relative()),
        ({**attorney(), "status": "inactive"}, relative()),
        ({**attorney(), "verification": [{"verified": False}]}, relative()),
        (attorney(), relative(active=False)),
        (attorney(), relative(period={"end": "2026-11-21"})),
        (attorney(), relative(of="birthe")),
        ({**attorney(), "provision": {**attorney()["provision"], "type": "deny"}}, relative()),
    ],
)
async def test_a_power_of_attorney_that_does_not_hold_opens_nothing(full: Town, consent: Json, person: Json) -> None:
    await full.put(relative("other"), person)
    await full.put(consent)
    anders = as_caller(full, RELATIVE)
    assert await refused(anders, "Patient/anna") and await refused(anders, "Patient/birthe")
    assert await found(anders, "Patient") == []


async def test_a_power_of_attorney_is_not_another_patient_s_to_give_nor_its_launch_context_to_widen(full: Town) -> None:
    await full.put(attorney())
    other = as_caller(full, Caller("patient", "Anders", patient="birthe", reference="RelatedPerson/anders"))
    assert await found(other, "Patient") == []
    named = as_caller(full, Caller("patient", "Anders", patient="anna", reference="RelatedPerson/anders"))
    assert await found(named, "Patient") == ["Patient/anna"]


async def test_a_permit_for_an_organisation_opens_nothing(full: Town) -> None:
    await full.put(
        {**attorney(), "provision": {"type": "permit", "actor": [*block("Organization/south")["provision"]["actor"]]}}
    )
    assert await refused(full.as_("stranger"), "Patient/anna")


async def test_the_patient_s_own_access_and_the_installation_s_depend_on_no_consent(full: Town) -> None:
    await full.put(block())
    for who in ("anna", "system"):
        assert not await refused(full.as_(who), "Patient/anna")
