"""Query string → Query: what is used, refused and left out, and the parameters that steer the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.criterion import MOST_ALTERNATIVES, ParameterInvalid
from careplan.fhir.query import Include, Order, Query
from careplan.fhir.registry import TypeUnknown
from careplan.fhir.search import MOST_VALUES, ParameterUnsupported, pairs_from_query, parse

BASE = "https://us.example/fhir"


def asked(type_name, *pairs, strict=True, **options):
    return parse(type_name, pairs, strict=strict, base=BASE, **options)


def test_one_value_more_than_a_search_takes_is_refused():
    full = [("_id", ",".join(["a"] * MOST_ALTERNATIVES))] * (MOST_VALUES // MOST_ALTERNATIVES)
    assert sum(len(one.alternatives) for one in asked("Patient", *full).criteria) == MOST_VALUES
    with pytest.raises(ParameterInvalid, match=f"at most {MOST_VALUES}"):
        asked("Patient", *full, ("_id", "a"))


def test_repeating_a_parameter_asks_for_both():
    """R4-67."""
    query = asked("Observation", ("date", "ge2024"), ("date", "lt2025"))
    assert [one.alternatives[0].prefix for one in query.criteria] == ["ge", "lt"]


@pytest.mark.parametrize("value", ["", "  ", ",", ", ,"])
def test_an_empty_value_is_not_sent(value):
    """R4-69."""
    query = asked("Patient", ("name", value), ("organization.name", value), ("odd", ""))
    assert query == Query("Patient")


# ── what is refused, lenient or not ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("type_name", "name", "value"),
    [
        ("Patient", "birthdate", "abc"),
        ("Patient", "birthdate", "2024-13"),
        ("Patient", "birthdate", "xx2024"),
        ("Observation", "date", "2024-01-01T10"),
        ("Observation", "date", "2024-01-01T10:00:00 01:00"),
        ("Observation", "value-quantity", "x"),
        ("Observation", "value-quantity", "5|mg"),
        ("Observation", "value-quantity", "5|a|b|c"),
        ("Observation", "value-quantity", "1e400"),
        ("Observation", "value-quantity", "1e-400"),
        ("Observation", "value-quantity", "NaN"),
        ("Observation", "code", "|"),
        ("Observation", "code", "a|b|c"),
        ("Observation", "code:missing", "maybe"),
        ("Observation", "method:", "x"),
        ("Observation", "status:text", "x"),
        ("Observation", "code:not-in", "x"),
        ("Observation", "code:above", "x"),
        ("Observation", "code:below", "x"),
        ("Observation", "code:of-type", "a|b|c"),
        ("Patient", "identifier:of-type", "b|c"),
        ("Patient", "identifier:of-type", "a||c"),
        ("Patient", "identifier:of-type", "a|b|"),
        ("Patient", "phonetic", "..."),
        ("Patient", "phonetic:exact", "x"),
        ("Observation", "code-value-quantity", "a"),
        ("Observation", "code-value-quantity", "a$1$2"),
        ("Observation", "code-value-quantity", "a$"),
        ("Observation", "code-value-quantity", "$gt5"),
        ("Observation", "code-value-quantity", "http://loinc.org|$gt5"),
        ("Observation", "code-value-quantity", "|$gt5"),
        ("Observation", "code-value-quantity", "a$x"),
        ("Observation", "code-value-quantity:not", "a$5"),
        ("Observation", "code-value-date", "a$2024-13"),
        ("Observation", "code:in", "x"),
        ("Observation", "code:exact", "x"),
        ("Observation", "subject:not", "x"),
        ("Observation", "subject:Foo", "1"),
        ("Observation", "subject:Practitioner", "1"),
        ("Observation", "focus:Foo", "1"),
        ("Observation", "subject:Patient", "Group/1"),
        ("Observation", "subject", "Patient/1/2"),
        ("Observation", "subject", "#p"),
        ("Observation", "_id:not", "1"),
        ("Observation", "_profile:above", "http://x"),
        ("Patient", "name", "\u0301"),
        ("Patient", "name:text", "x"),
        ("Patient", "_count", "-1"),
        ("Patient", "_count", "abc"),
        ("Patient", "_count", "٣"),
        ("Patient", "_count:exact", "1"),
        ("Patient", "_summary", "maybe"),
        ("Patient", "_total", "roughly"),
        ("CarePlan", "_include:recurse", "CarePlan:subject"),
        ("CarePlan", "_revinclude:exact", "Task:focus"),
        ("Patient", "_id", ",".join("a" for _ in range(1001))),
    ],
)
def test_what_cannot_be_read_is_refused(type_name, name, value, strict):
    """R4-65, R4-66, R4-90, R4-96: also when lenient."""
    with pytest.raises(ParameterInvalid) as caught:
        asked(type_name, (name, value), strict=strict)
    assert caught.value.code == "parameter-invalid"
    assert (_OF_A_PART.get(value) or name.partition(":")[0]) in caught.value.message


_OF_A_PART = {"|$gt5": "code is", "a$x": "value-quantity takes", "a$2024-13": "value-date is"}
"""Values of composites of which one part cannot be read: that part is named."""


UNKNOWN = [
    ("foo", "1", "foo"),
    ("foo:exact", "1", "foo:exact"),
    ("_text", "x", "_text"),
    ("foo.x", "x", "foo.x"),
    ("_content", "x", "_content"),
    ("_filter", "x", "_filter"),
    ("_list", "x", "_list"),
    ("_query", "x", "_query"),
    ("_contained", "true", "_contained"),
    ("_type", "Patient", "_type"),
    ("_sort", "foo", "_sort=foo"),
    ("_sort", "-code-value-quantity", "_sort=-code-value-quantity"),
    ("_include", "Observation:foo", "_include=Observation:foo"),
    ("_include", "Goal:subject", "_include=Goal:subject"),
    ("_include", "Observation:subject:Practitioner", "_include=Observation:subject:Practitioner"),
    ("_include", "Observation:subject:Patient:x", "_include=Observation:subject:Patient:x"),
    ("_include", "Observation:code", "_include=Observation:code"),
    ("_revinclude", "*", "_revinclude=*"),
    ("_revinclude", "Foo:bar", "_revinclude=Foo:bar"),
    ("_revinclude", "Goal:subject", "_revinclude=Goal:subject"),
    ("_revinclude", "DiagnosticReport:result:Goal", "_revinclude=DiagnosticReport:result:Goal"),
]


@pytest.mark.parametrize(("name", "value", "ignored"), UNKNOWN)
def test_what_is_unknown_is_left_out_when_lenient(name, value, ignored):
    """R4-64, R4-102, R4-105."""
    query = asked("Observation", ("status", "final"), (name, value), strict=False)
    assert query.ignored == (ignored,)
    assert query.used == (("status", "final"),)
    assert len(query.criteria) == 1


@pytest.mark.parametrize(("name", "value", "ignored"), UNKNOWN)
def test_what_is_unknown_is_refused_when_strict(name, value, ignored):
    """R4-64, R4-102, R4-105."""
    with pytest.raises(ParameterUnsupported) as caught:
        asked("Observation", (name, value))
    assert ignored in caught.value.message


PIECES = [":", ".", "|", "$", ",", "\\", " ", "x", "1", "gt", "2024", "true", "Patient", "Observation", "*"]
KEYS = ["_has", "subject", "patient", "code", "date", "_include", "_revinclude", "_sort", "value-quantity", "focus"]
KEYS += [
    "iterate",
    "not",
    "missing",
    "of-type",
    "text",
    "identifier",
    "code-value-quantity",
    "performer",
    "derived-from",
]


@given(
    st.lists(st.sampled_from(PIECES + KEYS), min_size=1, max_size=8).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.booleans(),
)
def test_whatever_is_asked_is_understood_or_refused(name, value, strict):
    try:
        query = asked("Observation", (name, value), strict=strict)
    except (ParameterInvalid, ParameterUnsupported) as error:
        assert error.message
    else:
        assert query.used or query.ignored or not value.strip(", ") or name.startswith("_")


def test_an_unknown_type_is_refused():
    with pytest.raises(TypeUnknown):
        asked("Foo")


@pytest.mark.parametrize(("most", "options"), [(200, {}), (3, {"parameters": 3})])
def test_one_parameter_more_than_a_search_takes_is_refused(most, options):
    asked("Patient", *[("name", "a")] * most, **options)
    with pytest.raises(ParameterInvalid, match=f"at most {most} parameters"):
        asked("Patient", *[("name", "a")] * (most + 1), **options)


# ── parameters that steer the answer ─────────────────────────────────────────────────────────────


def test_the_answer_is_steered():
    query = asked(
        "CarePlan",
        ("_sort", "-date,_id"),
        ("_include", "CarePlan:subject:Patient"),
        ("_include", "CarePlan:goal"),
        ("_include", "CarePlan:goal"),
        ("_revinclude", "CarePlan:part-of"),
        ("_elements", "status, goal,status"),
        ("_summary", "data"),
        ("_total", "accurate"),
        ("_format", "json"),
        ("_pretty", "true"),
        ("_page", "token"),
    )
    assert query.orders == (Order("date", "date", True), Order("_id", "id"))
    assert query.includes == (
        Include("CarePlan", "subject", "Patient"),
        Include("CarePlan", "goal"),
        Include("CarePlan", "part-of", reverse=True),
    )
    assert query.elements == ("status", "goal")
    assert (query.summary, query.total, query.ignored) == ("data", True, ())
    assert {name for name, _ in query.used} == {"_sort", "_include", "_revinclude", "_elements", "_summary", "_total"}


def test_a_known_sort_key_stays_when_an_unknown_one_goes():
    """R4-78."""
    query = asked("Goal", ("_sort", "foo,-start-date"), strict=False)
    assert query.used == (("_sort", "-start-date"),)
    assert query.orders == (Order("start-date", "date", True),)


@pytest.mark.parametrize(
    ("value", "count"),
    [("0", 0), ("7", 7), ("007", 7), ("100", 100), ("101", 100), ("9" * 30, 100), ("0" * 30 + "5", 5)],
)
def test_count_is_capped_and_shown(value, count):
    """R4-77."""
    query = asked("Goal", ("_count", value), maximum=100)
    assert (query.count, query.used, query.total) == (count, (("_count", str(count)),), count == 0)


def test_the_last_count_counts():
    query = asked("Goal", ("_count", "3"), ("_count", "4"))
    assert (query.count, query.used) == (4, (("_count", "4"),))


@pytest.mark.parametrize(("value", "total"), [("none", False), ("estimate", True), ("accurate", True)])
def test_a_total_is_counted_when_asked(value, total):
    assert asked("Goal", ("_total", value)).total is total


def test_summary_count_asks_for_a_number_alone():
    query = asked("Goal", ("_count", "5"), ("_summary", "count"))
    assert (query.count, query.total) == (0, True)


# ── query strings ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("a=x+y%2Bz", [("a", "x y+z")]),
        ("code=a%2Cb", [("code", "a,b")]),
        ("code=a%5C%2Cb", [("code", r"a\,b")]),
        ("a=%2541", [("a", "%41")]),
        ("a=&b", [("a", ""), ("b", "")]),
    ],
)
def test_a_query_string_is_decoded_once(text, pairs):
    """R4-68, R4-69."""
    assert pairs_from_query(text) == pairs


@pytest.mark.parametrize(("text", "fault"), [("a=%ff", "UTF-8"), ("&".join(["a=1"] * 201), "at most 200 parameters")])
def test_a_query_string_that_is_not_read_says_why(text, fault):
    """R4-68."""
    with pytest.raises(ParameterInvalid, match=f"^[^,]*{fault}[^,]*$"):
        pairs_from_query(text)


def test_as_many_parameters_as_are_taken_are_read():
    assert len(pairs_from_query("&".join(["a=1"] * 200))) == 200
