"""«Hvorfor er mit mål sådan?»: what a target rests on, in words a patient knows.

Made from the same explanation as the clinician's words (`domain.account`), but plainer: the rule's own sentence to the
patient, what is known of the person, and that a target is provisional. All Danish stands in the tables at the top.
Style: LIX at most 34, 15 words a sentence or fewer. What a patient should not first read on a screen (how long one
has left, how frail one is) is named without its value.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from careplan.domain.chart import Fact
from careplan.domain.danish import day_text, fact_name, measure_of
from careplan.domain.explanation import Explanation
from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Reading
from careplan.views import wording

_IS: Mapping[str, tuple[str, str]] = {
    "t2d": ("Du har diabetes type 2.", "Du har ikke diabetes type 2."),
    "t2d_adult": ("Du har diabetes type 2.", "Du har ikke diabetes type 2."),
    "kol_code": ("Du har KOL.", "Du har ikke KOL."),
    "ihd_code": ("Du har en sygdom i hjertets årer.", "Du har ikke en sygdom i hjertets årer."),
    "ihd_adult": ("Du har en sygdom i hjertets årer.", "Du har ikke en sygdom i hjertets årer."),
    "coronary_revascularisation": ("Du har fået hjælp til hjertets årer.", "Du er ikke opereret i hjertets årer."),
    "risk_code_adult": (
        "Du har højt blodtryk eller for meget fedt i blodet.",
        "Du har ikke højt blodtryk eller for meget fedt i blodet.",
    ),
    "ischaemic_stroke_or_tia": ("Du har haft en blodprop i hjernen.", "Du har ikke haft en blodprop i hjernen."),
    "pad": ("Du har en sygdom i benenes årer.", "Du har ikke en sygdom i benenes årer."),
    "hf": ("Dit hjerte pumper for svagt.", "Dit hjerte pumper ikke for svagt."),
    "af": ("Dit hjerte slår ujævnt.", "Dit hjerte slår ikke ujævnt."),
    "hypertension": ("Du har højt blodtryk.", "Du har ikke højt blodtryk."),
    "dementia": ("Du har demens.", "Du har ikke demens."),
    "hypo_risk_drug": ("Du får medicin, som kan give lavt blodsukker.", "Din medicin giver sjældent lavt blodsukker."),
    "lipid_drug": ("Du får medicin mod kolesterol.", "Du får ikke medicin mod kolesterol."),
    "bp_drug": ("Du får medicin mod højt blodtryk.", "Du får ikke medicin mod højt blodtryk."),
    "male": ("Du er mand.", "Du er kvinde."),
    "alive": ("Du lever.", "Du lever ikke."),
    "own_gp": ("Du hører til i klinikken.", "Du hører til i en anden klinik."),
    "limited_life_expectancy": ("Din læge har set på hele dit helbred.", "Din læge har set på hele dit helbred."),
    "severe_hypoglycaemia_12m": (
        "Du har haft meget lavt blodsukker det sidste år.",
        "Du har ikke haft meget lavt blodsukker det sidste år.",
    ),
    "treatment_resistant_ht": ("Dit blodtryk er svært at få ned.", "Dit blodtryk er ikke svært at få ned."),
    "family_history_premature_cvd": (
        "En i din nære familie blev tidligt syg i hjertet.",
        "Ingen i din nære familie blev tidligt syg i hjertet.",
    ),
}
"""What is so, and what is not."""

_HOW_MUCH: Mapping[str, str] = {
    "age": "Du er {value} år.",
    "cfs": "Din læge har set på, hvor stærk din krop er.",
    "orthostatic_drop_mmhg": "Dit blodtryk falder {value}, når du rejser dig.",
    "hba1c_at_diagnosis": "Dit langtidsblodsukker var {value}, da du fik diabetes.",
    "fev1_fvc": "Du puster {percent} procent af luften ud på et sekund.",
    "t2d_duration_years": "Du har haft diabetes i {value} år.",
    "kol_duration_years": "Du har haft KOL i {value} år.",
}
_UNDER_A_YEAR: Mapping[str, str] = {
    "t2d_duration_years": "Du har haft diabetes i under et år.",
    "kol_duration_years": "Du har haft KOL i under et år.",
}
_RISK: Mapping[str, str] = {
    "low": "Din risiko for en blodprop er lav.",
    "moderate": "Din risiko for en blodprop er middel.",
    "high": "Din risiko for en blodprop er høj.",
    "very_high": "Din risiko for en blodprop er meget høj.",
}

_WANTED: Mapping[str, str] = {
    "age": "din alder",
    "male": "dit køn",
    "alive": "om du lever",
    "t2d_adult": "hvornår du fik diabetes",
    "ihd_adult": "hvornår dit hjerte blev sygt",
    "risk_code_adult": "hvornår du blev syg",
    "hypo_risk_drug": "hvad du får af medicin",
    "lipid_drug": "hvad du får af medicin",
    "bp_drug": "hvad du får af medicin",
    "own_gp": "din læge",
    "cfs": "hvor stærk din krop er",
    "limited_life_expectancy": "hvordan dit helbred er i alt",
    "severe_hypoglycaemia_12m": "om du har haft meget lavt blodsukker",
    "treatment_resistant_ht": "om dit blodtryk er svært at få ned",
    "orthostatic_drop_mmhg": "om dit blodtryk falder, når du rejser dig",
    "score2_category": "din risiko for en blodprop",
    "family_history_premature_cvd": "om din familie har syge hjerter",
    "t2d_duration_years": "hvornår du fik diabetes",
    "kol_duration_years": "hvornår du fik KOL",
    "hba1c_at_diagnosis": "dit blodsukker, da du fik diabetes",
    "hba1c": "dit langtidsblodsukker",
    "ldl": "dit dårlige kolesterol",
    "uacr_mg_g": "protein i din urin",
    "egfr": "hvordan dine nyrer virker",
    "bmi": "din vægt og højde",
    "fev1_fvc": "hvor hurtigt du kan puste ud",
    "fev1_pct": "din lungekraft",
    "spo2": "ilten i dit blod",
    "mrc": "din åndenød",
    "cat": "din KOL-score",
    "exacerbations_12m": "hvor tit din KOL er blevet værre",
    "smoking": "om du ryger",
}
"""What the clinic would like to know."""


def rests_on(explained: Explanation, knowledge: Knowledge) -> tuple[tuple[str, str], ...]:
    """(sentence, day) of each fact the rule was chosen by; a sentence once."""
    found: dict[str, str] = {}
    for fact in explained.because:
        if fact.name != "alive":  # nobody needs to be told
            found.setdefault(fact_sentence(fact, knowledge), day_text(fact))
    return tuple(found.items())


def fact_sentence(fact: Fact, knowledge: Knowledge) -> str:
    """«Du har diabetes type 2.», «Tallet for dine nyrer er 55.»; of a fact nobody put in plain words, its name."""
    value, measure = fact.value, measure_of(fact.name, knowledge)
    if isinstance(value, bool):
        said = _IS.get(fact.name)
        return (said[0] if value else said[1]) if said else f"{fact_name(fact.name, knowledge)}: {_yes(value)}."
    if isinstance(value, Decimal) and fact.name in _HOW_MUCH:
        return _how_much(fact.name, value)
    if measure is not None:
        at = datetime(fact.on.year, fact.on.month, fact.on.day, tzinfo=UTC) if fact.on else datetime.min
        return wording.value_sentence(measure, Reading(measure.id, value, at, "", comparator=fact.comparator))
    return _RISK.get(str(value)) or f"{fact_name(fact.name, knowledge)}: {value}."


def _how_much(name: str, value: Decimal) -> str:
    whole = int(value)
    if whole < 1 and name in _UNDER_A_YEAR:
        return _UNDER_A_YEAR[name]
    return _HOW_MUCH[name].format(value=whole, percent=int(value * 100))


def _yes(value: bool) -> str:
    return "ja" if value else "nej"


def wanted(explained: Explanation, knowledge: Knowledge) -> tuple[str, ...]:
    """What is missing, each as «hvor stærk din krop er»."""
    return tuple(wanted_text(gap.fact, knowledge) for gap in explained.gaps)


def wanted_text(name: str, knowledge: Knowledge) -> str:
    return _WANTED.get(name) or fact_name(name, knowledge)
