"""One search over several types: which they are, and that a parameter has to be one of each."""

import pytest

from careplan.fhir import registry
from careplan.fhir.across import parse_across, record_types, types_asked
from careplan.fhir.query import Criterion, IdIs, Include
from careplan.fhir.search import ParameterInvalid, ParameterUnsupported

BASE = "https://us.example/fhir"


def across(types, *pairs, **options):
    return parse_across(types, pairs, base=BASE, maximum=100, count=50, **options)


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


@pytest.mark.parametrize("name", ["birthdate", "foo", "status"])
def test_a_parameter_that_one_of_the_types_has_not_is_refused(name):
    """R4-100."""
    with pytest.raises(ParameterUnsupported, match=name):
        across(("Patient", "Observation"), (name, "2024"))


def test_a_search_of_no_type_is_refused():
    with pytest.raises(ParameterInvalid):
        across(())


def test_only_what_every_resource_has_sorts_several_types():
    """R4-78."""
    assert across(("Goal", "Task"), ("_sort", "-_lastUpdated,_id")).queries[1].orders[0].descending
    with pytest.raises(ParameterUnsupported, match="_sort=patient"):
        across(("Goal", "Task"), ("_sort", "patient"))


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
