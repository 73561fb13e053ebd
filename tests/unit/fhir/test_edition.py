"""What is extracted has an edition, which changes when extraction does."""

from hashlib import sha256
from typing import Any

from careplan.fhir.index import EDITION, Json, edition, extract

QUANTITY = {"value": 6.5, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
CONCEPT = {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "Systolisk tryk"}], "text": "Tryk"}

OBSERVATION: Json = {
    "resourceType": "Observation",
    "identifier": [{"system": "urn:x", "value": "7", "type": {"coding": [{"system": "urn:t", "code": "LAB"}]}}],
    "status": "final",
    "code": CONCEPT,
    "subject": {"reference": "Patient/anna", "identifier": {"system": "urn:oid:1", "value": "n"}},
    "performer": [{"reference": "https://us.example/fhir/Practitioner/p"}, {"reference": "https://them.example/q"}],
    "effectivePeriod": {"start": "2026-03", "end": "2026-04-01T10:00:00+02:00"},
    "valueQuantity": QUANTITY,
    "component": [{"code": CONCEPT, "valueQuantity": QUANTITY}, {"code": {"text": "andet"}}],
}
PATIENT: Json = {
    "resourceType": "Patient",
    "name": [{"family": "Sørensen-Ågård", "given": ["Anna", "Marie"]}],
    "telecom": [{"system": "phone", "value": "12345678"}],
    "address": [{"line": ["Nørregade 1"], "city": "København"}],
    "birthDate": "1966-05",
    "deceasedBoolean": False,
}
PLAN: Json = {
    "resourceType": "CarePlan",
    "instantiatesCanonical": ["https://x.example/PlanDefinition/a|1"],
    "instantiatesUri": ["urn:b"],
}
ASKED = {
    "Observation": "identifier identifier:of-type status code code:text subject performer date value-quantity "
    "component-code code-value-quantity component-code-value-quantity",
    "Patient": "name family phonetic phone address birthdate deceased",
    "CarePlan": "instantiates-canonical instantiates-uri",
}
"""Parameters of every kind. Others may come and go in `search-parameters.json`, whose bytes count by themselves."""

NOTED = (1, "30a9dc14b73d")


def extracted() -> str:
    """What is extracted of every kind, in few letters."""
    lines: list[str] = []
    for resource in (OBSERVATION, PATIENT, PLAN):
        values: Any = extract(resource, "https://us.example/fhir")
        asked = ASKED[resource["resourceType"]].split()
        for field in ("tokens", "dates", "numbers", "strings", "references", "uris", "composites"):
            lines += sorted(f"{name} {value!r}" for name, value in getattr(values, field) if name in asked)
        assert {name for name in asked if any(line.startswith(f"{name} ") for line in lines)} == set(asked)
    return sha256("\n".join(lines).encode()).hexdigest()[:12]


def test_a_change_of_what_is_extracted_has_an_edition_of_its_own() -> None:
    """Fails when elements are read in another way: then raise EDITION, so that stores index again, and note it here."""
    assert (EDITION, extracted()) == NOTED


def test_the_edition_changes_with_the_definitions() -> None:
    number, _, definitions = edition().partition("-")
    assert (number, len(definitions)) == (str(EDITION), 12)
