"""What a plan orders is a ServiceRequest as a referral is, and is never taken for one: it opens nobody's access."""

import pytest

from careplan.fhir.agreed import activity_of
from careplan.interactions.access import Forbidden
from careplan.interactions.overview import read_overview
from careplan.interactions.referral import active_referrals

from .conftest import Json, Town, referral


@pytest.fixture
async def ordered(town: Town) -> Town:
    """Anna with a diabetes plan."""
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    return town


async def orders(town: Town) -> dict[str | None, Json]:
    return {activity_of(one): one for one in await town.find("ServiceRequest", patient="anna")}


async def test_an_order_opens_nothing_even_where_somebody_names_the_municipality_in_it(ordered: Town) -> None:
    eyes = (await orders(ordered))["oejenkontrol"]
    await ordered.put({**eyes, "performer": [{"reference": "Organization/town"}]}, who="doctor")
    visitator = ordered.as_("visitator")
    assert await active_referrals(visitator, "town") == ()
    with pytest.raises(Forbidden):
        await ordered.get("Patient/anna", "visitator")


async def test_an_order_is_among_what_is_agreed_and_not_among_the_referrals(ordered: Town) -> None:
    await ordered.put(referral("r1"))
    for audience, who in (("clinic", "doctor"), ("patient", "anna"), ("referral", "visitator")):
        overview = await read_overview(ordered.as_(who), "anna", audience)
        assert {"oejenkontrol", "blodproeve", "aarskontrol"} <= {activity_of(one) for one in overview.tasks}, audience
        assert [one["id"] for one in overview.referrals] == ["r1"], audience


async def test_who_looks_at_the_slice_in_another_role_is_shown_no_order_as_a_referral(ordered: Town) -> None:
    assert (await read_overview(ordered.as_("doctor"), "anna", "referral")).referrals == ()


async def test_an_order_made_before_is_shared_by_the_next_plan(ordered: Town) -> None:
    blood = (await orders(ordered))["blodproeve"]
    await ordered.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/hjerte")
    assert (await orders(ordered))["blodproeve"] == blood
    (heart,) = [one for one in await ordered.find("CarePlan", patient="anna") if "hjertesygdom" in one["title"]]
    assert {"reference": {"reference": f"ServiceRequest/{blood['id']}"}} in heart["activity"]
