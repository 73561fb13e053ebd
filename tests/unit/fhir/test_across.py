"""One search over several types: which they are, and that a parameter has to be one of each."""

import re

import pytest

from careplan.fhir import registry
from careplan.fhir.across import parse_across, record_types, types_asked
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.query import Criterion, IdIs, Include, Order
from careplan.fhir.search import ParameterUnsupported

BASE = "https://us.example/fhir"


def across(types, *pairs, **options):
    return parse_across(types, pairs, **({"strict": True, "base": BASE, "maximum": 100, "count": 50} | options))


def test_each_type_is_asked_the_same():
    """R4-100."""
    pairs = (("_type", "Goal,Patient"), ("_id", "1"), ("_count", "7"), ("_total", "accurate"))
    asked = across(("Patient", "Goal"), *pairs)
    assert [one.type for one in asked.queries] == ["Patient", "Goal"]
    assert all(one.criteria == (Criterion("_id", "id", (IdIs("1"),)),) for one in asked.queries)
    assert (asked.shape.type, asked.shape.count, asked.shape.total) == ("", 7, True)
    assert asked.shape.used == pairs


def test_types_stand_in_the_order_of_the_registry():
    assert types_asked([("_type", "Goal,Patient"), ("_type", "Goal, Task")]) == ("Patient", "Goal", "Task")
    assert types_asked([("_type", ""), ("_id", "1")]) is None


def test_an_unknown_type_is_refused():
    with pytest.raises(registry.TypeUnknown):
        types_asked([("_type", "Patient,Foo")])


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("name", ["birthdate", "foo", "status", "_sort=date"])
def test_a_parameter_that_one_of_the_types_has_not_is_refused(name, strict):
    """R4-100: lenient or not."""
    with pytest.raises(ParameterUnsupported, match=name):
        across(("Patient", "Observation"), (name, "2024"), strict=strict)


def test_a_search_of_no_type_is_refused():
    with pytest.raises(ParameterInvalid):
        across(())


def test_only_what_every_resource_has_sorts_several_types():
    """R4-78: the other keys are dropped, or refused when strict."""
    pairs = (("_sort", "patient,-_lastUpdated,foo,_id"), ("_sort", "date"))
    asked = across(("Goal", "Task"), *pairs, strict=False)
    assert [(one.parameter, one.descending) for one in asked.queries[1].orders] == [
        ("_lastUpdated", True),
        ("_id", False),
    ]
    assert asked.shape.used == (("_sort", "-_lastUpdated,_id"),)
    assert asked.shape.ignored == ("_sort=patient", "_sort=foo", "_sort=date")
    with pytest.raises(ParameterUnsupported, match=r"_sort=patient.*_id and _lastUpdated"):
        across(("Goal", "Task"), *pairs)


def test_one_type_is_sorted_as_by_itself():
    """R4-78: by its own parameters, and of what it does not have nothing false is said."""
    asked = across(("Observation",), ("_sort", "-date,foo,code-value-quantity"), strict=False)
    assert asked.queries[0].orders == (Order("date", "date", True),)
    assert asked.shape.ignored == ("_sort=foo", "_sort=code-value-quantity")
    with pytest.raises(ParameterUnsupported, match="_sort=foo") as refused:
        across(("Observation",), ("_sort", "foo"))
    assert "several" not in str(refused.value)


@pytest.mark.parametrize("strict", [True, False])
def test_an_include_is_of_the_types_that_have_it(strict):
    """R4-103, R4-104, R4-105."""
    pairs = (
        ("_include", "Task:focus"),
        ("_include", "Goal:subject:Patient"),
        ("_revinclude", "CarePlan:goal"),
        ("_include:iterate", "Patient:general-practitioner"),
        ("_include", ""),
    )
    asked = across(("Goal", "Task"), *pairs, strict=strict)
    assert set(asked.shape.includes) == {
        Include("Task", "focus"),
        Include("Goal", "subject", "Patient"),
        Include("CarePlan", "goal", reverse=True),
        Include("Patient", "general-practitioner", iterate=True),
    }
    assert sorted(asked.shape.used) == sorted(pairs[:4])
    assert asked.shape.ignored == ()
    again = across(("Goal", "Task"), *asked.shape.used, strict=strict)
    assert again.shape == asked.shape


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_include", "CarePlan:subject"),
        ("_include", "Goal:foo"),
        ("_include", "Foo:*"),
        ("_revinclude", "*"),
        ("_revinclude", "Observation:device"),
        ("_revinclude:iterate", "Foo:bar"),
    ],
)
def test_an_include_that_fits_none_of_the_types_is_left_out(key, value):
    """R4-105: or refused when strict."""
    asked = across(("Goal", "Task"), (key, value), ("_id", "1"), strict=False)
    assert (asked.shape.includes, asked.shape.used) == ((), (("_id", "1"),))
    assert asked.shape.ignored == (f"{key}={value}",)
    with pytest.raises(ParameterUnsupported, match=re.escape(f"{key}={value}")):
        across(("Goal", "Task"), (key, value))


def test_a_record_is_asked_of_each_type():
    """R4-101."""
    asked = across(("Goal", "Task"), patient="p1")
    assert {one.patient for one in asked.queries} == {"p1"}


def test_the_types_of_a_record_are_those_of_the_patient_compartment():
    """R4-101."""
    types = record_types()
    assert {"Patient", "Observation", "CarePlan", "Goal"} <= set(types)
    assert {"Organization", "Practitioner", "PlanDefinition"} & set(types) == set()


def test_every_reference_is_included_of_each_type():
    asked = across(("Goal", "Task"), ("_include", "*"))
    assert asked.shape.includes == (Include("Goal", "*"), Include("Task", "*"))
