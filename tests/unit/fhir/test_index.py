"""Resource → search values: every kind, every data type, aliases, precision, and what is passed over."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir import registry
from careplan.fhir.index import extract
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW, find_span
from careplan.fhir.systems import ICD10, ICPC2, MCS, NPU, SKS_D, UCUM
from careplan.fhir.text import parse
from careplan.fhir.value import (
    DateValue,
    NumberValue,
    ReferenceValue,
    SearchValues,
    StringValue,
    TokenValue,
    UriValue,
    number_of,
)

EXAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "dk-core" / "examples"
BASE = "https://us.example/fhir"


def of(type_name, /, **members):
    return extract({"resourceType": type_name, **members}, BASE)


def named(pairs, name):
    return [value for found, value in pairs if found == name]


def tokens(name, type_name, /, **members):
    return [(value.system, value.code) for value in named(of(type_name, **members).tokens, name)]


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "resource", "expected"),
    [
        ("status", ("Observation", {"status": "final"}), [("", "final")]),
        ("active", ("Patient", {"active": False}), [("", "false")]),
        ("version", ("CodeSystem", {"version": "2026.1"}), [("", "2026.1")]),
        ("class", ("Encounter", {"class": {"system": "s", "code": "AMB"}}), [("s", "AMB")]),
        ("class", ("Encounter", {"class": {"display": "AMB"}}), []),
        (
            "identifier",
            ("Patient", {"identifier": [{"system": "s", "value": "v"}, {"value": "w"}]}),
            [("s", "v"), ("", "w")],
        ),
        ("identifier", ("Patient", {"identifier": [{"system": "s"}]}), []),
        (
            "phone",
            ("Patient", {"telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "e"}]}),
            [("phone", "1")],
        ),
        (
            "email",
            ("Patient", {"telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "e"}]}),
            [("email", "e")],
        ),
        (
            "code",
            ("Observation", {"code": {"coding": [{"system": "s", "code": "a"}, {"code": "b"}]}}),
            [("s", "a"), ("", "b")],
        ),
        ("code", ("Observation", {"code": {"text": "HbA1c"}}), [("", "")]),
        ("code", ("Observation", {"code": {"coding": "odd"}}), []),
        ("code", ("Observation", {"code": {"coding": [{"system": "s"}, "odd"]}}), []),
        ("code", ("Observation", {"code": ["odd", None]}), [("", "odd")]),
        ("code", ("Observation", {"code": 1.5}), []),
        ("value-concept", ("Observation", {"valueCodeableConcept": {"coding": [{"code": "c"}]}}), [("", "c")]),
        (
            "combo-code",
            (
                "Observation",
                {"code": {"coding": [{"code": "p"}]}, "component": [{"code": {"coding": [{"code": "c"}]}}]},
            ),
            [("", "p"), ("", "c")],
        ),
        (
            "component-code",
            (
                "Observation",
                {"code": {"coding": [{"code": "p"}]}, "component": [{"code": {"coding": [{"code": "c"}]}}]},
            ),
            [("", "c")],
        ),
        ("_tag", ("Observation", {"meta": {"tag": [{"system": "s", "code": "t"}]}}), [("s", "t")]),
        ("_security", ("Observation", {"meta": {"security": [{"code": "R"}]}}), [("", "R")]),
        ("value", ("Group", {"characteristic": [{"valueBoolean": True}]}), [("", "true")]),
    ],
)
def test_a_coded_element_becomes_tokens(name, resource, expected):
    """R4-87, R4-97, R4-100."""
    assert tokens(name, resource[0], **resource[1]) == expected


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        ("urn:oid:1.2.208.176.2.1", "NPU27300", [(NPU, "NPU27300")]),
        ("urn:oid:1.2.208.184.100.8", "MCS88019", [(MCS, "MCS88019")]),
        ("http://hl7.org/fhir/sid/icpc-2", "T90", [(ICPC2, "T90")]),
        (ICPC2, "t90", [(ICPC2, "T90"), (ICPC2, "t90")]),
        (ICD10, "E11.9", [(SKS_D, "DE119"), (ICD10, "E11.9")]),
        ("urn:oid:1.2.208.176.2.4", "DE119A", [(SKS_D, "DE119A")]),
    ],
)
def test_aliases_of_a_system_are_indexed_as_one(system, code, expected):
    """NPU, MCS, ICPC-2 and SKS under each of their names."""
    assert tokens("code", "Condition", code={"coding": [{"system": system, "code": code}]}) == expected


def test_the_same_code_under_two_names_is_indexed_once():
    coding = [{"system": NPU, "code": "NPU27300"}, {"system": "urn:oid:1.2.208.176.2.1", "code": "NPU27300"}]
    assert tokens("code", "Observation", code={"coding": coding}) == [(NPU, "NPU27300")]


def test_the_text_of_a_concept_stands_with_its_codes():
    concept = {"coding": [{"code": "a", "display": "A"}, {"code": "b"}], "text": "both"}
    found = named(of("Observation", code=concept).tokens, "code")
    assert found == [TokenValue("", "a", "A"), TokenValue("", "b", "both")]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2024"}, "true"),
    ],
)
def test_deceased_is_known_of_everyone(members, expected):
    assert tokens("deceased", "Patient", **members) == [("", expected)]


# ── dates ────────────────────────────────────────────────────────────────────────────────────────


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2024", utc(2023, 12, 31, 23), utc(2024, 12, 31, 23)),
        ("2024-02", utc(2024, 1, 31, 23), utc(2024, 2, 29, 23)),
        ("2024-12", utc(2024, 11, 30, 23), utc(2024, 12, 31, 23)),
        ("2024-03-31", utc(2024, 3, 30, 23), utc(2024, 3, 31, 22)),  # 23 hours: summer time begins
        ("2024-05-01T10:00", utc(2024, 5, 1, 8), utc(2024, 5, 1, 8, 1)),
        ("2024-05-01T10:00:00Z", utc(2024, 5, 1, 10), utc(2024, 5, 1, 10, 0, 1)),
        ("2024-05-01T11:00:00+01:00", utc(2024, 5, 1, 10), utc(2024, 5, 1, 10, 0, 1)),
        ("2024-05-01T10:00:00.5Z", utc(2024, 5, 1, 10, 0, 0, 500000), utc(2024, 5, 1, 10, 0, 0, 501000)),
        ("2024-05-01T10:00:00.1234Z", utc(2024, 5, 1, 10, 0, 0, 123400), utc(2024, 5, 1, 10, 0, 0, 123500)),
        ("2024-05-01T10:00:00.123456789Z", utc(2024, 5, 1, 10, 0, 0, 123456), utc(2024, 5, 1, 10, 0, 0, 123457)),
        ("2016-12-31T23:59:60Z", utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1)),
        ("0001-01-01", OPEN_LOW, utc(1, 1, 1, 23, 9, 40)),
        ("9999-12-31", utc(9999, 12, 30, 23), OPEN_HIGH),
        ("9999-12", utc(9999, 11, 30, 23), OPEN_HIGH),
        ("9999-12-31T23:59:59-01:00", OPEN_HIGH, OPEN_HIGH),
    ],
)
def test_a_date_covers_what_its_precision_says(text, low, high):
    """R4-81, R4-84, R4-85."""
    found = find_span(text)
    assert found is not None
    assert found[1] == high
    assert abs(found[0] - low) < timedelta(hours=1) if text.startswith("0001") else found[0] == low


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "24",
        "2024-13",
        "2024-02-30",
        "2024-05-01T10",
        "2024-05-01T25:00",
        "20240501",
        "2024-05-01 10:00",
        "2024-05-01T10:00:00 01:00",
        "2024-05-01Z",
        "٢٠٢٤",
    ],
)
def test_what_is_no_date_covers_nothing(text):
    """R4-85."""
    assert find_span(text) is None


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))
def test_a_coarser_date_covers_a_finer_one(at):
    whole = at.replace(microsecond=at.microsecond // 1000 * 1000)
    texts = [f"{at:%Y}", f"{at:%Y-%m}", f"{at:%Y-%m-%d}", f"{at:%Y-%m-%dT%H:%M}", f"{at:%Y-%m-%dT%H:%M:%S}"]
    spans = [find_span(text) for text in [*texts, whole.isoformat(timespec="milliseconds")]]
    for wide, narrow in pairwise(spans):
        assert wide is not None
        assert narrow is not None
        assert wide[0] <= narrow[0] < narrow[1] <= wide[1]


DAY = (utc(2024, 4, 30, 22), utc(2024, 5, 1, 22))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"effectiveDateTime": "2024-05-01"}, [DateValue(*DAY)]),
        ({"effectiveInstant": "2024-05-01T10:00:00Z"}, [DateValue(utc(2024, 5, 1, 10), utc(2024, 5, 1, 10, 0, 1))]),
        ({"effectivePeriod": {"start": "2024-05-01", "end": "2024-05-01"}}, [DateValue(*DAY)]),
        ({"effectivePeriod": {"start": "2024-05-01"}}, [DateValue(DAY[0], OPEN_HIGH)]),
        ({"effectivePeriod": {"end": "2024-05-01"}}, [DateValue(OPEN_LOW, DAY[1])]),
        ({"effectivePeriod": {"start": "2024-05-02", "end": "2024-04-01"}}, [DateValue(utc(2024, 4, 1, 22), DAY[1])]),
        ({"effectivePeriod": {"start": "odd"}}, []),
        ({"effectivePeriod": {"extension": []}}, []),
        (
            {"effectiveTiming": {"event": ["2024-05-01", "2024-05-01T23:00:00Z"]}},
            [DateValue(DAY[0], utc(2024, 5, 1, 23, 0, 1))],
        ),
        (
            {"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2024-05-01", "end": "2024-05-01"}}}},
            [DateValue(*DAY)],
        ),
        ({"effectiveTiming": {"code": {"text": "BID"}, "event": "odd"}}, [DateValue(OPEN_LOW, OPEN_HIGH)]),
        ({"effectiveDateTime": 7}, []),
        ({"_effectiveDateTime": {"extension": []}}, []),
    ],
)
def test_every_form_of_time_becomes_a_range(members, expected):
    """R4-83: open at an end counts as without bounds."""
    assert named(of("Observation", **members).dates, "date") == expected


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────

UP, DOWN = Decimal("Infinity"), Decimal("-Infinity")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"valueQuantity": {"value": 7}}, [NumberValue(Decimal(7), Decimal(7))]),
        ({"valueQuantity": {"value": 0.5}}, [NumberValue(Decimal("0.5"), Decimal("0.5"))]),
        (
            {"valueQuantity": {"value": Decimal("97"), "unit": "%", "system": UCUM, "code": "%"}},
            [NumberValue(Decimal(97), Decimal(97), UCUM, "%", "%")],
        ),
        ({"valueQuantity": {"value": 90, "comparator": ">"}}, [NumberValue(Decimal(90), UP)]),
        ({"valueQuantity": {"value": 3, "comparator": "<"}}, [NumberValue(DOWN, Decimal(3))]),
        ({"valueQuantity": {"value": "7"}}, []),
        ({"valueQuantity": {"value": True}}, []),
        ({"valueQuantity": {"value": Decimal("1E400")}}, []),
        ({"valueQuantity": {"value": Decimal("NaN")}}, []),
        ({"valueQuantity": {"value": Decimal("1E9999999")}}, []),
        ({"valueQuantity": {"unit": "mg"}}, []),
        ({"valueSampledData": {"origin": {"value": 1}, "data": "1 2"}}, []),
        (
            {"valueQuantity": {"value": 5, "currency": "DKK"}},
            [NumberValue(Decimal(5), Decimal(5), "urn:iso:std:iso:4217", "DKK")],
        ),
    ],
)
def test_a_quantity_becomes_the_range_its_comparator_leaves(members, expected):
    """R4-94."""
    assert named(of("Observation", **members).numbers, "value-quantity") == expected


@pytest.mark.parametrize(
    ("age", "low", "high"),
    [
        ({"low": {"value": 40, "unit": "y"}, "high": {"value": 50, "unit": "y"}}, Decimal(40), Decimal(50)),
        ({"low": {"value": 40, "unit": "y"}}, Decimal(40), UP),
        ({"high": {"value": 50, "unit": "y"}}, DOWN, Decimal(50)),
    ],
)
def test_a_range_may_be_open(age, low, high):
    assert named(of("Condition", onsetRange=age).numbers, "onset-age") == [NumberValue(low, high, "", "", "y")]


@pytest.mark.parametrize(("value", "expected"), [(Decimal("0.8"), Decimal("0.8")), (0, Decimal(0)), ("0.8", None)])
def test_a_plain_decimal_is_a_number(value, expected):
    assert number_of(value) == (None if expected is None else NumberValue(expected, expected))


def test_a_range_without_numbers_says_nothing():
    assert of("Condition", onsetRange={"low": {}, "high": "odd"}).numbers == ()


def test_more_digits_than_stores_hold_are_rounded():
    (value,) = named(of("Observation", valueQuantity={"value": Decimal("1." + "1" * 40)}).numbers, "value-quantity")
    assert len(value.low.as_tuple().digits) == 28


# ── strings ──────────────────────────────────────────────────────────────────────────────────────


def strings(name, type_name, /, **members):
    return named(of(type_name, **members).strings, name)


def test_a_name_is_found_by_every_part():
    """R4-86."""
    name = [
        {
            "family": "Ærø",
            "given": ["Anna", "Bo"],
            "prefix": ["Dr"],
            "suffix": ["jr."],
            "text": "Anna",
            "use": "official",
        }
    ]
    found = {value.text for value in strings("name", "Patient", name=name) if not value.word}
    assert found == {"Ærø", "Anna", "Bo", "Dr", "jr."}


def test_later_words_of_a_name_are_found_but_marked():
    """R4-86."""
    assert strings("family", "Patient", name=[{"family": "Carreno Quinones-Lund"}]) == [
        StringValue("Carreno Quinones-Lund"),
        StringValue("Quinones-Lund", word=True),
        StringValue("Lund", word=True),
    ]


def test_a_name_is_also_found_by_who_has_no_ø_and_å():
    """R4-86: `soren` and `ase`, beside `soeren` and `aase`."""
    assert strings("given", "Patient", name=[{"given": ["Søren-Åse"]}]) == [
        StringValue("Søren-Åse"),
        StringValue("Åse", word=True),
        StringValue("Soren-Ase", word=True),
        StringValue("Ase", word=True),
    ]
    assert strings("given", "Patient", name=[{"given": ["A\u030ase"]}])[1:] == [StringValue("Ase", word=True)]


def test_words_of_a_long_text_are_not_indexed_one_by_one():
    assert len(strings("description", "PlanDefinition", description="et langt ord " * 20)) == 1


def test_an_address_is_found_by_every_part():
    address = [{"line": ["Vej 1"], "city": "Aalborg", "postalCode": "9000", "country": "DK", "use": "home"}]
    found = {value.text for value in strings("address", "Patient", address=address) if not value.word}
    assert found == {"Vej 1", "Aalborg", "9000", "DK"}
    assert strings("address-city", "Patient", address=address) == [StringValue("Aalborg")]


def test_empty_and_odd_strings_say_nothing():
    assert strings("name", "Organization", name=" ", alias=[None, 7]) == []


# ── references and uris ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Patient/p1"}, [ReferenceValue("Patient", "p1")]),
        ({"reference": "Patient/p1/_history/2"}, [ReferenceValue("Patient", "p1")]),
        ({"reference": f"{BASE}/Patient/p1"}, [ReferenceValue("Patient", "p1")]),
        ({"reference": "https://careplan.example/fhir/Patient/p1"}, [ReferenceValue("Patient", "p1")]),
        ({"reference": f"{BASE}2/Patient/p1"}, [ReferenceValue("", f"{BASE}2/Patient/p1")]),
        ({"reference": "https://x.example/Patient/1/_history/2"}, [ReferenceValue("", "https://x.example/Patient/1")]),
        ({"reference": "urn:uuid:0-1"}, [ReferenceValue("", "urn:uuid:0-1")]),
        ({"reference": "#p"}, []),
        ({"reference": "p1"}, []),
        ({"display": "someone"}, []),
        ({"reference": 7}, []),
        ("odd", []),
        (
            {"identifier": {"system": "s", "value": "v"}, "type": "Patient"},
            [ReferenceValue("Patient", "", TokenValue("s", "v"))],
        ),
        ({"identifier": {"system": "s"}}, []),
    ],
)
def test_a_reference_becomes_type_and_id(reference, expected):
    """R4-91, R4-92."""
    assert named(of("Observation", subject=reference).references, "subject") == expected


@pytest.mark.parametrize(
    ("reference", "counts"),
    [
        ({"reference": "Patient/p1"}, True),
        ({"reference": "Group/g1"}, False),
        ({"reference": "https://x.example/fhir/Patient/1"}, True),
        ({"reference": "https://x.example/fhir/Group/1"}, False),
        ({"reference": "urn:uuid:0-1", "type": "Group"}, False),
        ({"reference": "urn:uuid:0-1"}, True),
        ({"identifier": {"value": "v"}}, True),
        ({"identifier": {"value": "v"}, "type": "Group"}, False),
    ],
)
def test_patient_is_the_subject_when_it_is_a_patient(reference, counts):
    """R4-91."""
    assert bool(named(of("Observation", subject=reference).references, "patient")) is counts


def test_a_canonical_is_found_with_and_without_its_version():
    """R4-93."""
    found = of("CarePlan", instantiatesCanonical=["http://x/P|1", "http://x/Q"]).uris
    assert [value.uri for _, value in found] == ["http://x/P|1", "http://x/P", "http://x/Q"]


@pytest.mark.parametrize("value", ["", 7, None])
def test_what_is_no_uri_says_nothing(value):
    assert of("PlanDefinition", url=value).uris == ()


def test_profile_and_source_are_uris_of_every_resource():
    """R4-93, R4-100."""
    meta = {"profile": ["http://p"], "source": "http://s"}
    assert of("Goal", meta=meta).uris == (("_profile", UriValue("http://p")), ("_source", UriValue("http://s")))


# ── what modifiers look at ───────────────────────────────────────────────────────────────────────


def test_an_identifier_is_kept_with_each_code_of_its_type():
    """R4-90."""
    kind = {"coding": [{"system": "t", "code": "MR"}, {"code": "own"}], "text": "record"}
    identifier = [{"type": kind, "system": "s", "value": "1"}, {"type": kind}, {"value": "2"}, "odd"]
    found = named(of("Patient", identifier=identifier).tokens, "identifier:of-type")
    assert found == [TokenValue("t|MR", "1"), TokenValue("|own", "1")]


def test_text_and_displays_of_a_code_are_kept():
    """R4-90."""
    concept = {"coding": [{"code": "a", "display": "A"}, {"code": "b"}, "odd"], "text": "both"}
    assert named(of("Observation", code=concept, category=[concept]).strings, "code:text") == [
        StringValue("both"),
        StringValue("A"),
    ]
    assert of("Observation", code={"coding": "odd", "text": " "}).strings == ()


# ── the whole ────────────────────────────────────────────────────────────────────────────────────


def test_id_and_last_updated_are_left_to_the_version():
    found = of("Goal", id="g", meta={"lastUpdated": "2024-05-01T10:00:00Z"})
    assert found == SearchValues()


def test_contained_resources_are_not_looked_into():
    """R4-102."""
    assert of("Goal", contained=[{"resourceType": "Patient", "active": True}]) == SearchValues()


def test_an_unknown_type_is_refused():
    with pytest.raises(registry.TypeUnknown):
        extract({"resourceType": "Foo"})
    with pytest.raises(registry.TypeUnknown):
        extract({"resourceType": ["odd"]})


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("coding code value system start reference low text event".split()), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(registry.ROWS), st.data())
def test_odd_content_never_raises(row, data):
    every = [part for parameter in row.parameters.values() for part in (parameter, *parameter.parts)]
    names = sorted({path.steps[0].name for parameter in every for path in parameter.paths if path.steps})
    resource = data.draw(st.dictionaries(st.sampled_from(names), ODD, max_size=4))
    extract({"resourceType": row.name, **resource})


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the dk-core examples are not beside the repository")
def test_every_published_danish_example_is_read():
    resources = [parse(path.read_bytes()) for path in sorted(EXAMPLES.glob("*.json"))]
    resources += [entry["resource"] for bundle in resources for entry in bundle.get("entry", ())]
    plain = [json.loads(json.dumps(one, default=float)) for one in resources if one["resourceType"] != "Bundle"]
    found = [extract(one) for one in plain]
    assert len(found) > 50
    assert all(any((one.tokens, one.strings, one.references)) for one in found)
