"""One parameter of a query → Criterion: every kind, modifier and prefix, escapes, precision and units."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.criterion import MOST_ALTERNATIVES, ParameterInvalid, criterion_from_text, split, unescaped
from careplan.fhir.query import CompositeIs, Criterion, DateIs, IdIs, NumberIs, ReferenceIs, StringIs, TokenIs, UriIs
from careplan.fhir.registry import Parameter
from careplan.fhir.search import parse
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
    """R4-68, R4-87, and the aliases of Danish systems."""
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
    """R4-83, R4-85."""
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
    """R4-94."""
    (number,) = alternatives("Observation", "value-quantity", value)
    assert (number.value, number.low, number.high) == (Decimal(exact), Decimal(low), Decimal(high))
    assert number.system is number.code is None


def test_a_plain_number_has_no_unit():
    probability = Parameter("probability", "number", "RiskAssessment.prediction.probability", "number")
    criterion = criterion_from_text(probability, "", "gt0.8", BASE)
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
        (
            "5.4||mmol/mol",
            [
                ("eq", "5.4", None, "mmol/mol"),
                ("eq", "0.0054", None, "mol/mol"),
                ("eq", "5.4", None, "10*-3"),
            ],
        ),
        (f"2.5|{UCUM}|h/wk", [("eq", "150", UCUM, "min/wk"), ("eq", "2.5", UCUM, "h/wk")]),
        ("gt150||min/wk", [("gt", "150", None, "min/wk"), ("gt", "2.5", None, "h/wk")]),
    ],
)
def test_a_quantity_is_asked_for_in_every_unit_of_its_dimension(value, expected):
    """R4-95."""
    found = alternatives("Observation", "value-quantity", value)
    assert [(one.prefix, one.value, one.system, one.code) for one in found] == [
        (prefix, Decimal(number), system, code) for prefix, number, system, code in expected
    ]


@pytest.mark.parametrize(("one", "other"), [("0.97|1", "97|%"), ("1.80|m", "180|cm"), ("97.00|{ratio}", "9700|%")])
def test_two_units_of_one_dimension_ask_the_same(one, other):
    """R4-95: a saturation in `1` or `%`, a height in m or cm."""
    asked_for = [alternatives("Observation", "value-quantity", text.replace("|", f"|{UCUM}|")) for text in (one, other)]
    assert (
        len({frozenset((found.value, found.low, found.high, found.code) for found in many) for many in asked_for}) == 1
    )


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
    """R4-86."""
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
    """R4-91."""
    assert alternatives("Observation", name, value) == (expected,)


def test_the_identifier_of_a_reference_is_a_token():
    """R4-92."""
    query = asked("Observation", ("subject:identifier", "http://www.cpr.dk/cpr-systemet|1"))
    assert query.criteria == (Criterion("subject", "reference", (TokenIs(CPR, "1"),)),)


@pytest.mark.parametrize(
    ("type_name", "name", "value", "expected"),
    [
        (
            "Observation",
            "code-value-quantity",
            "http://loinc.org|8480-6$gt140",
            [(TokenIs("http://loinc.org", "8480-6"), "gt", "140", None)],
        ),
        (
            "Observation",
            "component-code-value-quantity",
            "8480-6$lt90||odd,|x$5",
            [(TokenIs(None, "8480-6"), "lt", "90", "odd"), (TokenIs("", "x"), "eq", "5", None)],
        ),
        (
            "Observation",
            "combo-code-value-quantity",
            f"h$2.5|{UCUM}|h/wk",
            [(TokenIs(None, "h"), "eq", "150", "min/wk"), (TokenIs(None, "h"), "eq", "2.5", "h/wk")],
        ),
    ],
)
def test_a_composite_asks_for_both_parts_in_every_unit(type_name, name, value, expected):
    """R4-96."""
    found = alternatives(type_name, name, value)
    assert [(one.token, one.value.prefix, one.value.value, one.value.code) for one in found] == [
        (token, prefix, Decimal(number), unit) for token, prefix, number, unit in expected
    ]


@pytest.mark.parametrize(
    ("type_name", "name", "value", "expected"),
    [
        ("Observation", "code-value-concept", "s|c$t|v", CompositeIs(TokenIs("s", "c"), TokenIs("t", "v"))),
        ("Observation", "code-value-concept", "c$t|", CompositeIs(TokenIs(None, "c"), TokenIs("t", None))),
        ("Observation", "code-value-string", r"c$a\$B", CompositeIs(TokenIs(None, "c"), StringIs("starts", "a$b"))),
        (
            "Observation",
            "code-value-date",
            "c$ge2024",
            CompositeIs(TokenIs(None, "c"), DateIs("ge", *find_span("2024"))),
        ),
        ("Group", "characteristic-value", "c$true", CompositeIs(TokenIs(None, "c"), TokenIs(None, "true"))),
    ],
)
def test_a_composite_may_have_a_part_of_any_kind(type_name, name, value, expected):
    """R4-96."""
    assert alternatives(type_name, name, value) == (expected,)


def test_the_coded_part_of_a_composite_may_be_the_second():
    """R4-96: the definition of `relationship` names the reference first."""
    relation = "http://hl7.org/fhir/document-relationship-type"
    expected = CompositeIs(TokenIs("", "appends"), ReferenceIs("DocumentReference", "1"))
    assert alternatives("DocumentReference", "relationship", f"1${relation}|appends") == (expected,)


def test_an_identifier_is_asked_for_by_its_type():
    """R4-90."""
    mr = "http://terminology.hl7.org/CodeSystem/v2-0203"
    query = asked("Patient", ("identifier:of-type", f"{mr}|MR|446053"))
    assert query.criteria == (Criterion("identifier:of-type", "token", (TokenIs(f"{mr}|MR", "446053"),)),)


def test_the_words_of_a_code_are_asked_for_as_a_string():
    """R4-90."""
    query = asked("Observation", ("code:text", "Hæmoglobin"))
    assert query.criteria == (Criterion("code:text", "string", (StringIs("starts", "haemoglobin"),)),)


def test_a_name_is_asked_for_by_its_sound():
    query = asked("Patient", ("phonetic", "Christian Møller"))
    assert query.criteria == (Criterion("phonetic", "string", (StringIs("exact", "krstn mlr"),)),)


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
    """R4-93."""
    assert alternatives("CarePlan", name, value) == (expected,)


def test_ids_and_instants_of_every_type():
    """R4-100."""
    query = asked("Goal", ("_id", "a,b"), ("_lastUpdated", "gt2024"), ("_tag", "s|t"))
    assert query.criteria[0] == Criterion("_id", "id", (IdIs("a"), IdIs("b")))
    assert [one.parameter for one in query.criteria] == ["_id", "_lastUpdated", "_tag"]
    assert query.criteria[1].kind == "date"


# ── modifiers and limits ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["code", "date", "subject", "value-quantity", "value-string", "_profile", "code-value-quantity"]
)
@pytest.mark.parametrize("value", ["true", "false"])
def test_missing_works_on_every_kind(name, value):
    """R4-89."""
    (criterion,) = asked("Observation", (f"{name}:missing", value)).criteria
    assert (criterion.parameter, criterion.missing, criterion.alternatives) == (name, value == "true", ())


@pytest.mark.parametrize("name", ["_id", "_lastUpdated"])
def test_no_resource_is_without_id_and_instant(name):
    assert asked("Goal", (f"{name}:missing", "false")).criteria == ()
    assert asked("Goal", (f"{name}:missing", "true")).criteria == (Criterion("_id", "id", (IdIs(""),)),)


def test_not_excludes_every_alternative():
    """R4-88."""
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
        ("Observation", "value-quantity", f"5.4|{UCUM}|odd"),
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


# ── escapes ─────────────────────────────────────────────────────────────────────────────────────


def escaped(text):
    for sign_ in "\\,$|":
        text = text.replace(sign_, "\\" + sign_)
    return text


@given(st.lists(st.text(alphabet="ab\\,$| \n", min_size=1), min_size=1), st.sampled_from(",|$"))
def test_escaping_protects_every_separator(texts, separator):
    assert [unescaped(part) for part in split(separator.join(map(escaped, texts)), separator)] == texts


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_any_identifier_can_be_asked_for(system, value):
    found = alternatives("Patient", "identifier", f"urn:x:{escaped(system)}|{escaped(value)}")
    assert found == (TokenIs(f"urn:x:{system}", value),)
