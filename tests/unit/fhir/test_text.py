"""The text of a resource is read strictly, and what is written differs only where it must."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careplan.fhir.models import TYPES, shape
from careplan.fhir.relinked import URI_MEMBERS, holds_link, rewrite_references
from careplan.fhir.text import (
    Digits,
    TextUnparsable,
    dump,
    entry_texts,
    members,
    parse,
    read_text,
    stamp,
    text_from_value,
)

AT = "2026-11-22T10:03:00.000Z"
UUID = "urn:uuid:0f7e7b1c-6a0d-4f3a-9b0e-3c1f5a9d2e11"
SPACES = st.text(alphabet=" \t\r\n", max_size=3)


def stamped(raw: bytes) -> bytes:
    return stamp(raw, id="x1", version_id="3", last_updated=AT)[0]


@pytest.mark.parametrize("digits", ["7.10", "1.00", "1E-22", "-0", "6.5e+3", "0.0", "1" * 500])
def test_numbers_keep_their_digits(digits: str) -> None:
    value = parse(b'{"value":' + digits.encode() + b"}")
    assert dump(value) == b'{"value":' + digits.encode() + b"}"


def test_digits_compare_as_numbers_and_remember_their_text() -> None:
    assert Digits("7.10") == Decimal("7.1")
    assert Digits("7.10").text == "7.10"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "line 1, column 1: a JSON object is expected"),
        (b"[1]", "line 1, column 1: a JSON object is expected, not an array"),
        (b'"text"', "line 1, column 1: a JSON object is expected"),
        (b'{"a":1', "line 1, column 7: Expecting ','"),
        (b'{"a":1,}', "line 1, column 8: Expecting property name"),
        (b'{"a" 1}', "line 1, column 6: Expecting ':'"),
        (b'{"a":secret}', "line 1, column 6: Expecting value"),
        (b'{"a":1} secret', "line 1, column 9: nothing may follow the object"),
        (b'{"a":"line\nbreak"}', "line 1, column 11: Invalid control character"),
        (b'{"a":1,\n "a":2}', "line 2, column 2: a member is named twice"),
        (b'{"b":{"a":1,\n"a":2}}', "line 2, column 1: a member is named twice"),
        (b'{"a":NaN}', "line 1, column 6: a number out of range"),
        (b'{"a":-Infinity}', "line 1, column 6: a number out of range"),
        (b'{"a":1e99999999999999999999}', "line 1, column 6: a number out of range"),
        (b'{"a":"\\ud83d"}', "line 1, column 7: half a surrogate pair"),
        (b'{"a":"\\\\ud83d \\ud83d\\ude00 \\"\\uDE00"}', "line 1, column 30: half a surrogate pair"),
        (b'{"a":"\xe6"}', "line 1, column 7: the body is not UTF-8"),
        (b'{"x":' + b"[" * 64 + b"]" * 64 + b"}", "line 1, column 69: nested deeper than 64"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "line 1, column 69: nested deeper than 64"),
    ],
)
def test_a_fault_is_placed_and_its_content_not_repeated(raw: bytes, says: str) -> None:
    with pytest.raises(TextUnparsable) as refusal:
        parse(raw)
    assert refusal.value.message == says
    assert refusal.value.code == "text-unparsable"


def test_a_given_depth_is_allowed() -> None:
    assert parse(b'{"x":' + b"[" * 3 + b"]" * 3 + b"}", depth=4) == {"x": [[[]]]}
    with pytest.raises(TextUnparsable):
        parse(b'{"x":' + b"[" * 4 + b"]" * 4 + b"}", depth=4)


def test_a_byte_order_mark_is_taken_off() -> None:
    assert parse(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_control_and_non_bmp_characters_round_trip() -> None:
    value = parse('{"a":"\\u0001\\t😀æ\\ud83d\\ude00\\u0000"}'.encode())
    assert value["a"] == "\x01\t😀æ😀\x00"
    assert parse(dump(value)) == value


def test_dump_is_compact_and_keeps_danish_letters() -> None:
    assert dump({"a": [1, True, None, "ø", {}], "b": [], "c": Decimal("1.50"), "d": 2.5}) == (
        '{"a":[1,true,null,"ø",{}],"b":[],"c":1.50,"d":2.5}'.encode()
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), object()])
def test_what_is_no_json_is_not_dumped(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        dump({"a": value})


def test_stamp_adds_id_and_meta_in_the_manner_of_the_text() -> None:
    raw = b'{\n  "resourceType" : "Patient",\n  "active": true\n}\n'
    assert stamped(raw) == (
        b'{\n  "resourceType" : "Patient",\n  "id" : "x1",\n  "meta" : {"versionId":"3","lastUpdated":"'
        + AT.encode()
        + b'"},\n  "active": true\n}\n'
    )


def test_stamp_replaces_what_is_there_and_keeps_the_rest_of_meta() -> None:
    raw = b'{"meta":{"tag":[{"code":"a"}], "lastUpdated" : "old","profile":["p"]},"id":7,"resourceType":"Goal"}'
    assert stamped(raw) == (
        b'{"meta":{"versionId":"3","tag":[{"code":"a"}], "lastUpdated" : "'
        + AT.encode()
        + b'","profile":["p"]},"id":"x1","resourceType":"Goal"}'
    )


@pytest.mark.parametrize("meta", [b"{}", b"{ }", b"null", b"[]"])
def test_stamp_fills_an_empty_meta(meta: bytes) -> None:
    value = parse(stamped(b'{"resourceType":"Goal","meta":' + meta + b"}"))
    assert value == {"resourceType": "Goal", "id": "x1", "meta": {"versionId": "3", "lastUpdated": AT}}


def test_stamp_needs_a_resource_type() -> None:
    with pytest.raises(TextUnparsable, match="resourceType is missing"):
        stamped(b'{"active":true}')


def test_stamp_takes_a_text_already_read() -> None:
    raw = b'{"resourceType":"Goal","x":1.0}'
    assert stamp(read_text(raw), id="x1", version_id="3", last_updated=AT)[0] == stamped(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"resourceType":"Goal"}',
        '{"resourceType":"Goal","x":"blåbær 🍎","meta":{ "tag":[], "lastUpdated" : "2020" },"id":"old"}'.encode(),
        b'{"meta":{"versionId":"8"},"id":"a","resourceType":"Goal"}',
        '{"id":"æ","resourceType":"Goal","contained":[{"meta":{"lastUpdated":"'.encode() + AT.encode() + b'"}}]}',
        '{"y":"ø","meta":[],"resourceType":"Goal"}'.encode(),
    ],
)
def test_stamp_tells_where_the_instant_stands(raw: bytes) -> None:
    body, place = stamp(raw, id="x1", version_id="3", last_updated=AT)
    moved = body[:place] + b"2027" + body[place + 4 :]
    assert parse(moved)["meta"]["lastUpdated"] == AT.replace("2026", "2027")
    assert body == stamped(raw)


def test_stamping_again_changes_nothing_else() -> None:
    once = stamped(b'{ "resourceType":"Goal", "id":"a", "meta":{"versionId":"9"}, "x":[ 1.00 ] }')
    assert stamped(once) == once


@settings(deadline=None)
@given(SPACES, SPACES, SPACES, SPACES, st.booleans(), st.booleans(), st.booleans())
def test_stamp_keeps_every_other_byte(a: str, b: str, c: str, d: str, has_id: bool, has_meta: bool, last: bool) -> None:
    rest = f'{b}"value"{c}:{d}[{a}7.10{b},{c}"\\u00e6/\\/ø"{d}]{a}'
    known = [f'{a}"resourceType"{b}:{c}"Goal"{d}']
    if has_id:
        known.append(f'{c}"id"{a}:{b}"old"{c}')
    if has_meta:
        known.append(f'{d}"meta"{a}:{b}{{{c}"tag"{d}:{a}[{b}]{c},"versionId":"1"{d}}}{a}')
    parts = [*known, rest] if last else [rest, *known]
    raw = ("{" + ",".join(parts) + "}" + a).encode()
    new = stamped(raw)
    assert rest.encode() in new
    assert parse(new) == {
        **parse(raw),
        "id": "x1",
        "meta": {**parse(raw).get("meta", {}), "versionId": "3", "lastUpdated": AT},
    }
    if has_id and has_meta:
        meta = json.dumps({"versionId": "3"})[1:-1].replace(" ", "")
        assert meta.encode() in new
        back = new.replace(b'"x1"', b'"old"').replace(b'"versionId":"3"', b'"versionId":"1"')
        inserted = f'{c}"lastUpdated"{d}:{a}"{AT}",'.encode()
        assert back.replace(inserted, b"", 1) == raw


def test_members_are_exact_texts() -> None:
    assert members(b'{"a" : 1.0 , "b":[ 1 ]}') == {"a": b"1.0", "b": b"[ 1 ]"}


def test_entry_texts_are_the_resources_as_written() -> None:
    raw = b'{"resourceType":"Bundle","entry":[ {"fullUrl":"a","resource":{ "x":1.0 }} , {"request":{}}, 5 ]}'
    assert [one and one.text for one in entry_texts(read_text(raw))] == ['{ "x":1.0 }', None, None]
    assert entry_texts(read_text(b'{"resourceType":"Bundle"}')) == []
    assert entry_texts(read_text(b'{"resourceType":"Bundle","entry":[ ]}')) == []
    assert entry_texts(read_text(b'{"resourceType":"Bundle","entry":3}')) == []


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_ENTRY = _VALUES | st.fixed_dictionaries(
    {"resource": st.dictionaries(st.text(), _VALUES)}, optional={"fullUrl": st.text(), "request": _VALUES}
)


@given(st.lists(_ENTRY), st.sampled_from([None, 1]), st.booleans())
def test_an_entry_read_with_its_bundle_is_as_if_read_alone(entries: list[Any], indent: int | None, ascii: bool) -> None:
    raw = json.dumps({"id": "1", "entry": entries, "type": "batch"}, indent=indent, ensure_ascii=ascii)
    found = entry_texts(read_text(raw.encode()))
    assert len(found) == len(entries)
    for entry, one in zip(entries, found, strict=True):
        held = entry.get("resource") if isinstance(entry, dict) else None
        assert (one is not None) == isinstance(held, dict)
        assert one is None or one == read_text(one.text.encode())


LINKS = {UUID: "Patient/17", "Patient?identifier=s|v": "Patient/18", "http://old/fhir/Goal/1": "Goal/19"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'{{"subject": {{"reference" :"{UUID}"}}}}', '{"subject": {"reference" :"Patient/17"}}'),
        (f'{{"a":{{"reference":"{UUID}/_history/2"}}}}', '{"a":{"reference":"Patient/17/_history/2"}}'),
        (f'{{"a":{{"reference":"{UUID}#part"}}}}', '{"a":{"reference":"Patient/17#part"}}'),
        ('{"a":{"reference":"Patient?identifier=s|v"}}', '{"a":{"reference":"Patient/18"}}'),
        ('{"a":{"reference":"http:\\/\\/old\\/fhir\\/Goal\\/1"}}', '{"a":{"reference":"Goal/19"}}'),
        (f'{{"extension":[{{"url":"e","valueUri":"{UUID}"}}]}}', '{"extension":[{"url":"e","valueUri":"Patient/17"}]}'),
        (f'{{"contained":[{{"valueUrl":"{UUID}"}}]}}', '{"contained":[{"valueUrl":"Patient/17"}]}'),
        (f'{{"policy":["p","{UUID}"]}}', '{"policy":["p","Patient/17"]}'),
        (
            f'{{"text":{{"div":"<a href=\\"{UUID}\\">æ\\u00e6</a><img src=\'{UUID}#i\'/>"}}}}',
            '{"text":{"div":"<a href=\\"Patient/17\\">æ\\u00e6</a><img src=\'Patient/17#i\'/>"}}',
        ),
    ],
)
def test_links_are_replaced_where_r4_says(before: str, after: str) -> None:
    assert rewrite_references(before.encode(), LINKS).decode() == after
    assert holds_link(parse(before.encode()), LINKS)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"instantiatesCanonical":["{UUID}"],"valueCanonical":"{UUID}","meta":{{"profile":["{UUID}"]}}}}',
        f'{{"identifier":[{{"system":"urn:ietf:rfc:3986","value":"{UUID}"}}]}}',
        f'{{"note":[{{"text":"{UUID}"}}],"valueString":"{UUID}"}}',
        f'{{"text":{{"div":"<p>{UUID}</p>"}}}}',
        '{"valueUri":"Patient?identifier=s|v"}',
        f'{{"a":{{"reference":"{UUID}0"}}}}',
        '{"a":{"reference":"Patient/1"}, "b":"a\\\\b"}',
    ],
)
def test_nothing_else_is_replaced(text: str) -> None:
    assert rewrite_references(text.encode(), LINKS) == text.encode()
    assert not holds_link(parse(text.encode()), LINKS)


def test_nothing_changes_without_changes() -> None:
    assert rewrite_references(b'{"reference":"urn:uuid:1"}', {}) == b'{"reference":"urn:uuid:1"}'


def test_a_text_cut_short_is_not_rewritten() -> None:
    with pytest.raises(TextUnparsable, match="ends too early"):
        rewrite_references(f'{{"a":{{"reference":"{UUID}"'.encode(), LINKS)


def test_every_uri_element_of_our_types_is_a_link_or_left_out_on_purpose() -> None:
    on_purpose = {"type", "code", "definition", "identifier", "jurisdiction", "contentReference", "location", "fullUrl"}
    seen: set[str] = set()
    names: set[str] = set()
    waiting = list(TYPES)
    while waiting:
        name = waiting.pop()
        if name in seen or name == "Resource":
            continue
        seen.add(name)
        elements = shape(name).elements.values()
        names |= {e.name for e in elements if e.type in ("uri", "url", "oid", "uuid")}
        waiting += [e.type for e in elements if not e.primitive]
    assert names - on_purpose - URI_MEMBERS == set()
    assert URI_MEMBERS - names == set()


def test_what_we_write_ourselves_reads_as_if_it_had_come_in() -> None:
    value = {"resourceType": "Provenance", "target": [{"reference": "Goal/æ\n"}], "x": Digits("1.00"), "y": True}
    assert text_from_value(value) == read_text(dump(value))
