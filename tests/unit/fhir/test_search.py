"""Query string → Query: every kind, modifier and prefix, escapes, what is refused and what is left out; links."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.criterion import MOST_ALTERNATIVES, criterion_from_text, split, unescaped
from careplan.fhir.registry import Parameter, TypeUnknown
from careplan.fhir.search import (
    MOST_VALUES,
    Criterion,
    DateIs,
    IdIs,
    Include,
    NumberIs,
    Order,
    ParameterInvalid,
    ParameterUnsupported,
    Query,
    ReferenceIs,
    StringIs,
    TokenIs,
    UriIs,
    binding_of,
    pairs_from_query,
    parse,
    self_link,
    sign,
    unsign,
)
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW, find_span
from careplan.fhir.systems import CPR, ICD10, NPU, SKS_D, UCUM

BASE = "https://us.example/fhir"
FAR = "https://them.example/fhir/Patient/1"


def asked(type_name, *pairs, strict=True, **options):
    return parse(type_name, pairs, strict=strict, base=BASE, **options)


def alternatives(type_name, name, value):
    (criterion,) = asked(type_name, (name, value)).criteria
    return criterion.alternatives


# ── values by kind ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("c", [TokenIs(None, "c")]),
        ("s|c", [TokenIs("s", "c")]),
        ("|c", [TokenIs("", "c")]),
        ("s|", [TokenIs("s", None)]),
        ("a,s|b", [TokenIs(None, "a"), TokenIs("s", "b")]),
        ("a,,b,", [TokenIs(None, "a"), TokenIs(None, "b")]),
        (r"a\,b", [TokenIs(None, "a,b")]),
        (r"s|a\|b", [TokenIs("s", "a|b")]),
        (r"a\\,b", [TokenIs(None, "a\\"), TokenIs(None, "b")]),
        (r"a\$b", [TokenIs(None, "a$b")]),
        (r"a\nb", [TokenIs(None, r"a\nb")]),
        ("a\\", [TokenIs(None, "a\\")]),
        ("urn:oid:1.2.208.176.2.1|NPU27300", [TokenIs(NPU, "NPU27300")]),
        ("urn:oid:1.2.208.176.2.1|", [TokenIs(NPU, None)]),
        (f"{ICD10}|e11.9", [TokenIs(SKS_D, "DE119")]),
        (f"{ICD10}|", [TokenIs(ICD10, None)]),
    ],
)
def test_a_token_is_code_and_system(value, expected):
    assert alternatives("Condition", "code", value) == tuple(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("http://hl7.org/fhir/administrative-gender|male", TokenIs("", "male")),
        ("http://hl7.org/fhir/administrative-gender|", TokenIs("", None)),
        ("http://hl7.org/fhir/other|male", TokenIs("http://hl7.org/fhir/other", "male")),
    ],
)
def test_a_code_element_has_the_system_of_its_binding(value, expected):
    assert alternatives("Patient", "gender", value) == (expected,)


@pytest.mark.parametrize(
    ("value", "prefix", "text"),
    [
        ("2024", "eq", "2024"),
        ("eq2024-05", "eq", "2024-05"),
        ("ne2024-05-01", "ne", "2024-05-01"),
        ("gt2024-05-01T10:00", "gt", "2024-05-01T10:00"),
        ("lt2024-05-01T10:00:00Z", "lt", "2024-05-01T10:00:00Z"),
        ("ge2024-05-01T10:00:00.5+01:00", "ge", "2024-05-01T10:00:00.5+01:00"),
        ("le2024", "le", "2024"),
        ("sa2024", "sa", "2024"),
        ("eb2024", "eb", "2024"),
    ],
)
def test_a_date_is_a_prefix_and_a_range(value, prefix, text):
    assert alternatives("Observation", "date", value) == (DateIs(prefix, *find_span(text)),)


def test_an_approximate_date_reaches_as_far_again_on_either_side():
    low, high = datetime(2024, 4, 30, 22, tzinfo=UTC), datetime(2024, 5, 1, 22, tzinfo=UTC)
    day = timedelta(days=1)
    assert alternatives("Observation", "date", "ap2024-05-01") == (DateIs("ap", low - day, high + day),)
    assert alternatives("Observation", "date", "ap0001")[0].low == OPEN_LOW
    assert alternatives("Observation", "date", "ap9999")[0].high == OPEN_HIGH


@pytest.mark.parametrize(
    ("value", "exact", "low", "high"),
    [
        ("5.4", "5.4", "5.35", "5.45"),
        ("5.40", "5.40", "5.395", "5.405"),
        ("100", "100", "99.5", "100.5"),
        ("1e2", "100", "95", "105"),
        ("1.0e2", "100", "95", "105"),
        ("1.00E2", "100", "99.5", "100.5"),
        ("-5.4", "-5.4", "-5.45", "-5.35"),
        ("0", "0", "-0.5", "0.5"),
        ("ap50", "50", "45", "55"),
        ("ap-50", "-50", "-55", "-45"),
    ],
)
def test_a_number_has_the_precision_it_is_written_with(value, exact, low, high):
    (number,) = alternatives("Observation", "value-quantity", value)
    assert (number.value, number.low, number.high) == (Decimal(exact), Decimal(low), Decimal(high))
    assert number.system is number.code is None


def test_a_plain_number_has_no_unit():
    probability = Parameter("probability", "number", "RiskAssessment.prediction.probability", "number")
    criterion = criterion_from_text(probability, "", "gt0.8", BASE)
    assert criterion is not None
    assert criterion.alternatives == (NumberIs("gt", Decimal("0.8"), Decimal("0.75"), Decimal("0.85")),)


@given(st.decimals(min_value=-10000, max_value=10000, places=3))
def test_a_number_lies_in_its_own_range(number):
    (found,) = alternatives("Observation", "value-quantity", f"{number:f}")
    assert found.low < found.value == number < found.high


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("gt5||odd", [("gt", "5", None, "odd")]),
        ("5|http://other|mg", [("eq", "5", "http://other", "mg")]),
        (f"5|{UCUM}|", [("eq", "5", UCUM, None)]),
        ("5||", [("eq", "5", None, None)]),
        (f"180|{UCUM}|cm", [("eq", "1.8", UCUM, "m"), ("eq", "180", UCUM, "cm"), ("eq", "1800", UCUM, "mm")]),
        ("180||cm", [("eq", "1.8", None, "m"), ("eq", "180", None, "cm"), ("eq", "1800", None, "mm")]),
    ],
)
def test_a_quantity_is_asked_for_in_every_unit_of_its_dimension(value, expected):
    found = alternatives("Observation", "value-quantity", value)
    assert [(one.prefix, one.value, one.system, one.code) for one in found] == [
        (prefix, Decimal(number), system, code) for prefix, number, system, code in expected
    ]


def test_the_precision_goes_with_the_unit():
    found = alternatives("Observation", "value-quantity", f"180|{UCUM}|cm")
    assert NumberIs("eq", Decimal("1.8"), Decimal("1.795"), Decimal("1.805"), UCUM, "m") in found


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("family", "Ærø", StringIs("starts", "aeroe")),
        ("family:contains", "Ève", StringIs("contains", "eve")),
        ("family:exact", "Ærø", StringIs("exact", "Ærø")),
        ("family:exact", r"a\,b", StringIs("exact", "a,b")),
    ],
)
def test_a_string_is_folded_unless_exact(name, value, expected):
    assert alternatives("Patient", name, value) == (expected,)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("subject", "1", ReferenceIs(None, "1")),
        ("patient", "1", ReferenceIs("Patient", "1")),
        ("subject:Patient", "1", ReferenceIs("Patient", "1")),
        ("subject:Patient", "Patient/1", ReferenceIs("Patient", "1")),
        ("subject", "Patient/1", ReferenceIs("Patient", "1")),
        ("subject", "Patient/1/_history/3", ReferenceIs("Patient", "1")),
        ("subject", f"{BASE}/Patient/1", ReferenceIs("Patient", "1")),
        ("subject", FAR, ReferenceIs("", FAR)),
        ("subject:Patient", FAR, ReferenceIs("", FAR)),
        ("subject", "urn:uuid:0-1", ReferenceIs("", "urn:uuid:0-1")),
    ],
)
def test_a_reference_is_taken_in_every_form(name, value, expected):
    assert alternatives("Observation", name, value) == (expected,)


def test_the_identifier_of_a_reference_is_a_token():
    query = asked("Observation", ("subject:identifier", "http://www.cpr.dk/cpr-systemet|1"))
    assert query.criteria == (Criterion("subject", "reference", (TokenIs(CPR, "1"),)),)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("instantiates-canonical", "http://x/P|1", UriIs("exact", "http://x/P|1")),
        ("instantiates-canonical:below", "http://x/", UriIs("below", "http://x/")),
        ("_profile", f"{BASE}/StructureDefinition/a", UriIs("exact", f"{BASE}/StructureDefinition/a")),
        ("_source:below", "http://x", UriIs("below", "http://x")),
    ],
)
def test_a_uri_is_exact_or_below(name, value, expected):
    assert alternatives("CarePlan", name, value) == (expected,)


def test_ids_and_instants_of_every_type():
    query = asked("Goal", ("_id", "a,b"), ("_lastUpdated", "gt2024"), ("_tag", "s|t"))
    assert query.criteria[0] == Criterion("_id", "id", (IdIs("a"), IdIs("b")))
    assert [one.parameter for one in query.criteria] == ["_id", "_lastUpdated", "_tag"]
    assert query.criteria[1].kind == "date"


# ── modifiers, repetition, emptiness ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["code", "date", "subject", "value-quantity", "value-string", "_profile"])
@pytest.mark.parametrize("value", ["true", "false"])
def test_missing_works_on_every_kind(name, value):
    (criterion,) = asked("Observation", (f"{name}:missing", value)).criteria
    assert (criterion.parameter, criterion.missing, criterion.alternatives) == (name, value == "true", ())


@pytest.mark.parametrize("name", ["_id", "_lastUpdated"])
def test_no_resource_is_without_id_and_instant(name):
    assert asked("Goal", (f"{name}:missing", "false")).criteria == ()
    assert asked("Goal", (f"{name}:missing", "true")).criteria == (Criterion("_id", "id", (IdIs(""),)),)


def test_not_excludes_every_alternative():
    (criterion,) = asked("Observation", ("code:not", "a,b")).criteria
    assert criterion.negated
    assert len(criterion.alternatives) == 2


@pytest.mark.parametrize(
    ("type_name", "name", "value"),
    [
        ("Patient", "_id", "a"),
        ("Patient", "name", "a"),
        ("Condition", "code", "s|c"),
        ("Condition", "code:not", "c"),
        ("Condition", "subject", "Patient/1"),
        ("Condition", "subject:identifier", "s|c"),
        ("Observation", "date", "ge2024"),
        ("Observation", "value-quantity", f"5.4|{UCUM}|mmol/mol"),
    ],
)
def test_one_value_more_than_a_parameter_takes_is_refused(type_name, name, value):
    most = ",".join([value] * MOST_ALTERNATIVES)
    assert len(alternatives(type_name, name, most)) == MOST_ALTERNATIVES
    for strict in (True, False):
        with pytest.raises(ParameterInvalid, match=f"at most {MOST_ALTERNATIVES}"):
            asked(type_name, (name, f"{most},{value}"), strict=strict)


def test_a_quantity_counts_in_every_unit_it_is_asked_for_in():
    units = len(alternatives("Observation", "value-quantity", "180||cm"))
    assert units > 1
    most = ["180||cm"] * (MOST_ALTERNATIVES // units)
    assert len(alternatives("Observation", "value-quantity", ",".join(most))) == len(most) * units
    with pytest.raises(ParameterInvalid, match=f"at most {MOST_ALTERNATIVES}"):
        asked("Observation", ("value-quantity", ",".join([*most, "180||cm"])))


def test_one_value_more_than_a_search_takes_is_refused():
    full = [("_id", ",".join(["a"] * MOST_ALTERNATIVES))] * (MOST_VALUES // MOST_ALTERNATIVES)
    assert sum(len(one.alternatives) for one in asked("Patient", *full).criteria) == MOST_VALUES
    with pytest.raises(ParameterInvalid, match=f"at most {MOST_VALUES}"):
        asked("Patient", *full, ("_id", "a"))


def test_repeating_a_parameter_asks_for_both():
    query = asked("Observation", ("date", "ge2024"), ("date", "lt2025"))
    assert [one.alternatives[0].prefix for one in query.criteria] == ["ge", "lt"]


@pytest.mark.parametrize("value", ["", "  ", ",", ", ,"])
def test_an_empty_value_is_not_sent(value):
    query = asked("Patient", ("name", value), ("odd", ""))
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
        ("Observation", "code:text", "x"),
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
        ("CarePlan", "_include:iterate", "CarePlan:subject"),
        ("CarePlan", "_revinclude:iterate", "Task:focus"),
        ("Patient", "_id", ",".join("a" for _ in range(1001))),
    ],
)
def test_what_cannot_be_read_is_refused(type_name, name, value, strict):
    with pytest.raises(ParameterInvalid) as caught:
        asked(type_name, (name, value), strict=strict)
    assert caught.value.code == "parameter-invalid"
    assert name.partition(":")[0] in caught.value.message


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("CarePlan", "subject:Patient.name"),
        ("CarePlan", "patient.identifier"),
        ("CarePlan", "patient.identifier:not"),
        ("Patient", "_has:Observation:patient:code"),
    ],
)
def test_a_chain_is_never_left_out_quietly(type_name, name, strict):
    with pytest.raises(ParameterUnsupported) as caught:
        asked(type_name, (name, "x"), strict=strict)
    assert caught.value.code == "parameter-unsupported"
    assert name in caught.value.message


UNKNOWN = [
    ("foo", "1", "foo"),
    ("foo:exact", "1", "foo:exact"),
    ("_text", "x", "_text"),
    ("code.x", "x", "code.x"),
    ("_sort", "foo", "_sort=foo"),
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
    query = asked("Observation", ("status", "final"), (name, value), strict=False)
    assert query.ignored == (ignored,)
    assert query.used == (("status", "final"),)
    assert len(query.criteria) == 1


@pytest.mark.parametrize(("name", "value", "ignored"), UNKNOWN)
def test_what_is_unknown_is_refused_when_strict(name, value, ignored):
    with pytest.raises(ParameterUnsupported) as caught:
        asked("Observation", (name, value))
    assert ignored in caught.value.message


def test_an_unknown_type_is_refused():
    with pytest.raises(TypeUnknown):
        asked("Foo")


def test_too_many_parameters_are_refused():
    with pytest.raises(ParameterInvalid):
        asked("Patient", *[("name", "a")] * 201)


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


@pytest.mark.parametrize("value", ["*", "CarePlan:*"])
def test_every_reference_may_be_included(value):
    assert asked("CarePlan", ("_include", value)).includes == (Include("CarePlan", "*"),)


def test_a_known_sort_key_stays_when_an_unknown_one_goes():
    query = asked("Goal", ("_sort", "foo,-start-date"), strict=False)
    assert query.used == (("_sort", "-start-date"),)
    assert query.orders == (Order("start-date", "date", True),)


@pytest.mark.parametrize(
    ("value", "count"),
    [("0", 0), ("7", 7), ("007", 7), ("100", 100), ("101", 100), ("9" * 30, 100), ("0" * 30 + "5", 5)],
)
def test_count_is_capped_and_shown(value, count):
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


# ── query strings and escapes ────────────────────────────────────────────────────────────────────


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
    assert pairs_from_query(text) == pairs


@pytest.mark.parametrize("text", ["a=%ff", "&".join(["a=1"] * 300)])
def test_an_unreadable_query_string_is_refused(text):
    with pytest.raises(ParameterInvalid):
        pairs_from_query(text)


def escaped(text):
    for sign_ in "\\,$|":
        text = text.replace(sign_, "\\" + sign_)
    return text


@given(st.lists(st.text(alphabet="ab\\,$| \n", min_size=1), min_size=1), st.sampled_from(",|"))
def test_escaping_protects_every_separator(texts, separator):
    assert [unescaped(part) for part in split(separator.join(map(escaped, texts)), separator)] == texts


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_any_identifier_can_be_asked_for(system, value):
    found = alternatives("Patient", "identifier", f"urn:x:{escaped(system)}|{escaped(value)}")
    assert found == (TokenIs(f"urn:x:{system}", value),)


# ── links ────────────────────────────────────────────────────────────────────────────────────────


def test_the_self_link_asks_the_same_again():
    pairs = [
        ("code", f"{NPU}|NPU27300,b"),
        ("date", "ge2024-05-01T10:00:00+01:00"),
        ("_sort", "-date"),
        ("_count", "9999"),
    ]
    query = asked("Observation", *pairs, ("foo", "1"), ("name", ""), strict=False)
    link = urlsplit(self_link(BASE, query))
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{BASE}/Observation"
    assert "+" not in link.query
    again = asked("Observation", *parse_qsl(link.query))
    assert again == replace(query, ignored=())


def test_a_link_may_stand_elsewhere_and_hold_a_page():
    assert self_link(BASE, Query("Goal"), path="Patient/1/Goal") == f"{BASE}/Patient/1/Goal"
    assert self_link(BASE, Query("Goal"), page="t_-") == f"{BASE}/Goal?_page=t_-"


SECRET = b"secret"


@given(st.text(), st.text())
def test_a_page_token_gives_its_position_back(cursor, binding):
    assert unsign(sign(cursor, binding, SECRET), binding, SECRET) == cursor


@given(st.data())
def test_a_page_token_changed_anywhere_is_refused(data):
    token = sign("position", "Goal", SECRET)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters().filter(lambda one: one != token[at]))
    with pytest.raises(ParameterInvalid):
        unsign(token[:at] + letter + token[at + 1 :], "Goal", SECRET)


@pytest.mark.parametrize("token", ["", "x", "æ", "====", sign("p", "Goal", b"other"), sign("p", "Task", SECRET)])
def test_a_page_token_of_another_search_is_refused(token):
    with pytest.raises(ParameterInvalid, match="_page"):
        unsign(token, "Goal", SECRET)


def test_a_page_belongs_to_type_compartment_and_parameters():
    query = asked("Goal", ("lifecycle-status", "active"))
    others = [replace(query, type="Task"), replace(query, patient="p"), replace(query, used=())]
    assert len({binding_of(one) for one in (query, *others)}) == 4


def test_a_restriction_only_narrows():
    narrow = Query("Goal").within(frozenset({"a", "b"}))
    assert narrow.patients == {"a", "b"}
    assert narrow.within(frozenset({"b", "c"})).patients == {"b"}
