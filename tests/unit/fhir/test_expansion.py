"""Value sets as lists: parts, filters, imports, what is refused."""

from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.expansion import (
    ExpansionImpossible,
    ExpansionTooLarge,
    Terminology,
    expand,
    imports_of,
    systems_of,
)

Json = dict[str, Any]

TREE = "http://example.org/tree"
SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "url": TREE,
    "version": "2",
    "content": "complete",
    "concept": [
        {
            "code": "a",
            "display": "Alpha",
            "concept": [
                {"code": "a1", "property": [{"code": "kind", "valueCode": "x"}]},
                {"code": "a2", "property": [{"code": "inactive", "valueBoolean": True}], "concept": [{"code": "a21"}]},
            ],
        },
        {"code": "b", "property": [{"code": "status", "valueCode": "retired"}, {"code": "kind", "valueString": "y"}]},
        {"code": "c", "property": [{"code": "kind", "valueCoding": {"code": "x"}}]},
    ],
}
ALL = ["a", "a1", "a2", "a21", "b", "c"]


def sets(**composed: Json) -> dict[str, Json]:
    return {f"http://{name}": {"url": f"http://{name}", "compose": compose} for name, compose in composed.items()}


def codes(*include: Json, known: dict[str, Json] | None = None, **compose: Any) -> list[str]:
    terminology = Terminology(known or {}, {TREE: SYSTEM})
    return [one.code for one in expand({"compose": {"include": list(include), **compose}}, terminology)]


def filtered(name: str, op: str, value: str) -> list[str]:
    return codes({"system": TREE, "filter": [{"property": name, "op": op, "value": value}]})


def test_a_whole_system_is_listed_in_its_order():
    assert codes({"system": TREE}) == codes({"system": TREE, "version": "2"}) == ALL


@pytest.mark.parametrize(
    ("name", "op", "value", "expected"),
    [
        ("concept", "is-a", "a", ["a", "a1", "a2", "a21"]),
        ("concept", "is-a", "a2", ["a2", "a21"]),
        ("code", "is-a", "no-such", []),
        ("concept", "descendent-of", "a", ["a1", "a2", "a21"]),
        ("concept", "is-not-a", "a", ["b", "c"]),
        ("concept", "=", "b", ["b"]),
        ("code", "in", "c, a1", ["a1", "c"]),
        ("concept", "not-in", "a,b,c", ["a1", "a2", "a21"]),
        ("display", "=", "Alpha", ["a"]),
        ("parent", "=", "a", ["a1", "a2"]),
        ("kind", "=", "x", ["a1", "c"]),
        ("kind", "in", "x,y", ["a1", "b", "c"]),
        ("kind", "exists", "true", ["a1", "b", "c"]),
        ("kind", "exists", "false", ["a", "a2", "a21"]),
        ("inactive", "=", "true", ["a2"]),
    ],
)
def test_filters_choose_codes(name: str, op: str, value: str, expected: list[str]):
    assert filtered(name, op, value) == expected


@pytest.mark.parametrize(
    ("name", "op"), [("concept", "regex"), ("kind", "is-a"), ("concept", "generalizes"), ("x", "")]
)
def test_filters_that_are_not_offered_are_refused(name: str, op: str):
    with pytest.raises(ExpansionImpossible):
        filtered(name, op, "x")


def test_several_filters_all_hold_and_several_parts_add_up():
    both = [{"property": "concept", "op": "is-a", "value": "a"}, {"property": "kind", "op": "exists", "value": "true"}]
    assert codes({"system": TREE, "filter": both}) == ["a1"]
    assert codes({"system": TREE, "concept": [{"code": "c"}]}, {"system": TREE, "filter": both}) == ["c", "a1"]


def test_what_is_excluded_is_left_out_also_under_another_name_of_its_system():
    part = {"system": systems.ICPC2, "concept": [{"code": "T90"}, {"code": "R95"}]}
    alias = {"system": "http://hl7.org/fhir/sid/icpc-2", "concept": [{"code": "T90"}]}
    assert codes(part, exclude=[alias]) == ["R95"]
    assert codes(part, alias) == ["T90", "R95"]


def test_a_part_with_value_sets_is_what_all_of_them_have():
    known = sets(
        one={"include": [{"system": TREE, "concept": [{"code": "a"}, {"code": "b"}]}]},
        two={"include": [{"system": TREE, "concept": [{"code": "b"}, {"code": "c"}]}]},
    )
    assert codes({"valueSet": ["http://one", "http://two"]}, known=known) == ["b"]
    assert codes({"valueSet": ["http://one"]}, {"valueSet": ["http://two"]}, known=known) == ["a", "b", "c"]
    assert codes({"system": TREE, "valueSet": ["http://two"]}, known=known) == ["b", "c"]
    assert codes({}) == []


def test_imports_reach_through_other_sets_and_end_on_rings():
    known = sets(
        one={"include": [{"valueSet": ["http://two"]}]},
        two={"include": [{"system": TREE, "concept": [{"code": "a"}]}]},
        ring={"include": [{"valueSet": ["http://round"]}]},
        round={"include": [{"valueSet": ["http://ring"]}]},
    )
    assert codes({"valueSet": ["http://one"]}, known=known) == ["a"]
    with pytest.raises(ExpansionImpossible, match="imports itself"):
        codes({"valueSet": ["http://ring"]}, known=known)
    own = {"url": "http://own", "compose": {"include": [{"valueSet": ["http://own"]}]}}
    with pytest.raises(ExpansionImpossible, match="imports itself"):
        expand(own, Terminology({"http://own": own}, {}))


def test_codes_no_longer_used_stay_unless_the_set_says_otherwise():
    listed = expand({"compose": {"include": [{"system": TREE}]}}, Terminology({}, {TREE: SYSTEM}))
    assert [one.code for one in listed if one.inactive] == ["a2", "b"]
    assert codes({"system": TREE}, inactive=False) == ["a", "a1", "a21", "c"]
    assert codes({"system": TREE}, inactive=True) == ALL


def test_listed_codes_are_called_what_the_set_the_system_or_the_knowledge_calls_them():
    terminology = Terminology({}, {TREE: SYSTEM}, {(systems.NPU, "NPU1"): "Known"})
    compose = [
        {"system": TREE, "concept": [{"code": "a"}, {"code": "b", "display": "Own"}, {"code": "new"}]},
        {"system": "urn:oid:1.2.208.176.2.1", "concept": [{"code": "NPU1"}, {"code": "NPU2"}]},
    ]
    found = expand({"compose": {"include": compose}}, terminology)
    assert [one.display for one in found] == ["Alpha", "Own", "", "Known", ""]


@pytest.mark.parametrize(
    "part",
    [
        {"system": "http://elsewhere"},
        {"system": TREE, "version": "1"},
        {"system": "http://part"},
        {"valueSet": ["http://elsewhere"]},
    ],
)
def test_what_is_not_here_as_a_whole_is_refused_by_name(part: Json):
    name = part.get("system") or part["valueSet"][0]
    fragment = SYSTEM | {"url": "http://part", "content": "fragment"}
    with pytest.raises(ExpansionImpossible, match=name):
        expand({"compose": {"include": [part]}}, Terminology({}, {TREE: SYSTEM, "http://part": fragment}))


def test_endless_work_is_refused():
    with pytest.raises(ExpansionTooLarge):
        codes(*[{"system": TREE}] * 20_000)
    with pytest.raises(ExpansionTooLarge):
        codes(*[{"system": TREE, "concept": [{"code": "a"}]}] * 20_000)


def test_what_a_set_rests_on_is_told():
    compose = {"include": [{"system": "s"}, {"valueSet": ["v", "w"]}], "exclude": [{"system": "t", "valueSet": ["v"]}]}
    assert systems_of({"compose": compose}) == ("s", "t") and imports_of({"compose": compose}) == ("v", "w")
    assert systems_of({}) == imports_of({}) == ()
