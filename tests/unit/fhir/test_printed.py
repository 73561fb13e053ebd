"""An evaluation as people read it on the command line."""

from datetime import date
from decimal import Decimal

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.evaluation import evaluate
from careplan.fhir.printed import printed
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()
ON = date(2026, 11, 22)


def said(*, why: bool = False, **values: FactValue) -> str:
    chart = Chart(ON, {name: Fact(name, value, ON, (f"Observation/{name}",)) for name, value in values.items()})
    return printed("x.json", chart, evaluate(KNOWLEDGE, chart), KNOWLEDGE, why=why)


HEART: dict[str, FactValue] = {"age": Decimal(58), "own_gp": True, "ihd_adult": True, "ihd_code": True, "t2d": False}
KOL: dict[str, FactValue] = {"age": Decimal(58), "own_gp": True, "kol_code": True, "t2d": False, "ihd_code": False}


def test_a_measure_is_a_line_with_its_target_and_row_and_under_it_the_sentence() -> None:
    lines = said(**HEART).splitlines()
    row = KNOWLEDGE.row("LDL-04")
    assert row is not None
    at = next(nth for nth, line in enumerate(lines) if line.lstrip().startswith("LDL-kolesterol"))
    assert "under 1,4 mmol/L" in lines[at] and "LDL-04" in lines[at] and lines[at].endswith("foreløbigt")
    assert lines[at + 1].strip().startswith("Foreløbigt: CFS (Clinical Frailty Scale)")
    assert lines[at + 1].endswith(f" er ikke kendt. {row.says}")
    assert lines[0] == "x.json  (22.11.2026)" and any("plan heart: ELIG-H1, new" in line for line in lines[1:4])


def test_why_tells_facts_rows_gaps_and_source() -> None:
    text = said(why=True, **HEART)
    for words in (
        "    Regler: ldl 2026.1",
        "      kode for iskæmisk hjertesygdom: ja (22.11.2026)",
        "Passer ikke: type 2-diabetes (her: nej (22.11.2026)).",
        "    Regler, der kan afgøre det endnu:",
        "      CFS (Clinical Frailty Scale). Var CFS (Clinical Frailty Scale) 6 eller mere, ville målet være under 1,8",
        "    Kilde: NBV appendiks 29.1: Iskæmisk hjertesygdom",
    ):
        assert words in text, words


def test_why_says_that_a_row_was_not_checked() -> None:
    frail = said(why=True, **HEART, cfs=Decimal(7))
    assert KNOWLEDGE.row("LDL-01").unverified  # type: ignore[union-attr]
    assert "    Regler: ldl 2026.1  (ikke efterprøvet)" in frail


def test_a_measure_that_cannot_be_decided_says_what_is_missing() -> None:
    assert "Systolisk blodtryk           Målet kan ikke beregnes: " in said(**KOL)
    assert "Systolisk blodtryk           Målet kan ikke beregnes: " in said(why=True, **KOL)


def test_who_is_eligible_for_no_plan_is_told_so() -> None:
    assert said(age=Decimal(17)).endswith("  no plan: no row makes this person eligible")


def test_a_plan_that_cannot_be_decided_says_what_is_missing_and_is_not_called_none() -> None:
    for why in (False, True):
        text = said(why=why, own_gp=True, t2d_adult=True, t2d=True)
        assert "  plan diabetes: planen kan ikke afgøres, mangler: alder" in text
        assert "no plan" not in text


def test_why_names_the_facts_a_row_asks_about_that_no_source_defines() -> None:
    text = said(why=True, **HEART, cfs=Decimal(7))
    assert "    Ikke efterprøvet i kilden: skrøbelighed" in text
