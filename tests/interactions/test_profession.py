"""Who is a doctor: by the role, or by the qualification of the person who has it."""

from dataclasses import replace
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.interactions.profession import is_doctor

from .conftest import Json, Town, concept

NURSE = concept(systems.PROFESSION, "5166")


def role(**more: Any) -> Json:
    base = {"resourceType": "PractitionerRole", "id": "doctor", "code": [NURSE]}
    return base | {"organization": {"reference": "Organization/north"}} | more


def person(code: Json, **more: Any) -> Json:
    return {"resourceType": "Practitioner", "id": "mette", "qualification": [{"code": code}]} | more


@pytest.mark.parametrize(
    "code",
    [
        concept(systems.PROFESSION, "7170"),
        concept(systems.SNOMED, "158965000"),
        concept(systems.SNOMED, "309343006"),
        {"coding": [*NURSE["coding"], {"system": systems.SNOMED, "code": "309343006"}]},
    ],
)
async def test_a_doctor_is_known_by_the_role_or_the_qualification(town: Town, code: Json) -> None:
    assert not await is_doctor(town.as_("doctor"))
    await town.put(role(code=[code]))
    assert await is_doctor(town.as_("doctor"))
    await town.put(person(code), role(practitioner={"reference": "Practitioner/mette"}))
    assert await is_doctor(town.as_("doctor"))
    await town.put(role())
    assert not await is_doctor(town.as_("doctor"))


async def test_a_caller_may_be_named_as_a_practitioner(town: Town) -> None:
    await town.put(person(concept(systems.PROFESSION, "7170")))
    context = town.as_("doctor")
    assert await is_doctor(replace(context, caller=replace(context.caller, reference="Practitioner/mette")))


@pytest.mark.parametrize(
    "more",
    [
        {"active": False},
        {"period": {"end": "2026-11-21"}},
        {"period": {"start": "2026-11-23"}},
        {"organization": {"reference": "Organization/south"}},
        {"code": [concept("http://example.org", "7170")]},
        {"code": [{"text": "Læge"}]},
    ],
)
async def test_a_role_that_does_not_hold_here_today_makes_nobody_a_doctor(town: Town, more: Json) -> None:
    await town.put(role(code=[concept(systems.PROFESSION, "7170")]))
    assert await is_doctor(town.as_("doctor"))
    await town.put(role(**{"code": [concept(systems.PROFESSION, "7170")]} | more))
    assert not await is_doctor(town.as_("doctor"))


async def test_a_qualification_that_has_ended_counts_no_more(town: Town) -> None:
    ended = {"code": concept(systems.PROFESSION, "7170"), "period": {"end": "2020-01-01"}}
    await town.put(person({}, qualification=[ended]), role(practitioner={"reference": "Practitioner/mette"}))
    assert not await is_doctor(town.as_("doctor"))


@pytest.mark.parametrize("who", ["system", "lps", "visitator", "anna", "statistics", "clinic-system"])
async def test_systems_and_those_of_other_houses_are_no_doctors(town: Town, who: str) -> None:
    await town.put(
        role(id="v", code=[concept(systems.PROFESSION, "7170")], organization={"reference": "Organization/town"})
    )
    assert not await is_doctor(town.as_(who))
