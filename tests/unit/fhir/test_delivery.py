"""A printed plan as a Communication, and back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from careplan.fhir.delivery import Delivery, communication_from_delivery, find_delivery_of

MADE = Delivery("anna", "full", "ar", datetime(2026, 11, 22, 9, 3, tzinfo=UTC), "PractitionerRole/x", ("CarePlan/c",))


def test_a_delivery_comes_back_from_its_communication() -> None:
    assert find_delivery_of(communication_from_delivery(MADE)) == MADE


def test_whoever_has_no_reference_is_left_out() -> None:
    made = communication_from_delivery(Delivery("anna", "short", "da", MADE.at, ""))
    assert "sender" not in made
    found = find_delivery_of(made)
    assert found is not None and found.by == ""


@pytest.mark.parametrize("change", [{"sent": None}, {"category": []}, {"status": "entered-in-error"}])
def test_what_is_no_delivery_is_none(change: dict[str, Any]) -> None:
    assert find_delivery_of({**communication_from_delivery(MADE), **change}) is None


def test_a_delivery_that_does_not_say_which_sheet_still_counts() -> None:
    found = find_delivery_of({**communication_from_delivery(MADE), "payload": []})
    assert found is not None and (found.edition, found.language) == ("", "")
