"""Guards see what the one who sets them may see, and follow links, on both stores (checklist R4-28, R4-37, R4-107)."""

from dataclasses import replace

import pytest
from storing import asking, coded, pointing, where, write

from careplan.fhir.query import Link, Query, TokenIs
from careplan.store.protocol import Guard, GuardFailed, Store

SAME = asking(where("code", "token", TokenIs("s", "a")))


async def clinics(store: Store) -> None:
    """Anna is listed with north, Carl with south; each has a value of the same code."""
    for patient, clinic in (("anna", "north"), ("carl", "south")):
        listed = pointing("Organization", clinic, "general-practitioner")
        await store.commit([write(patient, listed, type="Patient", patient=patient)])
        value = replace(pointing("Patient", patient), tokens=coded("a").tokens)
        await store.commit([write(f"of-{patient}", value, patient=patient)])


@pytest.mark.parametrize(
    "query",
    [replace(SAME, listed_with="elsewhere"), SAME.within(frozenset({"birthe"})), SAME.within(frozenset())],
    ids=["clinic", "patients", "nobody"],
)
async def test_a_guard_does_not_count_what_its_restriction_leaves_out(store: Store, query: Query) -> None:
    await clinics(store)
    await store.commit([write("new")], [Guard("k", query)])
    assert await store.read("Observation", "new") is not None


@pytest.mark.parametrize(
    "query",
    [replace(SAME, listed_with="north"), SAME.within(frozenset({"anna"}))],
    ids=["clinic", "patients"],
)
async def test_a_guard_counts_what_its_restriction_leaves_in(store: Store, query: Query) -> None:
    """R4-28, R4-37."""
    await clinics(store)
    with pytest.raises(GuardFailed):
        await store.commit([write("new")], [Guard("k", query)])
    await store.commit([write("new")], [Guard("k", query, ("of-anna@1",))])


async def test_a_guard_follows_links(store: Store) -> None:
    await clinics(store)
    of_anna = Link("subject", (Query("Patient", listed_with="north"),))
    guarded = replace(SAME, links=(of_anna,))
    with pytest.raises(GuardFailed):
        await store.commit([write("new")], [Guard("k", guarded)])
    await store.commit([write("new")], [Guard("k", guarded, ("of-anna@1",))])
