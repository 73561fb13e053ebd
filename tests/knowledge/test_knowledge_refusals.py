# ruff: noqa: E501 (one mistake a line)
"""Each kind of mistake a writer can make is refused, at its line, with a way out. The good files are edited here."""

from decimal import Decimal as D
from pathlib import Path

import pytest

from careplan.domain.condition import Condition, Group, Term
from careplan.domain.guideline import AllOf, AnyOf
from careplan.knowledge.entry import KnowledgeFault
from careplan.knowledge.load import KnowledgeFaulty, load_knowledge
from careplan.knowledge.order import contradict, implies

LDL, SBP, HBA1C = "targets/ldl.toml", "targets/sbp.toml", "targets/hba1c.toml"
DERIVED, VALUES, DIAGNOSES = "facts/derived.toml", "facts/values.toml", "facts/diagnoses.toml"
KOL, HJERTE = "plans/kol.toml", "plans/hjerte.toml"
HBA1C_MEASURE, MRC, SPO2 = "measures/hba1c.toml", "measures/mrc.toml", "measures/spo2.toml"
EGFR, LDL_MEASURE = "measures/egfr.toml", "measures/ldl.toml"
REVIEW = 'review = { author = "Forløbsplan-projektet", checked_by = "ikke godkendt af en kliniker endnu", next = 2027-06-01 }'


def faults_of(folder: Path) -> tuple[KnowledgeFault, ...]:
    with pytest.raises(KnowledgeFaulty) as refused:
        load_knowledge(folder)
    assert refused.value.code == "knowledge-faulty"
    assert refused.value.faults == refused.value.knowledge_faults
    return refused.value.knowledge_faults


def spoil(folder: Path, name: str, old: str, new: str) -> str:
    """Replace the first occurrence of a text; the file's new text."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}: this test needs a new text to spoil"
    path.write_text(spoilt := text.replace(old, new, 1), encoding="utf-8")
    return spoilt


def line_of(text: str, sign: str) -> int:
    return text[: text.index(sign)].count("\n") + 1


# file, text, its spoilt form, a sign on the line of the fault, place in the file, part of the message
MISTAKES = {
    "unknown key": (LDL, 'says = "Lav SCORE2', 'sayz = "Lav SCORE2', "sayz", "row[12].sayz", "did you mean `says`"),
    "unknown key of a target": (LDL, "{ below = 1.4, unit", "{ belov = 1.4, unit", "belov", "row[4].target", "below"),
    "unknown key of a source": (LDL, "year = 2021, url", "yaer = 2021, url", "yaer", "row[4].source.yaer", "`year`"),
    "unknown key of a measure": (MRC, "priority = 22", "prioritet = 22", "prioritet", "prioritet", "`priority`"),
    "unknown condition word": (SBP, "at-least = 80", "over = 80", "over = 80", "row[4].when[2].over", "did you mean `above`"),
    "two words in a condition": (
        SBP, "at-least = 80", "at-least = 80, below = 99", "below = 99", "row[4].when[2]", "two conditions",
    ),
    "text for a number": (SBP, "at-least = 80", 'at-least = "80"', '"80"', "row[4].when[2].at-least", "compares numbers"),
    "unknown fact": (SBP, '{ fact = "hf" }', '{ fact = "hff" }', '"hff"', "row[6].when", "did you mean `hf`"),
    "unknown fact in a fact": (DERIVED, '{ fact = "pad" }', '{ fact = "padd" }', "padd", "fact[5].any", "`pad`"),
    "unknown measure of a table": (LDL, 'id = "ldl"', 'id = "ldll"', 'id = "ldll"', "id", "did you mean `ldl`"),
    "unknown measure of a fact": (VALUES, 'measure = "egfr"', 'measure = "efgr"', "efgr", "fact[5].from", "`egfr`"),
    "unknown measure of a plan": (HJERTE, '"potassium"', '"kalium"', "follows = [", "follows", "kalium.toml"),
    "unknown plan type": (DERIVED, '"kol", "hjerte"]', '"kol", "hjert"]', '"hjert"', "fact[14].plan", "`hjerte`"),
    "unknown table": (DERIVED, 'table = "kol_group"', 'table = "kol_gruppe"', "kol_gruppe", "fact[13].table", "kol_group"),
    "unit of another measure": (LDL, '1.4, unit = "mmol/L"', '1.4, unit = "mg/dL"', "mg/dL", "row[4].target", "mmol/L"),
    "unit of a code": (HBA1C_MEASURE, 'ucum = "mmol/mol"\nverified', 'ucum = "mg/g"\nverified', '"mg/g"', "code[1].ucum", "mmol/mol"),
    "source missing": (SBP, "source = ", "note_ = ", '[[row]]\nid = "SBP-01"', "row[1]", "`source` is missing"),
    "source without title": (SBP, "source = { title = ", "source = { titel = ", "titel", "row[1].source", "`title` is missing"),
    "address that is none": (SBP, 'url = "https://cardio.dk', 'url = "cardio.dk', '"cardio.dk', "row[2].source.url", "https://"),
    "sentence missing": (HBA1C, "patient = ", "# patient = ", '[[row]]\nid = "HBA1C-01"', "row[1]", "`patient` is missing"),
    "sentence empty": (MRC, 'name = "MRC-åndenød"', 'name = " "', 'name = " "', "name", "empty"),
    "review missing": (LDL, REVIEW, "", "", "", "`review` is missing"),
    "review without a date": (LDL, ", next = 2027-06-01", "", "review = ", "review", "`next` is missing"),
    "review date in quotes": (KOL, "next = 2027-06-01", 'next = "2027-06-01"', "review = ", "review.next", "without quotes"),
    "version in other form": (LDL, 'version = "2026.1"', 'version = "v2"', '"v2"', "version", "2026.1"),
    "row id twice in a table": (LDL, 'id = "LDL-05"', 'id = "LDL-04"', 'id = "LDL-04"\nwhen = [ { fact = "lipid_plan" }, { fact = "very', "row[5].id", "new id"),
    "row id of another table": ("targets/dbp.toml", 'id = "DBP-03"', 'id = "LDL-03"', "LDL-03", "", "twice"),
    "fact defined twice": (VALUES, 'id = "spo2"', 'id = "ckd"', 'id = "ckd"', "fact[9].id", "keep one"),
    "fact defined two ways": (DERIVED, 'known = ["mrc", "cat"]', 'known = ["mrc", "cat"]\ntable = "kol_group"', 'table = "kol_group"', "fact[12].table", "2 ways"),
    "fact not defined": (DERIVED, 'known = ["mrc", "cat"]', "", '[[fact]]\nid = "symptom_score_known"', "fact[12]", "not defined"),
    "fact read two ways": (VALUES, '{ measure = "ldl" }', '{ measure = "ldl", drug = ["C10"] }', "C10", "fact[3].from", "2 of them"),
    "fact read in an unknown way": (VALUES, '{ measure = "ldl" }', '{ lab = "ldl" }', "lab = ", "fact[3].from", "measure"),
    "answer without a kind": (VALUES, 'kind = "score", possible', "possible", "clinical-frailty-scale", "fact[14].from", "`kind` is missing"),
    "answer without a range": (VALUES, ', possible = { low = 1, high = 9 }', "", "clinical-frailty-scale", "fact[14].from", "`possible` is missing"),
    "range of an answer with one end": (VALUES, "low = 1, high = 9", "low = 1", "low = 1", "fact[14].from.possible", "`high` is missing"),
    "range of an answer upside down": (VALUES, "low = 1, high = 9", "low = 9, high = 1", "low = 9", "fact[14].from.possible", "lower"),
    "range of a yes or no": (VALUES, 'kind = "flag", absent', 'kind = "flag", possible = { low = 0, high = 1 }, absent', "low = 0", "fact[15].from.possible", "no range"),
    "unit of an answer": (VALUES, 'ucum = "mm[Hg]"', 'ucum = "mmHg"', '"mmHg"', "fact[18].from.ucum", "no unit known"),
    "unit of a score": (VALUES, 'kind = "score", possible', 'kind = "score", ucum = "%", possible', '"%"', "fact[14].from.ucum", "no unit"),
    "choice without words": (VALUES, ', words = ["low", "moderate", "high", "very_high"]', "", "score2-category", "fact[19].from", "`words` is missing"),
    "words written with hyphens": (VALUES, '"very_high"]', '"very-high"]', "very-high", "fact[19].from.words", "with `_`"),
    "words of a yes or no": (VALUES, 'kind = "flag", absent', 'kind = "flag", words = ["yes"], absent', '"yes"', "fact[15].from.words", "no words"),
    "word that no answer has": (LDL, 'fact = "score2_category", is = "low"', 'fact = "score2_category", is = "lowest"', '"lowest"', "row[12].when", "very_high"),
    "code twice": (SPO2, 'code = "2708-6"', 'code = "59408-5"', 'code = "59408-5"\ndisplay = "Iltmætning (', "code[2].code", "already"),
    "row beaten by an earlier one": (
        LDL, '{ fact = "score2_category", is = "low" }', '{ fact = "frail" }', '{ fact = "frail" } ]\ntarget = { below = 2.6', "row[12].when", "LDL-03",
    ),
    "row beaten by a wider bound": (
        HBA1C, "at-least = 12", "at-least = 3", "at-least = 5", "row[9].when", "HBA1C-09 can never win: HBA1C-08",
    ),
    "example that comes out differently": (
        LDL, "ascvd = false, t2d = true, uacr_mg_g = 29", "ascvd = true, t2d = true, uacr_mg_g = 29", 'expects = "LDL-03"', "example[3].expects", "comes out as",
    ),
    "example of a row that is not there": (SBP, 'expects = "SBP-04"', 'expects = "SBP-44"', "SBP-44", "example[5].expects", "did you mean `SBP-04`"),
    "example with an unknown fact": (SBP, "orthostatic_drop_mmhg = 30", "orthostatic_drop = 30", "orthostatic_drop = 30", "example[3].facts", "orthostatic_drop_mmhg"),
    "example with a value of another kind": (HBA1C, "cfs = 6, cvd_for_hba1c = true", "cfs = 6, cvd_for_hba1c = 1", "cvd_for_hba1c = 1", "example[1].facts", "true or false"),
    "row without example": (SBP, 'expects = "SBP-05"', 'expects = "SBP-06"', 'id = "SBP-05"', "row[5].id", "add an [[example]]"),
    "ring of facts": (DERIVED, '{ fact = "hf" } ]', '{ fact = "cvd_for_hba1c" } ]', 'id = "cvd_for_hba1c"', "fact[7].id", "cvd_for_hba1c → cvd_for_hba1c"),
    "ring through a table": ("targets/kol_group.toml", '{ fact = "symptom_score_known" }', '{ fact = "kol_group", is = "A" }', "", "", "kol_group → table kol_group → kol_group"),
    "number asked of a flag": (SBP, '{ fact = "bp_plan" }, { fact = "hf" }', '{ fact = "bp_plan" }, { fact = "hf", above = 1 }', "above = 1", "row[6].when", "is no number"),
    "flag asked of a number": (SBP, '{ fact = "age", at-least = 80 }', '{ fact = "age" }', '{ fact = "age" }', "row[4].when", "is a number"),
    "answer that cannot be": (DERIVED, '{ fact = "smoking", is = "current" }', '{ fact = "smoking", is = "daily" }', '"daily"', "fact[1].any", "current, former"),
    "value that a table does not give": ("targets/review_interval.toml", 'is = "E"', 'is = "F"', 'is = "F"', "row[2].when", "is one of A, B, E"),
    "duration of what is no diagnosis": (DIAGNOSES, 'years_since = "t2d"', 'years_since = "age"', 'years_since = "age"', "fact[3].from", "no diagnosis"),
    "range upside down": (HBA1C, "from = 58, to = 75", "from = 75, to = 58", "from = 75", "row[1].target", "low end must be the lower"),
    "target without unit": (HBA1C, "to = 75, unit = \"mmol/mol\"", "to = 75", "to = 75", "row[1].target", "`unit` is missing"),
    "target of two forms": (HBA1C, "target = { at-most = 53,", "target = { at-most = 53, below = 53,", "at-most = 53, below", "row[9].target", "one of"),
    "safety upside down": (HBA1C_MEASURE, "safety = { low = 48, high = 75,", "safety = { low = 75, high = 48,", "safety = {", "safety", "lower"),
    "safety without an end": (SPO2, "safety = { low = 88,", "safety = {", "safety = {", "safety", "a low end, a high end, or both"),
    "safety without its source": (SPO2, "safety = { low = 88, unverified = true, source = ", "safety = { low = 88, unverified = true, note = ", "safety = {", "safety", "source"),
    "span upside down": (MRC, "plausible = { low = 1, high = 5 }", "plausible = { low = 5, high = 1 }", "low = 5", "plausible", "lower"),
    "kind that is none": (MRC, 'kind = "score"', 'kind = "skala"', "skala", "kind", "quantity, score"),
    "answer of a score that is no number": (MRC, 'value = "3"', 'value = "tre"', '"tre"', "answer[3].value", "whole numbers"),
    "code of uncertain standing": (MRC, 'verified = "verified', 'verified = "probably', '"probably', "code[1].verified", "begins with"),
    "flag in quotes": (MRC, "goal = false", 'goal = "false"', 'goal = "false"', "goal", "true or false"),
    "nested too deep": (DERIVED, '{ all = [ { fact = "ldl", above = 1.8 },', '{ all = [ { any = [ { fact = "ldl", above = 1.8 } ] },', "{ any = [", "fact[11].count[6].all[1]", "nest once"),
    "offer both ways": (HJERTE, "allowed = true", 'allowed = true\nmust = [ { fact = "t2d" } ]', "[offer]", "offer", "either"),
    "task of nobody": (KOL, 'who = "clinic"', 'who = "kommune"', '"kommune"', "activity[1].who", "clinic, patient"),
    "monitored but not followed": (HJERTE, '"potassium", ', "", 'measure = "potassium"', "monitor[5].measure", "add it to `follows`"),
    "unknown low-end fact": (HBA1C_MEASURE, '"hypo_risk_drug"', '"hypo_drug"', '"hypo_drug"', "low_end_needs", "hypo_risk_drug"),
    "sample that is none": (HBA1C_MEASURE, 'sample = "blood"', 'sample = "blod"', '"blod"', "sample", "blood, urine"),
    "number for a text": (MRC, 'name = "MRC-åndenød"', "name = 5", "name = 5", "name", "text in quotes"),
    "text for a margin": (HBA1C_MEASURE, "near = 5", 'near = "5"', 'near = "5"', "near", "number without quotes"),
    "number that is none": (HBA1C_MEASURE, "near = 5", "near = nan", "near = nan", "near", "number without quotes"),
    "negative margin": (HBA1C_MEASURE, "near = 5", "near = -5", "near = -5", "near", "cannot be negative"),
    "broken whole number": (HBA1C_MEASURE, "decimals = 0", "decimals = 0.5", "decimals = 0.5", "decimals", "whole number"),
    "answers of a quantity": (SPO2, "priority = 25", 'priority = 25\n[[answer]]\nvalue = "1"\nsays = "x"', "[[answer]]", "answer[1]", "has no answers"),
    "answer twice": (MRC, 'value = "2"', 'value = "1"', 'value = "1"\nsays = "MRC 2"', "answer[2].value", "join the two"),
    "bound with a comma in quotes": (LDL, "{ below = 1.4,", '{ below = "1,4",', '"1,4"', "row[4].target.below", "number without quotes"),
    "value for a quantity": (LDL, "{ below = 1.4,", '{ value = "lav",', 'value = "lav"', "row[4].target", "its target is a number"),
    "number for a flag": ("targets/rehab_referral.toml", "value = true", "below = 3", "below = 3", "row[1].target", "value = true"),
    "address list that is a text": (HBA1C, "also = [\n", 'also = "https://x"\nalso_ = [\n', 'also = "https://x"', "row[1].also", "list of texts"),
    "second address that is none": (HBA1C, '"https://nbv.cardio.dk/diabetes"', '"nbv.cardio.dk/diabetes"', '"nbv.cardio.dk/diabetes"', "row[3].also[1]", "https://"),
    "year of two digits": (LDL, "year = 2021, url", "year = 21, url", "year = 21", "row[4].source.year", "four digits"),
    "source that is a text": (LDL, "source = {", 'source = "DSAM"\nsource_ = {', 'source = "DSAM"', "row[1].source", "must be a table"),
    "conditions that are no list": (SBP, 'when = [ { fact = "bp_plan" }, { fact = "hf" } ]', 'when = { fact = "hf" }', 'when = { fact = "hf" }', "row[6].when", "list of tables"),
    "no conditions": (SBP, 'when = [ { fact = "bp_plan" }, { fact = "hf" } ]', "when = []", "when = []", "row[6].when", "at least one"),
    "list both all and any": (DERIVED, '{ all = [ { fact = "any_plan" }, { fact = "hypertension" } ] }', '{ all = [ { fact = "any_plan" } ], any = [ { fact = "hypertension" } ] }', "any = [ { fact = \"hypertension\"", "fact[16].any[2]", "either `all` or `any`"),
    "example with a date": (HBA1C, "cfs = 6,", "cfs = 2026-01-01,", "cfs = 2026-01-01", "example[1].facts.cfs", "a number or a text"),
    "diagnosis without codes": (DIAGNOSES, '{ icpc = ["K77"], sks = ["DI50"] }', "{}", "diagnosis = {}", "fact[12].from.diagnosis", "needs codes"),
    "diagnosis that is a text": (DIAGNOSES, '{ icpc = ["K77"], sks = ["DI50"] }', '"K77"', 'diagnosis = "K77"', "fact[12].from.diagnosis", "must be a table"),
    "origin that is a text": (DIAGNOSES, '{ diagnosis = { icpc = ["K77"], sks = ["DI50"] } }', '"K77"', 'from = "K77"', "fact[12].from", "must be a table"),
    "measure followed twice": (HJERTE, '"egfr", "potassium"', '"egfr", "egfr", "potassium"', "follows = [", "follows", "egfr twice"),
    "interval of no months": (KOL, "every = { months = 12 }", "every = { months = 0 }", "months = 0", "monitor[1].every", "months from 1"),
    "order without who does it": (KOL, 'performer = "Klinik med spirometer"\n', "", 'kind = "ServiceRequest"\ntitle = "Spir', "activity[2].kind", "names who does it"),
    "task with who does it": (KOL, 'title = "Gennemgang', 'performer = "Klinik"\ntitle = "Gennemgang', 'kind = "Task"\nperformer', "activity[3].kind", "a `Task` does not"),
    "activity with another than the control": (KOL, 'with = "aarskontrol"', 'with = "motion"', 'with = "motion"', "activity[2].with", "`with` names what"),
    "activity with the control that comes more seldom": (KOL, 'every = { months = 12 }\nwith', 'every = { months = 24 }\nwith', 'with = "aarskontrol"', "activity[2].with", "no longer than that of the control"),
    "one activity of two kinds": (HJERTE, 'kind = "Task"\ntitle = "Rør', 'kind = "ServiceRequest"\nperformer = "Klinik"\ntitle = "Rør', 'kind = "ServiceRequest"\nperformer = "Klinik"', "activity[4].kind", "is a Task in another plan"),
    "served but not followed": (KOL, '"fev1_fvc", "gold_grade"]', '"fev1_fvc", "hba1c"]', '"fev1_fvc", "hba1c"]', "activity[2].serves", "served but not followed"),
    "activity twice": (KOL, 'id = "spirometri"', 'id = "aarskontrol"', 'id = "aarskontrol"\nkind = "ServiceRequest"', "activity[2].id", "join the two"),
    "check twice": (KOL, 'id = "eksacerbationer"', 'id = "symptomer"', 'id = "symptomer"\nsays = "Eks', "check[3].id", "join the two"),
    "plan kept for ever": (KOL, "[maintained]\nmonths = 12\n", "", "", "", "`maintained` is missing"),
    "unknown formula": (EGFR, '"egfr-ckd-epi-2009"', '"egfr-ckd-epi-2099"', '"egfr-ckd-epi-2099"', "derived.formula", "did you mean `egfr-ckd-epi-2009`"),
    "formula of another unit": (EGFR, '"egfr-ckd-epi-2009"', '"non-hdl"', '"non-hdl"', "derived.formula", "gives `mmol/L`"),
    "computed from what is no measure": (EGFR, 'from = ["creatinine"]', 'from = ["kreatinin"]', 'from = ["kreatinin"]', "derived.from", "did you mean `creatinine`"),
    "computed from another unit": (EGFR, 'from = ["creatinine"]', 'from = ["weight"]', 'from = ["weight"]', "derived.from", "takes creatinine in `umol/L`"),
    "computed from too many": (EGFR, 'from = ["creatinine"]', 'from = ["creatinine", "weight"]', 'from = ["creatinine", "weight"]', "derived.from", "takes 1 inputs"),
    "computed from itself": ("measures/hba1c_dcct.toml", "goal = false", 'goal = false\nderived = { formula = "hba1c-ifcc", from = ["hba1c_dcct"], source = { title = "x", publisher = "y", url = "https://z" } }', "derived = {", "derived.from", "from itself"),
    "computed without a source": (EGFR, "source = { title", "kilde = { title", "[derived]", "derived", "`source` is missing"),
    "told beside nothing": ("measures/egfr_2021.toml", 'beside = "egfr"', 'beside = "efgr"', '"efgr"', "derived.beside", "did you mean `egfr`"),
    "conversion both ways": (LDL_MEASURE, "molar_mass = 386.65", 'molar_mass = 386.65\nformula = "hba1c-ifcc"', "[[conversion]]", "conversion[1]", "write one of them"),
    "conversion without a source": (LDL_MEASURE, "source = {", "kilde = {", "[[conversion]]", "conversion[1]", "`source` is missing"),
    "conversion from a unit without mass": (LDL_MEASURE, 'unit = "mg/dL"', 'unit = "U/L"', '"U/L"', "conversion[1].unit", "does not lead from `U/L`"),
    "conversion by the wrong formula": (HBA1C_MEASURE, 'unit = "%"\nformula = "hba1c-ifcc"', 'unit = "%"\nformula = "bmi"', '"bmi"', "conversion[1].formula", "does not lead from `%`"),
    "molar mass of nothing": (LDL_MEASURE, "molar_mass = 386.65", "molar_mass = 0", "molar_mass = 0", "conversion[1].molar_mass", "above 0"),
    "broken TOML": (LDL, 'id = "LDL-05"', 'id = "LDL-05', 'id = "LDL-05', "", "this is not TOML"),
    "key twice": (LDL, 'id = "LDL-05"', 'id = "LDL-05"\nid = "LDL-05"', 'id = "LDL-05"\nwhen', "", "this is not TOML"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused_at_its_line(folder: Path, mistake: str) -> None:
    name, old, new, sign, place, message = MISTAKES[mistake]
    text = spoil(folder, name, old, new)
    found = [f for f in faults_of(folder) if message in f.message]
    assert found, "\n".join(f.says() for f in faults_of(folder))
    if mistake in ("ring through a table", "row id of another table"):
        return  # reported where the other half stands; see the tests below
    fault = found[0]
    assert (fault.file, fault.expression) == (name, place)
    assert fault.line == (line_of(text, sign) if sign else 1), fault.says()


@pytest.mark.parametrize("mistake", sorted(set(MISTAKES) - {"ring of facts", "fact not defined", "fact read two ways"}))
def test_one_mistake_does_not_drag_many_faults_behind_it(folder: Path, mistake: str) -> None:
    name, old, new, *_ = MISTAKES[mistake]
    spoil(folder, name, old, new)
    assert len(faults_of(folder)) <= 4, "\n".join(f.says() for f in faults_of(folder))


def test_faults_of_all_files_come_together_in_order(folder: Path) -> None:
    spoil(folder, MRC, "priority = 22", "prioritet = 22")
    spoil(folder, LDL, '1.4, unit = "mmol/L"', '1.4, unit = "mg/dL"')
    spoil(folder, LDL, 'says = "Lav SCORE2', 'sayz = "Lav SCORE2')
    spoil(folder, DERIVED, '{ fact = "pad" }', '{ fact = "padd" }')
    found = faults_of(folder)
    assert [fault.file for fault in found] == [DERIVED, MRC, LDL, LDL, LDL]
    assert [fault.line for fault in found[2:]] == sorted(fault.line for fault in found[2:])


def test_message_lists_every_fault_with_file_and_line(folder: Path) -> None:
    text = spoil(folder, SBP, '{ fact = "hf" }', '{ fact = "hff" }')
    with pytest.raises(KnowledgeFaulty) as refused:
        load_knowledge(folder)
    first, line = str(refused.value).splitlines()
    assert first == "1 fault in the knowledge files"
    assert line.startswith(f"targets/sbp.toml:{line_of(text, 'hff')}: row[6].when: ")


def test_unreadable_file_does_not_make_its_names_unknown_elsewhere(folder: Path) -> None:
    spoil(folder, DIAGNOSES, 'id = "t2d"', 'id = "t2d')
    (fault,) = faults_of(folder)
    assert fault.file == DIAGNOSES and "not TOML" in fault.message


def test_file_that_is_not_utf8_is_refused(folder: Path) -> None:
    (folder / MRC).write_bytes('name = "åndenød"'.encode("latin-1"))
    (fault,) = faults_of(folder)
    assert (fault.file, fault.line) == (MRC, 1) and "UTF-8" in fault.message


def test_file_under_another_name_is_refused(folder: Path) -> None:
    (folder / MRC).rename(folder / "measures" / "aandenoed.toml")
    (fault,) = faults_of(folder)
    assert fault.file == "measures/aandenoed.toml" and "`mrc`" in fault.message


def test_file_in_no_known_folder_is_refused(folder: Path) -> None:
    (folder / "rules").mkdir()
    (folder / LDL).rename(folder / "rules" / "ldl.toml")
    faults = faults_of(folder)
    assert [f.file for f in faults] == ["measures/ldl.toml", "rules/ldl.toml"]
    assert "no table rules ldl" in faults[0].message and "targets" in faults[1].message


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path)
    assert "no knowledge files" in fault.message


def test_row_id_of_another_table_is_refused_in_the_later_file(folder: Path) -> None:
    spoil(folder, "targets/dbp.toml", 'id = "DBP-03"', 'id = "LDL-03"')
    spoil(folder, "targets/dbp.toml", 'expects = "DBP-03"', 'expects = "LDL-03"')
    odd, second = faults_of(folder)
    assert (odd.file, odd.expression) == ("targets/dbp.toml", "row[3].id") and "begin with DBP-" in odd.message
    assert (second.file, second.expression) == (LDL, "row[3].id") and "twice" in second.message


@pytest.mark.parametrize(
    ("have", "need", "holds"),
    [
        (Condition("x", "above", D("3")), Condition("x", "at-least", D("3")), True),
        (Condition("x", "at-least", D("3")), Condition("x", "above", D("3")), False),
        (Condition("x", "at-least", D("4")), Condition("x", "above", D("3")), True),
        (Condition("x", "below", D("3")), Condition("x", "at-most", D("3")), True),
        (Condition("x", "at-most", D("3")), Condition("x", "below", D("3")), False),
        (Condition("x", "below", D("3")), Condition("x", "above", D("1")), False),
        (Condition("x", "is", "low"), Condition("x", "is", "high"), False),
        (Condition("x"), Condition("y"), False),
        (Condition("x", "below", D("3"), or_unknown=True), Condition("x", "below", D("4")), False),
        (Group("all", (Condition("x"),)), Group("all", (Condition("x"),)), True),
        (Group("all", (Condition("x"), Condition("y"))), Condition("x"), True),
        (Group("any", (Condition("x"), Condition("y"))), Condition("x"), False),
        (Condition("x"), Group("any", (Condition("x"), Condition("y"))), True),
        (Condition("x"), Group("all", (Condition("x"), Condition("y"))), False),
        (Condition("x", "is", "low"), Condition("x", "is-not", "high"), True),
        (Condition("sick"), Condition("bad"), True),
        (Condition("bad"), Condition("sick"), False),
        (Condition("egfr", "below", D("15")), Condition("sick"), True),
        (Condition("both"), Condition("sick"), True),
        (Condition("sick", or_unknown=True), Condition("bad"), False),
    ],
)
def test_one_question_implies_another_only_when_it_is_as_tight(have: Term, need: Term, holds: bool) -> None:
    sick = AnyOf((Condition("heart"), Condition("egfr", "below", D("30"))))
    facts = {"sick": sick, "bad": AnyOf((Condition("sick"), Condition("frail"))), "both": AllOf((Condition("heart"),))}
    assert implies(have, need, facts) is holds


@pytest.mark.parametrize(
    ("one", "other", "never"),
    [
        (Condition("x", "above", D("3")), Condition("x", "below", D("3")), True),
        (Condition("x", "at-least", D("3")), Condition("x", "at-most", D("3")), False),
        (Condition("x", "at-least", D("3")), Condition("x", "below", D("3")), True),
        (Condition("x", "below", D("5")), Condition("x", "above", D("3")), False),
        (Condition("x", "below", D("3")), Condition("x", "above", D("5")), True),
        (Condition("x", "above", D("3")), Condition("x", "above", D("5")), False),
        (Condition("x", "is", "low"), Condition("x", "is", "high"), True),
        (Condition("x", "is", "low"), Condition("x", "is-not", "high"), False),
        (Condition("x", "is-not", "low"), Condition("x", "is", "low"), True),
        (Condition("x"), Condition("x", "is", False), True),
        (Condition("x"), Condition("y", "is", False), False),
        (Condition("x", or_unknown=True), Condition("x", "is", False, or_unknown=True), False),
        (Group("all", (Condition("x"),)), Condition("x", "is", False), False),
    ],
)
def test_questions_that_exclude_each_other(one: Term, other: Term, never: bool) -> None:
    assert contradict(one, other) is never and contradict(other, one) is never


def test_untouched_copy_is_accepted(folder: Path) -> None:
    assert load_knowledge(folder) == load_knowledge()


def test_faults_hold_nothing_but_names_and_lines(folder: Path) -> None:
    spoil(folder, MRC, "priority = 22", "prioritet = 22")
    (fault,) = faults_of(folder)
    assert str(folder) not in fault.says()
