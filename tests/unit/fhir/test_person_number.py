"""The numbers a person is known by: however they are typed, and which of a person's identifiers they are."""

import pytest

from careplan.fhir import systems
from careplan.fhir.person_number import find_number, numbers_of, shown, written


@pytest.mark.parametrize("typed", ["010203-123a", " 010203123A ", "010203 123A"])
def test_a_number_is_found_however_it_is_typed(typed: str) -> None:
    assert find_number(typed) == "010203123A"


@pytest.mark.parametrize("typed", ["", "010203", "010203-12345", "o10203-1234", "010203--123A"])
def test_what_is_no_number_is_none(typed: str) -> None:
    assert find_number(typed) is None


def test_a_number_is_looked_for_with_and_without_hyphen() -> None:
    assert written("010203123A") == ("010203123A", "010203-123A")


def test_only_person_numbers_count_and_old_names_of_their_systems_do() -> None:
    person = {
        "identifier": [
            {"system": "https://example.org/x", "value": "17"},
            {"system": f"urn:oid:{systems.CPR.removeprefix('urn:oid:')}", "value": "010203123A"},
            {"system": systems.CPR},
        ]
    }
    assert numbers_of(person) == ((systems.CPR, "010203123A"),)
    assert shown(person) == "010203-123A"


def test_a_substitute_is_shown_only_where_there_is_no_cpr_number() -> None:
    substitute, number = (
        {"system": systems.X_ECPR, "value": "010203ABC4"},
        {"system": systems.CPR, "value": "0102031234"},
    )
    assert shown({"identifier": [substitute, number]}) == "010203-1234"
    assert shown({"identifier": [substitute]}) == "010203-ABC4"


def test_somebody_without_a_number_has_none_to_show() -> None:
    assert shown({}) == ""
