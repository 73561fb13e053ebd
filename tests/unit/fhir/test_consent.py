"""What one Consent says: the rule it makes, what a denial leaves out, and what of it is passed over."""

from datetime import UTC, datetime
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.consent import Rule, covers, is_emergency, left_out, rule_from_consent
from careplan.fhir.query import Criterion, IdIs, TokenIs

Json = Any
BASE = "https://us.example/fhir"
NPU = {"coding": [{"system": systems.NPU, "code": "NPU27300"}, {"system": systems.LOINC}]}


def consent(provision: Json | None, **more: Json) -> Json:
    base = {"resourceType": "Consent", "id": "1", "status": "active", "patient": {"reference": "Patient/p"}}
    return base | ({} if provision is None else {"provision": provision}) | more


def rule(**provision: Json) -> Rule:
    found = rule_from_consent(consent({"type": "deny", **provision}), BASE)
    assert found is not None
    return found


def test_a_denial_is_about_whom_what_and_when_it_says() -> None:
    found = rule(
        period={"start": "2026-11-22", "end": "2026-11"},
        actor=[{"reference": {"reference": f"{BASE}/Organization/x"}}, {"reference": {"display": "nobody"}}],
        code=[NPU],
        data=[{"reference": {"reference": "Observation/o"}}, {"reference": {"reference": "#inside"}}],
        **{"class": [{"system": systems.RESOURCE_TYPES, "code": "Observation"}]},
    )
    assert (found.reference, found.patient, found.denies) == ("Consent/1", "p", True)
    assert found.actors == {"Organization/x", "?"}
    assert found.codes == ((systems.NPU, "NPU27300"),)
    assert (found.types, found.instances) == ({"Observation"}, {"Observation/o"})
    assert found.low == datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert found.holds(datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC))
    assert not found.holds(datetime(2026, 11, 30, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    "value",
    [
        consent(None),
        consent({}),
        consent({"type": "deny"}, status="inactive"),
        consent({"type": "deny"}, patient={"reference": "#p"}),
        consent({"type": "deny"}, scope={"coding": [{"system": systems.CONSENT_SCOPE, "code": "research"}]}),
        consent({"type": "permit", "provision": [{"type": "deny"}]}),
        consent({"type": "permit"}, verification=[{"verified": False}]),
    ],
)
def test_what_is_no_rule_about_privacy_says_nothing(value: Json) -> None:
    assert rule_from_consent(value, BASE) is None


def test_a_scope_in_words_alone_is_about_privacy() -> None:
    """A block must hold though its scope is not coded."""
    assert rule_from_consent(consent({"type": "deny"}, scope={"text": "Spærring"}), BASE) is not None


def test_what_a_denial_leaves_out_of_a_type() -> None:
    token = (TokenIs(systems.NPU, "NPU27300"),)
    by_code, by_category = Criterion("code", "token", token), Criterion("category", "token", token)
    assert list(left_out(rule(), "Goal")) == [()]
    assert list(left_out(rule(code=[NPU]), "Observation")) == [(by_code,), (by_category,)]
    assert list(left_out(rule(code=[NPU]), "Task")) == [(by_code,)]
    assert list(left_out(rule(code=[NPU]), "Encounter")) == []
    assert list(left_out(rule(code=[NPU]), "Provenance")) == [()]
    one = rule(data=[{"reference": {"reference": "Goal/g"}}])
    assert list(left_out(one, "Goal")) == [(Criterion("_id", "id", (IdIs("g"),)),)]
    assert list(left_out(one, "Task")) == []


def test_a_deletion_of_what_might_be_denied_is_denied() -> None:
    """What it once was, it no longer says."""
    assert covers(rule(code=[NPU]), "Observation", "o", None)
    assert not covers(rule(code=[NPU]), "Encounter", "e", None)
    assert not covers(rule(data=[{"reference": {"reference": "Observation/x"}}]), "Observation", "o", None)


def test_an_emergency_is_told_of_resources_that_need_not_be_valid() -> None:
    for provision in ("x", {"purpose": "x"}, {"purpose": ["x"]}, {"purpose": [{"code": "TREAT"}]}, None):
        assert not is_emergency(consent(provision))
    assert is_emergency(consent({"purpose": [{"code": "BTG"}]}))
