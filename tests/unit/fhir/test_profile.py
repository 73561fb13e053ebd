"""A resource keeps to the profiles it claims, and to ours where they always hold."""

import copy
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.profile import Definitions, implied_profiles, load_definitions, profile_faults, unsupported, validate
from careplan.fhir.text import Digits, parse

ROOT = Path(__file__).resolve().parents[3]
DANISH = ROOT.parent / "shared" / "data" / "dk-core"
UNIT = {"unit": "mmol/mol", "system": systems.UCUM, "code": "mmol/mol"}


@pytest.fixture(scope="module")
def ours() -> Definitions:
    return load_definitions(parse(path.read_bytes()) for path in sorted((ROOT / "profiles").glob("*.json")))


@pytest.fixture(scope="module")
def danish() -> Definitions:
    if not DANISH.exists():
        pytest.skip("the dk-core profiles are not beside this repository")
    return load_definitions(parse(path.read_bytes()) for path in sorted(DANISH.glob("[pt]*/*.json")))


def fixture(name: str) -> dict[str, Any]:
    return parse((ROOT / "fixtures" / f"{name}.json").read_bytes())


def found(resource: dict[str, Any], definitions: Definitions) -> list[tuple[str, str]]:
    return sorted((fault.expression, fault.code) for fault in validate(resource, definitions))


def goal(**more: Any) -> dict[str, Any]:
    return {**fixture("Goal"), **more}


def with_target(place: int, **more: Any) -> dict[str, Any]:
    """The Goal of the fixtures with one target changed; None takes a member away."""
    changed = fixture("Goal")
    target = {**changed["target"][place], **more}
    changed["target"][place] = {name: value for name, value in target.items() if value is not None}
    return changed


def definition(*elements: dict[str, Any], type_name: str = "Patient") -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "url": "http://p",
        "name": "P",
        "type": type_name,
        "differential": {"element": list(elements)},
    }


# ── ours ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", sorted((ROOT / "fixtures").glob("*.json")), ids=lambda path: path.stem)
def test_every_fixture_keeps_to_our_profiles(path: Path, ours: Definitions) -> None:
    assert validate(parse(path.read_bytes()), ours) == []


def test_a_personal_goal_needs_only_words(ours: Definitions) -> None:
    personal = {**fixture("Goal"), "extension": [], "description": {"text": "Gå tur med hunden"}}
    personal = {name: value for name, value in personal.items() if name not in ("target", "extension")}
    assert validate(personal, ours) == []


def test_a_kind_of_target_stands_once(ours: Definitions) -> None:
    doubled = fixture("Goal")
    doubled["target"].append(copy.deepcopy(doubled["target"][0]))
    assert found(doubled, ours) == [("Goal.target", "profile-violated")]


def test_a_target_kind_is_a_code_of_ours(ours: Definitions) -> None:
    odd = fixture("Goal")
    odd["target"][0]["extension"][0]["valueCode"] = "hoped-for"
    assert ("Goal.target[0].extension[0].valueCode", "code-invalid") not in found(odd, ours)
    assert implied_profiles(odd) == (systems.PROFILE_GOAL,)


@pytest.mark.parametrize(
    ("place", "more", "fault"),
    [
        (0, {"measure": None}, ("Goal.target[0].measure", "profile-violated")),
        (0, {"measure": {"text": "HbA1c"}}, ("Goal.target[0].measure.coding", "profile-violated")),
        (0, {"detailRange": None}, ("Goal.target[0].detail", "profile-violated")),
        (
            0,
            {"detailRange": None, "detailRatio": {"numerator": {"value": 1}, "denominator": {"value": 2}}},
            ("Goal.target[0].detailRatio", "profile-violated"),
        ),
        (0, {"detailRange": {"low": {"value": 53, **UNIT}}}, ("Goal.target[0]", "invariant-broken")),
        (
            0,
            {"detailRange": {"low": {"value": 59, **UNIT}, "high": {"value": Digits("58.0"), **UNIT}}},
            ("Goal.target[0]", "invariant-broken"),
        ),
        (
            0,
            {"detailRange": {"low": {"value": 5, **UNIT, "code": "%"}, "high": {"value": 58, **UNIT}}},
            ("Goal.target[0]", "invariant-broken"),
        ),
        (1, {"detailQuantity": {"value": 48, **UNIT}}, ("Goal.target[1]", "invariant-broken")),
        (1, {"detailQuantity": {"value": 48, "comparator": "<"}}, ("Goal.target[1]", "invariant-broken")),
    ],
)
def test_the_form_of_a_target_is_kept(
    place: int, more: dict[str, Any], fault: tuple[str, str], ours: Definitions
) -> None:
    assert found(with_target(place, **more), ours) == [fault]


@pytest.mark.parametrize(
    "more",
    [
        {"detailQuantity": None, "detailString": "Intet fast mål"},
        {"detailQuantity": None, "detailBoolean": True},
        {"detailQuantity": None, "detailInteger": 2},
        {"detailQuantity": None, "detailCodeableConcept": {"text": "B"}},
    ],
)
def test_a_target_may_be_without_a_number(more: dict[str, Any], ours: Definitions) -> None:
    assert validate(with_target(1, **more), ours) == []


def test_high_exclusive_needs_two_bounds(ours: Definitions) -> None:
    strict = {"url": systems.EXT_HIGH_EXCLUSIVE, "valueBoolean": True}
    two, one = fixture("Goal"), fixture("Goal")
    two["target"][0]["extension"].append(strict)
    one["target"][1]["extension"].append(strict)
    assert found(two, ours) == []
    assert found(one, ours) == [("Goal.target[1]", "invariant-broken")]


@pytest.mark.parametrize("part", ["row", "knowledge", "computedAt"])
def test_a_recommendation_says_where_it_comes_from(part: str, ours: Definitions) -> None:
    bare = fixture("Goal")
    recommendation = bare["target"][1]["extension"][1]
    recommendation["extension"] = [inside for inside in recommendation["extension"] if inside["url"] != part]
    assert found(bare, ours) == [("Goal.target[1].extension[1].extension", "profile-violated")]


def test_a_recommended_target_has_its_recommendation(ours: Definitions) -> None:
    bare = fixture("Goal")
    del bare["target"][1]["extension"][1]
    assert found(bare, ours) == [("Goal.target[1].extension", "profile-violated")]


def test_a_deviation_needs_its_reason(ours: Definitions) -> None:
    silent = {name: value for name, value in fixture("Goal").items() if name != "extension"}
    assert found(silent, ours) == [("Goal", "invariant-broken")]
    agreed = copy.deepcopy(silent)
    agreed["target"][0] = {**agreed["target"][1], "extension": agreed["target"][0]["extension"]}
    agreed["target"][0]["detailQuantity"] = {**agreed["target"][1]["detailQuantity"], "value": Digits("48.0")}
    assert found(agreed, ours) == []
    agreed["target"][0]["detailQuantity"]["comparator"] = "<="
    assert found(agreed, ours) == [("Goal", "invariant-broken")]


def test_the_reason_other_is_told_in_words(ours: Definitions) -> None:
    other = fixture("Goal")
    parts = other["extension"][0]["extension"]
    parts[0]["valueCodeableConcept"]["coding"][0]["code"] = "other"
    assert found(other, ours) == []
    parts[1]["valueString"] = " \t"
    assert found(other, ours) == [("Goal.extension[0]", "invariant-broken")]
    parts[0]["valueCodeableConcept"]["text"] = "flytter til udlandet"
    assert found(other, ours) == []


def test_a_reason_is_a_code_of_ours(ours: Definitions) -> None:
    odd = fixture("Goal")
    odd["extension"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] = "mood"
    assert found(odd, ours) == [("Goal.extension[0].extension[0].valueCodeableConcept", "code-invalid")]


def test_a_goal_with_our_targets_keeps_our_profile_claimed_or_not(ours: Definitions) -> None:
    unclaimed = {name: value for name, value in with_target(0, measure=None).items() if name != "meta"}
    assert found(unclaimed, ours) == [("Goal.target[0].measure", "profile-violated")]
    assert profile_faults(unclaimed, ours) == []
    assert profile_faults(with_target(0, measure=None), ours, claimed=False) == []


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"intent": "order"}, ("CarePlan.intent", "profile-violated")),
        ({"period": {"end": "2027-01-01"}}, ("CarePlan.period.start", "profile-violated")),
        ({"subject": {"reference": "Group/1"}}, ("CarePlan.subject", "reference-type-wrong")),
    ],
)
def test_a_plan_of_a_plan_type_keeps_our_profile(
    more: dict[str, Any], fault: tuple[str, str], ours: Definitions
) -> None:
    assert found({**fixture("CarePlan"), **more}, ours) == [fault]
    unclaimed = {name: value for name, value in {**fixture("CarePlan"), **more}.items() if name != "meta"}
    assert found(unclaimed, ours) == [fault]


def test_a_plan_has_one_plan_type(ours: Definitions) -> None:
    diabetes, kol = ({"coding": [{"system": systems.PLAN_TYPE, "code": code}]} for code in ("diabetes", "kol"))
    assert found({**fixture("CarePlan"), "category": [diabetes, {"text": "andet"}]}, ours) == []
    assert found({**fixture("CarePlan"), "category": [diabetes, kol]}, ours) == [
        ("CarePlan", "invariant-broken"),
        ("CarePlan.category", "profile-violated"),
    ]
    both = {"coding": [*diabetes["coding"], *kol["coding"]]}
    assert found({**fixture("CarePlan"), "category": [both]}, ours) == [("CarePlan", "invariant-broken")]
    assert ("CarePlan.category", "profile-violated") in found(
        {**fixture("CarePlan"), "category": [{"text": "x"}]}, ours
    )


def test_a_plan_of_others_is_left_alone(ours: Definitions) -> None:
    theirs = {"resourceType": "CarePlan", "status": "active", "intent": "order", "subject": {"reference": "Group/1"}}
    assert validate(theirs, ours) == []


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"subject": None}, ("Observation.subject", "profile-violated")),
        ({"subject": {"reference": "Device/1"}}, ("Observation.subject", "reference-type-wrong")),
        ({"effectiveDateTime": None}, ("Observation", "invariant-broken")),
        ({"valueQuantity": {"value": 1}}, ("Observation.valueQuantity.code", "profile-violated")),
        (
            {"valueQuantity": {"value": 1, "code": "mg", "system": "http://other"}},
            ("Observation.valueQuantity.system", "profile-violated"),
        ),
        (
            {"valueQuantity": None, "component": [{"valueQuantity": {"value": 1, "system": systems.UCUM}}]},
            ("Observation.component[0].valueQuantity.code", "profile-violated"),
        ),
    ],
)
def test_an_observation_of_ours_has_patient_time_and_unit(
    more: dict[str, Any], fault: tuple[str, str], ours: Definitions
) -> None:
    changed = {name: value for name, value in {**fixture("Observation"), **more}.items() if value is not None}
    assert fault in found(changed, ours)


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_what_never_was_needs_no_time(status: str, ours: Definitions) -> None:
    bare = {name: value for name, value in fixture("Observation").items() if name != "effectiveDateTime"}
    assert found({**bare, "status": status}, ours) == []


def test_an_unknown_profile_is_a_warning(ours: Definitions) -> None:
    faults = validate({"resourceType": "Patient", "meta": {"profile": ["http://unknown"]}}, ours)
    assert [(fault.severity, fault.code) for fault in faults] == [("warning", "profile-unknown")]


def test_a_profile_of_another_type_is_refused(ours: Definitions) -> None:
    claim = {"resourceType": "Patient", "meta": {"profile": [systems.PROFILE_GOAL + "|2026.1"]}}
    assert found(claim, ours) == [("Patient.meta.profile", "profile-violated")]


# ── any profile ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("element", "resource", "fault"),
    [
        ({"id": "Patient.photo", "max": "0"}, {"photo": [{"title": "x"}]}, "Patient.photo"),
        ({"id": "Patient.name", "max": "1"}, {"name": [{"text": "a"}, {"text": "b"}]}, "Patient.name"),
        ({"id": "Patient.birthDate", "min": 1}, {}, "Patient.birthDate"),
        ({"id": "Patient.gender", "fixedCode": "female"}, {"gender": "male"}, "Patient.gender"),
        (
            {"id": "Patient.deceased[x]", "type": [{"code": "boolean"}]},
            {"deceasedDateTime": "2020"},
            "Patient.deceasedDateTime",
        ),
        ({"id": "Patient.language", "maxLength": 2}, {"language": "da-DK"}, "Patient.language"),
        (
            {"id": "Patient.maritalStatus", "patternCodeableConcept": {"coding": [{"system": "s", "code": "M"}]}},
            {"maritalStatus": {"coding": [{"system": "s", "code": "S"}]}},
            "Patient.maritalStatus",
        ),
        ({"id": "Patient.name.family", "min": 1}, {"name": [{"family": "a"}, {"text": "b"}]}, "Patient.name[1].family"),
    ],
)
def test_what_a_profile_narrows_is_kept(element: dict[str, Any], resource: dict[str, Any], fault: str) -> None:
    definitions = load_definitions([definition(element)])
    bad = {"resourceType": "Patient", "meta": {"profile": ["http://p"]}, **resource}
    assert found(bad, definitions) == [(fault, "profile-violated")]


def test_a_pattern_asks_for_no_more_than_it_says() -> None:
    pattern = {"coding": [{"system": "s", "code": "M"}]}
    definitions = load_definitions([definition({"id": "Patient.maritalStatus", "patternCodeableConcept": pattern})])
    more = {"coding": [{"system": "t", "code": "x"}, {"system": "s", "code": "M", "display": "gift"}], "text": "gift"}
    assert (
        found({"resourceType": "Patient", "meta": {"profile": ["http://p"]}, "maritalStatus": more}, definitions) == []
    )


def test_a_closed_slicing_takes_only_its_slices() -> None:
    slicing = {"discriminator": [{"type": "value", "path": "use"}], "rules": "closed"}
    definitions = load_definitions(
        [
            definition(
                {"id": "Patient.name", "slicing": slicing},
                {"id": "Patient.name:official", "max": "1"},
                {"id": "Patient.name:official.use", "fixedCode": "official"},
            )
        ]
    )
    names = [{"use": "official"}, {"use": "usual"}, {"use": "official"}]
    bad = {"resourceType": "Patient", "meta": {"profile": ["http://p"]}, "name": names}
    assert found(bad, definitions) == [("Patient.name", "profile-violated"), ("Patient.name[1]", "profile-violated")]


def test_a_profile_without_snapshot_builds_on_its_base() -> None:
    base = definition({"id": "Patient.gender", "min": 1})
    child = {**definition({"id": "Patient.birthDate", "min": 1}), "url": "http://child", "baseDefinition": "http://p"}
    bad = {"resourceType": "Patient", "meta": {"profile": ["http://child"]}}
    assert found(bad, load_definitions([base, child])) == [
        ("Patient.birthDate", "profile-violated"),
        ("Patient.gender", "profile-violated"),
    ]


@pytest.mark.parametrize(
    ("element", "says"),
    [
        ({"id": "Patient.x", "minValueInteger": 1}, "Patient.x: minValueInteger"),
        ({"id": "Patient.x", "sliceIsConstraining": True}, "Patient.x: sliceIsConstraining"),
        (
            {"id": "Patient.x", "constraint": [{"key": "own-1", "severity": "error", "expression": "a.b"}]},
            "Patient.x: constraint own-1",
        ),
        (
            {"id": "Patient.x", "binding": {"strength": "required", "valueSet": "http://v"}},
            "Patient.x: value set http://v",
        ),
        (
            {"id": "Patient.x", "type": [{"code": "Reference", "targetProfile": ["http://q"]}]},
            "Patient.x: profile http://q",
        ),
        (
            {"id": "Patient.x", "type": [{"code": "Reference", "aggregation": ["contained"]}]},
            "Patient.x: type aggregation",
        ),
        (
            {"id": "Patient.x", "slicing": {"discriminator": [{"type": "exists", "path": "a"}]}},
            "Patient.x: slicing by exists of a",
        ),
        (
            {"id": "Patient.x", "slicing": {"discriminator": [{"type": "value", "path": "a.resolve()"}]}},
            "Patient.x: slicing by value of a.resolve()",
        ),
        ({"id": "Patient.name:a"}, "Patient.name:a: a slice without discriminator"),
        ({"id": "Patient.extension:a"}, "Patient.extension:a: nothing to tell the slice by at url"),
        ({"id": "Patient.x:a/b", "sliceName": "a/b"}, "Patient.x:a/b: slices of slices"),
    ],
)
def test_what_is_not_understood_is_named(element: dict[str, Any], says: str) -> None:
    odd = definition(element)
    assert says in unsupported(odd, load_definitions([odd]))


def test_what_r4_itself_says_is_left_to_others() -> None:
    snapshot = definition(
        {
            "id": "Patient.x",
            "constraint": [
                {"key": "ele-1", "severity": "error", "source": "http://hl7.org/fhir/StructureDefinition/Element"},
                {"key": "pat-1", "severity": "error"},
            ],
            "binding": {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/name-use|4.0.1"},
        }
    )
    assert unsupported(snapshot, load_definitions([snapshot])) == []


@pytest.mark.parametrize(
    ("compose", "allowed"),
    [
        ({"include": [{"system": "s"}]}, {"a", "b", "c"}),
        ({"include": [{"system": "s", "concept": [{"code": "a"}]}]}, {"a"}),
        ({"include": [{"system": "s"}], "exclude": [{"system": "s", "concept": [{"code": "a"}]}]}, {"b", "c"}),
        ({"include": [{"valueSet": ["http://other|1"]}]}, {"b"}),
        ({"include": [{"system": "s", "valueSet": ["http://other"]}]}, {"b"}),
        ({"include": [{"system": "unknown"}]}, None),
        ({"include": [{"system": "part"}]}, None),
        ({"include": [{"system": "s", "filter": [{"property": "p", "op": "=", "value": "v"}]}]}, None),
        ({"include": [{"valueSet": ["http://v"]}]}, None),
    ],
)
def test_a_value_set_is_what_its_parts_say(compose: dict[str, Any], allowed: set[str] | None) -> None:
    concepts = [{"code": "a", "concept": [{"code": "b"}]}, {"code": "c"}]
    definitions = load_definitions(
        [
            {"resourceType": "CodeSystem", "url": "s", "content": "complete", "concept": concepts},
            {"resourceType": "CodeSystem", "url": "part", "content": "fragment", "concept": concepts},
            {
                "resourceType": "ValueSet",
                "url": "http://other",
                "compose": {"include": [{"system": "s", "concept": [{"code": "b"}]}]},
            },
            {"resourceType": "ValueSet", "url": "http://v", "compose": compose},
            {"resourceType": "Patient"},
        ]
    )
    pairs = definitions.value_sets.get("http://v")
    assert pairs == (None if allowed is None else {("s", code) for code in allowed})


# ── dk-core ──────────────────────────────────────────────────────────────────────────────────────


def test_published_danish_instances_keep_to_the_profiles_they_claim(danish: Definitions) -> None:
    unknown = set()
    for path in sorted((DANISH / "examples").glob("*.json")):
        faults = validate(parse(path.read_bytes()), danish)
        assert [fault for fault in faults if fault.severity == "error"] == [], path.name
        unknown |= {fault.message for fault in faults}
    assert all("hl7.org/fhir/uv/phd" in message for message in unknown)


def test_of_dk_core_only_one_value_set_is_out_of_reach(danish: Definitions) -> None:
    definitions = [parse(path.read_bytes()) for path in sorted((DANISH / "profiles").glob("*.json"))]
    assert [line for one in definitions for line in unsupported(one, danish)] == [
        "ServiceRequest.priority: value set http://hl7.dk/fhir/core/ValueSet/dk-core-priority-codes"
    ]


@pytest.mark.parametrize(
    ("identifier", "code"),
    [
        ({"use": "official", "system": systems.CPR, "value": "9999999999"}, "invariant-broken"),
        ({"use": "usual", "system": systems.CPR, "value": "1203589990"}, "profile-violated"),
    ],
)
def test_dk_core_refuses_a_cpr_that_cannot_be(identifier: dict[str, Any], code: str, danish: Definitions) -> None:
    claim = {"profile": ["http://hl7.dk/fhir/core/StructureDefinition/dk-core-patient"]}
    good = {**fixture("Patient"), "meta": claim}
    assert found(good, danish) == []
    assert code in {fault for _, fault in found({**good, "identifier": [identifier]}, danish)}


def test_dk_core_organisations_need_sor_or_cvr(danish: Definitions) -> None:
    claim = {"profile": ["http://hl7.dk/fhir/core/StructureDefinition/dk-core-organization"]}
    practice = {**fixture("Organization"), "meta": claim}
    assert found(practice, danish) == []
    practice["identifier"] = practice["identifier"][1:]
    assert ("Organization", "invariant-broken") in found(practice, danish)
    for system, value in ((systems.CVR, "64942213"), (systems.GLN, "5798002472265")):
        assert found({**practice, "identifier": [{"system": system, "value": value}]}, danish) != []
    for system, value in ((systems.CVR, "64942212"),):
        assert found({**practice, "identifier": [{"system": system, "value": value}]}, danish) == []
