"""Links of a searchset and the tokens of its pages: the same search again, and nobody makes one up."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.page_link import binding_of, self_link, sign, unsign
from careplan.fhir.query import Query
from careplan.fhir.search import parse
from careplan.fhir.systems import NPU

BASE = "https://us.example/fhir"


def asked(type_name, *pairs, strict=True, **options):
    return parse(type_name, pairs, strict=strict, base=BASE, **options)


def test_the_self_link_asks_the_same_again():
    """R4-72: chains and all."""
    pairs = [
        ("code", f"{NPU}|NPU27300,b"),
        ("date", "ge2024-05-01T10:00:00+01:00"),
        ("subject:Patient.name:exact", "Ærø, a"),
        ("_has:Provenance:target:_id", "1"),
        ("_sort", "-date"),
        ("_count", "9999"),
    ]
    query = asked("Observation", *pairs, ("foo", "1"), ("name", ""), strict=False)
    link = urlsplit(self_link(BASE, query))
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{BASE}/Observation"
    assert "+" not in link.query
    again = asked("Observation", *parse_qsl(link.query))
    assert again == replace(query, ignored=())


def test_a_link_may_stand_elsewhere_and_hold_a_page():
    assert self_link(BASE, Query("Goal"), path="Patient/1/Goal") == f"{BASE}/Patient/1/Goal"
    assert self_link(BASE, Query("", used=(("_type", "Goal"),)), path="") == f"{BASE}?_type=Goal"
    assert self_link(BASE, Query("Goal"), page="t_-") == f"{BASE}/Goal?_page=t_-"


SECRET = b"secret"


@given(st.text(), st.text())
def test_a_page_token_gives_its_position_back(cursor, binding):
    assert unsign(sign(cursor, binding, SECRET), binding, SECRET) == cursor


@given(st.data())
def test_a_page_token_changed_anywhere_is_refused(data):
    """R4-76."""
    token = sign("position", "Goal", SECRET)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters().filter(lambda one: one != token[at]))
    with pytest.raises(ParameterInvalid):
        unsign(token[:at] + letter + token[at + 1 :], "Goal", SECRET)


@pytest.mark.parametrize("token", ["", "x", "æ", "====", sign("p", "Goal", b"other"), sign("p", "Task", SECRET)])
def test_a_page_token_of_another_search_is_refused(token):
    """R4-76."""
    with pytest.raises(ParameterInvalid, match="_page"):
        unsign(token, "Goal", SECRET)


def test_a_page_belongs_to_type_compartment_and_parameters():
    query = asked("Goal", ("lifecycle-status", "active"))
    others = [replace(query, type="Task"), replace(query, patient="p"), replace(query, used=())]
    assert len({binding_of(one) for one in (query, *others)}) == 4


def test_a_restriction_only_narrows():
    narrow = Query("Goal").within(frozenset({"a", "b"}))
    assert narrow.patients == {"a", "b"}
    assert narrow.within(frozenset({"b", "c"})).patients == {"b"}
