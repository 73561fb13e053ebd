"""Where a value comes from, in words: reported or computed."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from page_house import Browser, World

from careplan.domain.formula import FORMULAS
from careplan.domain.measure import Reading
from careplan.fhir import systems
from careplan.fhir.text import Json, dump, read_text
from careplan.interactions.transaction import perform
from careplan.views.catalogue import read_catalogue
from careplan.views.origin import origin

TEXTS = read_catalogue("da")
AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_formula_is_told_in_words(formula: str) -> None:
    said = origin(Reading("x", Decimal(1), AT, "", "derived", derived_from=("Observation/a",), formula=formula), TEXTS)
    assert said.startswith(("regnet ud af ", "regnet om fra "))


def test_a_reported_value_is_told_by_who_took_it() -> None:
    assert origin(Reading("x", Decimal(1), AT, "Observation/a", "home"), TEXTS) == "målt hjemme"


def value(code: str, number: str, unit: str) -> Json:
    quantity = {"value": Decimal(number), "unit": unit, "system": systems.UCUM, "code": unit}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": systems.NPU, "code": code}]},
        "subject": {"reference": "Patient/birthe"},
        "effectiveDateTime": "2026-11-21",
        "valueQuantity": quantity,
    }


async def test_the_arskontrol_tells_a_computed_egfr_and_the_newer_formula_beside_it(
    world: World, nurse: Browser
) -> None:
    entry = {"resource": value("NPU18016", "150", "umol/L"), "request": {"method": "POST", "url": "Observation"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    await perform(world.context(), read_text(dump(bundle)))
    await nurse.get("/patient/birthe/aarskontrol")
    assert "regnet ud af kreatinin (CKD-EPI 2009); eGFR (CKD-EPI 2021): " in nurse.text


def test_a_score_of_questions_in_our_own_words_says_so_beside_its_source() -> None:
    asked = Reading("cat", Decimal(12), AT, "Observation/1", "home", own_wording=True)
    assert origin(asked, TEXTS) == "målt hjemme, ikke den officielle ordlyd"
