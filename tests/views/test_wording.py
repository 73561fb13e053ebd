"""Danish sentences from data: what a patient reads of each measure, and that nothing is said the data do not say."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup, escape

from careplan.domain.evaluation import Recommendation
from careplan.domain.measure import Measure, Reading, Value
from careplan.domain.target import Standing, Target, standing
from careplan.interactions.overview import Line
from careplan.knowledge.load import load_knowledge
from careplan.views import wording
from careplan.views.catalogue import Catalogue, read_catalogue

MEASURES, GUIDELINES = load_knowledge().measures, load_knowledge().guidelines
TARGETS = {
    name: row.target
    for name, table in GUIDELINES.items()
    for row in table.rows
    if row.target.is_number or row.target.why
}
ON = date(2026, 11, 22)
DA, EN, AR = (read_catalogue(language) for language in ("da", "en", "ar"))
LAST_YEAR, NOW = date(2025, 9, 1), date(2026, 9, 1)


def reading(value: Value | int | str, on: date, source: str = "lab", comparator: str | None = None) -> Reading:
    at = datetime(on.year, on.month, on.day, 8, tzinfo=UTC)
    kept = value if isinstance(value, bool) or (isinstance(value, str) and value.isalpha()) else Decimal(value)
    return Reading("some", kept, at, f"Observation/{on:%y%m%d}", source, comparator)


def line(
    name: str, readings: Sequence[Reading] = (), agreed: Target | None = None, stands: Standing | None = None
) -> Line:
    """A line of the plan; it stands where its newest value does."""
    measure = MEASURES[name]
    number = measure.number(readings[0].value) if readings else None
    where = stands or standing(measure, agreed, number)
    return Line(measure, tuple(readings), None, agreed, None, None, (), (), where)


def under(value: str) -> Target:
    return Target(high=Decimal(value), strict=True)


def between(low: int, high: int) -> Target:
    return Target(low=Decimal(low), high=Decimal(high))


def test_sentence_tells_value_target_standing_and_change() -> None:
    two = [reading(58, NOW), reading(66, LAST_YEAR)]
    assert wording.patient_sentence(line("hba1c", two, under("58")), None, DA) == (
        "Dit langtidsblodsukker er 58. Dit mål er under 58. Du er tæt på. Det er faldet siden sidste år."
    )


@pytest.mark.parametrize(
    ("name", "value", "target", "said"),
    [
        ("hba1c", 90, under("58"), "Det er højere end dit mål."),
        ("hba1c", 40, between(58, 75), "Det er lavere end dit mål."),
        ("ldl", "1.2", under("1.4"), "Du er i mål."),
        ("activity", 40, Target(low=Decimal(150)), "Det er lavere end dit mål."),
        ("exacerbations", 3, Target(high=Decimal(0)), "Du er ikke i mål endnu."),
    ],
)
def test_sentence_follows_where_the_value_stands(name: str, value: int | str, target: Target, said: str) -> None:
    assert wording.patient_sentence(line(name, [reading(value, NOW)], target), None, DA).endswith(said)


def test_value_under_a_low_end_that_does_not_count_is_in_order() -> None:
    untreated = line("sbp", [reading(112, NOW)], between(120, 130), Standing.IN)
    assert wording.patient_sentence(untreated, None, DA).endswith("Du er i mål. Et lavere tal er i orden for dig.")


def test_missing_value_is_said_and_not_filled_in() -> None:
    said = wording.patient_sentence(line("hba1c", [], under("58")), None, DA)
    assert said == "Der er ingen måling endnu. Den bliver taget ved din næste kontrol. Dit mål er under 58."


def test_old_value_is_called_old_and_nothing_is_concluded_from_it() -> None:
    old = line("hba1c", [reading(50, date(2025, 8, 21)), reading(66, date(2024, 8, 21))], under("58"))
    assert wording.patient_sentence(old, ON, DA) == (
        "Dit langtidsblodsukker er 50. Tallet er gammelt. Dit mål er under 58."
    )


def test_target_without_a_number_is_said_by_its_meaning() -> None:
    none = Target(why="Intet talmål: kun det høje tal tæller.")
    assert wording.patient_sentence(line("dbp", [reading(70, NOW)], none), None, DA) == (
        "Det lave tal i dit blodtryk er 70. Du har ikke et mål i tal her. Kun det høje tal tæller."
    )


def test_target_that_waits_for_something_is_said_to_come() -> None:
    none = Target(why="Intet talmål, før man kender risikoen.")
    assert wording.patient_sentence(line("ldl", [], none), None, DA).endswith("Du får et mål, når man kender risikoen.")


def test_measure_without_an_agreed_target_gets_only_its_value() -> None:
    assert (
        wording.patient_sentence(line("uacr", [reading(30, NOW)]), None, DA) == "Tallet for protein i din urin er 30."
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("current", "Du ryger. Dit mål er ikke at ryge. Du er ikke i mål endnu."),
        ("never", "Du har aldrig røget. Dit mål er ikke at ryge. Du er i mål."),
    ],
)
def test_answers_are_sentences(value: str, said: str) -> None:
    assert wording.patient_sentence(line("smoking", [reading(value, NOW)], Target(high=Decimal(0))), None, DA) == said


def test_flag_without_an_answer_is_not_taken_for_no() -> None:
    said = wording.patient_sentence(line("vaccination_influenza"), None, DA)
    assert said.startswith("Det er ikke skrevet ned endnu.") and "nej" not in said


def test_result_of_the_rules_is_said_in_the_rules_own_words() -> None:
    row = next(one for one in GUIDELINES["kol_group"].rows if one.target.value == "B")
    found = Recommendation("kol_group", "2026.1", row, (), (), ())
    assert wording.patient_sentence(replace(line("kol_group"), recommendation=found), None, DA) == row.patient


def test_agreed_group_is_said_as_it_is() -> None:
    said = wording.patient_sentence(line("kol_group", [], Target(value="A")), None, DA)
    assert said.endswith("Dit mål er: gruppe A.")


def test_none_and_one_are_counted_in_words() -> None:
    none, one = (line("exacerbations", [reading(value, NOW)]) for value in (0, 1))
    assert wording.patient_sentence(none, None, DA) == "Din KOL er ikke blevet værre det sidste år."
    assert wording.patient_sentence(one, None, DA) == "Din KOL er blevet værre 1 gang det sidste år."


def test_bound_is_read_as_a_bound() -> None:
    above = reading(90, NOW, comparator=">")
    assert wording.value_text(MEASURES["egfr"], above, DA) == ">90"
    assert wording.patient_sentence(line("egfr", [above]), None, DA) == "Tallet for dine nyrer er over 90."


# ── change ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("now", "then", "word"), [(50, 60, "fell"), (60, 50, "rose"), (60, 60, "same")])
def test_change_is_against_the_value_about_a_year_before(now: int, then: int, word: str) -> None:
    some = [reading(now, NOW), reading(99, date(2026, 7, 1)), reading(then, LAST_YEAR)]
    assert wording.change(some, MEASURES["hba1c"]) == word


def test_change_too_small_to_be_seen_is_no_change() -> None:
    two = [reading(60, NOW), reading(61, LAST_YEAR)]
    assert wording.change_sentence(two, MEASURES["hba1c"], DA) == "Det er omtrent det samme som sidste år."


def test_change_from_a_younger_value_names_its_day() -> None:
    two = [reading(50, NOW), reading(61, date(2026, 6, 1))]
    assert wording.change_sentence(two, MEASURES["hba1c"], DA) == "Det er faldet siden 01.06.2026."


def test_nothing_is_compared_across_fifteen_months_or_between_home_and_clinic() -> None:
    assert wording.change([reading(50, NOW), reading(60, date(2025, 5, 31))]) == ""
    assert wording.change([reading(130, NOW, "home"), reading(140, LAST_YEAR, "clinic")]) == ""


def test_bounds_are_compared_only_where_they_cannot_overlap() -> None:
    high = reading(90, NOW, comparator=">")
    assert wording.change([high, reading(80, LAST_YEAR)]) == "rose"
    assert wording.change([high, reading(95, LAST_YEAR)]) == ""
    assert wording.change([reading(5, NOW, comparator="<"), reading(20, LAST_YEAR)]) == "fell"


def test_nothing_is_compared_where_values_are_no_numbers_or_lacking() -> None:
    assert wording.change([]) == ""
    assert wording.change([reading("never", NOW), reading("current", LAST_YEAR)]) == ""


# ── words, days and units ────────────────────────────────────────────────────────────────────────


def test_days_and_times_are_copenhagens() -> None:
    midnight = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert wording.time_text(midnight, DA) == "02.07.2026 kl. 00.30"
    assert wording.day_of(Reading("x", Decimal(1), midnight, "Observation/1")) == date(2026, 7, 2)


def test_unit_follows_a_thin_space_and_one_is_singular() -> None:
    assert wording.value_with_unit(MEASURES["ldl"], reading("1.4", NOW), DA) == "1,4\u2009mmol/L"
    assert wording.value_with_unit(MEASURES["alcohol"], reading(1, NOW), DA) == "1\u2009genstand om ugen"
    assert wording.value_with_unit(MEASURES["smoking"], reading("never", NOW), DA) == "aldrig røget"


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("bmi", between(22, 30), "mellem 22 og 30\u2009kg/m²"),
        ("ldl", under("1.4"), "under 1,4\u2009mmol/L"),
        ("exacerbations", Target(high=Decimal(0)), "0 gange på et år"),
        ("kol_group", Target(value="E"), "gruppe E"),
        ("kol_group", Target(value="unknown"), "ukendt"),
        ("gold_grade", Target(why="grad 2"), "grad 2"),
        ("ldl", Target(why="Intet talmål: et lavere tal gavner næppe."), "intet tal"),
    ],
)
def test_target_is_said_with_its_unit_once(name: str, target: Target, said: str) -> None:
    assert wording.target_with_unit(MEASURES[name], target, DA) == said


def test_no_target_is_called_no_target() -> None:
    assert wording.target_text(MEASURES["ldl"], None, DA) == "intet mål"


def test_every_standing_has_an_icon_and_a_word_of_its_own() -> None:
    known = [wording.status_word(one, DA) for one in Standing]
    assert len({icon for icon, _ in known}) == len({word for _, word in known}) == len(Standing)


# ── in another language ──────────────────────────────────────────────────────────────────────────


def test_the_same_sentence_is_said_in_the_language_of_its_catalogue() -> None:
    two = line("ldl", [reading("1.45", NOW), reading("2.1", LAST_YEAR)], under("1.4"))
    assert wording.patient_sentence(two, ON, EN) == (
        "Your bad cholesterol is 1.45. Your target is below 1.4. You are close. It is lower than last year."
    )
    assert wording.patient_sentence(two, ON, AR) == (
        "الكوليسترول الضار لديك هو \u20661.45\u2069. هدفك: أقل من \u20661.4\u2069. "
        "أنت قريب من الهدف. الرقم أقل مما كان في السنة الماضية."
    )


def test_names_units_answers_and_times_are_of_the_language() -> None:
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert wording.time_text(at, EN) == "02.07.2026 at 00:30"
    assert wording.value_with_unit(MEASURES["alcohol"], reading(1, NOW), EN) == "1\u2009unit a week"
    assert wording.value_with_unit(MEASURES["smoking"], reading("never", NOW), EN) == "never smoked"
    assert wording.target_with_unit(MEASURES["kol_group"], Target(value="E"), EN) == "group E"
    assert wording.measure_name(MEASURES["hba1c"], EN) == "Long-term blood sugar"


def test_what_the_rules_say_stays_danish_and_is_marked_as_such() -> None:
    row = next(one for one in GUIDELINES["kol_group"].rows if one.target.value == "B")
    found = replace(line("kol_group"), recommendation=Recommendation("kol_group", "2026.1", row, (), (), ()))
    assert Markup.escape(wording.patient_sentence(found, None, EN)) == (
        f'<span lang="da" dir="ltr">{escape(row.patient)}</span>'
    )
    none = line("dbp", [reading(70, NOW)], Target(why="Intet talmål: kun det høje tal tæller."))
    assert wording.patient_sentence(none, None, EN).endswith("You do not have a target in numbers here.")


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_in_numbers_is_said_as_the_rules_say_it(name: str) -> None:
    target = TARGETS[name]
    if target.is_number and target.high != 0:
        assert wording.target_text(MEASURES["ldl"], target, DA) == target.says()


# ── how easy it is to read ───────────────────────────────────────────────────────────────────────


def lix(text: str) -> float:
    """Words a sentence and the share of words over six letters (Björnsson 1968)."""
    found = re.findall(r"\w+", text)
    return len(found) / len(re.findall(r"[.!?](?:\s|$)", text)) + 100 * sum(len(one) > 6 for one in found) / len(found)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_sentences_to_the_patient_are_easy(name: str) -> None:
    two = [reading(58, NOW), reading(66, LAST_YEAR)]
    said = wording.patient_sentence(line(name, two, TARGETS[name]), None, DA)
    assert lix(said) <= 34, said
    assert max(len(one.split()) for one in re.split(r"[.!?] ", said)) <= 15


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(MEASURES.values(), key=lambda one: one.id)),
    st.none() | st.booleans() | st.sampled_from(["current", "yes"]) | st.decimals(-999, 99999, places=2),
    st.none() | st.sampled_from(sorted(TARGETS)).map(TARGETS.__getitem__),
    st.sampled_from(Standing),
    st.sampled_from([DA, EN, AR]),
)
def test_every_line_is_whole_sentences(
    measure: Measure, value: Value | None, target: Target | None, stands: Standing, t: Catalogue
) -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    readings = () if value is None else (Reading(measure.id, value, at, "Observation/1"),)
    said = wording.patient_sentence(Line(measure, readings, None, target, None, None, (), (), stands), None, t)
    assert said and said[0] == said[0].upper() and said.endswith(".") and "  " not in said and "{" not in said
