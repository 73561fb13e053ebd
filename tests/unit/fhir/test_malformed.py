"""Whatever is wrong with a resource, validation answers with faults and never with an exception."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careplan.fhir import bindings, models, xhtml
from careplan.fhir.profile import load_definitions, validate
from careplan.fhir.text import Digits, dump, parse, read_text, stamp

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = [parse(path.read_bytes()) for path in sorted((ROOT / "fixtures").glob("*.json"))]
OURS = load_definitions(parse(path.read_bytes()) for path in sorted((ROOT / "profiles").glob("*.json")))
ODD: list[Any] = [
    *(None, True, 0, -1, Digits("1E-22"), "", " ", "x", "2026-13-40", [], [None], [[]], ["x"], [{}], {}),
    *({"x": 1}, {"extension": []}, {"coding": "x"}, {"coding": [{"code": []}]}, {"value": "x"}, {"url": 1}),
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) inside a value."""
    found = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        inside = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, item in inside:
            found.append((holder, key))
            if isinstance(item, dict | list):
                waiting.append(item)
    return found


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A fixture with one to three of its values replaced by odd ones."""
    resource = copy.deepcopy(draw(st.sampled_from(FIXTURES)))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(places(resource)))
        holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        if not resource:
            break
    return resource


@settings(deadline=None)
@given(damaged())
def test_a_damaged_resource_gets_faults_and_no_exception(resource: dict[str, Any]) -> None:
    structure = models.faults(resource)
    others = bindings.faults(resource) + xhtml.faults(resource) + validate(resource, OURS)
    assert all(fault.message and fault.code for fault in (*structure, *others))


@settings(deadline=None)
@given(damaged())
def test_what_was_read_before_changes_no_verdict(resource: dict[str, Any]) -> None:
    """fhir.resources is shown recurring parts as it read them once; it has to find what it finds in the whole."""
    found = models.faults(resource)
    assert models.faults(resource) == found
    if all(fault.code == "resource-invalid" for fault in found):
        form = models.shape(resource["resourceType"])
        assert models._second_opinion(resource, replace(form, recurring=frozenset())) == found


@settings(deadline=None)
@given(damaged())
def test_a_damaged_resource_is_read_and_written_unchanged(resource: dict[str, Any]) -> None:
    raw = dump(resource)
    assert dump(parse(raw)) == raw
    if "resourceType" in resource:
        again, _ = stamp(read_text(raw), id="a", version_id="1", last_updated="2026-11-22T10:03:00Z")
        assert parse(again)["id"] == "a"


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0d8e1-.tfn \n', max_size=60).map(str.encode))
def test_any_bytes_are_an_object_or_text_unparsable(raw: bytes) -> None:
    try:
        value = parse(raw)
    except Exception as refusal:
        assert getattr(refusal, "code", "") == "text-unparsable", refusal
    else:
        assert parse(dump(value)) == value
