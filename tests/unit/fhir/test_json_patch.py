"""JSON Patch on a resource: what each operation does, what is refused, and the digits of everything else."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.patch.failure import PatchFailed
from careplan.fhir.patch.json_patch import COPIED, apply_json_patch, json_patch_from_list
from careplan.fhir.patch.result import patched
from careplan.fhir.text import TextUnparsable, dump, members, parse, parse_list

RAW = (
    b'{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},'
    b'"valueQuantity":{"value":7.10,"unit":"mmol/L"},"component":[{"valueQuantity":{"value":1E-22}},'
    b'{"valueQuantity":{"value":100}}],"note":[{"text":"a"},{"text":"b"}]}'
)


def changed(*operations):
    """The resource with the operations applied; they are text, or values."""
    raw = b"[" + b",".join(one.encode() if isinstance(one, str) else dump(one) for one in operations) + b"]"
    return patched(parse(RAW), json_patch_from_list(parse_list(raw)))


def op(kind, path, *value, **more):
    return {"op": kind, "path": path} | ({"value": value[0]} if value else {}) | more


@pytest.mark.parametrize(
    ("operation", "notes"),
    [
        (op("add", "/note/1", {"text": "c"}), ["a", "c", "b"]),
        (op("add", "/note/-", {"text": "c"}), ["a", "b", "c"]),
        (op("remove", "/note/0"), ["b"]),
        (op("replace", "/note/0/text", "c"), ["c", "b"]),
        (op("move", "/note/0", **{"from": "/note/1"}), ["b", "a"]),
        (op("copy", "/note/0", **{"from": "/note/1"}), ["b", "a", "b"]),
        (op("test", "/note/0", {"text": "a"}), ["a", "b"]),
    ],
    ids=lambda one: one["op"] if isinstance(one, dict) else "",
)
def test_each_operation_does_what_rfc_6902_says(operation, notes):
    assert [one["text"] for one in changed(operation).value["note"]] == notes


def test_digits_that_come_in_and_digits_that_stand_are_kept():
    """R4-24, R4-38: a patched-in 6.50 keeps its text, and so does every other number."""
    text = changed('{"op":"replace","path":"/component/1/valueQuantity/value","value":6.50}').text
    assert '"value":7.10' in text
    assert '"value":1E-22' in text
    assert '"value":6.50' in text


def test_copied_and_tested_numbers_keep_their_digits_and_compare_by_value():
    text = changed(
        '{"op":"test","path":"/valueQuantity/value","value":7.1}',
        '{"op":"copy","from":"/valueQuantity","path":"/component/1/valueQuantity"}',
    ).text
    assert text.count('"value":7.10') == 2


@pytest.mark.parametrize(
    "operation",
    [
        op("test", "/status", "amended"),
        op("test", "/nothing", None),
        op("remove", "/nothing"),
        op("replace", "/nothing", 1),
        op("replace", "/note/7", {}),
        op("add", "/note/7", {}),
        op("add", "/nothing/below", 1),
        op("add", "/note/01", {}),
        op("add", "note", 1),
        op("add", "/~7", 1),
        op("move", "/status", **{"from": "/nothing"}),
        op("move", "/note/0/text", **{"from": "/note"}),
        op("copy", "/status", **{"from": "/nothing"}),
        op("copy", "/status", **{"from": 7}),
        op("add", "/status"),
        op("erase", "/status"),
        op(["add"], "/status", 1),
        {"op": "add", "path": 7, "value": 1},
        {"path": "/status"},
        {"op": "remove"},
        "7",
        "null",
        '"add"',
        "[]",
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_and_names_the_operation(operation):
    """R4-39."""
    with pytest.raises(PatchFailed, match=r"operation \[1\] cannot be done.*nothing was changed") as refused:
        changed(op("test", "/status", "final"), operation)
    assert "amended" not in refused.value.message


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "/id", "o2"),
        op("remove", "/id"),
        op("replace", "/resourceType", "Condition"),
        op("remove", "/resourceType"),
        op("move", "/id", **{"from": "/status"}),
        op("replace", "", {"resourceType": "Observation"}),
        op("replace", "", []),
        op("replace", "", None),
    ],
    ids=str,
)
def test_id_and_type_stay(operation):
    """R4-40."""
    with pytest.raises(PatchFailed, match="id and resourceType"):
        changed(operation)


def test_the_whole_may_be_replaced_by_another_of_the_same_id():
    whole = {"resourceType": "Observation", "id": "o1", "status": "amended"}
    assert changed(op("replace", "", whole)).value == whole


def test_what_is_patched_stays_as_it_is():
    resource = parse(RAW)
    patched(resource, json_patch_from_list([op("remove", "/note/0"), op("add", "/code/text", "y")]))
    assert dump(resource) == RAW


def test_a_patch_is_used_twice_with_the_same_result():
    patch = json_patch_from_list([op("add", "/note/-", {"text": "c"}), op("add", "/note/2/authorString", "d")])
    first, second = patched(parse(RAW), patch), patched(parse(RAW), patch)
    assert first.text == second.text


def test_copies_cannot_grow_without_end():
    doubling = [op("copy", "/note/-", **{"from": "/note"}) for _ in range(60)]
    with pytest.raises(PatchFailed, match=f"at most {COPIED} values"):
        changed(*doubling)


@pytest.mark.parametrize("times", [3, 100])
def test_a_result_that_nests_too_deep_is_refused(times):
    nested = {"x": 1}
    for _ in range(29):
        nested = {"x": nested}
    with pytest.raises(PatchFailed, match="nested too deep"):
        changed(*(op("add", "/code" + "/x" * 30 * n + "/x", nested) for n in range(times)))


@pytest.mark.parametrize("operations", [None, {}, "x", 7, [op("test", "/id", "o1")] * 1001])
def test_a_patch_is_an_array_of_some_operations(operations):
    with pytest.raises(PatchFailed, match="array of at most"):
        json_patch_from_list(operations)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"{}", "column 1: a JSON array is expected"),
        (b"", "a JSON array is expected"),
        (b"[1,]", "line 1"),
        (b"[] []", "column 4: nothing may follow"),
        (b'[{"op":1,"op":2}]', "named twice"),
        (b"[NaN]", "out of range"),
        (b'["\\ud800"]', "surrogate"),
        (b"[" * 70 + b"]" * 70, "nested deeper"),
        (b"[" * 50_000, "nested deeper|line 1"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_an_array_is_read_as_strictly_as_a_resource(raw, says):
    """R4-6."""
    with pytest.raises(TextUnparsable, match=says):
        parse_list(raw)


numbers = st.decimals(allow_nan=False, allow_infinity=False).map(str) | st.integers().map(str)
numbers = numbers.filter(lambda text: Decimal(text).is_finite())


@given(st.lists(numbers, min_size=1, max_size=6), numbers, st.data())
def test_a_patch_keeps_the_text_of_all_that_it_does_not_touch(before, put, data):
    """R4-24, R4-38."""
    listed = ",".join(f'{{"value":{one}}}' for one in before)
    raw = f'{{"resourceType":"X","id":"i","a":[{listed}],"b":{{"value":{before[0]}}}}}'.encode()
    index = data.draw(st.integers(0, len(before) - 1))
    kind, path, expected = data.draw(
        st.sampled_from(
            [
                ("replace", f"/a/{index}/value", [*before[:index], put, *before[index + 1 :]]),
                ("add", f"/a/{index}", [*before[:index], put, *before[index:]]),
                ("remove", f"/a/{index}", [*before[:index], *before[index + 1 :]]),
            ]
        )
    )
    value = put if kind == "replace" else f'{{"value":{put}}}'
    patch = f'[{{"op":"{kind}","path":"{path}","value":{value}}}]'.encode()
    got = members(patched(parse(raw), json_patch_from_list(parse_list(patch))).text.encode())
    assert got["a"].decode() == "[" + ",".join(f'{{"value":{one}}}' for one in expected) + "]"
    assert got["b"].decode() == f'{{"value":{before[0]}}}'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
pointers = st.lists(st.sampled_from(["note", "0", "1", "-", "text", "code", "x", "~0", ""]), max_size=4).map(
    lambda parts: "".join(f"/{one}" for one in parts)
)
steps = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": pointers},
    optional={"from": pointers, "value": json_values},
)


@given(st.lists(steps | json_values, max_size=4))
def test_any_operations_are_done_or_refused(operations):
    try:
        apply_json_patch(parse(RAW), json_patch_from_list(operations))
    except PatchFailed as refused:
        assert refused.code == "patch-failed"
