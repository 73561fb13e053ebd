"""Who opened a record in an emergency does not go through it, whatever becomes of the role it was opened by."""

import asyncio

import pytest

from careplan.interactions.access import Forbidden
from careplan.interactions.caller import Caller
from careplan.interactions.emergency import open_in_emergency
from careplan.interactions.emergency_review import (
    ReviewExists,
    ReviewOwn,
    inspected,
    may_review,
    review,
    reviewed_of_patient,
)
from careplan.store.protocol import NotFound

from .conftest import Json, Town
from .consenting import as_caller

WHY, NOTE = "Bevidstløs patient, medicinen skal kendes nu", "Der var grund til det"
OPENED_BY = "PractitionerRole/other"


def role(id: str, person: str) -> Json:
    return {"resourceType": "PractitionerRole", "id": id, "practitioner": {"reference": f"Practitioner/{person}"}}


async def may(town: Town, reference: str) -> bool:
    """Whether somebody of the practice may go through the one access there is; a refusal leaves it as it was."""
    context = as_caller(town, Caller("clinic", "X", "south", reference=reference))
    (one,) = await inspected(context)
    if may_review(context, one):
        return True
    with pytest.raises(ReviewOwn):
        await review(context, one.id, NOTE)
    assert await reviewed_of_patient(town.as_("anna"), "anna") == frozenset()
    return False


async def test_a_role_given_to_another_meanwhile_does_not_make_it_somebody_elses(open_town: Town) -> None:
    await open_town.put(role("other", "jens"), role("second", "jens"), role("third", "ulla"))
    await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    open_town.later(hours=1)
    await open_town.put(role("other", "ulla"))
    assert not await may(open_town, "PractitionerRole/second")
    assert not await may(open_town, "Practitioner/jens")
    assert not await may(open_town, OPENED_BY)


async def test_nor_does_a_role_that_was_taken_away(open_town: Town) -> None:
    await open_town.put(role("other", "jens"), role("second", "jens"), role("third", "ulla"))
    await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    open_town.later(hours=1)
    await open_town.delete(OPENED_BY, "system")
    assert not await may(open_town, "PractitionerRole/second")
    assert await may(open_town, "PractitionerRole/third")


async def test_a_role_put_on_record_afterwards_counts_as_it_was_first(open_town: Town) -> None:
    await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    open_town.later(hours=1)
    await open_town.put(role("other", "jens"), role("second", "jens"))
    await open_town.put(role("other", "ulla"))
    assert not await may(open_town, "PractitionerRole/second")


async def test_who_had_the_role_before_it_was_opened_goes_through_it(open_town: Town) -> None:
    """Ulla left the role to Jens: what he opened after that is not hers."""
    await open_town.put(role("other", "ulla"), role("third", "ulla"))
    open_town.later(hours=1)
    await open_town.put(role("other", "jens"))
    made = await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    ulla = as_caller(open_town, Caller("clinic", "Ulla", "south", reference="PractitionerRole/third"))
    await review(ulla, made.id, NOTE)
    assert await reviewed_of_patient(open_town.as_("anna"), "anna") == {made.reference}


async def test_two_colleagues_who_review_at_once_make_one_review(open_town: Town) -> None:
    made = await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    callers = [Caller("clinic", one, "south", reference=f"PractitionerRole/{one}") for one in ("ulla", "bent", "kim")]
    works = (review(as_caller(open_town, one), made.id, NOTE) for one in callers)
    ended = await asyncio.gather(*works, return_exceptions=True)
    assert [type(one) for one in ended if one is not None] == [ReviewExists, ReviewExists]
    assert await reviewed_of_patient(open_town.as_("anna"), "anna") == {made.reference}


async def test_only_clinicians_in_person_go_through_an_access(open_town: Town) -> None:
    made = await open_in_emergency(open_town.as_("stranger"), "anna", WHY)
    for who in ("anna", "visitator", "lps", "clinic-system", "doctor"):
        with pytest.raises((Forbidden, NotFound)):
            await review(open_town.as_(who), made.id, NOTE)
