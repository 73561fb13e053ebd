"""A resource is valid R4 or every fault of it is named."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir import bindings, xhtml
from careplan.fhir.models import TYPES, expression, faults, known, reference_type, shape, survey
from careplan.fhir.primitive import CHECKS
from careplan.fhir.text import Digits, parse

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = sorted((ROOT / "fixtures").glob("*.json"))
DANISH = ROOT.parent / "shared" / "data" / "dk-core"

PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"given": ["Test"]}], "birthDate": "1958-03-12"}
OBSERVATION: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def found(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((fault.expression, fault.code) for fault in faults(resource))


def patient(**more: Any) -> dict[str, Any]:
    return {**copy.deepcopy(PATIENT), **more}


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_every_fixture_is_valid(path: Path) -> None:
    resource = parse(path.read_bytes())
    assert resource["resourceType"] == path.stem
    assert faults(resource) + bindings.faults(resource) + xhtml.faults(resource) == []


@pytest.mark.skipif(not DANISH.exists(), reason="the dk-core instances are not beside this repository")
def test_every_published_danish_instance_is_valid() -> None:
    files = sorted(DANISH.glob("*/*.json"))
    refused = {}
    for path in files:
        resource = parse(path.read_bytes())
        if listed := faults(resource) + bindings.faults(resource) + xhtml.faults(resource):
            refused[path.name] = listed
    assert len(files) > 100
    assert refused == {}


@pytest.mark.parametrize("type_name", TYPES)
def test_every_type_of_ours_is_known_and_refuses_an_unknown_element(type_name: str) -> None:
    assert known(type_name)
    assert (f"{type_name}.nonsense", "element-unknown") in found({"resourceType": type_name, "nonsense": 1})


@pytest.mark.parametrize(
    "type_name", ["Foo", "patient", "Resource", "DomainResource", "HumanName", "", "Citation", None, 7]
)
def test_what_is_no_resource_type_of_r4_is_refused(type_name: Any) -> None:
    assert found({"resourceType": type_name}) == [("", "type-unknown")]


def test_all_faults_are_found_at_once() -> None:
    bad = patient(
        nonsense=1,
        gender=7,
        birthDate="1958-13-01",
        active="true",
        name={"family": "x"},
        link=[{"type": "refer"}],
        contact=[],
        deceasedBoolean=False,
        deceasedDateTime="2020",
    )
    assert found(bad) == [
        ("Patient.active", "type-wrong"),
        ("Patient.birthDate", "value-invalid"),
        ("Patient.contact", "element-empty"),
        ("Patient.deceased", "element-repeated"),
        ("Patient.gender", "type-wrong"),
        ("Patient.link[0].other", "element-missing"),
        ("Patient.name", "type-wrong"),
        ("Patient.nonsense", "element-unknown"),
    ]


def test_messages_never_repeat_a_value() -> None:
    secret = "1203589990"
    bad = patient(birthDate=secret, name=[secret], **{secret + "-x": secret}, id=secret * 7)
    assert len(faults(bad)) == 4
    assert secret not in str(faults(bad))


@pytest.mark.parametrize(
    ("type_name", "good", "bad"),
    [
        ("id", ["a", "A-1.b", "x" * 64], ["", "a b", "x" * 65, "a_b", "æ", "a\n", 1]),
        ("date", ["2026", "2026-11", "2026-02-28"], ["2026-2", "2026-02-30", "0000", "2026-11-22T10:00:00Z", 2026]),
        (
            "dateTime",
            ["2026", "2026-11-22", "2026-11-22T10:03:00Z", "2026-11-22T10:03:00.123+01:00", "2016-12-31T23:59:60Z"],
            ["2026-11-22T10:03:00", "2026-11-22T10:03Z", "2026-11-22T24:00:00Z", "2026-11-22 10:03:00Z", None],
        ),
        ("instant", ["2026-11-22T10:03:00.000+01:00"], ["2026-11-22", "2026-11-22T10:03:00", "2026-02-30T10:03:00Z"]),
        ("time", ["10:03:00", "10:03:00.5"], ["10:03", "24:00:00", "10:03:00Z"]),
        ("boolean", [True, False], ["true", 1, None]),
        ("integer", [0, -(2**31), 2**31 - 1], [2**31, 1.5, "1", True, Digits("1.0"), Digits("-0")]),
        ("unsignedInt", [0, 1], [-1]),
        ("positiveInt", [1], [0]),
        (
            "decimal",
            [1, Digits("7.10"), Digits("1E-22"), Digits("0E-500")],
            ["1", True, None, Digits("1E500"), Digits("NaN"), 10**500],
        ),
        ("string", ["x", " x ", "\x01"], ["", "  ", 1, ["x"], "x" * (1024 * 1024 + 1)]),
        ("code", ["a", "a b"], ["", " a", "a  b", 1]),
        ("uri", ["urn:x", "a/b"], ["", "a b", 1]),
        ("url", ["http://a", "b"], ["", "a b"]),
        ("oid", ["urn:oid:1.2.208"], ["1.2.208", "urn:oid:3.1"]),
        ("uuid", ["urn:uuid:c757873d-ec9a-1326-a141-556f43239520"], ["c757873d-ec9a-4326-a141-556f43239520", ""]),
        ("base64Binary", ["AAAA", "AA==", "AA AA\n"], ["A", "AAA*", "", 1]),
    ],
)
def test_primitives_have_the_form_of_r4(type_name: str, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if CHECKS[type_name](type_name, value)] == []
    assert [value for value in bad if not CHECKS[type_name](type_name, value)] == []


def test_an_id_is_that_of_r4_and_not_longer() -> None:
    assert found(patient(id="x" * 64)) == []
    assert found(patient(id="x" * 65)) == [("Patient.id", "value-invalid")]


def test_a_calendar_day_must_exist() -> None:
    assert found(patient(birthDate="2025-02-29")) == [("Patient.birthDate", "value-invalid")]


def test_a_primitive_may_have_an_extension_instead_of_a_value() -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    assert found({"resourceType": "Patient", "_birthDate": absent}) == []
    assert found({**OBSERVATION, "_status": absent}) == []
    without = {name: value for name, value in OBSERVATION.items() if name != "status"}
    assert found({**without, "_status": absent}) == []
    assert found(without) == [("Observation.status", "element-missing")]


def test_null_stands_only_where_an_extension_stands_beside() -> None:
    extended = {"extension": [{"url": "http://x", "valueString": "y"}]}
    assert found(patient(name=[{"given": ["A", None], "_given": [None, extended]}])) == []
    assert found(patient(name=[{"given": ["A", None]}])) == [("Patient.name[0].given[1]", "type-wrong")]
    assert ("Patient.name[0].given[1]", "element-empty") in found(
        patient(name=[{"given": ["A", None], "_given": [None, None]}])
    )
    assert found(patient(gender=None)) == [("Patient.gender", "type-wrong")]
    assert found(patient(name=[None])) == [("Patient.name[0]", "type-wrong")]
    assert found(patient(name=[{"given": ["A"], "_given": [None, extended]}])) == [
        ("Patient.name[0].given", "type-wrong")
    ]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"_birthDate": {}}, ("Patient.birthDate", "element-empty")),
        ({"_birthDate": [{}]}, ("Patient.birthDate", "type-wrong")),
        ({"_birthDate": {"nonsense": 1}}, ("Patient.birthDate.nonsense", "element-unknown")),
        ({"_name": {}}, ("Patient._name", "element-unknown")),
        ({"name": [{}]}, ("Patient.name[0]", "element-empty")),
        ({"name": []}, ("Patient.name", "element-empty")),
        ({"fhir_comments": "x"}, ("Patient.fhir_comments", "element-unknown")),
        ({"extension": [{"url": "http://x"}]}, ("Patient.extension[0]", "invariant-broken")),
        ({"extension": [{"valueString": "x"}]}, ("Patient.extension[0].url", "element-missing")),
        ({"birthDate__ext": {}}, ("Patient.birthDate__ext", "element-unknown")),
    ],
)
def test_what_fhir_resources_lets_pass_is_refused(more: dict[str, Any], fault: tuple[str, str]) -> None:
    assert fault in found(patient(**more))


@pytest.mark.parametrize(
    "extension",
    [
        {"url": "http://x", "valueRatioRange": {"denominator": {"value": 1}}},
        {"url": "http://x", "valueCodeableReference": {"concept": {"text": "x"}}},
    ],
)
def test_what_r4b_added_is_not_r4(extension: dict[str, Any]) -> None:
    assert "element-unknown" in {code for _, code in found(patient(extension=[extension]))}


def test_a_plan_definition_has_no_canonical_subject_in_r4() -> None:
    bad = {"resourceType": "PlanDefinition", "status": "draft", "subjectCanonical": "http://x"}
    assert found(bad) == [("PlanDefinition.subjectCanonical", "element-unknown")]


def test_uuids_urls_and_binaries_that_r4_allows_are_allowed() -> None:
    photo = [{"contentType": "image/png", "data": "AA AA", "url": "not/absolute?x"}]
    extension = [{"url": "http://x", "valueUuid": "urn:uuid:c757873d-ec9a-1326-a141-556f43239520"}]
    assert found(patient(photo=photo, extension=extension)) == []


def test_contained_resources_are_validated_and_can_be_referred_to() -> None:
    organisation = {"resourceType": "Organization", "id": "o", "name": "x"}
    good = patient(contained=[organisation], managingOrganization={"reference": "#o"})
    assert found(good) == []
    assert found({**good, "managingOrganization": {"reference": "#p"}}) == [
        ("Patient.managingOrganization", "invariant-broken")
    ]
    bad = {"resourceType": "Organization", "name": 1, "contained": [organisation], "meta": {"versionId": "1"}}
    assert found(patient(contained=[bad, {"resourceType": "Foo"}, {"id": "x"}])) == [
        ("Patient.contained[0].contained", "invariant-broken"),
        ("Patient.contained[0].id", "element-missing"),
        ("Patient.contained[0].meta", "invariant-broken"),
        ("Patient.contained[0].name", "type-wrong"),
        ("Patient.contained[1]", "type-unknown"),
        ("Patient.contained[2]", "type-unknown"),
    ]


def test_a_reference_points_to_a_type_that_may_stand_there() -> None:
    assert found({**OBSERVATION, "subject": {"reference": "Patient/1"}}) == []
    assert found({**OBSERVATION, "subject": {"reference": "urn:uuid:1"}}) == []
    assert found({**OBSERVATION, "subject": {"reference": "https://x/fhir/Goal/1/_history/2"}}) == [
        ("Observation.subject", "reference-type-wrong")
    ]
    inside = {"resourceType": "Goal", "id": "g", **{"lifecycleStatus": "active", "description": {"text": "x"}}}
    inside["subject"] = {"reference": "Patient/1"}
    assert found({**OBSERVATION, "contained": [inside], "subject": {"reference": "#g"}}) == [
        ("Observation.subject", "reference-type-wrong")
    ]


def test_a_reference_may_lead_where_r4_says_and_not_where_r4b_does() -> None:
    group = {"resourceType": "Group", "type": "person", "actual": True}
    assert found({**group, "member": [{"entity": {"reference": "Patient/1"}}]}) == []
    assert found({**group, "member": [{"entity": {"reference": "RelatedPerson/1"}}]}) == [
        ("Group.member[0].entity", "reference-type-wrong")
    ]
    assert found({**OBSERVATION, "subject": {"reference": "Organization/1"}}) == [
        ("Observation.subject", "reference-type-wrong")
    ]
    report = {"resourceType": "MeasureReport", "status": "complete", "type": "summary", "measure": "https://x"}
    report |= {"period": {"start": "2026"}, "subject": {"reference": "Organization/1"}}
    assert found(report) == []


@pytest.mark.parametrize("link", ["Patient?identifier=http://none|x", "Patient?_id=1", "Foo?x=y", "patient?"])
def test_a_reference_with_criteria_is_none_to_keep(link: str) -> None:
    """R4-56: it is resolved in a transaction, before its resource is looked at."""
    extension = {"url": "http://x/y", "valueReference": {"reference": link}}
    assert sorted(found({**OBSERVATION, "subject": {"reference": link}, "extension": [extension]})) == [
        ("Observation.extension[0].valueReference", "value-invalid"),
        ("Observation.subject", "value-invalid"),
    ]
    kept = {"resourceType": "Parameters", "parameter": [{"name": "x", "valueReference": {"reference": link}}]}
    assert found(kept) == [], "which may say what a transaction is to patch"


def test_the_type_of_a_reference_is_told_from_it() -> None:
    assert reference_type({"reference": "Patient/1"}) == "Patient"
    assert reference_type({"reference": "Foo/1"}) is None
    assert reference_type({"type": "Patient", "identifier": {"value": "1"}}) == "Patient"
    assert reference_type({"type": "http://x/y"}) is None


def test_a_survey_notes_codes_and_references_also_where_the_rest_is_faulty() -> None:
    odd = {
        "resourceType": "Patient",
        "gender": 7,
        "name": "x",
        "link": [3, {"other": {"reference": "Patient/1", "nonsense": {}}, "type": ["x"]}],
        "contained": [{"resourceType": "Goal", "lifecycleStatus": "y", "_x": {}}],
    }
    places = {expression(node.place) for node in survey(odd).noted}
    assert places == {"Patient.gender", "Patient.link[1].other", "Patient.contained[0].lifecycleStatus"}
    assert survey({"resourceType": "Foo"}).noted == []


@pytest.mark.skipif(not DANISH.exists(), reason="the dk-core instances are not beside this repository")
def test_the_element_tables_agree_with_the_snapshots_of_r4() -> None:
    compared = 0
    for path in sorted((DANISH / "profiles").glob("*.json")):
        definition = json.loads(path.read_bytes())
        if definition["type"] not in TYPES:
            continue
        mine = shape(definition["type"]).elements
        for element in definition["snapshot"]["element"]:
            name = element["path"].partition(".")[2]
            if not name or "." in name or ":" in element["id"] or name.endswith("[x]"):
                continue
            base = element["base"]
            assert (mine[name].many, mine[name].required) == (base["max"] != "1", base["min"] > 0), element["id"]
            compared += 1
    assert compared > 200
