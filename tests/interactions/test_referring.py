"""A patient is referred, the municipality works on the case, and what it sees ends with it."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from careplan.domain.referral import StepNeedsReason, StepNotAllowed
from careplan.fhir import systems
from careplan.fhir.case import Draft
from careplan.fhir.outcome import ResourceInvalid
from careplan.interactions.access import Forbidden
from careplan.interactions.caller import Caller
from careplan.interactions.casework import move, open_referrals
from careplan.interactions.context import Context
from careplan.interactions.emergency import open_in_emergency
from careplan.interactions.handover import ReferralFaulty, ReferralNeedsConsent, Sent, preview, refer
from careplan.interactions.overview import read_overview, resources_of
from careplan.interactions.precondition import PreconditionFailed

from .conftest import Json, Town, concept, hba1c, referral

DRAFT = Draft("town", "Afklarende samtale", ("Condition/anna-t2d",), "Vil gerne i gang", until=date(2027, 5, 22))
SLICE = ("Patient", "CarePlan", "Goal", "Observation", "ServiceRequest", "Task", "CareTeam")


def colleague(town: Town, name: str = "w") -> Context:
    """Somebody else in the same municipality."""
    return replace(
        town.as_("visitator"), caller=Caller("municipality", name, "town", reference=f"PractitionerRole/{name}")
    )


async def send(town: Town, who: str = "doctor", **changed: Any) -> Sent:
    return await refer(town.as_(who), "anna", replace(DRAFT, **changed), agreed=True)


async def step(
    town: Town, task: str, name: str, who: str = "visitator", expects: int | None = None, **more: Any
) -> Json:
    await move(town.as_(who), task, name, expects, **more)
    return await town.get(f"Task/{task}", "system")


async def accepted(town: Town) -> Sent:
    sent = await send(town)
    await step(town, sent.task, "take")
    await step(town, sent.task, "accept")
    return sent


async def sees(town: Town, who: str = "visitator") -> bool:
    """Whether somebody finds Anna, reads her and has her slice: all three, or none of them."""
    found = any(one["id"] == "anna" for one in await town.find("Patient", who))
    for reading in (town.get("Patient/anna", who), read_overview(town.as_(who), "anna", "referral")):
        try:
            await reading
        except Forbidden:
            assert not found
        else:
            assert found
    return found


# ── sending ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_referral_is_a_request_its_case_and_the_patients_agreement_in_one_commit(town: Town) -> None:
    before = len(await town.everything())
    sent = await send(town, needs=("interpreter",), note="Tyrkisk")
    made = (await town.everything())[before:]
    assert sorted(one.partition("/")[0] for one, _ in made) == ["Consent", "Provenance", "ServiceRequest", "Task"]
    request, task = await town.get(f"ServiceRequest/{sent.request}"), await town.get(f"Task/{sent.task}")
    assert (request["status"], request["performer"]) == ("active", [{"reference": "Organization/town"}])
    assert [one["text"] for one in request["orderDetail"]] == ["Tolk", "Tyrkisk"]
    assert (task["status"], task["owner"]) == ("requested", {"reference": "Organization/town"})
    assert task["restriction"]["period"] == {"start": "2026-11-22", "end": "2026-11-27"}
    (consent,) = await town.find("Consent", patient="anna")
    assert consent["provision"]["period"] == {"start": "2026-11-22", "end": "2027-05-22"}
    assert {one["code"] for one in consent["provision"]["class"]} == set(SLICE)
    assert consent["verification"][0]["verifiedWith"] == {"reference": "Patient/anna"}


async def test_without_the_patients_agreement_nothing_is_kept(town: Town) -> None:
    before = await town.everything()
    with pytest.raises(ReferralNeedsConsent):
        await refer(town.as_("doctor"), "anna", DRAFT, agreed=False)
    assert await town.everything() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"receiver": "nowhere"},
        {"receiver": "north"},
        {"offer": "  "},
        {"words": "x" * 601},
        {"until": None},
        {"until": date(2026, 11, 22)},
        {"until": date(2027, 11, 23)},
        {"needs": ("helicopter",)},
    ],
)
async def test_a_faulty_referral_is_refused(town: Town, changed: dict[str, Any]) -> None:
    with pytest.raises(ReferralFaulty):
        await send(town, **changed)


async def test_sent_twice_at_once_the_form_makes_one_referral(town: Town) -> None:
    both = await asyncio.gather(*(send(town, mark="one") for _ in range(3)))
    assert len(set(both)) == 1
    assert len(await town.find("ServiceRequest", patient="anna")) == len(await town.find("Task", patient="anna")) == 1


@pytest.mark.parametrize("who", ["stranger", "visitator", "anna", "statistics", "lps"])
async def test_only_the_patients_clinic_refers(town: Town, who: str) -> None:
    with pytest.raises(Forbidden):
        await send(town, who)


async def test_the_preview_is_what_the_receiver_sees(open_town: Town) -> None:
    await open_town.put(referral("r-anna", status="revoked"))
    await open_town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/diabetes"])
    shown = await preview(open_town.as_("doctor"), "anna", DRAFT)
    await send(open_town)
    seen = await read_overview(open_town.as_("visitator"), "anna", "referral")
    assert [line.measure.id for line in seen.lines] and seen.conditions
    assert (seen.lines, seen.conditions, seen.personal) == (shown.lines, shown.conditions, shown.personal)
    kept = {f"{one['resourceType']}/{one['id']}" for one in resources_of(shown) if one["id"] != "draft"}
    now = {f"{one['resourceType']}/{one['id']}" for one in resources_of(seen)}
    assert {one.partition("/")[0] for one in now - kept} <= {"ServiceRequest", "Task"} and kept <= now


async def test_the_preview_leaves_out_what_the_patient_has_denied_the_receiver(open_town: Town) -> None:
    await open_town.put(denial("k-1", **{"class": [{"system": systems.RESOURCE_TYPES, "code": "Observation"}]}))
    shown = await preview(open_town.as_("doctor"), "anna", DRAFT)
    assert not shown.observations and not any(line.readings for line in shown.lines)


async def test_whom_the_patient_has_denied_everything_is_not_referred_to(open_town: Town) -> None:
    await open_town.put(denial("k-1"))
    with pytest.raises(Forbidden):
        await send(open_town)


def denial(id: str, **more: Any) -> Json:
    actor = [{"role": {"text": "x"}, "reference": {"reference": "Organization/town"}}]
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": concept(systems.CONSENT_SCOPE, "patient-privacy"),
        "category": [{"text": "x"}],
        "patient": {"reference": "Patient/anna"},
        "performer": [{"reference": "Patient/anna"}],
        "policyRule": {"text": "x"},
        "provision": {"type": "deny", "actor": actor, **more},
    }


# ── the case ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_case_goes_through_its_states_and_the_access_with_it(town: Town) -> None:
    assert not await sees(town)
    sent = await send(town)
    told = []
    for name, more in (
        ("take", {}),
        ("accept", {}),
        ("book", {"on": date(2026, 12, 1)}),
        ("start", {}),
        ("pause", {"reason": "illness"}),
        ("resume", {}),
    ):
        task = await step(town, sent.task, name, **more)
        told.append((task["status"], task["businessStatus"]["coding"][0]["code"]))
        assert await sees(town)
    assert told == [
        ("received", "triage"),
        ("accepted", "accepted"),
        ("accepted", "booked"),
        ("in-progress", "active"),
        ("on-hold", "paused"),
        ("in-progress", "active"),
    ]
    task = await step(town, sent.task, "complete", reason="carried-out")
    assert (task["status"], task["statusReason"]["coding"][0]["code"]) == ("completed", "carried-out")
    assert not await sees(town)


async def ended(town: Town, sent: Sent) -> tuple[str, str, str]:
    (consent,) = await town.find("Consent", patient="anna")
    request, task = await town.get(f"ServiceRequest/{sent.request}"), await town.get(f"Task/{sent.task}", "system")
    return task["status"], request["status"], consent["status"]


async def test_returned_it_ends_with_its_reason_and_nobody_sees_it_any_more(town: Town) -> None:
    sent = await send(town)
    await step(town, sent.task, "take")
    with pytest.raises(StepNeedsReason):
        await step(town, sent.task, "return")
    task = await step(town, sent.task, "return", reason="other", text="Bor i en anden kommune")
    assert task["statusReason"]["text"] == "Bor i en anden kommune"
    assert await ended(town, sent) == ("rejected", "revoked", "inactive")
    assert not await sees(town)
    with pytest.raises(Forbidden):
        await step(town, sent.task, "take")


async def test_the_clinic_takes_it_back_and_the_municipality_sees_nothing(town: Town) -> None:
    sent = await accepted(town)
    await step(town, sent.task, "withdraw", "doctor", reason="not-needed")
    assert await ended(town, sent) == ("cancelled", "revoked", "inactive")
    assert not await sees(town)


async def test_who_sees_the_patient_in_an_emergency_takes_nothing_back(town: Town) -> None:
    sent = await send(town)
    await open_in_emergency(town.as_("stranger"), "anna", "Bevidstløs, kendes ikke her")
    assert (await town.get(f"Task/{sent.task}", "stranger"))["status"] == "requested"
    with pytest.raises(Forbidden):
        await step(town, sent.task, "withdraw", "stranger", reason="mistake")
    with pytest.raises(Forbidden):
        await send(town, "stranger")


async def test_the_referral_ended_by_the_clinic_ends_the_case(town: Town) -> None:
    sent = await accepted(town)
    request = await town.get(f"ServiceRequest/{sent.request}")
    await town.put({**request, "status": "revoked"}, who="doctor")
    assert await ended(town, sent) == ("cancelled", "revoked", "inactive")
    with pytest.raises(StepNotAllowed):
        await town.put({**request, "status": "active"}, who="doctor")


async def test_the_patient_who_takes_the_agreement_back_ends_it_all(town: Town) -> None:
    sent = await accepted(town)
    (consent,) = await town.find("Consent", patient="anna")
    await town.put({**consent, "status": "inactive"}, who="anna")
    assert await ended(town, sent) == ("cancelled", "revoked", "inactive")
    assert (await town.get(f"Task/{sent.task}"))["statusReason"]["coding"][0]["code"] == "sharing-stopped"
    assert not await sees(town)


async def test_another_referral_to_the_same_municipality_goes_on(town: Town) -> None:
    sent = await accepted(town)
    other = await send(town)
    await step(town, sent.task, "complete", reason="partly") if False else await step(
        town, sent.task, "fail", reason="moved"
    )
    assert (await town.get(f"Task/{other.task}"))["status"] == "requested"
    assert await sees(town)


async def test_of_two_who_take_it_at_once_one_is_told_what_stands(town: Town) -> None:
    sent = await send(town)
    both = await asyncio.gather(
        move(town.as_("visitator"), sent.task, "take", 1),
        move(colleague(town), sent.task, "take", 1),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in both) == ["PreconditionFailed", "Version"]
    assert (await town.get(f"Task/{sent.task}"))["meta"]["versionId"] == "2"


async def test_a_step_on_a_version_that_is_gone_is_refused(town: Town) -> None:
    sent = await send(town)
    await step(town, sent.task, "take")
    with pytest.raises(PreconditionFailed):
        await step(town, sent.task, "accept", expects=1)


async def test_a_colleague_may_take_the_case_over_and_is_its_one_owner(town: Town) -> None:
    sent = await accepted(town)
    await move(colleague(town), sent.task, "take-over", None)
    task = await town.get(f"Task/{sent.task}")
    assert (task["owner"], task["status"]) == ({"reference": "PractitionerRole/w"}, "accepted")


async def test_another_municipality_that_sees_the_patient_has_no_part_in_the_case(town: Town) -> None:
    sent = await send(town)
    await town.put(referral("r-city", to="city"))
    other = replace(town.as_("visitator"), caller=Caller("municipality", "C", "city", reference="PractitionerRole/c"))
    with pytest.raises(Forbidden):
        await move(other, sent.task, "take", None)


# ── what is sent over FHIR ───────────────────────────────────────────────────────────────────────


async def test_a_plain_put_is_held_to_the_same_table(town: Town) -> None:
    sent = await send(town)
    task = await town.get(f"Task/{sent.task}", "visitator")
    bare = {name: part for name, part in task.items() if name != "businessStatus"}
    for status in ("accepted", "in-progress", "completed", "cancelled", "failed", "rejected"):
        with pytest.raises(StepNotAllowed):
            await town.put({**bare, "status": status}, who="visitator")
    mine = {**bare, "status": "received", "owner": {"reference": "PractitionerRole/v"}}
    await town.put(mine, who="visitator")
    with pytest.raises(StepNeedsReason):
        await town.put({**mine, "status": "rejected"}, who="visitator")
    why = {"coding": [{"system": systems.REFERRAL_REASON, "code": "not-target-group"}]}
    await town.put({**mine, "status": "rejected", "statusReason": why}, who="visitator")
    assert await ended(town, sent) == ("rejected", "revoked", "inactive")


async def test_nobody_else_is_made_the_owner_by_a_put(town: Town) -> None:
    sent = await send(town)
    task = await town.get(f"Task/{sent.task}", "visitator")
    bare = {name: part for name, part in task.items() if name != "businessStatus"}
    for owner in ("PractitionerRole/w", "Organization/city", "PractitionerRole/doctor"):
        with pytest.raises((StepNotAllowed, Forbidden)):
            await town.put({**bare, "status": "received", "owner": {"reference": owner}}, who="visitator")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("restriction", {"period": {"end": "2027-01-01"}}),
        ("focus", {"reference": "ServiceRequest/other"}),
        ("authoredOn", "2026-12-01T10:00:00+01:00"),
    ],
)
async def test_what_the_case_is_about_stays(town: Town, name: str, value: Any) -> None:
    sent = await send(town)
    task = await town.get(f"Task/{sent.task}", "visitator")
    with pytest.raises(ResourceInvalid):
        await town.put({**task, name: value}, who="visitator")


async def test_a_municipality_makes_and_deletes_no_case(town: Town) -> None:
    sent = await send(town)
    with pytest.raises(StepNotAllowed):
        await town.delete(f"Task/{sent.task}", "visitator")
    task = await town.get(f"Task/{sent.task}", "visitator")
    copy = {name: part for name, part in task.items() if name not in ("id", "meta")}
    with pytest.raises(StepNotAllowed):
        await town.post(copy, "visitator")
    with pytest.raises(StepNotAllowed):
        await town.post(copy, "doctor")


async def test_a_case_that_ended_is_not_opened_again_by_the_clinic(town: Town) -> None:
    sent = await accepted(town)
    task = await step(town, sent.task, "withdraw", "doctor", reason="mistake")
    with pytest.raises(StepNotAllowed):
        await town.put({**task, "status": "requested"}, who="doctor")


# ── who waits ────────────────────────────────────────────────────────────────────────────────────


async def test_the_clinic_follows_its_referrals_by_deadline_and_late_is_computed(town: Town) -> None:
    first = await send(town)
    town.later(days=2)
    second = await send(town)
    before = await town.everything()
    assert [(one.opened.version.id, one.patient["id"]) for one in await open_referrals(town.as_("doctor"))] == [
        (first.task, "anna"),
        (second.task, "anna"),
    ]
    town.later(days=4)
    told = [one.opened.deadline(town.as_("doctor").on) for one in await open_referrals(town.as_("nurse"))]
    assert told == ["late", "nearing"] or told == ["late", "running"]
    assert await town.everything() == before


async def test_what_was_answered_has_no_deadline_and_what_ended_is_not_listed(town: Town) -> None:
    sent = await accepted(town)
    town.later(days=30)
    (one,) = await open_referrals(town.as_("doctor"))
    assert one.opened.deadline(town.as_("doctor").on) == "answered"
    await step(town, sent.task, "withdraw", "doctor", reason="mistake")
    assert await open_referrals(town.as_("doctor")) == ()


async def test_another_clinic_sees_none_of_them(town: Town) -> None:
    await send(town)
    assert await open_referrals(town.as_("stranger")) == ()
    with pytest.raises(Forbidden):
        await open_referrals(town.as_("visitator"))


async def test_a_value_measured_after_the_end_is_not_seen(town: Town) -> None:
    sent = await accepted(town)
    await step(town, sent.task, "start")
    await step(town, sent.task, "complete", reason="partly")
    await town.put({**hba1c(70), "id": "later"})
    assert await town.find("Observation", "visitator") == []
