"""What a reference points to."""

import pytest

from careplan.fhir.reference import Target, find_target, points_to

BASE = "https://us.example/fhir"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Patient/1", Target("Patient", "1")),
        ("Patient/1/_history/2", Target("Patient", "1")),
        (f"{BASE}/Patient/1", Target("Patient", "1")),
        ("https://them.example/Patient/1/_history/2", Target("", "https://them.example/Patient/1")),
        ("urn:uuid:1", Target("", "urn:uuid:1")),
        ("#x", None),
        ("Patient/1\n", None),
        ("Patient/1/_history/2\n", None),
        (f"{BASE}/Patient/1\n", Target("", f"{BASE}/Patient/1\n")),
        ("https://them.example/Patient/1/_history/2\n", Target("", "https://them.example/Patient/1/_history/2\n")),
    ],
)
def test_a_reference_names_what_it_is_written_as_and_nothing_else(text, target):
    assert find_target(text, BASE) == target


def test_a_reference_elsewhere_leads_to_the_type_in_its_address():
    there = "https://them.example/Patient/1"
    assert points_to({}, Target("", there)) == "Patient"
    assert points_to({}, Target("", f"{there}/_history/2")) == "Patient"
    assert points_to({}, Target("", f"{there}\n")) == ""
    assert points_to({"type": "Device"}, Target("", "urn:uuid:1")) == "Device"
