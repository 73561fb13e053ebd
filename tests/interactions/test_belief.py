"""Which values are taken: units that convert, numbers that can be, and unlikely ones only when somebody is sure."""

from decimal import Decimal
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.text import dump, read_text
from careplan.interactions.write import update

from .conftest import Json, Town, concept, hba1c, measured

SURE = {"extension": [{"url": systems.EXT_VALUE_CONFIRMED, "valueBoolean": True}]}
LAB = {
    "category": [concept(systems.OBSERVATION_CATEGORY, "laboratory")],
    "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:7f1d2c3a-0b1e-4c5d-8e9f-000000000001"}],
}


async def faults(town: Town, resource: Json, who: str = "doctor") -> list[tuple[str, str]]:
    before = await town.everything()
    with pytest.raises(ResourceInvalid) as refused:
        await town.post(resource, who)
    assert await town.everything() == before
    return [(fault.code, fault.expression) for fault in refused.value.faults]


async def test_a_unit_that_does_not_convert_is_refused_by_measure_and_unit(town: Town) -> None:
    wrong = measured("NPU01568", 3, "mg/mmol")
    assert await faults(town, wrong) == [("unit-mismatch", "Observation.valueQuantity")]
    assert await faults(town, wrong, "lps") == [("unit-mismatch", "Observation.valueQuantity")]
    with pytest.raises(ResourceInvalid, match=r"ldl is measured in mmol/L, and converts from: .*mg/dL"):
        await town.post(wrong)


async def test_a_unit_that_converts_is_taken_and_kept_as_it_came(town: Town) -> None:
    made = await town.post(measured("NPU01568", 100, "mg/dL"))
    assert b'"mg/dL"' in (made.body or b"")


@pytest.mark.parametrize("who", ["doctor", "lps", "system"])
async def test_a_value_that_cannot_be_is_refused_whoever_sends_it(town: Town, who: str) -> None:
    assert await faults(town, hba1c(-1, **SURE, **LAB), who) == [("out-of-range", "Observation.valueQuantity")]


@pytest.mark.parametrize("more", [SURE, LAB], ids=["confirmed", "laboratory"])
async def test_an_unlikely_value_is_taken_when_somebody_is_sure(town: Town, more: dict[str, Any]) -> None:
    assert await faults(town, hba1c(500)) == [("value-implausible", "Observation.valueQuantity")]
    assert (await town.post({**hba1c(500), **more})).number == 1


async def test_a_laboratory_answer_without_identifier_or_not_final_is_asked_about(town: Town) -> None:
    without = {name: part for name, part in LAB.items() if name != "identifier"}
    assert [code for code, _ in await faults(town, {**hba1c(500), **without})] == ["value-implausible"]
    assert [code for code, _ in await faults(town, {**hba1c(500), **LAB, "status": "preliminary"})] == [
        "value-implausible"
    ]


async def test_a_gp_system_is_not_asked(town: Town) -> None:
    assert (await town.post(hba1c(500), "lps")).number == 1


async def test_a_mark_that_says_no_is_no_confirmation(town: Town) -> None:
    no = {"extension": [{"url": systems.EXT_VALUE_CONFIRMED, "valueBoolean": False}]}
    assert [code for code, _ in await faults(town, {**hba1c(500), **no})] == ["value-implausible"]


async def test_each_part_of_a_panel_is_looked_at(town: Town) -> None:
    def part(code: str, value: int, unit: str) -> Json:
        quantity = {"value": value, "unit": unit, "system": systems.UCUM, "code": unit}
        return {"code": concept(systems.LOINC, code), "valueQuantity": quantity}

    panel = {name: one for name, one in hba1c(1).items() if name != "valueQuantity"}
    panel["code"] = concept(systems.LOINC, "85354-9")
    panel["component"] = [part("8480-6", 128, "mm[Hg]"), part("8462-4", 76, "kg")]
    assert await faults(town, panel) == [("unit-mismatch", "Observation.component[1].valueQuantity")]


async def test_the_place_in_a_bundle_is_told_and_nothing_of_it_is_written(town: Town) -> None:
    before = await town.everything()
    entries = [
        {"resource": one, "request": {"method": "POST", "url": "Observation"}} for one in (hba1c(51), hba1c(500))
    ]
    with pytest.raises(ResourceInvalid) as refused:
        await town.bundle(*entries)
    assert refused.value.faults[0].expression == "Bundle.entry[1].resource.valueQuantity"
    assert await town.everything() == before


async def test_a_value_that_stood_there_does_not_hinder_a_correction(town: Town) -> None:
    made = await town.post(hba1c(500), "lps")
    stood = {**hba1c(500), "id": made.id, "note": [{"text": "set på igen"}]}
    after = (await update(town.as_("doctor"), "Observation", made.id, read_text(dump(stood)))).version
    assert after.number == 2
    with pytest.raises(ResourceInvalid):
        other = {**stood, "valueQuantity": {**stood["valueQuantity"], "value": 501}}
        await update(town.as_("doctor"), "Observation", made.id, read_text(dump(other)))


async def test_a_wrong_value_can_be_withdrawn(town: Town) -> None:
    made = await town.post(hba1c(500), "lps")
    withdrawn = {**hba1c(501), "id": made.id, "status": "entered-in-error"}
    assert (await update(town.as_("doctor"), "Observation", made.id, read_text(dump(withdrawn)))).version.number == 2


async def test_a_value_of_no_measure_of_ours_is_left_alone(town: Town) -> None:
    assert (await town.post(measured("NPU00000", Decimal("1e9"), "stk"))).number == 1


def answered(code: str, **value: Any) -> Json:
    frame = {name: part for name, part in hba1c(1).items() if name != "valueQuantity"}
    return {**frame, "code": concept(systems.FACT, code), **value}


def of_type(system: str, code: str, **value: Any) -> Json:
    return {**answered("x", **value), "code": concept(system, code)}


MMHG = {"system": systems.UCUM, "code": "mm[Hg]"}


@pytest.mark.parametrize(
    ("resource", "code", "place"),
    [
        (answered("clinical-frailty-scale", valueBoolean=True), "value-type", "valueBoolean"),
        (
            answered("clinical-frailty-scale", valueCodeableConcept=concept("x", "severe")),
            "value-type",
            "valueCodeableConcept",
        ),
        (answered("clinical-frailty-scale", valueInteger=77), "out-of-range", "valueInteger"),
        (answered("clinical-frailty-scale", valueInteger=-3), "out-of-range", "valueInteger"),
        (answered("severe-hypoglycaemia", valueInteger=1), "value-type", "valueInteger"),
        (
            answered("severe-hypoglycaemia", valueCodeableConcept=concept("x", "yes")),
            "value-type",
            "valueCodeableConcept",
        ),
        (answered("score2-category", valueCodeableConcept=concept("x", "bad")), "value-type", "valueCodeableConcept"),
        (answered("orthostatic-drop", valueQuantity={"value": 5000, **MMHG}), "out-of-range", "valueQuantity"),
        (of_type(systems.NPU, "DNK35302", valueBoolean=True), "value-type", "valueBoolean"),
        (of_type(systems.NPU, "DNK35302", valueString="55"), "value-type", "valueString"),
        (of_type(systems.MCS, "MCS88011", valueInteger=3), "value-type", "valueInteger"),
        (of_type(systems.MCS, "MCS88159", valueString="ja"), "value-type", "valueString"),
        (of_type(systems.MCS, "MCS88021", valueQuantity={"value": Decimal("2.5")}), "out-of-range", "valueQuantity"),
    ],
)
async def test_a_value_that_nothing_could_be_read_from_is_refused_whoever_sends_it(
    town: Town, resource: Json, code: str, place: str
) -> None:
    assert await faults(town, resource, "lps") == [(code, f"Observation.{place}")]


@pytest.mark.parametrize(
    "resource",
    [
        answered("clinical-frailty-scale", valueInteger=6),
        answered("severe-hypoglycaemia", valueBoolean=False),
        answered("score2-category", valueCodeableConcept=concept("x", "very-high")),
        answered("orthostatic-drop", valueQuantity={"value": 4, "system": systems.UCUM, "code": "kPa"}),
        of_type(systems.MCS, "MCS88011", valueCodeableConcept={"text": "ved ikke"}),
    ],
)
async def test_an_answer_of_the_form_its_question_asks_for_is_taken(town: Town, resource: Json) -> None:
    assert (await town.post(resource)).number == 1


@pytest.mark.parametrize(("comparator", "number", "refused"), [("<", 0, True), ("<", 1, False), (">", 0, False)])
async def test_a_bound_that_leaves_nothing_that_can_be_is_refused(
    town: Town, comparator: str, number: int, refused: bool
) -> None:
    bound = measured("NPU01568", number, "mmol/L")
    bound["valueQuantity"]["comparator"] = comparator
    bound |= SURE
    if refused:
        assert await faults(town, bound) == [("out-of-range", "Observation.valueQuantity")]
    else:
        assert (await town.post(bound)).number == 1


async def test_a_number_without_unit_that_cannot_be_in_the_unit_of_its_code_is_refused(town: Town) -> None:
    bare = of_type(systems.NPU, "NPU03835", valueQuantity={"value": Decimal("0.075")})
    assert await faults(town, bare, "lps") == [("unit-mismatch", "Observation.valueQuantity")]
    with pytest.raises(ResourceInvalid, match="hba1c_dcct without unit is in %"):
        await town.post(bare)


async def test_what_stood_in_a_withdrawn_version_is_asked_about_again(town: Town) -> None:
    made = await town.post({**hba1c(-5), "status": "entered-in-error"})
    final = {**hba1c(-5), "id": made.id}
    with pytest.raises(ResourceInvalid):
        await update(town.as_("doctor"), "Observation", made.id, read_text(dump(final)))
