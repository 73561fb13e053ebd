"""What identifies somebody is sealed in a link, and comes back as it was; what does not stays readable."""

import pytest

from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.veil import VEIL, unveiled, veiled

SECRET = b"only for tests"
CPR = "1203589990"
PLAIN = [("status", "active"), ("_count", "5")]

IDENTIFYING = {
    "identifier": f"urn:oid:1.2.208.176.1.2|{CPR}",
    "name": "Gudrun",
    "birthdate": "1958-03-12",
    "address-city": "Aarhus",
    "patient.identifier": CPR,
    "subject:identifier": f"|{CPR}",
    "subject:Patient.family": "Test",
    "_has:Observation:patient:performer.name": "Gudrun",
}


@pytest.mark.parametrize(("name", "value"), IDENTIFYING.items())
def test_what_came_in_a_body_and_identifies_somebody_is_sealed(name: str, value: str) -> None:
    pairs = [PLAIN[0], (name, value), PLAIN[1]]
    shown = veiled(pairs, SECRET, openly=False)
    assert [pair[0] for pair in shown] == ["status", "_count", VEIL]
    assert not {name, value} & set(shown[-1]) and unveiled(list(shown), SECRET) == pairs


@pytest.mark.parametrize("cpr", [CPR, "120358-9990", f"x|{CPR},y"])
def test_a_person_number_is_sealed_however_it_came(cpr: str) -> None:
    shown = veiled([("code", cpr), *PLAIN], SECRET, openly=True)
    assert cpr not in repr(shown) and unveiled(list(shown), SECRET) == [("code", cpr), *PLAIN]


def test_what_was_asked_openly_stays_readable() -> None:
    pairs = (("name", "Gudrun"), *PLAIN)
    assert veiled(pairs, SECRET, openly=True) == pairs


def test_several_come_back_each_in_its_place_with_a_page_behind_them() -> None:
    pairs = [("name", "A"), ("status", "x"), ("name", "B"), ("birthdate", "1958")]
    shown = [*veiled(pairs, SECRET, openly=False), ("_page", "token")]
    assert unveiled(shown, SECRET) == [*pairs, ("_page", "token")]


def test_the_same_is_sealed_alike_so_that_two_answers_are() -> None:
    assert veiled([("name", "A")], SECRET, openly=False) == veiled([("name", "A")], SECRET, openly=False)


@pytest.mark.parametrize("sealed", ["", "nonsense", CPR, veiled([("name", "A")], b"another", openly=False)[0][1]])
def test_a_seal_of_somebody_else_is_refused_without_repeating_it(sealed: str) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        unveiled([(VEIL, sealed)], SECRET)
    assert CPR not in refused.value.message
