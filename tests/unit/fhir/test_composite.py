"""The pairs that composite parameters are found by: both parts of one element, never of two."""

import pytest

from careplan.fhir.composite import pair_of, pairs
from careplan.fhir.index import extract
from careplan.fhir.registry import Parameter
from careplan.fhir.systems import ICPC2, LOINC, NPU
from careplan.fhir.value import CompositeValue, StringValue, TokenValue


def pairs_of(name, type_name, /, **members):
    """Code and value of each pair, as short as they can be told apart."""
    found = extract({"resourceType": type_name, **members}).composites
    return [(value.token.code, _short(value.value)) for parameter, value in found if parameter == name]


def _short(value):
    return getattr(value, "code", None) if isinstance(value, TokenValue) else str(getattr(value, "low", value))


def concept(*codes, system=LOINC, **more):
    return {"coding": [{"system": system, "code": code} for code in codes], **more}


def quantity(value):
    return {"valueQuantity": {"value": value, "unit": "mm[Hg]"}}


PRESSURE = {
    "code": concept("85354-9"),
    "component": [{"code": concept("8480-6"), **quantity(142)}, {"code": concept("8462-4"), **quantity(88)}],
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("component-code-value-quantity", [("8480-6", "142"), ("8462-4", "88")]),
        ("combo-code-value-quantity", [("8480-6", "142"), ("8462-4", "88")]),
        ("code-value-quantity", []),
        ("component-code-value-concept", []),
    ],
)
def test_both_parts_are_of_the_same_component(name, expected):
    """R4-96, R4-97."""
    assert pairs_of(name, "Observation", **PRESSURE) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("code-value-quantity", [("a", "53"), ("b", "53")]),
        ("combo-code-value-quantity", [("a", "53"), ("b", "53")]),
        ("component-code-value-quantity", []),
    ],
)
def test_every_coding_goes_with_the_value(name, expected):
    """R4-96."""
    assert pairs_of(name, "Observation", code=concept("a", "b", text="both"), **quantity(53)) == expected


@pytest.mark.parametrize(
    ("name", "members", "expected"),
    [
        ("code-value-concept", {"valueCodeableConcept": concept("x", "y")}, [("c", "x"), ("c", "y")]),
        ("combo-code-value-concept", {"valueCodeableConcept": concept("x")}, [("c", "x")]),
        ("code-value-string", {"valueString": "Fin"}, [("c", str(StringValue("Fin")))]),
        ("code-value-date", {"valueDateTime": "2024-05-01T10:00:00Z"}, [("c", "2024-05-01 10:00:00+00:00")]),
        ("code-value-date", {"valuePeriod": {"start": "2024-05-01T10:00:00Z"}}, [("c", "2024-05-01 10:00:00+00:00")]),
        ("code-value-quantity", {"valueQuantity": {"unit": "mg"}}, []),
        ("code-value-date", {"valueDateTime": "odd"}, []),
        ("code-value-concept", {"valueCodeableConcept": {"text": "only words"}}, []),
    ],
)
def test_the_value_may_be_of_any_kind(name, members, expected):
    """R4-96."""
    assert pairs_of(name, "Observation", code=concept("c"), **members) == expected


def test_a_code_that_is_only_text_is_in_no_pair():
    assert pairs_of("code-value-quantity", "Observation", code={"text": "HbA1c"}, **quantity(53)) == []
    assert pairs_of("code-value-quantity", "Observation", **quantity(53)) == []


def test_aliases_of_a_system_are_one_in_pairs_too():
    coding = [{"system": "urn:oid:1.2.208.176.2.1", "code": "NPU27300"}, {"system": NPU, "code": "NPU27300"}]
    found = extract({"resourceType": "Observation", "code": {"coding": coding}, **quantity(53)}).composites
    assert [(name, one.token) for name, one in found] == [
        ("code-value-quantity", TokenValue(NPU, "NPU27300")),
        ("combo-code-value-quantity", TokenValue(NPU, "NPU27300")),
    ]


def test_a_characteristic_of_a_group_goes_with_its_own_value():
    characteristics = [
        {"code": concept("smoker"), "valueBoolean": True},
        {"code": concept("diagnosis"), "valueCodeableConcept": concept("T90", system=ICPC2)},
    ]
    expected = [("smoker", "true"), ("diagnosis", "T90")]
    assert pairs_of("characteristic-value", "Group", characteristic=characteristics) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("context-type-quantity", {"valueRange": {"low": {"value": 18, "unit": "a"}}}, [("age", "18")]),
        ("context-type-quantity", {"valueQuantity": {"value": 18}}, [("age", "18")]),
        ("context-type-value", {"valueCodeableConcept": concept("adult")}, [("age", "adult")]),
    ],
)
def test_a_context_of_use_goes_with_its_type(name, value, expected):
    context = {"code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "age"}, **value}
    assert pairs_of(name, "PlanDefinition", useContext=[context]) == expected


def test_the_coded_part_may_be_the_second():
    relates = Parameter("relatesto", "reference", "$this.target", "reference")
    both = Parameter(
        "r", "composite", "A.b", "composite", parts=(relates, Parameter("n", "token", "$this.code", "token"))
    )
    element = {"code": "appends", "target": {"reference": "DocumentReference/1"}}
    (found,) = pairs(pair_of(both), element, None)
    assert (found.token, found.value.id) == (TokenValue("", "appends"), "1")
    assert list(pairs(pair_of(both), {"code": "appends", "target": "odd"}, None)) == []
    assert list(pairs(pair_of(both), "odd", None)) == []


def test_the_same_pair_twice_is_kept_once():
    component = {"code": concept("c"), **quantity(1)}
    found = extract({"resourceType": "Observation", "component": [component, component]}).composites
    assert len(found) == len(set(found)) == 2
    assert all(isinstance(value, CompositeValue) for _, value in found)
