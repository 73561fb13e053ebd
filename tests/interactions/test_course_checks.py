"""The tjekliste of a course is kept in the case, by its receiver alone, and only its own lines."""

from datetime import date

import pytest

from careplan.domain.referral import StepNotAllowed
from careplan.fhir.check import checks_of, postponed_in
from careplan.interactions.casework import read_case
from careplan.interactions.course_check import keep_checks
from careplan.interactions.coursework import NoteFaulty, attendance, keep_course
from careplan.interactions.precondition import PreconditionFailed

from .conftest import Town
from .test_coursework import number_of, under_way

LATER = date(2026, 12, 1)


async def test_a_list_is_kept_as_it_was_sent_last_and_what_else_stands_stays(town: Town) -> None:
    task, context = await under_way(town), town.as_("visitator")
    await keep_course(context, task, None, on=date(2026, 11, 22), came=True)
    await keep_checks(context, task, None, {"tider": "postponed", "midtvejs": "done"}, {"tider": LATER})
    kept = await town.get(f"Task/{task}")
    assert checks_of(kept) == {"tider": "postponed", "midtvejs": "done"} and postponed_in(kept) == {"tider": LATER}
    await keep_checks(context, task, None, {"tider": "not-relevant"}, {"tider": LATER})
    kept = await town.get(f"Task/{task}")
    assert checks_of(kept) == {"tider": "not-relevant"} and postponed_in(kept) == {}
    assert attendance(await read_case(context, task)) == ((date(2026, 11, 22), True),)


@pytest.mark.parametrize(
    ("checks", "until"),
    [
        ({"inhalationsteknik": "done"}, {}),
        ({"tider": "perhaps"}, {}),
        ({"tider": "postponed"}, {}),
        ({"tider": "postponed"}, {"tider": date(2026, 11, 21)}),
    ],
)
async def test_lines_and_answers_of_no_list_are_refused(
    town: Town, checks: dict[str, str], until: dict[str, date]
) -> None:
    task = await under_way(town)
    before = await town.everything()
    with pytest.raises(NoteFaulty):
        await keep_checks(town.as_("visitator"), task, None, checks, until)
    assert await town.everything() == before


async def test_of_two_who_keep_it_the_later_is_told_what_stands(town: Town) -> None:
    task = await under_way(town)
    seen = await number_of(town, task)
    await keep_checks(town.as_("visitator"), task, seen, {"tider": "done"}, {})
    with pytest.raises(PreconditionFailed):
        await keep_checks(town.as_("visitator"), task, seen, {"tider": "not-relevant"}, {})


async def test_the_clinic_keeps_no_list_of_the_receiver_and_nobody_before_the_case_is_accepted(town: Town) -> None:
    task = await under_way(town, "take")
    for who in ("doctor", "visitator"):
        with pytest.raises(StepNotAllowed):
            await keep_checks(town.as_(who), task, None, {"tider": "done"}, {})
