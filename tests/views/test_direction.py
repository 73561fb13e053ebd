"""Numbers within a language that runs from right to left."""

from datetime import UTC, datetime
from decimal import Decimal

from careplan.domain.measure import Reading
from careplan.domain.target import Target
from careplan.knowledge.load import load_knowledge
from careplan.views import wording
from careplan.views.catalogue import Danish, read_catalogue
from careplan.views.direction import in_order

AR, DA = read_catalogue("ar"), read_catalogue("da")
MEASURES = load_knowledge().measures


def test_a_number_is_set_apart_with_what_belongs_to_it() -> None:
    assert in_order("الرقم 58\u2009mmol/mol أو <5.") == "الرقم \u206658\u2009mmol/mol\u2069 أو \u2066<5\u2069."
    assert in_order("لا رقم") == "لا رقم"


def test_setting_apart_twice_is_as_once() -> None:
    once = in_order("اتصل بالرقم 1-1-2")
    assert in_order(once) == once == "اتصل بالرقم \u20661-1-2\u2069"


def test_the_number_to_call_in_an_emergency_reads_forwards_in_arabic() -> None:
    assert "\u20661-1-2\u2069" in AR("acute")
    assert "\u2066" not in DA("acute")


def test_a_target_and_its_unit_are_one_number() -> None:
    target = Target(low=Decimal(53), high=Decimal(58))
    assert wording.target_with_unit(MEASURES["hba1c"], target, AR).endswith("\u206658\u2009mmol/mol\u2069")
    reading = Reading("sbp", Decimal(139), datetime(2026, 7, 1, tzinfo=UTC), "lab")
    assert wording.value_with_unit(MEASURES["sbp"], reading, AR) == "\u2066139\u2009mmHg\u2069"


def test_danish_words_in_an_arabic_sentence_stay_marked_as_danish() -> None:
    said = AR("plan.referred", what=Danish("<2 gange"), whom="Kommune 12-34")
    assert '<span lang="da" dir="ltr">&lt;2 gange</span>' in said
    assert "\u206612-34\u2069" in said
