"""A computed reading as an Observation: valid R4, with its sources and its formula."""

from datetime import datetime
from decimal import Decimal

import pytest

from careplan.domain.measure import Reading
from careplan.fhir.derived import derived_key, observation_from_derived
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.models import faults
from careplan.fhir.text import dump, parse
from careplan.knowledge.load import load_knowledge

MEASURES = load_knowledge().measures
AT = datetime(2026, 3, 1, 8, tzinfo=COPENHAGEN)
DERIVED = sorted(name for name, one in MEASURES.items() if one.derived is not None)


def reading(name: str, value: str = "42", *sources: str) -> Reading:
    derived = MEASURES[name].derived
    assert derived is not None
    references = sources or ("Observation/a", "Observation/b")
    return Reading(name, Decimal(value), AT, "", "derived", derived_from=references, formula=derived.formula)


@pytest.mark.parametrize("name", DERIVED)
def test_every_computed_measure_is_a_valid_observation(name: str) -> None:
    made = parse(dump(observation_from_derived(reading(name), MEASURES[name], "p1", "https://plan.example/fhir")))
    assert list(faults(made)) == []
    assert "id" not in made
    assert [one["reference"] for one in made["derivedFrom"]] == [
        "https://plan.example/fhir/Observation/a",
        "https://plan.example/fhir/Observation/b",
    ]
    assert made["method"]["text"] and made["note"][0]["text"].startswith("Beregnet, ikke målt")


def test_its_key_is_the_same_for_the_same_and_another_for_another() -> None:
    assert derived_key(reading("egfr")) == derived_key(reading("egfr"))
    keys = {
        derived_key(reading(*one))
        for one in (("egfr",), ("egfr", "43"), ("egfr_2021",), ("egfr", "42", "Observation/c"))
    }
    assert len(keys) == 4 and all(key.startswith("urn:uuid:") for key in keys)
