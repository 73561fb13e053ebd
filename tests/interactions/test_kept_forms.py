"""A form kept before it is sent (*kladde*): for the clinic that may send it, in nobody's record, lost to nobody's."""

import asyncio
import re
from dataclasses import replace

import pytest

from careplan.fhir import registry
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump
from careplan.interactions.access import Forbidden
from careplan.interactions.again import again
from careplan.interactions.kept_form import (
    TYPE,
    Filled,
    KeptByOthers,
    KeptForm,
    find_discarded,
    find_kept,
    keep,
    put,
    restore,
    writes,
)
from careplan.interactions.read import history, read, vread
from careplan.store.protocol import NotFound, VersionConflict

from .conftest import BASE, Town, patient
from .consenting import block, kinds

PAGE = "aarskontrol"
TYPED = Filled("form-1", frozenset({"Task/t@1"}), {"vaerdi-weight": ("82,5",), "gjort": ("t1", "t2")})
_PROPOSED = re.compile(rb"new-[0-9]+")
"""What is proposed and not stored is named anew each time."""
WHY = "Patienten er bevidstløs på skadestuen."


async def kept(town: Town, who: str = "nurse", typed: Filled = TYPED, seen: frozenset[int] = frozenset()) -> int:
    """The number of what stands kept then; 0 for nothing."""
    made = await keep(town.as_(who), PAGE, "anna", typed, seen)
    return made.number if made else 0


async def found(town: Town, who: str) -> KeptForm | None:
    return await find_kept(town.as_(who), PAGE, "anna")


async def test_a_colleague_finds_it_as_it_was_typed_with_who_and_when(open_town: Town) -> None:
    await kept(open_town)
    assert await found(open_town, "doctor") == KeptForm(1, open_town.now, "Lars Krogh", TYPED)


async def test_each_page_and_each_person_has_its_own(open_town: Town) -> None:
    await kept(open_town)
    assert await find_kept(open_town.as_("nurse"), "another", "anna") is None
    assert await find_kept(open_town.as_("nurse"), PAGE, "birthe") is None


@pytest.mark.parametrize("who", ["stranger", "anna", "birthe", "visitator", "lps", "statistics", "system"])
async def test_nobody_outside_the_clinic_keeps_or_finds_one(open_town: Town, who: str) -> None:
    await kept(open_town)
    with pytest.raises(Forbidden):
        await found(open_town, who)
    with pytest.raises(Forbidden):
        await kept(open_town, who)


async def test_a_client_that_acts_for_a_clinician_finds_none(open_town: Town) -> None:
    context = open_town.as_("doctor")
    with pytest.raises(Forbidden):
        await find_kept(replace(context, caller=replace(context.caller, scopes=())), PAGE, "anna")


async def test_who_opens_the_record_in_an_emergency_finds_none(open_town: Town) -> None:
    await kept(open_town)
    await open_town.call("Patient/$emergency-access", "anna", "stranger", reason=WHY)
    with pytest.raises(Forbidden):
        await found(open_town, "stranger")


async def test_a_clinic_that_the_patient_bars_finds_its_own_no_more(open_town: Town) -> None:
    await kept(open_town)
    await open_town.put(block("Organization/north"))
    with pytest.raises(Forbidden):
        await found(open_town, "nurse")


async def test_it_does_not_follow_a_patient_to_another_practice(open_town: Town) -> None:
    await kept(open_town)
    await open_town.put(patient("anna", "south"))
    assert await found(open_town, "stranger") is None
    with pytest.raises(Forbidden):
        await found(open_town, "nurse")


async def test_whom_the_patient_denies_a_part_of_the_record_finds_none_and_takes_none_away(open_town: Town) -> None:
    number = await kept(open_town)
    await open_town.put(block("PractitionerRole/doctor", **{"class": kinds("Observation")}))
    assert await found(open_town, "doctor") is None
    assert await kept(open_town, "doctor", Filled("form-2", fields={"gjort": ("t3",)})) == 0
    assert await kept(open_town, "doctor", Filled("form-2"), frozenset({number})) == 0
    assert await writes(open_town.as_("doctor"), PAGE, "anna", Filled("form-2"), frozenset(), sent=True) == ()
    assert await found(open_town, "nurse") == KeptForm(1, open_town.now, "Lars Krogh", TYPED)


async def test_whom_the_patient_denies_a_part_of_the_record_has_nothing_back(open_town: Town) -> None:
    number = await kept(open_town)
    await kept(open_town, typed=Filled("form-1"))
    await open_town.put(block("PractitionerRole/doctor", **{"class": kinds("Observation")}))
    assert await find_discarded(open_town.as_("doctor"), PAGE, "anna") is None
    assert await restore(open_town.as_("doctor"), PAGE, "anna", number) is None
    assert await found(open_town, "nurse") is None


# ── in nobody's record ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["system", "doctor", "nurse", "lps", "anna", "visitator"])
async def test_it_stands_in_nobody_s_record(open_town: Town, who: str) -> None:
    async def told() -> list[bytes]:
        past = await history(open_town.as_(who), None, None, count=1000)
        answers = [[(one.reference, one.number) for one in past.versions], past.total]
        calls = ["Patient/$overview"] if who == "visitator" else ["Patient/$overview", "Patient/$everything"]
        texts = [dump(answers), *[dump(await open_town.call(one, "anna", who)) for one in calls]]
        return [_PROPOSED.sub(b"", one) for one in texts]

    before = await told()
    await kept(open_town)
    assert await told() == before


async def test_no_interaction_knows_its_type(open_town: Town) -> None:
    await kept(open_town)
    (id,) = [one.id for one in await open_town.house.store.changes(0, 100_000) if one.type == TYPE]
    for asked in (
        read(open_town.as_("system"), TYPE, id),
        vread(open_town.as_("system"), TYPE, id, "1"),
        history(open_town.as_("system"), TYPE, id, count=9),
    ):
        with pytest.raises((registry.TypeUnknown, NotFound)):
            await asked
    with pytest.raises(registry.TypeUnknown):
        parse_query(TYPE, [], strict=True, base=BASE, count=9)


async def test_it_is_no_change_of_the_record(open_town: Town) -> None:
    before = await open_town.everything()
    await kept(open_town)
    assert [name.partition("/")[0] for name, _ in await open_town.everything()][len(before) :] == [TYPE]


# ── whose stands ─────────────────────────────────────────────────────────────────────────────────


async def test_another_form_does_not_overtake_what_it_has_not_seen(open_town: Town) -> None:
    first = await kept(open_town)
    other = Filled("form-2", fields={"vaerdi-weight": ("83",)})
    with pytest.raises(KeptByOthers):
        await kept(open_town, "doctor", other)
    assert (await found(open_town, "doctor") or pytest.fail("gone")).filled == TYPED
    assert await kept(open_town, "doctor", other, frozenset({first})) == 2
    with pytest.raises(KeptByOthers):
        await kept(open_town, "nurse", TYPED, frozenset({first}))


async def test_one_form_is_kept_again_and_again(open_town: Town) -> None:
    assert [await kept(open_town) for _ in range(3)] == [1, 2, 3]


async def test_of_two_that_are_kept_at_once_one_is_told(open_town: Town) -> None:
    both = [replace(TYPED, mark=f"form-{number}") for number in (1, 2)]
    ended = await asyncio.gather(*(kept(open_town, "nurse", one) for one in both), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["KeptByOthers", "int"]


async def test_an_empty_form_takes_what_stands_away_and_is_kept_anew_later(open_town: Town) -> None:
    assert await kept(open_town, typed=Filled("form-1")) == 0
    first = await kept(open_town)
    assert await kept(open_town, "doctor", Filled("form-2"), frozenset({first})) == 0
    assert await found(open_town, "nurse") is None
    assert await kept(open_town) == 3


# ── discarded, and sent ──────────────────────────────────────────────────────────────────────────


async def send(town: Town, who: str, left: Filled) -> None:
    """As the commit that sends a form leaves it."""
    context = town.as_(who)
    await put(context, "anna", await writes(context, PAGE, "anna", left, frozenset(), sent=True))


async def keep_quietly(town: Town, typed: Filled = TYPED, *seen: int) -> KeptForm | None:
    return await keep(town.as_("nurse"), PAGE, "anna", typed, frozenset(seen), quiet=True)


async def test_what_was_discarded_stands_again_as_it_was(open_town: Town) -> None:
    number = await kept(open_town)
    await kept(open_town, typed=Filled("form-1"))
    assert await find_discarded(open_town.as_("nurse"), PAGE, "anna") == number
    assert await restore(open_town.as_("nurse"), PAGE, "anna", number) == KeptForm(
        number + 2, open_town.now, "Lars Krogh", TYPED
    )


async def test_what_was_sent_since_a_draft_was_discarded_is_not_had_back(open_town: Town) -> None:
    number = await kept(open_town)
    await kept(open_town, typed=Filled("form-1"))
    theirs = await kept(open_town, "doctor", replace(TYPED, mark="form-2"))
    await send(open_town, "doctor", Filled("form-2"))
    for one in (number, theirs):
        assert await restore(open_town.as_("nurse"), PAGE, "anna", one) is None
    assert await find_discarded(open_town.as_("nurse"), PAGE, "anna") is None


async def test_another_draft_that_was_discarded_since_is_not_had_back(open_town: Town) -> None:
    number = await kept(open_town)
    await kept(open_town, typed=Filled("form-1"))
    theirs = await kept(open_town, "doctor", replace(TYPED, mark="form-2"))
    await kept(open_town, "doctor", Filled("form-2"), frozenset({theirs}))
    assert await restore(open_town.as_("nurse"), PAGE, "anna", number) is None


@pytest.mark.parametrize("stood", [True, False])
async def test_a_script_that_comes_after_the_form_was_sent_keeps_nothing(open_town: Town, stood: bool) -> None:
    if stood:
        await kept(open_town)
    await send(open_town, "nurse", Filled("form-1"))
    assert await keep_quietly(open_town) is None
    assert await found(open_town, "nurse") is None
    assert await kept(open_town) > 0  # somebody who presses the button is obeyed


async def test_a_script_that_comes_late_leaves_what_is_left_of_the_form_as_it_is(open_town: Town) -> None:
    left = replace(TYPED, fields={"gjort": ("t1",)})
    await send(open_town, "nurse", left)
    assert await keep_quietly(open_town) is None
    standing = await found(open_town, "nurse") or pytest.fail("gone")
    assert standing.filled == left
    following = replace(TYPED, mark="form-2")
    assert (await keep_quietly(open_town, following, standing.number) or pytest.fail("not kept")).filled == following
    assert await keep_quietly(open_town) is None


async def test_a_script_and_the_sending_of_one_form_at_once_leave_no_draft(open_town: Town) -> None:
    async def sent() -> None:
        await again(lambda: send(open_town, "nurse", Filled("form-1")), VersionConflict)

    for _ in range(5):
        await asyncio.gather(keep_quietly(open_town), sent(), keep_quietly(open_town))
        assert await found(open_town, "nurse") is None
