"""Charts: the drawings as they were last looked at, what their words say of the values, and that nothing breaks them.

After a change that was looked at: `python tests/views/test_chart.py` writes the golden drawings anew.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from careplan.domain.calendar import add_months
from careplan.domain.measure import Measure, Reading, Span, Value
from careplan.domain.target import Band, Standing, Target
from careplan.knowledge.load import load_knowledge
from careplan.views import chart
from careplan.views.axis import span_of, time_axis, value_axis
from careplan.views.catalogue import Catalogue, read_catalogue
from careplan.views.label import Box, around, find_place

GOLDEN = Path(__file__).with_name("golden")
MEASURES = load_knowledge().measures
HBA1C, SBP, DBP, EGFR = (MEASURES[name] for name in ("hba1c", "sbp", "dbp", "egfr"))
ON = date(2026, 11, 22)
DA, EN, AR = (read_catalogue(one) for one in ("da", "en", "ar"))
UNDER_58 = Target(high=Decimal(58), strict=True)
FROM_53 = Target(low=Decimal(53), high=Decimal(58))


def reading(value: Value | int | str, on: date, source: str = "lab", comparator: str | None = None) -> Reading:
    at = datetime(on.year, on.month, on.day, 8, tzinfo=UTC)
    number = value if isinstance(value, bool) else Decimal(value)
    return Reading("some", number, at, f"Observation/{on:%y%m%d}", source, comparator)


COURSE = (
    reading(62, date(2024, 1, 10)),
    reading(57, date(2024, 4, 3)),
    reading(71, date(2024, 9, 20)),
    reading(60, date(2025, 6, 1)),
    reading(58, date(2025, 9, 1), "home"),
    reading(61, date(2026, 10, 21)),
)
STEPS = (
    Band(date(2022, 1, 1), date(2025, 3, 14), Target(high=Decimal(53), strict=True)),
    Band(date(2025, 3, 14), date(2026, 3, 14), Target(high=Decimal(64))),
    Band(date(2026, 3, 14), None, FROM_53),
)
HIGH = tuple(reading(120 + 7 * nth % 31, ON - timedelta(days=100 * nth), "clinic") for nth in range(9))
LOW = tuple(reading(70 + 5 * nth % 19, ON - timedelta(days=100 * nth), "clinic") for nth in range(9))
HIGH_STEPS = (Band(date(2024, 5, 2), None, Target(low=Decimal(120), high=Decimal(130))),)
LOW_STEPS = (Band(date(2024, 5, 2), None, Target(low=Decimal(70), high=Decimal(80))),)
LIMITED = (
    reading(90, date(2026, 8, 1), comparator=">"),
    reading(88, date(2025, 8, 1)),
    reading(140, date(2024, 8, 1)),
)
LONG = (
    *COURSE,
    reading(52, date(2014, 2, 3)),
    reading(49, date(2016, 2, 3)),
    reading(56, date(2021, 5, 3)),
    reading(48, date(2022, 5, 3)),
)

DRAWINGS = {
    "number-line-near": chart.number_line(HBA1C, UNDER_58, COURSE[4], Standing.NEAR, name="line", t=DA),
    "number-line-unmeasured": chart.number_line(HBA1C, FROM_53, None, Standing.UNMEASURED, name="line", t=DA),
    "number-line-beyond": chart.number_line(HBA1C, UNDER_58, reading(130, ON), Standing.OUT, name="line", t=DA),
    "trend-stepped": chart.trend(HBA1C, COURSE, STEPS, ON, name="trend", t=DA),
    "trend-blood-pressure": chart.trend(SBP, HIGH, HIGH_STEPS, ON, second=(DBP, LOW, LOW_STEPS), name="trend", t=DA),
    "trend-limits": chart.trend(EGFR, LIMITED, (), ON, name="trend", t=DA),
    "trend-empty": chart.trend(HBA1C, COURSE[:2], STEPS, ON, years=1, name="trend", t=DA),
    "trend-one-value": chart.trend(HBA1C, COURSE[5:], STEPS[2:], ON, name="trend", t=DA),
    "trend-all-years": chart.trend(HBA1C, LONG, STEPS, ON, years=chart.all_years(LONG, ON), name="trend", t=DA),
    "trend-english": chart.trend(HBA1C, COURSE, STEPS, ON, name="trend", t=EN),
    "trend-arabic": chart.trend(HBA1C, COURSE, STEPS, ON, name="trend", t=AR),
    "sparkline-one-value": chart.sparkline(HBA1C, COURSE[5:], FROM_53, ON, name="spark", t=DA, staff=True),
    "sparkline": chart.sparkline(HBA1C, COURSE, FROM_53, ON, name="spark", t=DA, staff=True),
}


def told(svg: str) -> tuple[str, str]:
    """Title and description of a drawing."""
    root = etree.fromstring(svg.encode())
    title, description = (root.findtext(f"{{*}}{tag}") or "" for tag in ("title", "desc"))
    return title.replace("\u2009", " "), description.replace("\u2009", " ")


def words(svg: str) -> list[str]:
    """The words drawn."""
    return [text.text or "" for text in etree.fromstring(svg.encode()).iterfind("{*}text")]


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing_is_the_one_that_was_looked_at(name: str) -> None:
    assert DRAWINGS[name] + "\n" == (GOLDEN / f"{name}.svg").read_text("utf-8")


def test_every_golden_drawing_is_still_drawn() -> None:
    assert {path.stem for path in GOLDEN.glob("*.svg")} == set(DRAWINGS)


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing_is_an_image_named_by_its_own_title_and_description(name: str) -> None:
    root = etree.fromstring(DRAWINGS[name].encode())
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert root.get("role") == "img"
    assert set((root.get("aria-labelledby") or "").split()) <= set(ids)
    assert len(ids) == len(set(ids))
    assert told(DRAWINGS[name])[0]


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing_needs_no_style_no_script_and_no_red(name: str) -> None:
    svg = DRAWINGS[name]
    assert " style=" not in svg and "<style" not in svg and "<script" not in svg and "href" not in svg
    for red, green, blue in re.findall(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b", svg):
        assert int(red, 16) <= max(int(green, 16), int(blue, 16)) + 16


@pytest.mark.parametrize("name", DRAWINGS)
def test_marks_lines_and_words_stand_three_to_one_against_paper_and_zone(name: str) -> None:
    root = etree.fromstring(DRAWINGS[name].encode())
    for one in root.iter("{*}text", "{*}circle", "{*}path", "{*}line", "{*}polyline"):
        colours = {one.get("stroke"), one.get("fill")} - {None, "none", "#ffffff", "#dcdcdc", "#9cc3ab"}
        assert all(contrast(str(colour), ground) >= 3 for colour in colours for ground in ("#ffffff", "#e6f2ea"))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast of two colours."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_ids_come_from_the_name_alone() -> None:
    one, other = (chart.trend(HBA1C, COURSE, STEPS, ON, name=name, t=DA) for name in ("here", "there"))
    assert one.replace("here", "there") == other


def test_words_from_the_record_cannot_be_markup() -> None:
    strange = replace(HBA1C, patient='<b>&"', unit="</svg>")
    assert told(chart.trend(strange, COURSE, STEPS, ON, name="x", t=DA))[0].startswith('<b>&"')
    assert "</svg>" in words(chart.trend(strange, COURSE, STEPS, ON, name="x", t=DA))


# ── what is said ─────────────────────────────────────────────────────────────────────────────────


def test_number_line_says_value_standing_target_and_day() -> None:
    assert told(DRAWINGS["number-line-near"]) == (
        "Langtidsblodsukker: 58 mmol/mol, tæt på mål",
        "Målet er under 58 mmol/mol. Tallet er fra 01.09.2025.",
    )
    assert words(DRAWINGS["number-line-near"]) == ["Dit mål: under 58", "lavere", "højere", "58\u2009mmol/mol"]


def test_number_line_without_a_value_says_so_and_draws_no_marker() -> None:
    svg = DRAWINGS["number-line-unmeasured"]
    assert told(svg)[0] == "Langtidsblodsukker: mangler måling"
    assert "Mangler måling" in words(svg) and "marker" not in svg


def test_trend_says_direction_newest_value_target_and_how_many_lie_outside() -> None:
    course = (*COURSE, reading(64, date(2025, 10, 22)))
    assert told(chart.trend(HBA1C, course, STEPS, ON, name="x", t=DA)) == (
        "Langtidsblodsukker: 22.11.2023 til 22.11.2026",
        "7 tal. Det nyeste er 61 mmol/mol fra 21.10.2026. Det er faldet siden sidste år. "
        "Målet er mellem 53 og 58 mmol/mol. 4 tal ligger uden for målet.",
    )


def test_trend_counts_no_value_against_a_target_that_was_agreed_after_it() -> None:
    later = (Band(date(2026, 3, 14), None, FROM_53),)
    said = told(chart.trend(HBA1C, COURSE, later, ON, name="x", t=DA))[1]
    assert said.endswith("1 tal ligger uden for målet. 5 tal er fra en tid uden mål i tal.")


def test_trend_of_a_blood_pressure_describes_both_numbers() -> None:
    title, said = told(DRAWINGS["trend-blood-pressure"])
    assert title == "Blodtryk: 22.11.2023 til 22.11.2026"
    assert "Det høje tal: 9 tal. Det nyeste er 120 mmHg" in said
    assert "Det lave tal: 9 tal. Det nyeste er 70 mmHg" in said


def test_trend_without_values_in_the_time_says_when_the_newest_was() -> None:
    svg = DRAWINGS["trend-empty"]
    assert "Der er ingen tal i den tid." in told(svg)[1]
    assert {"Ingen tal fra 22.11.2025 til 22.11.2026.", "Det nyeste er fra 03.04.2024."} <= set(words(svg))


def test_sparkline_names_value_day_and_target_and_has_its_size() -> None:
    svg = DRAWINGS["sparkline"]
    assert told(svg)[0] == "HbA1c: 61 mmol/mol 21.10.2026, mål mellem 53 og 58 mmol/mol"
    assert 'viewBox="0 0 120 28" width="120" height="28"' in svg


# ── what is drawn ────────────────────────────────────────────────────────────────────────────────


def test_days_lie_in_proportion_and_not_one_step_a_visit() -> None:
    axis = time_axis(ON, 3, 0, 1096)
    assert axis.place(date(2024, 1, 21)) - axis.place(date(2024, 1, 11)) == pytest.approx(10, abs=0.01)
    assert axis.place(date(2026, 1, 11)) - axis.place(date(2025, 1, 11)) == pytest.approx(365, abs=0.2)


def test_span_of_a_measure_does_not_move_with_its_values() -> None:
    assert span_of(HBA1C, COURSE, [FROM_53]) == span_of(HBA1C, (), ()) == (Decimal(20), Decimal(120))
    unfixed = replace(HBA1C, chart=Span())
    low, high = span_of(unfixed, COURSE, [FROM_53])
    assert low < 53 and high > 71


def test_flags_stand_where_a_target_was_agreed_in_the_time_shown() -> None:
    drawn = words(DRAWINGS["trend-stepped"])
    assert {"Nyt mål aftalt 14.03.2025", "Nyt mål aftalt 14.03.2026"} <= set(drawn)
    assert not [said for said in drawn if "2022" in said]


def test_target_that_ended_without_another_is_flagged() -> None:
    ended = (Band(date(2024, 5, 2), date(2026, 2, 1), FROM_53),)
    svg = chart.trend(HBA1C, COURSE, ended, ON, name="x", t=DA)
    assert "Mål slut 01.02.2026" in words(svg)
    assert "Målet var mellem 53 og 58 mmol/mol til 01.02.2026." in told(svg)[1]


def test_band_steps_with_each_agreed_target() -> None:
    assert DRAWINGS["trend-stepped"].count('class="zone"') == 3 + 1, "three targets, and the legend's"


def test_home_values_are_hollow_and_long_gaps_dashed() -> None:
    svg = DRAWINGS["trend-stepped"]
    assert svg.count('class="mark home"') == 1 + 1 and "Hjemme" in words(svg)
    assert svg.count("stroke-dasharray") == 1 + 1, "60 in June 2025 to 61 in October 2026, and the legend's"


def test_values_that_are_limits_are_arrows_with_their_words() -> None:
    svg = DRAWINGS["trend-limits"]
    assert svg.count('class="mark limit"') == 2 + 1, "the bound, the one beyond the axis, and the legend's"
    assert {">90", "140", "Kun grænsen er kendt, eller uden for skalaen"} <= set(words(svg))


def test_newest_and_values_outside_are_labelled() -> None:
    root = etree.fromstring(DRAWINGS["trend-stepped"].encode())
    assert [one.text for one in root.iterfind("{*}text[@class='newest']")] == ["61"]
    assert {one.text for one in root.iterfind("{*}text[@class='outside']")} == {"62", "57", "71"}


def test_bound_may_lie_inside_the_target_and_is_then_not_outside() -> None:
    below = reading(70, date(2026, 10, 1), comparator="<")
    said = told(chart.trend(HBA1C, [below], STEPS, ON, name="x", t=DA))[1]
    assert "Ingen tal ligger uden for målet." in said


def test_label_takes_the_next_place_when_the_first_is_taken() -> None:
    room, taken = Box(0, 0, 100, 100), [around(50, 50, 4)]
    first = find_place("58", 14, (50, 50), taken, room)
    assert first is not None and first.bottom <= 50
    second = find_place("58", 14, (50, 50), [*taken, first], room)
    assert second is not None and not second.meets(first)
    assert find_place("58", 14, (50, 50), [room], room) is None


def test_ticks_lie_on_the_axis() -> None:
    axis = value_axis((Decimal(-15), Decimal(72)), 0, 1)
    assert all(axis.holds(tick) for tick in axis.ticks()) and Decimal(0) in axis.ticks()


def test_all_years_reach_back_to_the_oldest_value_and_never_fewer_than_three() -> None:
    root = etree.fromstring(DRAWINGS["trend-all-years"].encode())
    assert len(root.findall("{*}circle")) == len(LONG)
    assert chart.all_years(COURSE[5:], ON) == chart.YEARS


def test_without_a_number_nothing_is_drawn() -> None:
    assert chart.trend(HBA1C, (), STEPS, ON, name="x", t=DA) == ""
    assert chart.sparkline(HBA1C, (), FROM_53, ON, name="x", t=DA) == ""


def test_sparkline_says_which_way_it_went() -> None:
    course = (*COURSE, reading(64, date(2025, 10, 22)))
    said = told(chart.sparkline(HBA1C, course, FROM_53, ON, name="x", t=DA, staff=True))[0]
    assert said == "HbA1c: 61 mmol/mol 21.10.2026, faldet siden sidste år, mål mellem 53 og 58 mmol/mol"


def test_of_an_old_value_no_change_is_told() -> None:
    course = (reading(61, date(2025, 3, 21)), reading(64, date(2024, 3, 22)))
    assert "Det er" not in told(chart.trend(HBA1C, course, STEPS, ON, name="x", t=DA))[1].replace("Det nyeste er", "")
    assert (
        told(chart.sparkline(HBA1C, course, None, ON, name="x", t=DA))[0]
        == "Langtidsblodsukker: 61 mmol/mol 21.03.2025"
    )


def test_a_measure_is_called_as_its_reader_calls_it() -> None:
    pair: chart.Pair = (DBP, LOW, LOW_STEPS)
    assert told(chart.sparkline(SBP, HIGH, None, ON, name="x", t=DA))[0].startswith("Blodtryk, det høje tal: ")
    assert told(chart.sparkline(SBP, HIGH, None, ON, name="x", t=DA, staff=True))[0].startswith("Systolisk blodtryk: ")
    drawn = chart.trend(SBP, HIGH, HIGH_STEPS, ON, second=pair, name="x", t=DA, staff=True)
    assert told(drawn)[0] == "Systolisk blodtryk og Diastolisk blodtryk: 22.11.2023 til 22.11.2026"
    assert {"Systolisk blodtryk", "Diastolisk blodtryk"} <= set(words(drawn)) and "det høje tal" not in drawn.lower()
    number = chart.number_line(SBP, Target(high=Decimal(130)), HIGH[0], Standing.IN, name="x", t=DA, staff=True)
    assert told(number)[0].startswith("Systolisk blodtryk: ")


@pytest.mark.parametrize("t", [EN, AR], ids=["en", "ar"])
def test_a_drawing_of_another_language_has_the_same_marks_and_no_danish(t: Catalogue) -> None:
    svg = chart.trend(HBA1C, COURSE, STEPS, ON, name="trend", t=t)
    danish = DRAWINGS["trend-stepped"]
    assert [(x, kind) for x, _, kind in marks(svg)] == [(x, kind) for x, _, kind in marks(danish)]
    assert not re.search("Nyt mål|Hjemme|Over 15|Målet|Det nyeste", svg)


def test_words_from_right_to_left_are_isolated_and_days_still_run_to_the_right() -> None:
    svg = DRAWINGS["trend-arabic"]
    root = etree.fromstring(svg.encode())
    assert root.get("direction") == "ltr"
    arabic = [one for one in words(svg) if re.search("[\u0600-\u06ff]", one)]
    assert len(arabic) > 4
    assert all(one.startswith("\u2067") and one.endswith("\u2069") for one in arabic)


def marks(svg: str) -> list[tuple[float, float, str]]:
    """Place and kind of each value drawn, oldest first; the legend's signs stand in groups and are left out."""
    found = []
    for one in etree.fromstring(svg.encode()).iterfind("{*}*"):
        kind = one.get("class") or ""
        if not kind.startswith("mark"):
            continue
        if one.get("cx"):
            found.append((float(one.get("cx") or 0), float(one.get("cy") or 0), kind))
        else:
            numbers = re.findall(r"-?[0-9.]+", one.get("d") or "")
            x = float(numbers[0]) + (4 if "limit" in kind else 0)
            found.append((x, float(numbers[1]), kind))
    return found


# ── the words and the marks agree with the values ────────────────────────────────────────────────

_AGO = st.lists(st.integers(0, 1095), min_size=1, max_size=9, unique=True)
_ENDS_DRAWN = st.none() | st.integers(30, 110)


@settings(max_examples=120, deadline=None)
@given(st.data(), _AGO, st.booleans())
def test_title_description_and_marks_agree_with_any_values(data: st.DataObject, ago: list[int], stepped: bool) -> None:
    comparators = st.sampled_from([None, None, None, "<", ">"])
    readings = [
        reading(
            data.draw(st.integers(20, 120)),
            ON - timedelta(days=days),
            data.draw(st.sampled_from(["lab", "home"])),
            data.draw(comparators),
        )
        for days in sorted(ago)
    ]
    low, high = data.draw(_ENDS_DRAWN), data.draw(_ENDS_DRAWN)
    if low is not None and high is not None and low > high:
        low, high = high, low
    target = Target(None if low is None else Decimal(low), None if high is None else Decimal(high))
    since = ON - timedelta(days=500 if stepped else 2000)
    bands = (Band(since, None, target),) if target.is_number else ()
    svg = chart.trend(HBA1C, readings, bands, ON, name="x", t=DA)
    title, said = told(svg)
    assert title == "Langtidsblodsukker: 22.11.2023 til 22.11.2026"

    newest = readings[0]
    value = f"{newest.comparator or ''}{newest.value} mmol/mol fra {ON - timedelta(days=min(ago)):%d.%m.%Y}"
    assert said.startswith(f"{len(readings)} tal. Det nyeste er {value}.")
    assert said_outside(said) == (sum(lies_outside(one, target, since) for one in readings) if bands else None)
    assert (f"Målet er {target.says()} mmol/mol." in said) == bool(bands)

    drawn = marks(svg)
    assert len(drawn) == len(readings)
    assert drawn == sorted(drawn, key=lambda one: one[0]), "the oldest first"
    days = time_axis(ON, 3, *axis_of(svg))
    for (x, _, kind), one in zip(drawn, reversed(readings), strict=True):
        assert x == pytest.approx(days.place(one.on), abs=0.11)
        assert ("limit" in kind) == (one.comparator is not None)
        assert ("home" in kind) == (one.source == "home" and one.comparator is None)
    exact = [(y, one) for (_, y, _), one in zip(drawn, reversed(readings), strict=True) if one.comparator is None]
    assert [one.value for _, one in sorted(exact, key=lambda pair: (-pair[0], pair[1].at))] == sorted(
        one.value for _, one in exact
    ), "higher values stand higher"
    assert direction_said(said) == direction_of(readings)


def axis_of(svg: str) -> tuple[float, float]:
    """Where the drawing's own frame says that its first and last day stand."""
    frame = etree.fromstring(svg.encode()).find("{*}path[@class='axis']")
    assert frame is not None
    left, right = re.findall(r"[MH]([0-9.]+)", frame.get("d") or "")
    return float(left) + 6, float(right) - 6


def lies_outside(one: Reading, target: Target, since: date) -> bool:
    """By hand, from the numbers alone: surely beyond the target that was valid on the day."""
    if one.on < since:
        return False
    value = Decimal(str(one.value))
    low = target.low if target.low is not None else Decimal("-Infinity")
    high = target.high if target.high is not None else Decimal("Infinity")
    if one.comparator == "<":
        return value <= low
    if one.comparator == ">":
        return value >= high
    return value < low or value > high


def said_outside(said: str) -> int | None:
    """How many lie outside, as the description says it; None where it says nothing of a target in numbers."""
    if "Der er ikke aftalt et mål." in said:
        return None
    found = re.search(r"(\d+|Ingen) tal ligger uden for målet", said)
    return 0 if found is None or found[1] == "Ingen" else int(found[1])


def direction_said(said: str) -> str:
    found = re.search(r"Det er (faldet|steget|omtrent det samme)", said)
    return found[1] if found else ""


def direction_of(readings: Sequence[Reading]) -> str:
    """Newest against the value nearest a year before it, of the same place and at most 15 months old; by hand.

    Nothing of a newest value that is itself over 15 months old.
    """
    newest, *others = readings
    if newest.on < add_months(ON, -15):
        return ""
    first = add_months(newest.on, -15)
    same = [one for one in others if (one.source == "home") == (newest.source == "home") and one.on >= first]
    if not same:
        return ""
    year_ago = add_months(newest.on, -12)
    before = min(same, key=lambda one: abs((one.on - year_ago).days))
    was, now = Decimal(str(before.value)), Decimal(str(newest.value))
    if not before.comparator and not newest.comparator:
        return "omtrent det samme" if abs(now - was) < 2 else "faldet" if now < was else "steget"
    down = {(None, "<"), (">", None), (">", "<")}
    up = {(None, ">"), ("<", None), ("<", ">")}
    pair = (before.comparator, newest.comparator)
    if pair in down and now <= was:
        return "faldet"
    return "steget" if pair in up and now >= was else ""


# ── whatever the record holds ────────────────────────────────────────────────────────────────────

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-10_000, max_value=10**7, places=2)
DAYS = st.dates(date(1990, 1, 1), date(2027, 6, 1))
ENDS = st.none() | NUMBERS
ANY_MEASURE = st.sampled_from(sorted(MEASURES.values(), key=lambda one: one.id))
ANY_VALUE: st.SearchStrategy[Value] = NUMBERS | st.booleans() | st.text(max_size=8)
ANY_READING = st.builds(
    Reading,
    measure=st.just("some"),
    value=ANY_VALUE,
    at=st.datetimes(datetime(1990, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),
    reference=st.sampled_from(["Observation/1", "Observation/2"]),
    source=st.sampled_from(["lab", "clinic", "home", "municipality", "unknown"]),
    comparator=st.none() | st.sampled_from(["<", "<=", ">", ">="]),
)
ANY_TARGET = st.builds(Target, low=ENDS, high=ENDS, strict=st.booleans(), why=st.none() | st.text(max_size=9))
ANY_BANDS = st.lists(st.builds(Band, start=DAYS, end=st.none() | DAYS, target=ANY_TARGET), max_size=5)
ANY_READINGS = st.lists(ANY_READING, max_size=12)


def assert_sound(svg: str) -> None:
    """Empty, or an image of which no mark and no line lies outside its frame."""
    if not svg:
        return
    root = etree.fromstring(svg.encode())
    width, height = (float(one) for one in (root.get("viewBox") or "").split()[2:])
    for one in root.iterfind("{*}circle"):
        assert 0 <= float(one.get("cx") or -1) <= width and 0 <= float(one.get("cy") or -1) <= height
    for one in root.iterfind("{*}line"):
        assert all(0 <= float(one.get(side) or -1) <= width for side in ("x1", "x2"))


@settings(max_examples=60, deadline=None)
@given(ANY_MEASURE, st.none() | ANY_TARGET, st.none() | ANY_READING, st.sampled_from(Standing))
def test_any_value_and_target_give_a_sound_number_line(
    measure: Measure, target: Target | None, one: Reading | None, standing: Standing
) -> None:
    svg = chart.number_line(measure, target, one, standing, name="x", t=DA)
    assert_sound(svg)
    if measure.kind not in ("quantity", "score") or target is None or not target.is_number:
        assert svg == ""


@settings(max_examples=80, deadline=None)
@given(ANY_MEASURE, ANY_READINGS, ANY_BANDS, DAYS, st.integers(1, 30), st.none() | ANY_READINGS)
def test_any_course_gives_a_sound_trend(
    measure: Measure, readings: list[Reading], bands: list[Band], on: date, years: int, other: list[Reading] | None
) -> None:
    second = None if other is None else (DBP, other, bands)
    svg = chart.trend(measure, readings, bands, on, years=years, second=second, name="x", t=DA)
    assert_sound(svg)
    assert svg == chart.trend(
        measure, readings[::-1], bands, on, years=years, second=second, name="x", t=DA
    ) or is_tied(readings)


def is_tied(readings: Sequence[Reading]) -> bool:
    """Whether two readings have the same instant and reference, so that no order is theirs."""
    return any((a.at, a.reference) == (b.at, b.reference) for a, b in combinations(readings, 2))


@settings(max_examples=60, deadline=None)
@given(ANY_MEASURE, ANY_READINGS, st.none() | ANY_TARGET, DAYS)
def test_any_course_gives_a_sound_sparkline(
    measure: Measure, readings: list[Reading], target: Target | None, on: date
) -> None:
    svg = chart.sparkline(measure, readings, target, on, name="x", t=DA)
    assert_sound(svg)
    if measure.kind in ("choice", "flag", "group"):
        assert svg == ""


if __name__ == "__main__":
    for name, svg in DRAWINGS.items():
        (GOLDEN / f"{name}.svg").write_text(svg + "\n", "utf-8")
