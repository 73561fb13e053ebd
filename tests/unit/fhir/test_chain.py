"""Chains and `_has` → Links: which types they go through, and that none is ever left out."""

import re

import pytest

from careplan.fhir.chain import MOST_HOPS
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.query import Criterion, IdIs, Link, Query, ReferenceIs, StringIs, TokenIs
from careplan.fhir.search import MOST_BRANCHES, MOST_VALUES, parse

BASE = "https://us.example/fhir"


def linked(type_name, *pairs, strict=True):
    query = parse(type_name, pairs, strict=strict, base=BASE)
    assert query.used == pairs
    assert query.criteria == ()
    return query.links


def name_is(type_name, match, text):
    return Query(type_name, (Criterion("name", "string", (StringIs(match, text),)),))


def test_a_chain_asks_the_resource_that_is_referred_to():
    """R4-98."""
    assert linked("CarePlan", ("subject:Patient.name", "Eve")) == (
        Link("subject", (name_is("Patient", "starts", "eve"),)),
    )


def test_a_modifier_stands_at_the_end_of_a_chain():
    """R4-98."""
    (link,) = linked("CarePlan", ("patient.name:exact", "Eve"))
    assert link == Link("patient", (name_is("Patient", "exact", "Eve"),))
    (link,) = linked("CarePlan", ("subject:Patient.gender:not", "male,other"))
    assert link.queries[0].criteria[0].negated


def test_a_chain_without_type_is_asked_of_each_that_has_the_parameter():
    """R4-98: of those a subject may be, Device and Location have no birth date."""
    (link,) = linked("Observation", ("subject.identifier", "s|v"))
    criterion = Criterion("identifier", "token", (TokenIs("s", "v"),))
    assert {one.type for one in link.queries} >= {"Patient", "Group"}
    assert all(one.criteria == (criterion,) for one in link.queries)
    (link,) = linked("Observation", ("subject.birthdate", "2024"))
    assert [one.type for one in link.queries] == ["Patient"]


def test_a_chain_takes_several_hops():
    """R4-98."""
    (link,) = linked("Observation", ("subject:Patient.general-practitioner.name", "Nord"))
    (patient,) = link.queries
    (practice,) = patient.links
    assert (link.parameter, patient.criteria, practice.parameter) == ("subject", (), "general-practitioner")
    assert practice.queries == (name_is("Organization", "starts", "nord"), name_is("Practitioner", "starts", "nord"))


def test_types_from_which_a_chain_cannot_go_on_are_passed_by():
    """R4-98: of the subjects only a Patient has a general practitioner."""
    (link,) = linked("Observation", ("subject.general-practitioner:Organization.name", "x"))
    assert [one.type for one in link.queries] == ["Patient"]


def test_has_asks_what_refers_to_a_resource():
    """R4-99: two of them are two links."""
    first, second = linked("Patient", ("_has:Observation:patient:code", "a,b"), ("_has:Goal:patient:_id", "g"))
    code = Criterion("code", "token", (TokenIs(None, "a"), TokenIs(None, "b")))
    assert first == Link("patient", (Query("Observation", (code,)),), reverse=True)
    assert second == Link("patient", (Query("Goal", (Criterion("_id", "id", (IdIs("g"),)),)),), reverse=True)


def test_has_looks_back_again_and_again():
    """R4-99."""
    (link,) = linked("Patient", ("_has:Observation:patient:_has:Provenance:target:agent-type:not", "author"))
    ((inner,),) = [one.links for one in link.queries]
    assert inner.reverse
    assert inner.queries[0].criteria[0].negated


def test_has_and_chains_follow_one_another():
    """R4-98, R4-99."""
    (link,) = linked("Observation", ("subject._has:Goal:subject:lifecycle-status", "active"))
    assert {one.type for one in link.queries} >= {"Patient", "Group"}
    assert "Device" not in {one.type for one in link.queries}
    assert all(one.links[0].reverse for one in link.queries)
    (back,) = linked("Patient", ("_has:Observation:patient:performer:Organization.name", "x"))
    assert back.queries[0].links == (Link("performer", (name_is("Organization", "starts", "x"),)),)


def test_a_chain_to_what_every_resource_has_asks_whether_it_is_there():
    (link,) = linked("Observation", ("patient._id:missing", "false"))
    assert link == Link("patient", (Query("Patient"),))


def test_chains_stand_beside_criteria():
    query = parse("Goal", [("patient", "1"), ("patient.name", "x")], strict=True, base=BASE)
    assert query.criteria == (Criterion("patient", "reference", (ReferenceIs("Patient", "1"),)),)
    assert len(query.links) == 1


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("CarePlan", "subject:Patient.foo"),
        ("CarePlan", "subject.foo"),
        ("CarePlan", "subject:Foo.name"),
        ("CarePlan", "subject:Practitioner.name"),
        ("CarePlan", "subject."),
        ("CarePlan", "subject:.name"),
        ("CarePlan", "subject:Patient.name:"),
        ("CarePlan", "status.name"),
        ("CarePlan", "instantiates-canonical.url"),
        ("Observation", "focus.code"),
        ("Observation", "patient.name:text"),
        ("Observation", "patient.birthdate"),
        ("Provenance", "target:PlanDefinition.url"),
        ("Patient", "_has"),
        ("Patient", "_has:Observation"),
        ("Patient", "_has:Observation:patient"),
        ("Patient", "_has:Observation:patient:"),
        ("Patient", "_has:Observation:patient:foo"),
        ("Patient", "_has:Observation:patient:code:"),
        ("Patient", "_has:Observation:foo:code"),
        ("Patient", "_has:Observation:code:code"),
        ("Patient", "_has:Foo:patient:code"),
        ("Goal", "_has:Observation:patient:code"),
    ],
)
def test_a_chain_that_is_not_understood_is_refused(type_name, name, strict):
    """R4-98: never ignored, lenient or not."""
    with pytest.raises(ParameterInvalid) as caught:
        parse(type_name, [(name, "x")], strict=strict, base=BASE)
    assert re.findall(r"\w+", name)[-1] in caught.value.message


def test_a_chain_has_a_most_of_hops():
    hops = ".".join(["part-of"] * MOST_HOPS)
    assert linked("Task", (f"{hops}.status", "ready"))
    for longer in (f"part-of.{hops}.status", ".".join(["part-of"] * 5000), f"_has:Task:part-of:{hops}.status"):
        with pytest.raises(ParameterInvalid, match=f"at most {MOST_HOPS} references"):
            linked("Task", (longer, "ready"))


def test_chains_through_too_many_types_are_refused():
    through = [("patient.name", "x")] * MOST_BRANCHES
    assert len(linked("Goal", *through)) == MOST_BRANCHES
    for chains in ([*through, ("patient.name", "x")], [("based-on.performer.patient.general-practitioner._id", "x")]):
        with pytest.raises(ParameterInvalid, match=f"at most {MOST_BRANCHES} types"):
            parse("Observation", chains, strict=False, base=BASE)


def test_the_values_of_chains_count_too():
    full = [(f"patient.{name}", ",".join(["1"] * 400)) for name in ("_id", "identifier", "phone", "email", "gender")]
    assert len(linked("Goal", *full)) * 400 == MOST_VALUES
    with pytest.raises(ParameterInvalid, match=f"at most {MOST_VALUES}"):
        linked("Goal", *full, ("patient.family", "a"))
