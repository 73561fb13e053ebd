"""The sortable forms sort as what they stand for, and page places survive the round trip."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.store.cursor import Place, place_from_text, text_from_place
from careplan.store.protocol import CursorInvalid
from careplan.store.sortable import (
    after_prefix,
    at_from_milliseconds,
    milliseconds_from_at,
    span_from_range,
    text_from_decimal,
)

EDGES = [
    "-Infinity", "-1E+999999", "-100", "-99.9", "-10", "-9.99", "-5.41", "-5.4", "-1", "-0.1", "-0.0999", "-1E-22",
    "-1E-999999", "0", "1E-999999", "1E-22", "0.0999", "0.1", "1", "5.4", "5.41", "9.99", "10", "99.9", "100",
    "1E+999999", "Infinity",
]  # fmt: skip
decimals = st.decimals(allow_nan=False) | st.sampled_from([Decimal(edge) for edge in EDGES])
instants = st.datetimes(timezones=st.just(UTC))


def test_texts_of_edges_sort_as_the_numbers() -> None:
    texts = [text_from_decimal(Decimal(edge)) for edge in EDGES]
    assert texts == sorted(texts)
    assert len(set(texts)) == len(texts)


@given(decimals, decimals)
def test_texts_compare_as_decimals_do(one: Decimal, other: Decimal) -> None:
    assert (text_from_decimal(one) < text_from_decimal(other)) == (one < other)
    assert (text_from_decimal(one) == text_from_decimal(other)) == (one == other)


def test_trailing_zeros_and_signs_of_zero_make_no_difference() -> None:
    assert text_from_decimal(Decimal("5.4")) == text_from_decimal(Decimal("5.400"))
    assert text_from_decimal(Decimal("0E+9")) == text_from_decimal(Decimal("-0.00"))


@given(st.text(), st.text())
def test_after_prefix_is_above_all_texts_that_start_so_and_nothing_else(prefix: str, text: str) -> None:
    end = after_prefix(prefix)
    for some in (text, prefix + text):
        assert some.startswith(prefix) == (prefix <= some and (end is None or some < end))


@given(instants, instants)
def test_milliseconds_keep_order_and_round_down(one: datetime, other: datetime) -> None:
    if one <= other:
        assert milliseconds_from_at(one) <= milliseconds_from_at(other)
    back = at_from_milliseconds(milliseconds_from_at(one))
    assert timedelta(0) <= one - back < timedelta(milliseconds=1)


@given(instants, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)))
def test_a_span_is_never_empty_and_holds_its_range(low: datetime, width: timedelta) -> None:
    try:
        high = low + width
    except OverflowError:
        return
    start, end = span_from_range(low, high)
    assert start < end
    assert at_from_milliseconds(start) <= low


@given(st.lists(st.none() | st.text() | st.integers(-(2**61), 2**61), max_size=4), st.text())
def test_a_place_survives_the_round_trip(values: list[str | int | None], id: str) -> None:
    kinds = [type(value) if value is not None else str for value in values]
    assert place_from_text(text_from_place(values, id), kinds) == Place(tuple(values), id)


@given(st.text())
def test_any_text_is_a_place_or_refused(text: str) -> None:
    try:
        place = place_from_text(text, [str, int])
    except CursorInvalid:
        return
    assert len(place.values) == 2


def test_a_true_is_no_number() -> None:
    with pytest.raises(CursorInvalid):
        place_from_text(text_from_place([True], "a"), [int])
