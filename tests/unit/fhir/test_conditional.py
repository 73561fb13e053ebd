"""Conditional headers as values, and what follows from them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from careplan.fhir.conditional import (
    HeaderInvalid,
    Tags,
    etag_from_number,
    expected_number,
    find_conditional_reference,
    find_http_date,
    http_date,
    not_modified,
    pairs_from_if_none_exist,
    tags_from_header,
)
from careplan.fhir.criterion import ParameterInvalid

AT = datetime(2026, 11, 22, 9, 3, 0, 417000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ('W/"1"', {"1"}),
        ('"1"', {"1"}),
        ("1", {"1"}),
        (' W/"1" , "2",3', {"1", "2", "3"}),
        ('""', {""}),
        ('W/"1",', {"1"}),
    ],
)
def test_an_entity_tag_is_taken_in_every_form(text, versions):
    assert tags_from_header(text) == Tags(frozenset(versions))


def test_a_star_is_every_version():
    assert tags_from_header(" * ") == Tags(every=True)
    assert tags_from_header("*").holds(7)
    assert not tags_from_header("*").holds(None)


@pytest.mark.parametrize("text", ["", " ", ",", '"1', '"1" "2"', 'x"1"'])
def test_an_unreadable_tag_is_refused(text):
    with pytest.raises(HeaderInvalid) as caught:
        tags_from_header(text)
    assert caught.value.code == "parameter-invalid"


def test_our_own_tag_is_read_back():
    assert tags_from_header(etag_from_number(12)).holds(12)


def test_an_http_date_is_in_whole_seconds_of_greenwich():
    assert http_date(AT) == "Sun, 22 Nov 2026 09:03:00 GMT"
    assert http_date(AT.astimezone(timezone(timedelta(hours=1)))) == "Sun, 22 Nov 2026 09:03:00 GMT"
    assert find_http_date(http_date(AT)) == AT.replace(microsecond=0)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-22", "Sun, 99 Nov 2026 09:03:00 GMT"])
def test_what_is_no_http_date_counts_for_nothing(text):
    assert find_http_date(text) is None


def test_an_http_date_without_zone_is_greenwich():
    assert find_http_date("Sun, 22 Nov 2026 09:03:00 -0000") == AT.replace(microsecond=0)


CURRENT, STALE = Tags(frozenset({"3"})), Tags(frozenset({"2"}))
BEFORE, AFTER = AT - timedelta(hours=1), AT + timedelta(hours=1)


@pytest.mark.parametrize(
    ("none_match", "since", "expected"),
    [
        (None, None, False),
        (CURRENT, None, True),
        (STALE, None, False),
        (Tags(every=True), None, True),
        (None, AT.replace(microsecond=0), True),
        (None, AFTER, True),
        (None, BEFORE, False),
        (STALE, AFTER, False),
        (CURRENT, BEFORE, True),
    ],
)
def test_if_none_match_decides_before_if_modified_since(none_match, since, expected):
    assert not_modified(3, AT, none_match, since) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("*", None), ('W/"3"', 3), ("3", 3), ('"abc"', -1), ('"0"', -1), ('"03"', -1), ('"9999999999"', -1), ('"٣"', -1)],
)
def test_if_match_names_one_version(text, expected):
    assert expected_number(tags_from_header(text)) == expected


def test_no_if_match_expects_nothing():
    assert expected_number(None) is None


def test_several_versions_in_if_match_are_refused():
    with pytest.raises(HeaderInvalid):
        expected_number(tags_from_header('"1","2"'))


@pytest.mark.parametrize(
    "text",
    ["identifier=s|v", "?identifier=s|v", "Patient?identifier=s|v", "https://us.example/fhir/Patient?identifier=s%7Cv"],
)
def test_if_none_exist_is_taken_in_every_form(text):
    assert pairs_from_if_none_exist(text) == [("identifier", "s|v")]


def test_a_question_mark_in_a_value_stays():
    assert pairs_from_if_none_exist("identifier=http://x?y|v") == [("identifier", "http://x?y|v")]


@pytest.mark.parametrize("text", ["", "?", "identifier=", "Patient?"])
def test_if_none_exist_without_criteria_is_refused(text):
    with pytest.raises(ParameterInvalid):
        pairs_from_if_none_exist(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient?identifier=s|v", ("Patient", [("identifier", "s|v")])),
        ("Patient/1", None),
        ("urn:uuid:0-1", None),
        ("https://x/Patient?a=b", None),
    ],
)
def test_a_conditional_reference_is_told_from_others(text, expected):
    assert find_conditional_reference(text) == expected
