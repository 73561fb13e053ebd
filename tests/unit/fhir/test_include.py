"""`_include` and `_revinclude` → Include: what is offered, and from where it may be followed."""

import pytest

from careplan.fhir.query import Include
from careplan.fhir.search import parse

BASE = "https://us.example/fhir"


def included(key, value, type_name="CarePlan"):
    """What a lenient search includes, and whether it shows in the parameters used."""
    query = parse(type_name, [(key, value)], strict=False, base=BASE)
    assert bool(query.includes) == ((key, value) in query.used) == (query.ignored == ())
    return query.includes


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("_include", "CarePlan:subject", Include("CarePlan", "subject")),
        ("_include", "CarePlan:subject:Patient", Include("CarePlan", "subject", "Patient")),
        ("_include", "CarePlan:subject:Device", None),
        ("_include", "Goal:subject", None),
        ("_include", "CarePlan:status", None),
        ("_include", "CarePlan:instantiates-canonical", None),
        ("_include", "*", Include("CarePlan", "*")),
        ("_include", "CarePlan:*", Include("CarePlan", "*")),
        ("_include", "Goal:*", None),
        ("_include", "CarePlan:*:Patient", None),
        ("_include:iterate", "Patient:general-practitioner", Include("Patient", "general-practitioner", iterate=True)),
        ("_include:iterate", "CarePlan:part-of", Include("CarePlan", "part-of", iterate=True)),
        ("_include:iterate", "Foo:bar", None),
        ("_include:iterate", "Patient:foo", None),
        ("_include:iterate", "*", Include("*", "*", iterate=True)),
        ("_include:iterate", "Patient:*", Include("Patient", "*", iterate=True)),
        ("_include:iterate", "Foo:*", None),
        ("_revinclude", "Task:focus", Include("Task", "focus", reverse=True)),
        ("_revinclude", "Task:focus:CarePlan", Include("Task", "focus", "CarePlan", reverse=True)),
        ("_revinclude", "Task:focus:Goal", None),
        ("_revinclude", "Goal:subject", None),
        ("_revinclude", "*", None),
        ("_revinclude", "Task:*", None),
        ("_revinclude:iterate", "Provenance:target", Include("Provenance", "target", reverse=True, iterate=True)),
        ("_revinclude:iterate", "Goal:subject:Patient", Include("Goal", "subject", "Patient", True, True)),
        ("_revinclude:iterate", "*", None),
    ],
)
def test_an_include_is_offered_where_it_leads_somewhere(key, value, expected):
    """R4-104, R4-105."""
    assert included(key, value) == (() if expected is None else (expected,))


def test_an_include_with_and_without_iterate_are_two():
    pairs = [("_include", "Task:part-of"), ("_include:iterate", "Task:part-of"), ("_include", "Task:part-of")]
    query = parse("Task", pairs, strict=True, base=BASE)
    assert query.includes == (Include("Task", "part-of"), Include("Task", "part-of", iterate=True))
    assert query.used == tuple(pairs[:2])
