"""Danish names that sound alike have one key, and others have not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.folding import folded
from careplan.fhir.index import extract
from careplan.fhir.sound import sounds_of


@pytest.mark.parametrize(
    "names",
    [
        "Christian Kristian Cristian",
        "Møller Moeller Möller",
        "Thorkild Torkil Thorkil",
        "Erik Eric Erich Erick",
        "Mette Mete",
        "Jenssen Jensen",
        "Camilla Kamilla",
        "Cecilie Sesilie",
        "Philip Filip",
        "Åge Aage",
        "Hjalmar Jalmar",
        "Schmidt Smidt",
        "Walther Valter",
        "Zøren Søren",
        "Lund Lunn",
        "Maks Max",
    ],
)
def test_names_that_sound_alike_have_one_key(names):
    assert len({tuple(sounds_of(folded(name))) for name in names.split()}) == 1


@pytest.mark.parametrize("names", ["Jens Hans", "Anna Hanna", "Bent Bendt Berit", "Karl Karen", "Eva Ove"])
def test_names_that_sound_different_have_different_keys(names):
    keys = [tuple(sounds_of(folded(name))) for name in names.split()]
    assert keys[0] != keys[-1]


def test_each_word_and_the_whole_name_are_found():
    found = extract({"resourceType": "Patient", "name": [{"family": "Møller Kristiansen", "given": ["Jens"]}]}).strings
    assert {value.text for name, value in found if name == "phonetic"} == {"mlr", "krstnsn", "mlr krstnsn", "jns"}


def test_a_name_without_letters_has_no_sound():
    found = extract({"resourceType": "Patient", "name": [{"family": "...", "given": ["-"]}]}).strings
    assert [name for name, _ in found if name == "phonetic"] == []


@given(st.text())
def test_any_text_has_keys_of_letters_and_digits(text):
    assert all(sound.isascii() and sound.isalnum() for sound in sounds_of(folded(text)))
