"""A fact and its date: no more precise than the record has it, and as a Dane writes it."""

from datetime import date

import pytest

from careplan.domain.chart import Fact
from careplan.domain.danish import day_text


@pytest.mark.parametrize(
    ("on", "until", "day", "says"),
    [
        (None, None, None, ""),
        (date(2015, 3, 14), None, "2015-03-14", "14.03.2015"),
        (date(2015, 3, 14), date(2015, 3, 14), "2015-03-14", "14.03.2015"),
        (date(2015, 3, 1), date(2015, 3, 31), "2015-03", "03.2015"),
        (date(2015, 1, 1), date(2015, 12, 31), "2015", "2015"),
    ],
)
def test_a_date_is_told_as_precisely_as_it_is_known(
    on: date | None, until: date | None, day: str | None, says: str
) -> None:
    fact = Fact("t2d", True, on, until=until)
    assert (fact.day, day_text(fact)) == (day, says)
